"""This API as OpenAPI 3.1, made from the route table and the schemas of its bodies.

A route that is not in the table is not served, and one in the table is described: the two cannot drift apart.

Source: OpenAPI 3.1.0; RFC 9457 for `Problem`.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import orjson

from hub.web.context import Access, Route
from hub.web.openapi_schemas import SCHEMAS
from hub.web.problems import CONTENT_TYPE, problem_response
from schemas.document import JSONValue

_PARAMETER: Final = re.compile(r"\{([a-z]+)(?::[^}]*)?\}")
_PARAMETER_TEXTS: Final[Mapping[str, tuple[JSONValue, str]]] = {
    "oin": ({"type": "string", "pattern": "^[0-9]{20}$"}, "OIN of an organisation"),
    "jti": ({"type": "string", "format": "uuid"}, "id of a message (UUIDv7)"),
    "name": ({"type": "string"}, "name of a definition"),
    "digest": ({"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"}, "SHA-256 of a text, base64url"),
    "path": ({"type": "string"}, "`<N>[.p/<W>]`: the rest of a tile's path, C2SP tlog-tiles"),
    "level": ({"type": "integer", "minimum": 0, "maximum": 63}, "level of a tile"),
    "index": ({"type": "integer", "minimum": 0}, "index of a log entry"),
    "after": ({"type": "integer", "minimum": -1, "default": -1}, "log index beyond which to begin"),
    "limit": ({"type": "integer", "minimum": 1, "maximum": 200, "default": 200}, "how many entries at most"),
    "wait": ({"type": "integer", "minimum": 0, "default": 0}, "seconds that a long poll may wait"),
    "size": ({"type": "integer", "minimum": 1}, "tree size"),
    "from": ({"type": "integer", "minimum": 1}, "smaller tree size"),
    "to": ({"type": "integer", "minimum": 1}, "larger tree size"),
    "kind": (
        {
            "type": "array",
            "items": {"type": "string", "enum": ["PARTICIPANT", "CHAIN", "CATALOGUE", "STOP", "RESUMPTION"]},
            "minItems": 1,
        },
        "kinds of entries",
    ),
}


def make_openapi(routes: Sequence[Route], *, server: str, version: str) -> bytes:
    """Write the description.

    Args:
        routes: The route table.
        server: Base URL of the API.
        version: Version of the software.
    """
    paths: dict[str, dict[str, JSONValue]] = {}
    for route in routes:
        paths.setdefault(_PARAMETER.sub(r"{\1}", route.path), {})[route.method.lower()] = _operation(route)
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Ketenhub",
                "version": version,
                "summary": "Signed, sealed and purpose-bound case messages; what is disclosed stands in the log",
                "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
            },
            "servers": [{"url": server}],
            "paths": paths,
            "components": {
                "schemas": dict(SCHEMAS),
                "responses": {
                    "Problem": {
                        "description": "What went wrong, and who must act (RFC 9457)",
                        "content": _content("Problem", (CONTENT_TYPE,)),
                    },
                    "TokenProblem": {
                        "description": "The same, with the members that OAuth clients look for (RFC 6749, section 5.2)",
                        "content": _content("TokenProblem", ("application/json",)),
                    },
                },
                "securitySchemes": {
                    "dpop": {
                        "type": "http",
                        "scheme": "DPoP",
                        "description": "Access token from `/oauth/token`, with a proof in the header `DPoP` (RFC 9449)",
                    },
                    "operator": {"type": "http", "scheme": "bearer", "description": "The operator's token"},
                },
            },
        }
    )


def _operation(route: Route) -> JSONValue:
    operation: dict[str, JSONValue] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": _parameters(route),
        "responses": _responses(route),
        "security": _security(route.access),
    }
    if route.takes:
        operation["requestBody"] = {"required": True, "content": _content(route.body, route.takes)}
    return operation


def _responses(route: Route) -> dict[str, JSONValue]:
    """Describe every answer: a good one, others that are no problems, and by default the problem in its form."""
    form = "Problem" if route.problem is problem_response else "TokenProblem"
    return {
        str(route.status): {"description": "Done", "content": _content(route.answer, route.gives)},
        **{
            str(status): {"description": "Not so", "content": _content(schema, route.gives)}
            for status, schema in route.others.items()
        },
        "default": {"$ref": f"#/components/responses/{form}"},
    }


def _content(schema: str, media_types: Sequence[str]) -> dict[str, JSONValue]:
    return {media: {"schema": {"$ref": f"#/components/schemas/{schema}"}} for media in media_types}


def _parameters(route: Route) -> list[JSONValue]:
    found: list[JSONValue] = [_parameter(name, "path", required=True) for name in _PARAMETER.findall(route.path)]
    found += [_parameter(name.removesuffix("!"), "query", required=name.endswith("!")) for name in route.query]
    if route.name == "createToken":
        proof: JSONValue = {
            "name": "DPoP",
            "in": "header",
            "required": True,
            "schema": {"type": "string"},
            "description": "DPoP proof of the key to bind the token to",
        }
        found.append(proof)
    return found


def _parameter(name: str, where: str, *, required: bool) -> JSONValue:
    schema, text = _PARAMETER_TEXTS[name]
    return {"name": name, "in": where, "required": required, "schema": schema, "description": text}


def _security(access: Access) -> JSONValue:
    if access == Access.TOKEN:
        return [{"dpop": []}]
    if access == Access.SIGNED:
        # The body's own signature is enough up to 256 KiB.
        return [{}, {"dpop": []}]
    return [{}, {"operator": []}] if access == Access.OPERATOR else []
