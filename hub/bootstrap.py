"""The one place that chooses drivers and wires a hub process; everything else takes what it is given.

async with open_hub(settings, process="serve-8080") as hub, serving(hub) as url: ...
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from audit.note import NoteSigner, parse_vkey
from hub.attention import Attention
from hub.catalogues import Catalogues
from hub.enforcement import Enforcement
from hub.exchange.directory import publish_definitions
from hub.exchange.services import Services, World
from hub.keys import conninfo, named_in_refusal, read_log_key, read_registrar
from hub.ports import Outbox, RateLimits, ReplayGuard, Store
from hub.settings import Settings, is_set, read_secret
from hub.storage.local import LocalRateLimits, LocalReplayGuard, LocalWakeUps
from hub.storage.postgresql.catalogues import PostgreSQLCatalogues
from hub.storage.postgresql.connection import open_pool
from hub.storage.postgresql.database import Database, open_database
from hub.storage.postgresql.persons import PostgreSQLAttention
from hub.storage.postgresql.store import PostgreSQLStore
from hub.storage.redis import RedisRateLimits, RedisReplayGuard, RedisServer, RedisWakeUps, connect_redis
from hub.sweeps import keep_sweeping
from hub.web.app import new_stopping
from hub.web.bodies import BodyAllowance
from hub.web.context import HubWeb, LogIdentity, ProcessState
from hub.web.metrics import Metrics
from hub.web.openapi import make_openapi
from hub.web.routes import ROUTES
from hub.web.tokens import TokenKey
from hub.worker.outbox import CeleryOutbox, NoOutbox
from hub.worlds import LogWorlds
from schemas.canonical import b64url_decode
from schemas.clock import Clock, SystemClock
from schemas.definitions import Definitions, json_schemas, load_definitions
from schemas.identifiers import OIN, HubName
from schemas.jwk import VerificationKey
from schemas.randomness import Randomness, SystemRandomness


def software_version() -> str:
    """Return the version of the installed software."""
    try:
        return version("ketenhub")
    except PackageNotFoundError:
        return "0"


@contextlib.asynccontextmanager
async def open_hub(
    settings: Settings, *, clock: Clock | None = None, randomness: Randomness | None = None
) -> AsyncIterator[HubWeb]:
    """Open everything that one hub process works with, publish its definitions, and sweep in the background.

    Args:
        settings: Checked settings.
        clock: Time; the machine's by default.
        randomness: The operating system's by default.

    Raises:
        DocumentError: A key's file cannot be used, or the database is not migrated.
        UnavailableError: The database could not be reached.
        EvidenceError: The database is not the one that this hub's guard knows: it must not start.
    """
    clock, randomness = clock or SystemClock(), randomness or SystemRandomness()
    signer, registrar = read_log_key(settings), read_registrar(settings)
    token_key = _read_token_key(settings)
    definitions = load_definitions()
    metrics = Metrics()
    async with contextlib.AsyncExitStack() as stack:
        database = await stack.enter_async_context(_database(settings, signer=signer, clock=clock))
        worlds = _worlds(database, registrar=registrar, definitions=definitions)
        wake_ups, rate_limits, replay_guard, redis = await _helpers(settings, stack)
        services = Services(
            hub=HubName(settings.hub.name),
            registrar=registrar,
            log=database.log,
            store=database.store,
            persons=database.persons,
            attention=database.attention,
            catalogues=database.catalogues,
            worlds=worlds,
            definitions=definitions,
            wake_ups=wake_ups,
            outbox=_outbox(settings, worlds, stack),
            rate_limits=rate_limits,
            randomness=randomness,
        )
        hub = HubWeb(
            settings=settings,
            services=services,
            clock=clock,
            token_key=token_key,
            log_identity=LogIdentity(origin=signer.name, vkey=signer.public.vkey, predecessors=_predecessors(settings)),
            rate_limits=rate_limits,
            replay_guard=replay_guard,
            newest_world=worlds.refresh_soon,
            database_answers=database.answers,
            redis_answers=redis.answers if redis else None,
            metrics_token=read_secret(settings.web.metrics_token) if is_set(settings.web.metrics_token) else None,
            definition_schemas=json_schemas(definitions),
            openapi=make_openapi(ROUTES, server=settings.api, version=software_version()),
            allowance=BodyAllowance(bytes_max=settings.web.body_bytes_in_flight_max),
            metrics=metrics,
            state=ProcessState(stopping=new_stopping()),
        )
        metrics.bodies_in_flight.set_function(lambda: hub.allowance.held)
        metrics.log_size.set_function(lambda: database.log.sequencer.size)
        metrics.clock_difference.set_function(lambda: database.log.sequencer.clock.difference_ms / 1000)
        metrics.show_enforcement(lambda: _enforcement(worlds.current(), at=hub.clock.now()))
        await stack.enter_async_context(worlds.running(contradicted=hub.contradicted))
        await publish_definitions(services=services)
        sweeping = asyncio.create_task(_sweep(hub))
        stack.push_async_callback(_end, sweeping)
        yield hub


def _enforcement(world: World, *, at: datetime) -> tuple[Enforcement, int]:
    return world.enforcement, sum(each.canary and each.in_force(at) for each in world.directory)


async def _sweep(hub: HubWeb) -> None:
    await keep_sweeping(
        silence_seconds=hub.settings.work.canary_silence_seconds,
        every_seconds=hub.settings.work.sweep_seconds,
        now=hub.clock.now,
        services=hub.services,
        metrics=hub.metrics,
        contradicted=hub.contradicted,
    )


def _database(
    settings: Settings, *, signer: NoteSigner, clock: Clock
) -> contextlib.AbstractAsyncContextManager[Database]:
    storage = settings.storage
    return open_database(
        conninfo(settings), signer=signer, guard_folder=storage.guard, clock=clock, pool_max=storage.pool_max
    )


def _worlds(database: Database, *, registrar: VerificationKey, definitions: Definitions) -> LogWorlds:
    return LogWorlds(
        registrar=registrar,
        log=database.log,
        store=database.store,
        catalogues=database.catalogues,
        definitions=definitions,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the worker and commands read with.

    Attributes:
        store: Messages and participants.
        attention: Notices.
        registrar: The pinned key that admits participants.
    """

    store: Store
    attention: Attention
    registrar: VerificationKey


@contextlib.asynccontextmanager
async def open_reading(settings: Settings) -> AsyncIterator[Reading]:
    """Open the database for reading only, and the registrar's key: for the worker and for commands.

    There is no log and no guard: who reads cannot append.

    Raises:
        DocumentError: The registrar's key cannot be used.
    """
    async with open_pool(conninfo(settings), size_max=2) as pool:
        yield Reading(
            store=PostgreSQLStore(pool=pool),
            attention=PostgreSQLAttention(pool=pool),
            registrar=read_registrar(settings),
        )


@contextlib.asynccontextmanager
async def open_catalogues(settings: Settings) -> AsyncIterator[tuple[Catalogues, VerificationKey]]:
    """Open what was done about the catalogue for reading only, and the registrar's key: for commands.

    Raises:
        DocumentError: The registrar's key cannot be used.
    """
    async with open_pool(conninfo(settings), size_max=1) as pool:
        yield PostgreSQLCatalogues(pool=pool), read_registrar(settings)


async def _end(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _helpers(
    settings: Settings, stack: contextlib.AsyncExitStack
) -> tuple[LocalWakeUps | RedisWakeUps, RateLimits, ReplayGuard, RedisServer | None]:
    """Choose what helps and is never the authority: a Redis server, or this process alone."""
    if not settings.redis.url:
        return LocalWakeUps(), LocalRateLimits(), LocalReplayGuard(), None
    password = read_secret(settings.redis.password).decode() if is_set(settings.redis.password) else None
    server = await stack.enter_async_context(
        connect_redis(settings.redis.url, password=password, timeout_seconds=settings.redis.timeout_ms / 1000)
    )
    wake_ups = RedisWakeUps(server)
    await stack.enter_async_context(wake_ups.running())
    return wake_ups, RedisRateLimits(server), RedisReplayGuard(server), server


def _outbox(settings: Settings, worlds: LogWorlds, stack: contextlib.AsyncExitStack) -> Outbox:
    if not settings.redis.url:
        return NoOutbox()

    def wants(oin: OIN) -> bool:
        participant = worlds.current().directory.participant(oin)
        return participant is not None and participant.statement is not None and bool(participant.statement.notify)

    outbox = CeleryOutbox(settings=settings.redis, wants=wants)
    stack.enter_context(outbox.running())
    return outbox


def _read_token_key(settings: Settings) -> TokenKey:
    with named_in_refusal(settings.keys.token):
        secret = b64url_decode(read_secret(settings.keys.token).decode("ascii", "replace"))
        return TokenKey(secret=secret, issuer=settings.hub.issuer)


def _predecessors(settings: Settings) -> tuple[str, ...]:
    return tuple(parse_vkey(text).vkey for text in settings.keys.predecessors)
