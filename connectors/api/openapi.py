"""The API as OpenAPI 3.1, made from the route table and the schemas of its bodies.

Source: OpenAPI 3.1.0; RFC 9457 for `Problem`.
"""

import re
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Final

import orjson

from connectors.api.calls import Route
from connectors.api.openapi_schemas import SCHEMAS
from connectors.api.problems import CONTENT_TYPE
from schemas.document import JSONValue

_PARAMETER: Final = re.compile(r"\{([a-z]+)\}")
_PLACES: Final[Mapping[str, tuple[JSONValue, str]]] = {
    "message": ({"type": "string", "format": "uuid"}, "id of a message"),
    "record": ({"type": "string", "format": "uuid"}, "id of a consent record"),
    "number": ({"type": "integer", "minimum": 1}, "number in the connector's journal"),
    "kind": ({"type": "string", "enum": ["read", "accepted", "refused"]}, "kind of answer"),
    "part": ({"type": "string", "enum": ["evidence", "fhir", "native"]}, "which file"),
}
_AFTER: Final[JSONValue] = {
    "name": "after",
    "in": "query",
    "schema": {"type": "integer", "minimum": -1, "default": -1},
    "description": "beyond which to begin: `next` of the page before",
}
_KEY: Final[JSONValue] = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "a repeat under this key gets the first answer; without a key the same content does",
}


def make_openapi(routes: Sequence[Route]) -> bytes:
    """Write the description."""
    paths: dict[str, dict[str, JSONValue]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return orjson.dumps(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Ketenhub connector",
                "version": version("ketenhub"),
                "summary": "Questions, consents and messages, for the organisation's own systems on this machine",
                "license": {"name": "EUPL-1.2", "identifier": "EUPL-1.2"},
            },
            "servers": [{"url": "/"}],
            "security": [{"token": []}],
            "paths": paths,
            "components": {
                "schemas": dict(SCHEMAS),
                "responses": {
                    "Problem": {
                        "description": "What went wrong, and who must act (RFC 9457)",
                        "content": {CONTENT_TYPE: _of("Problem")},
                    }
                },
                "securitySchemes": {
                    "token": {"type": "http", "scheme": "bearer", "description": "What `keys/api.token` holds"}
                },
            },
        }
    )


def _operation(route: Route) -> JSONValue:
    parameters: list[JSONValue] = [_place(name) for name in _PARAMETER.findall(route.path)]
    parameters += [_AFTER] if route.paged else []
    parameters += [_KEY] if route.effect else []
    good: JSONValue = {"description": "Done"}
    if route.answer:
        good = {"description": "Done", "content": {route.gives: _of(route.answer)}}
    operation: dict[str, JSONValue] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": parameters,
        "responses": {
            **{str(int(status)): good for status in (route.status, *route.others)},
            "default": {"$ref": "#/components/responses/Problem"},
        },
    }
    if route.takes:
        content: dict[str, JSONValue] = {media: _of(route.body) for media in route.takes}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _place(name: str) -> JSONValue:
    schema, text = _PLACES[name]
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": text}


def _of(schema: str) -> JSONValue:
    return {"schema": {"$ref": f"#/components/schemas/{schema}"}}
