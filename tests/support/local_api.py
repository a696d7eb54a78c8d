"""The API of a connector on a loopback port, and a system that calls it and holds each answer against its description.

async with local_api(agent.services) as api:
    said = await api.post("/v1/questions", {"to": …})
"""

import json
import re
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp
from jsonschema import Draft202012Validator

from connectors.agent.services import Services
from connectors.api.calls import FHIR_JSON, JSON
from connectors.api.openapi import make_openapi
from connectors.api.routes import ROUTES
from connectors.api.server import serving
from connectors.api.token import make_token, read_token
from schemas.randomness import SystemRandomness

OPENAPI = json.loads(make_openapi(ROUTES))


@dataclass(frozen=True, slots=True)
class Said:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalApi:
    """A system that has the token."""

    url: str
    token: str
    session: aiohttp.ClientSession

    async def call(
        self, method: str, path: str, *, data: Any = None, headers: Mapping[str, str] | None = None, token: bool = True
    ) -> Said:
        """Call, and hold the answer against the description."""
        given = {"Authorization": f"Bearer {self.token}"} if token else {}
        skip = ["Content-Type"] if data is not None and "Content-Type" not in (headers or {}) else []
        async with self.session.request(
            method, self.url + path, data=data, headers={**given, **(headers or {})}, skip_auto_headers=skip
        ) as answer:
            said = Said(answer.status, answer.headers, await answer.read())
        hold(said, method=method, path=path)
        return said

    async def get(self, path: str) -> Said:
        """Ask."""
        return await self.call("GET", path)

    async def post(self, path: str, value: Any = None, *, key: str | None = None, media: str = "") -> Said:
        """Post JSON, FHIR in JSON, or other bytes."""
        data = value if isinstance(value, bytes) or value is None else json.dumps(value).encode()
        is_fhir = isinstance(value, bytes) or (isinstance(value, dict) and "resourceType" in value)
        headers = {"Content-Type": media or (FHIR_JSON if is_fhir else JSON)} if data is not None else {}
        if key is not None:
            headers["Idempotency-Key"] = key
        return await self.call("POST", path, data=data, headers=headers)


@asynccontextmanager
async def local_api(services: Services) -> AsyncIterator[LocalApi]:
    """Serve the API of a connector as long as the block runs."""
    make_token(services.settings.keys, randomness=SystemRandomness())
    with socket.create_server(("127.0.0.1", 0)) as sock:
        async with serving(services, sock=sock) as url, aiohttp.ClientSession() as session:
            yield LocalApi(url=url, token=read_token(services.settings.keys), session=session)


def hold(said: Said, *, method: str, path: str) -> None:
    """Hold an answer against what the description of the API says of it."""
    assert "Access-Control-Allow-Origin" not in said.headers
    assert said.headers["Server"] == "ketenhub-connector"
    if said.status >= 400:
        assert said.headers["Content-Type"] == "application/problem+json"
        _check(said.json, {"$ref": "#/components/schemas/Problem"})
        assert all(issue["text"] and issue["text_nl"] for issue in said.json["issues"])
        return
    assert said.headers["Cache-Control"] == "no-store"
    (operation,) = (
        operations[method.lower()]
        for template, operations in OPENAPI["paths"].items()
        if re.fullmatch(re.sub(r"\{[a-z]+\}", "[^/]+", template), path.partition("?")[0])
        and method.lower() in operations
    )
    content = operation["responses"][str(said.status)].get("content", {})
    if JSON in content:
        _check(said.json, content[JSON]["schema"])
    elif not content:
        assert said.body == b""


def _check(value: Any, schema: Any) -> None:
    Draft202012Validator({**schema, "components": OPENAPI["components"]}).validate(value)
