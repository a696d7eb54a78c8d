"""What a request to the API has become when a handler gets it, and what the handler gives back."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final, TypeAlias

import orjson
from aiohttp import web

from connectors.agent.asking import Desk
from connectors.agent.handing_in import Claim
from connectors.agent.services import Services
from connectors.api.problems import UnderWayError
from schemas.document import JSONValue

JSON: Final = "application/json"
FHIR_JSON: Final = "application/fhir+json"
XML: Final = "application/xml"


@dataclass(slots=True, kw_only=True)
class Api:
    """What the handlers work with; one for each connector.

    Attributes:
        services: Those of the agent that runs beside.
        hosts: What `Host` may say.
        under_way: What is being worked on, so that it is not done twice at once.
        held: Bytes of bodies that are held now.
    """

    services: Services
    hosts: frozenset[str]
    under_way: set[str] = field(default_factory=set)
    held: int = 0

    @property
    def desk(self) -> Desk:
        """What making a document takes, now."""
        services = self.services
        return Desk(
            settings=services.settings,
            definitions=services.policy.definitions,
            at=services.clock.now(),
            randomness=services.randomness,
        )

    @contextmanager
    def alone(self, claim: Claim) -> Iterator[None]:
        """Work on a request while nobody works on the same.

        Raises:
            UnderWayError: Somebody does.
        """
        name = claim.key or claim.content
        if name in self.under_way:
            raise UnderWayError(
                "the same request is being worked on",
                "aan hetzelfde verzoek wordt al gewerkt",
                code="sender.request.under-way",
            )
        self.under_way.add(name)
        try:
            yield
        finally:
            self.under_way.discard(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request whose caller is known and whose body is here.

    Attributes:
        places: Parts of the path, by name.
        after: The query parameter `after`; -1 without.
        media_type: That of the body; empty without one.
        body: Its bytes.
        claim: By which a repeat is known.
    """

    places: Mapping[str, str]
    after: int
    media_type: str
    body: bytes = field(repr=False)
    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a handler gives back.

    Attributes:
        status: HTTP status.
        value: JSON, where it is no other data.
        data: Bytes, where it is no JSON.
        media_type: That of the bytes.
        location: Where what was made can be asked for.
    """

    status: HTTPStatus = HTTPStatus.OK
    value: JSONValue = None
    data: bytes | None = field(default=None, repr=False)
    media_type: str = JSON
    location: str | None = None

    def response(self) -> web.Response:
        """Write it."""
        if self.status == HTTPStatus.NO_CONTENT:
            return web.Response(status=self.status)
        headers = {} if self.location is None else {"Location": self.location}
        body = orjson.dumps(self.value) if self.data is None else self.data
        return web.Response(status=self.status, body=body, content_type=self.media_type, headers=headers)


Handler: TypeAlias = Callable[[Call, Api], Awaitable[Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call of the API.

    Attributes:
        method: HTTP method.
        path: With `{name}` for what changes.
        name: Its `operationId`.
        summary: What it does.
        handler: What does it.
        takes: Media types of the body; none: it has none.
        body: Schema of the body.
        bytes_max: How large the body may be.
        gives: Media type of the answer.
        answer: Schema of the answer; empty: there is none.
        status: Of a good answer.
        others: Further good answers.
        paged: Whether it has the parameter `after`.
        effect: Whether it writes something: then there must be room, and an idempotency key counts.
    """

    method: str
    path: str
    name: str
    summary: str
    handler: Handler
    takes: tuple[str, ...] = ()
    body: str = ""
    bytes_max: int = 0
    gives: str = JSON
    answer: str = ""
    status: HTTPStatus = HTTPStatus.OK
    others: tuple[HTTPStatus, ...] = ()
    paged: bool = False
    effect: bool = False
