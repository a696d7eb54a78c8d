"""What every handler gets: the services of the use cases, the ports that only HTTP needs, and what was asked."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol, TypeAlias

import orjson
from aiohttp import web

from hub.exchange.services import Services, World
from hub.exchange.stages import Arrival
from hub.logs import Event, record
from hub.ports import RateLimits, ReplayGuard
from hub.settings import Settings
from hub.web.bodies import BodyAllowance
from hub.web.metrics import Metrics
from hub.web.problems import problem_response
from hub.web.tokens import TokenKey
from schemas.clock import Clock
from schemas.document import JSONValue
from schemas.errors import EvidenceError, ExchangeError
from schemas.identifiers import OIN, Thumbprint
from schemas.participants import Participant


@dataclass(slots=True)
class ProcessState:
    """What changes in the life of a process.

    Attributes:
        stopping: Done when the process stops; long polls end with it.
        contradiction: Set once the log contradicted itself: from then on nothing is accepted or released.
        long_polls: How many requests of each participant wait for something to come.
        catalogues: What was last said of the catalogue's life, after what it was made of.
    """

    stopping: "asyncio.Future[None]"
    contradiction: EvidenceError | None = field(default=None)
    long_polls: "Counter[OIN]" = field(default_factory=Counter)
    catalogues: tuple[object, bytes] = (None, b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogIdentity:
    """How this hub's log is known.

    Attributes:
        origin: Origin of its checkpoints.
        vkey: Key that signs them.
        predecessors: vkeys of earlier logs of this hub, oldest first.
    """

    origin: str
    vkey: str
    predecessors: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HubWeb:
    """Everything a handler may use; one for each process.

    Attributes:
        newest_world: Reads who takes part, seldom however many ask: for a participant that is not known here.
        database_answers: Asks the database.
        redis_answers: Asks the Redis server, if there is one.
        metrics_token: Bearer token for `/metrics`; None: from the machine itself only.
        definition_schemas: JSON Schema of each definition, by name.
        openapi: The description of this API.
    """

    settings: Settings
    services: Services
    clock: Clock
    token_key: TokenKey
    log_identity: LogIdentity
    rate_limits: RateLimits
    replay_guard: ReplayGuard
    newest_world: Callable[[], Awaitable[World]]
    database_answers: Callable[[], Awaitable[bool]]
    redis_answers: Callable[[], Awaitable[bool]] | None
    metrics_token: bytes | None
    definition_schemas: Mapping[str, JSONValue]
    openapi: bytes
    allowance: BodyAllowance
    metrics: Metrics
    state: ProcessState

    def contradicted(self, error: EvidenceError, *, trace_id: str = "") -> None:
        """Stop accepting and releasing: the log contradicts itself, and an operator must look."""
        if self.state.contradiction is None:
            self.state.contradiction = error
            self.metrics.contradicted.set(1)
            record(
                Event.LOG_CONTRADICTED, level=logging.CRITICAL, code=error.code, detail=error.detail, trace_id=trace_id
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, by token and DPoP proof.

    Attributes:
        participant: Admitted, in force, and the token's signing key is its newest.
        jkt: DPoP key that it showed.
    """

    participant: Participant
    jkt: Thumbprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, after everything that HTTP asks of it has held.

    Attributes:
        request: For its path and query.
        arrival: When it came, under which trace.
        caller: Who asks; None where no token is needed and none came.
        body: The whole body; empty where the route takes none.
        address: Client's address, for limits.
    """

    request: web.Request
    arrival: Arrival
    caller: Caller | None
    body: bytes
    address: str

    @property
    def participant(self) -> Participant:
        """The caller, where the route needs a token."""
        assert self.caller is not None, "the route needs a token"
        return self.caller.participant


Handler: TypeAlias = Callable[[Call, HubWeb], Awaitable[web.StreamResponse]]


class MakeProblem(Protocol):
    """Makes the answer for an error, in the form that a route's clients know."""

    def __call__(self, error: ExchangeError, *, trace_id: str) -> web.Response:
        """Make it."""
        ...


class Access(StrEnum):
    """Who may ask."""

    OPEN = "open"
    """Anybody; nothing that is answered is secret."""
    SIGNED = "signed"
    """Whoever signed the body; a large body needs a token all the same."""
    TOKEN = "token"  # noqa: S105 - a kind of access, no secret
    """A participant with an access token."""
    OPERATOR = "operator"
    """The operator, from the machine itself or with the operator's token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One call of the API: where it is, who may ask, what it takes and gives.

    Attributes:
        method: HTTP method.
        path: Template, as aiohttp and OpenAPI write it.
        name: `operationId`.
        summary: What it does, for the OpenAPI description.
        handler: What answers.
        access: Who may ask.
        takes: Media types of the body; empty: it has none.
        gives: Media types of the answer.
        body: Name of the body's schema in the OpenAPI description.
        answer: Name of the answer's schema.
        status: Status of a good answer.
        others: Schemas of answers with other statuses that are no problems.
        problem: Makes the answer for an error.
        query: Query parameters; a `!` after a name: it must be there.
        effect: Whether it accepts or releases: what stops when the log contradicts itself.
        body_bytes_max: Largest body that needs no token, where it is another than the setting; 0: it is not.
    """

    method: str
    path: str
    name: str
    summary: str
    handler: Handler
    access: Access
    takes: tuple[str, ...] = ()
    gives: tuple[str, ...] = ("application/json",)
    body: str = ""
    answer: str = ""
    status: int = 200
    others: Mapping[int, str] = field(default_factory=dict)
    problem: MakeProblem = problem_response
    query: tuple[str, ...] = ()
    effect: bool = False
    body_bytes_max: int = 0


class Logged(Protocol):
    """An answer that is an entry with its proof."""

    @property
    def index(self) -> int:
        """Place of the entry."""
        ...

    @property
    def entry(self) -> str:
        """Its exact text."""
        ...

    @property
    def tlog_proof(self) -> str:
        """Its proof."""
        ...


def entry_to_json(logged: Logged) -> dict[str, object]:
    """Write an entry with its proof: the members are the same wherever one is answered."""
    return {"index": logged.index, "entry": logged.entry, "tlog_proof": logged.tlog_proof}


def json_response(value: object, *, status: int = 200, content_type: str = "application/json") -> web.Response:
    """Answer with JSON that no cache may keep."""
    return web.Response(status=status, body=orjson.dumps(value), content_type=content_type, headers=_NO_STORE)


_NO_STORE = {"Cache-Control": "no-store"}
