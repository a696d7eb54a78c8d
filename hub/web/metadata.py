"""What anybody may know: who this hub is, by which keys, limits, grounds and definitions it works.

Sources: RFC 8414 (authorization server metadata); RFC 9449, section 5.1; RFC 8615 (well-known URIs).
"""

from aiohttp import web

from consent.grounds import Catalogue
from hub.exchange.authenticate import FUTURE_SECONDS_MAX
from hub.exchange.services import policy_in_force
from hub.web.context import Call, HubWeb, json_response
from schemas.canonical import DEPTH_MAX
from schemas.codes import SignatureAlgorithm
from schemas.errors import RejectedMessageError
from schemas.message import ELEMENTS_MAX, PICKUP_SECONDS_MAX, SUBJECTS_MAX
from schemas.requests import RELEASE_IDS_MAX

WIRE_VERSIONS = ("1",)
ATTACHMENT_BYTES_MAX = 16 * 1024 * 1024


async def authorization_server(_: Call, hub: HubWeb) -> web.Response:
    """`GET /.well-known/oauth-authorization-server`."""
    algorithms = [algorithm.value for algorithm in SignatureAlgorithm]
    return json_response(
        {
            "issuer": hub.settings.hub.issuer,
            "token_endpoint": f"{hub.settings.api}/oauth/token",
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "token_endpoint_auth_signing_alg_values_supported": algorithms,
            "grant_types_supported": ["client_credentials"],
            "response_types_supported": [],
            "dpop_signing_alg_values_supported": algorithms,
            "service_documentation": f"{hub.settings.api}/openapi.json",
        }
    )


async def about(_: Call, hub: HubWeb) -> web.Response:
    """`GET /.well-known/ketenhub`."""
    settings, log, known = hub.settings, hub.log_identity, hub.services.definitions
    policy = hub.services.worlds.current().policy
    body: dict[str, object] = {
        "hub": settings.hub.name,
        "issuer": settings.hub.issuer,
        "api": settings.api,
        "log": {"origin": log.origin, "vkey": log.vkey, "predecessors": list(log.predecessors)},
        "registrar": hub.services.registrar.to_jwk(),
        "limits": {
            "body_bytes_max": settings.web.body_bytes_max,
            "body_bytes_max_unauthenticated": settings.web.body_bytes_max_unauthenticated,
            "attachment_bytes_max": ATTACHMENT_BYTES_MAX,
            "elements_max": ELEMENTS_MAX,
            "subjects_max": SUBJECTS_MAX,
            "depth_max": DEPTH_MAX,
            "pickup_seconds_max": PICKUP_SECONDS_MAX,
            "future_seconds_max": FUTURE_SECONDS_MAX,
            "release_ids_max": RELEASE_IDS_MAX,
            "long_poll_seconds_max": settings.web.long_poll_seconds_max,
            "access_token_seconds": settings.web.access_token_seconds,
        },
        "definitions": {"digest": known.digest, "version": known.version},
        "catalogue": _named(policy.catalogue) if policy else None,
        "versions": list(WIRE_VERSIONS),
    }
    return json_response(body)


async def grounds(_: Call, hub: HubWeb) -> web.Response:
    """`GET /v1/grounds`: the catalogue in force, as the exact text that its digest is over."""
    catalogue = policy_in_force(hub.services.worlds.current()).catalogue
    return json_response(_named(catalogue) | {"text": catalogue.data.decode()})


def _named(catalogue: Catalogue) -> dict[str, str]:
    return {"digest": catalogue.digest, "version": catalogue.version}


async def definitions(_: Call, hub: HubWeb) -> web.Response:
    """`GET /v1/definitions`: names of the definitions in force."""
    found = hub.services.definitions
    return json_response(
        {
            "digest": found.digest,
            "version": found.version,
            "profiles": sorted(found.profiles),
            "message_types": sorted(found.message_types),
        }
    )


async def definition(call: Call, hub: HubWeb) -> web.Response:
    """`GET /v1/definitions/{name}`: the JSON Schema of a message type's labels."""
    name = call.request.match_info["name"]
    schemas = hub.definition_schemas
    if name not in schemas:
        raise RejectedMessageError("no such definition", code="recipient.definition.unknown")
    return json_response(schemas[name], content_type="application/schema+json")
