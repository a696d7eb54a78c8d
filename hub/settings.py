"""Settings of a hub: read once, checked at the start with every issue listed, frozen after that.

A setting stands in a TOML file, in a table of its section, and can be overridden by an environment variable:
`KETENHUB_<SECTION>_<NAME>`, in capitals. A secret is never a setting: it is the path of a file that holds it, so that
it shows in no process list and no dump of an environment. What is unsafe says so in its name, and `environment =
"production"` refuses to start with it.

    [hub]
    name = "hub.example.nl"
    issuer = "https://hub.example.nl"
    environment = "production"

    [keys]
    log = "/etc/ketenhub/log.skey"
    token = "/etc/ketenhub/token.key"
    registrar = "/etc/ketenhub/registrar.jwk.json"

    [storage]
    postgresql = "host=db.internal dbname=ketenhub user=hub"
    postgresql_password = "/etc/ketenhub/postgresql.password"
    guard = "/var/lib/ketenhub/guard"

`describe_settings()` lists every setting with its unit, default and effect.
"""

# ruff: noqa: RUF009 - `_setting` is `dataclasses.field` with a unit and an effect

import dataclasses
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar, cast
from urllib.parse import SplitResult, urlsplit

from schemas.errors import DocumentError, Issue
from schemas.identifiers import HubName

ENVIRONMENT_PREFIX: Final = "KETENHUB"
ENVIRONMENTS: Final = ("production", "local")
PORT_MAX: Final = 65535

_T = TypeVar("_T")
_REQUIRED: Final = object()
_ABSENT: Final = Path()


def _setting(default: Any = _REQUIRED, *, unit: str, effect: str) -> Any:
    """Declare a setting (`Any`: the type stands at the field, as with `dataclasses.field`)."""
    metadata = {"unit": unit, "effect": effect}
    return field(metadata=metadata) if default is _REQUIRED else field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """Who this hub is."""

    name: str = _setting(unit="DNS name", effect="the hub's name in messages, tags and seals; never changes")
    issuer: str = _setting(unit="URL", effect="issuer of access tokens, and the only audience of client assertions")
    api: str = _setting("", unit="URL", effect="base URL of the API, as participants reach it; empty: the issuer")
    environment: str = _setting(
        "production", unit="production or local", effect="`production` refuses everything that is named unsafe"
    )
    operator: str = _setting(
        "", unit="OIN", effect="the operator's organisation: names the source of notifications; empty: the hub's name"
    )
    log_origin: str = _setting("", unit="text", effect="origin of the log's checkpoints; empty: `<name>/log/1`")


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySettings:
    """Files that hold keys; readable by the hub's user only."""

    log: Path = _setting(unit="path", effect="secret note key that signs checkpoints; its name is the origin")
    token: Path = _setting(unit="path", effect="32 random bytes, base64url: authenticates access tokens; all processes")
    registrar: Path = _setting(unit="path", effect="public JWK of the registrar, pinned: who admits participants")
    predecessors: tuple[str, ...] = _setting(
        (), unit="vkeys", effect="vkeys of earlier logs of this hub that ended, oldest first"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageSettings:
    """Where the exchange and its log are kept."""

    postgresql: str = _setting(unit="libpq conninfo or URL", effect="the database; without a password in it")
    postgresql_password: Path = _setting(_ABSENT, unit="path", effect="file with the database password")
    pool_max: int = _setting(10, unit="connections", effect="most connections of one process")
    guard: Path = _setting(
        unit="path", effect="folder of the rollback guard, on a disk of its own; each process has a file in it"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisSettings:
    """Wake-ups, replay guard, rate limits and the broker. Never the authority: empty means without."""

    url: str = _setting("", unit="redis:// or unix:// URL", effect="the server; empty: none; without a password in it")
    password: Path = _setting(_ABSENT, unit="path", effect="file with the server's password")
    timeout_ms: int = _setting(250, unit="milliseconds", effect="how long one call may take before it is given up")


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    """The HTTP service."""

    host: str = _setting("127.0.0.1", unit="address", effect="address to listen on; TLS ends at the proxy before it")
    port: int = _setting(8080, unit="port", effect="port to listen on; 0: any free one")
    trusted_proxies: int = _setting(
        0, unit="count", effect="how many proxies append to X-Forwarded-For; 0: the header is not read"
    )
    body_bytes_max: int = _setting(32 * 1024 * 1024, unit="bytes", effect="largest body; a larger one gets 413")
    body_bytes_max_unauthenticated: int = _setting(
        256 * 1024, unit="bytes", effect="largest body without an access token; a larger one gets 401"
    )
    body_bytes_in_flight_max: int = _setting(
        64 * 1024 * 1024, unit="bytes", effect="bodies held at once by one process; beyond it 503 with Retry-After"
    )
    body_seconds_max: int = _setting(
        15, unit="seconds", effect="time a body may take, and one second more for each 64 KiB; then 408"
    )
    idle_seconds_max: int = _setting(
        75, unit="seconds", effect="a connection without a whole request in this time is closed"
    )
    long_poll_seconds_max: int = _setting(30, unit="seconds", effect="longest wait of the inbox")
    requests_per_minute: int = _setting(
        6000, unit="requests", effect="per address and minute; beyond it 429 with Retry-After; 0: no limit"
    )
    tokens_per_minute: int = _setting(
        120, unit="requests", effect="access tokens asked for per participant and minute; 0: no limit"
    )
    access_token_seconds: int = _setting(600, unit="seconds", effect="how long an access token lives")
    metrics_token: Path = _setting(
        _ABSENT, unit="path", effect="file with the bearer token for /metrics; empty: loopback only"
    )
    shutdown_seconds: int = _setting(20, unit="seconds", effect="how long requests may take to end at a stop")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkSettings:
    """What the hub does outside requests."""

    sweep_seconds: int = _setting(60, unit="seconds", effect="how often expiry and retention run, in each process")
    warn_after_hours: int = _setting(24, unit="hours", effect="age at which an uncollected message is warned about")
    canary_silence_minutes: int = _setting(
        60, unit="minutes", effect="how long no canary may be refused before the proof of the decisions is overdue"
    )
    notification_attempts_max: int = _setting(8, unit="count", effect="how often a notification is tried")
    notification_timeout_seconds: int = _setting(10, unit="seconds", effect="how long one notification may take")
    unsafe_notify_anywhere: bool = _setting(
        default=False, unit="yes or no", effect="also notify by http and at private addresses: local stack only"
    )

    @property
    def canary_silence_seconds(self) -> int:
        """How long ago the newest refusal of a canary may be."""
        return self.canary_silence_minutes * 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of a hub."""

    hub: HubSettings
    keys: KeySettings
    storage: StorageSettings
    redis: RedisSettings = RedisSettings()
    web: WebSettings = WebSettings()
    work: WorkSettings = WorkSettings()

    @property
    def api(self) -> str:
        """Base URL of the API, without a slash at its end."""
        return (self.hub.api or self.hub.issuer).rstrip("/")

    @property
    def log_origin(self) -> str:
        """Origin of the log's checkpoints."""
        return self.hub.log_origin or f"{self.hub.name}/log/1"


def describe_settings() -> tuple[tuple[str, str, str, str], ...]:
    """List every setting: name, unit, default, effect."""
    return tuple(
        (f"{section.name}.{each.name}", each.metadata["unit"], _shown_default(each), each.metadata["effect"])
        for section in dataclasses.fields(Settings)
        for each in dataclasses.fields(_section_type(section))
    )


def load_settings(path: Path | None, *, environment: Mapping[str, str]) -> Settings:
    """Read and check the settings.

    Args:
        path: TOML file; None for settings from the environment alone. Relative paths in it count from its folder.
        environment: Environment variables, such as `os.environ`.

    Raises:
        DocumentError: A setting is missing, unknown, of the wrong form or not permitted; every issue is listed.
    """
    reader = _Reader(base=path.parent if path else Path.cwd())
    tables = _tables(path, reader)
    known = {section.name for section in dataclasses.fields(Settings)}
    for name in sorted(tables.keys() - known):
        reader.wrong(f"/{name}", "no such section")
    sections = {
        section.name: reader.section(section.name, _section_type(section), tables.get(section.name, {}), environment)
        for section in dataclasses.fields(Settings)
    }
    reader.raise_if_any()
    settings = Settings(**cast("Any", sections))  # each section was made by its own type just above
    for pointer, text in _contradictions(settings):
        reader.wrong(pointer, text)
    reader.raise_if_any()
    return settings


def read_secret(path: Path) -> bytes:
    """Return what a secret's file holds, without white space around it.

    Raises:
        DocumentError: The file cannot be read, is empty, or others than its owner and group may read it.
    """
    try:
        mode = path.stat().st_mode
        data = path.read_bytes().strip()
    except OSError as error:
        raise _refused(f"`{path}` cannot be read: {error.strerror}") from error
    if mode & 0o007:
        raise _refused(f"`{path}` is open to every user of this machine: take their rights away")
    if not data:
        raise _refused(f"`{path}` is empty")
    return data


def is_set(path: Path) -> bool:
    """Whether an optional path was given."""
    return path != _ABSENT


class _Reader:
    """Collects every issue instead of stopping at the first."""

    def __init__(self, *, base: Path) -> None:
        self._base = base
        self._issues: list[Issue] = []

    def wrong(self, pointer: str, text: str) -> None:
        self._issues.append(Issue(pointer=pointer, code="hub.settings.invalid", text=text))

    def raise_if_any(self) -> None:
        if self._issues:
            raise DocumentError("the settings cannot be used", issues=self._issues)

    def section(self, name: str, kind: type[_T], table: object, environment: Mapping[str, str]) -> _T | None:
        if not isinstance(table, dict):
            self.wrong(f"/{name}", "a table is needed here")
            table = {}
        fields = {each.name: each for each in dataclasses.fields(cast("Any", kind))}
        for unknown in sorted(table.keys() - fields.keys()):
            self.wrong(f"/{name}/{unknown}", _GONE.get(f"{name}.{unknown}", "no such setting"))
        for gone, text in _GONE.items():
            variable = f"{ENVIRONMENT_PREFIX}_{gone.replace('.', '_')}".upper()
            if gone.startswith(f"{name}.") and variable in environment:
                self.wrong(f"/{gone.replace('.', '/')} ({variable})", text)
        values: dict[str, object] = {}
        for each in fields.values():
            variable = f"{ENVIRONMENT_PREFIX}_{name}_{each.name}".upper()
            pointer = f"/{name}/{each.name}"
            if variable in environment:
                values[each.name] = self._from_text(environment[variable], each.type, f"{pointer} ({variable})")
            elif each.name in table:
                values[each.name] = self._from_toml(table[each.name], each.type, pointer)
            elif each.default is dataclasses.MISSING:
                self.wrong(pointer, f"is missing: {each.metadata['unit']}, {each.metadata['effect']}")
        complete = all(each.name in values or each.default is not dataclasses.MISSING for each in fields.values())
        return kind(**values) if complete else None

    def _from_text(self, text: str, kind: object, pointer: str) -> object:
        if kind is bool:
            if text in ("true", "false"):
                return text == "true"
            self.wrong(pointer, "`true` or `false` is needed here")
            return False
        if kind is int:
            return self._from_toml(int(text) if re.fullmatch(r"[0-9]{1,15}", text) else text, kind, pointer)
        if kind == tuple[str, ...]:
            return tuple(part.strip() for part in text.split(",") if part.strip())
        return self._from_toml(text, kind, pointer)

    def _from_toml(self, value: object, kind: object, pointer: str) -> object:
        converted = _convert(value, kind, base=self._base)
        if converted is None:
            self.wrong(pointer, f"{_WANTED[kind]} is needed here")
        return converted


_GONE: Final[Mapping[str, str]] = {
    "hub.catalogue": "no file decides any more: take the setting away; the board of the catalogue brings one into force"
    " by its steps (`ketenhub-policy propose`), and what is in force stays so until then",
}
"""Settings that there were, with what to do instead: a hub that ignored one would not do what its operator thinks."""

_WANTED: Final[Mapping[object, str]] = {
    Path: "a path",
    int: "a whole number from 0",
    bool: "true or false",
    tuple[str, ...]: "a list of texts",
    str: "a text",
}


def _convert(value: object, kind: object, *, base: Path) -> object:
    """Return the value as its setting's type, or None if it is none."""
    good: object = None
    if kind is Path and isinstance(value, str) and value:
        good = base / Path(value).expanduser()
    elif kind is int and isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        good = value
    elif kind == tuple[str, ...] and isinstance(value, list) and all(isinstance(each, str) for each in value):
        good = tuple(value)
    elif (kind is bool and isinstance(value, bool)) or (kind is str and isinstance(value, str)):
        good = value
    return good


def _tables(path: Path | None, reader: _Reader) -> dict[str, Any]:
    """Read the file (`Any`: TOML as parsed; each value is checked by its setting)."""
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reader.wrong("", f"`{path}` cannot be read: {error.strerror}")
    except UnicodeDecodeError:
        reader.wrong("", f"`{path}` is not UTF-8")
    except tomllib.TOMLDecodeError as error:
        reader.wrong("", f"`{path}` is not TOML: {error}")
    reader.raise_if_any()
    raise AssertionError("unreachable: an issue was raised above")


def _contradictions(settings: Settings) -> Iterator[tuple[str, str]]:
    """Find what no single setting shows, and what its environment forbids."""
    production = settings.hub.environment == "production"
    yield from _wrong_hub(settings.hub, production=production)
    yield from _wrong_servers(settings.storage, settings.redis)
    yield from _wrong_limits(settings)
    if production:
        yield from _unsafe(settings)


def _wrong_hub(hub: HubSettings, *, production: bool) -> Iterator[tuple[str, str]]:
    if hub.environment not in ENVIRONMENTS:
        yield "/hub/environment", f"one of {', '.join(ENVIRONMENTS)} is needed here"
    try:
        HubName(hub.name)
    except DocumentError:
        yield "/hub/name", "a DNS name in lower case is needed here"
    if hub.operator and not re.fullmatch(r"[0-9]{20}", hub.operator):
        yield "/hub/operator", "an OIN of 20 digits is needed here"
    for name, url in (("issuer", hub.issuer), ("api", hub.api or hub.issuer)):
        parts = _parsed(url)
        if parts.scheme not in ("https", "http") or not parts.netloc or parts.query or parts.fragment or parts.username:
            yield f"/hub/{name}", "a URL with scheme, host and at most a path is needed here"
        elif production and parts.scheme != "https":
            yield f"/hub/{name}", "must be https in production"


def _wrong_servers(storage: StorageSettings, redis: RedisSettings) -> Iterator[tuple[str, str]]:
    if _has_password(storage.postgresql):
        yield "/storage/postgresql", "a password stands in it: use `postgresql_password`, the path of a file"
    if redis.url and _parsed(redis.url).scheme not in ("redis", "rediss", "unix"):
        yield "/redis/url", "a redis://, rediss:// or unix:// URL is needed here"
    if _has_password(redis.url):
        yield "/redis/url", "a password stands in it: use `password`, the path of a file"


def _wrong_limits(settings: Settings) -> Iterator[tuple[str, str]]:
    if settings.web.port > PORT_MAX:
        yield "/web/port", f"a port from 0 to {PORT_MAX} is needed here"
    if settings.web.body_bytes_max > settings.web.body_bytes_in_flight_max:
        yield "/web/body_bytes_max", "larger than `body_bytes_in_flight_max`: such a body could never come in"
    if settings.storage.pool_max < 2:
        yield "/storage/pool_max", "at least 2 are needed: one for the log's sequencer, one for reading"
    for section, name in _AT_LEAST_ONE:
        if getattr(getattr(settings, section), name) < 1:
            yield f"/{section}/{name}", "at least 1 is needed here"


_AT_LEAST_ONE: Final = (
    ("web", "body_bytes_max"),
    ("web", "body_seconds_max"),
    ("web", "idle_seconds_max"),
    ("web", "access_token_seconds"),
    ("redis", "timeout_ms"),
    ("work", "sweep_seconds"),
    ("work", "warn_after_hours"),
    ("work", "canary_silence_minutes"),
    ("work", "notification_attempts_max"),
    ("work", "notification_timeout_seconds"),
)


def _unsafe(settings: Settings) -> Iterator[tuple[str, str]]:
    for section in dataclasses.fields(settings):
        values = getattr(settings, section.name)
        for each in dataclasses.fields(values):
            if each.name.startswith("unsafe_") and getattr(values, each.name) != each.default:
                yield f"/{section.name}/{each.name}", "is refused in production"


def _has_password(server: str) -> bool:
    """Whether a password stands in a connection string or URL, also as one of its parameters."""
    return re.search(r"password\s*=", server) is not None or _parsed(server).password is not None


def _parsed(url: str) -> SplitResult:
    """Return a URL's parts; of what is none, no parts at all."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return urlsplit("")
    return parts


def _section_type(section: "dataclasses.Field[Any]") -> "type[Any]":
    """Return the dataclass of a section (`Any`: the six section types share no base)."""
    assert isinstance(section.type, type)
    return section.type


def _shown_default(each: "dataclasses.Field[Any]") -> str:
    if each.default is dataclasses.MISSING:
        return "required"
    return "empty" if each.default in (_ABSENT, "", ()) else str(each.default)


def _refused(text: str) -> DocumentError:
    code = "hub.settings.secret"
    return DocumentError(text, code=code, issues=[Issue(pointer="", code=code, text=text)])
