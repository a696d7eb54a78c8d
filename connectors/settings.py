"""Settings of one organisation's connector: `connector.toml` in its home, read once and checked at the start.

The home also holds `keys/` (private: signing key, sealing seed, chain keys), `professionals.csv`, `addressbook.toml`,
`journal.sqlite` and the folders that the organisation's own systems use. Secrets are files, never settings.

    oin = "00000099000000001000"
    name = "Gemeente Voorbeeldstad"
    role = "gemeente"

    [hub]
    name = "hub.ketenhub.test"
    url = "http://127.0.0.1:8080"
    log_vkey = "hub.ketenhub.test/log/1+1a2b3c4d+AQ…"
    registrar = { kty = "OKP", crv = "Ed25519", alg = "EdDSA", x = "…" }
"""

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from schemas.codes import Capacity, Register, Role
from schemas.document import JSONValue
from schemas.errors import DocumentError, Issue
from schemas.identifiers import OIN, HubName, ProfessionalNumber
from schemas.message import Responsible

SETTINGS_FILE: Final = "connector.toml"
_LISTEN: Final = re.compile(r"(?:\[([0-9A-Fa-f:]+)\]|([0-9.]+)):([0-9]{1,5})")
"""An address and a port, as they stand in a URL; no name, for that could lead elsewhere tomorrow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HubSettings:
    """Which hub, and what is pinned about it at set-up.

    Attributes:
        name: The hub's name, as it stands in `hubs` of a message.
        url: Where its API answers, without a path.
        proxy: URL of the HTTP proxy by which it is reached; empty: none. It holds no secret.
        log_vkey: C2SP verifier key of its log; every proof is checked against it. Empty until `init` has been told.
        registrar: JWK of the registrar, who alone says who a participant is; None until `init` has been told.
    """

    name: HubName
    url: str
    log_vkey: str
    registrar: Mapping[str, JSONValue] | None
    proxy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Folders:
    """The folders that the organisation's own systems use; absolute paths.

    Attributes:
        out: Files to send are put here.
        sent: What was sent, each with `NAME.result.json`.
        refused: What was refused, each with `NAME.problem.json`.
        inbox: What was received: `ID.xml`, `ID.fhir.json`, `ID.evidence.json`.
        answers: Answers in the native format to what was put in `out`.
        questions: Questions that were received and wait for an answer: `ID.json`, removed when it is answered.
    """

    out: Path
    sent: Path
    refused: Path
    inbox: Path
    answers: Path
    questions: Path

    def each(self) -> tuple[Path, ...]:
        """All of them, for making and checking."""
        return (self.out, self.sent, self.refused, self.inbox, self.answers, self.questions)


@dataclass(frozen=True, slots=True, kw_only=True)
class StufSettings:
    """What of the StUF conventions an organisation sets otherwise; None keeps the format's own.

    Attributes:
        health_documents: Descriptions of documents that are findings on health.
        necessary_documents: Of those, the ones whose sending is itself the judgement that they are necessary.
    """

    health_documents: tuple[str, ...] | None = None
    necessary_documents: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the API for the organisation's own systems listens: on this machine, and nowhere else.

    Attributes:
        host: A loopback address.
        port: TCP port.
    """

    host: str
    port: int

    def __str__(self) -> str:
        """As it stands in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one connector is told.

    Attributes:
        home: The connector's home folder.
        oin: The organisation's own OIN.
        name: Its name, for people.
        role: What it is in the chain; the registrar's admission decides, this is what `init` asks for.
        capacities: The capacities a GI asks for.
        capacity: In which capacity a GI sends when the document does not say; None for every other role.
        receives_in: In which capacity each GI, by OIN, receives when the document does not say.
        hub: The hub.
        folders: Where files come and go.
        responsible: Who answers for a message whose document names nobody; None: such a message is refused.
        stuf: Conventions of the StUF format that this organisation sets otherwise.
        api: Where the API for its own systems listens; None: it is off.
        scan: Command that sees each attachment; empty: none.
        scan_seconds: How long the command may take for one attachment.
        poll_seconds: How often `out` is looked at and the state of sent messages is asked; also the longest that a
            stop takes.
        wait_seconds: How long one request to the inbox waits for something new, 0 to 30.
        free_bytes_min: With less room than this on the disk nothing is taken and nothing is picked up.
        warn_hours: After how many hours a message that nobody collected is reported, and how often after that.
    """

    home: Path
    oin: OIN
    name: str
    role: Role
    hub: HubSettings
    folders: Folders
    capacities: tuple[Capacity, ...] = ()
    capacity: Capacity | None = None
    receives_in: Mapping[str, Capacity] = field(default_factory=dict)
    responsible: Responsible | None = None
    stuf: StufSettings = field(default_factory=StufSettings)
    api: Listening | None = None
    scan: tuple[str, ...] = ()
    scan_seconds: int = 60
    poll_seconds: float = 2.0
    wait_seconds: int = 30
    free_bytes_min: int = 256 * 1024 * 1024
    warn_hours: int = 24

    @property
    def keys(self) -> Path:
        """Folder of the private keys; nobody else may enter it."""
        return self.home / "keys"

    @property
    def journal(self) -> Path:
        """The journal's file."""
        return self.home / "journal.sqlite"

    @property
    def professionals(self) -> Path:
        """The organisation's table of employee numbers and registrations."""
        return self.home / "professionals.csv"

    @property
    def addressbook(self) -> Path:
        """Which code of an address list is which participant."""
        return self.home / "addressbook.toml"


class _Hub(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    url: str
    proxy: str = ""
    log_vkey: str = ""
    registrar: dict[str, str] | None = None


class _Responsible(msgspec.Struct, forbid_unknown_fields=True):
    register: Register
    number: str


class _Folders(msgspec.Struct, forbid_unknown_fields=True):
    out: str = "out"
    sent: str = "sent"
    refused: str = "refused"
    inbox: str = "in"
    answers: str = "answers"
    questions: str = "questions"


class _Stuf(msgspec.Struct, forbid_unknown_fields=True):
    health_documents: tuple[str, ...] | None = None
    necessary_documents: tuple[str, ...] | None = None


class _Api(msgspec.Struct, forbid_unknown_fields=True):
    listen: str = ""


class _File(msgspec.Struct, forbid_unknown_fields=True):
    oin: str
    name: str
    role: Role
    hub: _Hub
    capacities: tuple[Capacity, ...] = ()
    capacity: Capacity | None = None
    receives_in: dict[str, Capacity] = {}
    folders: _Folders = msgspec.field(default_factory=_Folders)
    responsible: _Responsible | None = None
    stuf: _Stuf = msgspec.field(default_factory=_Stuf)
    api: _Api = msgspec.field(default_factory=_Api)
    scan: tuple[str, ...] = ()
    scan_seconds: int = 60
    poll_seconds: float = 2.0
    wait_seconds: int = 30
    free_bytes_min: int = 256 * 1024 * 1024
    warn_hours: int = 24


def parse_settings(data: str, *, home: Path) -> Settings:
    """Read `connector.toml`.

    Args:
        data: The file's text.
        home: The folder it stands in; relative folders are below it.

    Raises:
        DocumentError: It is not TOML, a setting is missing, unknown or out of its range. The text says which.
    """
    try:
        # Editors of Windows put a byte order mark before it.
        read = msgspec.convert(tomllib.loads(data.removeprefix("\ufeff")), type=_File)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _wrong(str(error)) from error
    if not 0 <= read.wait_seconds <= 30:
        raise _wrong("`wait_seconds` must be 0 to 30")
    if read.poll_seconds <= 0 or read.scan_seconds <= 0 or read.warn_hours <= 0 or read.free_bytes_min < 0:
        raise _wrong("`poll_seconds`, `scan_seconds` and `warn_hours` must be above 0, `free_bytes_min` not below")
    if not _is_allowed(read.hub.url):
        raise _wrong("`hub.url` must start with https:// (or http:// for a hub on this machine)")
    if read.hub.proxy and not _is_proxy(read.hub.proxy):
        raise _wrong("`hub.proxy` must be http://HOST:PORT or https://HOST:PORT, without a user or a password")
    try:
        return _settings_of(read, home=home)
    except DocumentError as error:
        raise _wrong(error.public_message) from error


def _is_allowed(url: str) -> bool:
    """Whether a hub may be called there: what it is asked travels in clear only within this machine."""
    try:
        parts = urlsplit(url)
        if parts.scheme == "http":
            return parts.hostname == "localhost" or ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.hostname)


def _is_proxy(url: str) -> bool:
    """Whether it names a proxy and nothing else: this file may be read by many, so it holds no password."""
    try:
        parts = urlsplit(url)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port is not None
            and "@" not in parts.netloc
            and not (parts.path.strip("/") or parts.query or parts.fragment)
        )
    except ValueError:
        return False


def _settings_of(read: _File, *, home: Path) -> Settings:
    return Settings(
        home=home,
        oin=OIN(read.oin),
        name=read.name,
        role=read.role,
        capacities=read.capacities,
        capacity=read.capacity,
        receives_in={OIN(oin).value: capacity for oin, capacity in read.receives_in.items()},
        hub=HubSettings(
            name=HubName(read.hub.name),
            url=read.hub.url.rstrip("/"),
            log_vkey=read.hub.log_vkey,
            registrar=dict(read.hub.registrar) if read.hub.registrar else None,
            proxy=read.hub.proxy,
        ),
        folders=Folders(
            out=home / read.folders.out,
            sent=home / read.folders.sent,
            refused=home / read.folders.refused,
            inbox=home / read.folders.inbox,
            answers=home / read.folders.answers,
            questions=home / read.folders.questions,
        ),
        responsible=(
            Responsible(register=read.responsible.register, number=ProfessionalNumber(read.responsible.number))
            if read.responsible
            else None
        ),
        stuf=StufSettings(
            health_documents=read.stuf.health_documents, necessary_documents=read.stuf.necessary_documents
        ),
        api=_listening(read.api.listen),
        scan=read.scan,
        scan_seconds=read.scan_seconds,
        poll_seconds=read.poll_seconds,
        wait_seconds=read.wait_seconds,
        free_bytes_min=read.free_bytes_min,
        warn_hours=read.warn_hours,
    )


def _listening(text: str) -> Listening | None:
    """Read where the API listens; None where it is off.

    Raises:
        DocumentError: It is no loopback address with a port: what is asked there travels in clear.
    """
    if not text:
        return None
    found = _LISTEN.fullmatch(text)
    if found is not None:
        host, port = found[1] or found[2], int(found[3])
        try:
            if ip_address(host).is_loopback and 0 < port < 65536:
                return Listening(host, port)
        except ValueError:
            pass
    raise _wrong("`api.listen` must be an address of this machine and a port, such as `127.0.0.1:8490`")


def load_settings(home: Path) -> Settings:
    """Read the settings of a home.

    Raises:
        DocumentError: There is no `connector.toml`, or it is wrong.
    """
    path = home / SETTINGS_FILE
    try:
        data = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise _wrong("there is none in this home; `ketenhub-connector init` writes it") from error
    except UnicodeDecodeError as error:
        raise _wrong("it is not UTF-8") from error
    return parse_settings(data, home=home)


def settings_to_toml(settings: Settings) -> str:
    """Write the settings that `init` makes, with what each does; the rest keeps its default."""
    hub = settings.hub
    registrar = ", ".join(f"{name} = {_toml(str(value))}" for name, value in sorted((hub.registrar or {}).items()))
    lines = [
        "# Instellingen van de Ketenhub-connector / settings of the Ketenhub connector.",
        f"oin = {_toml(settings.oin.value)}",
        f"name = {_toml(settings.name)}",
        f"role = {_toml(settings.role)}",
    ]
    if settings.capacities:
        lines.append(f"capacities = [{', '.join(_toml(capacity) for capacity in settings.capacities)}]")
    if settings.capacity:
        lines.append(f"capacity = {_toml(settings.capacity)}")
    lines += [
        "",
        "# Opdracht die elke bijlage ziet voor zij vertrekt of wordt afgeleverd; leeg: geen.",
        "# Command that sees each attachment before it leaves or is handed over; empty: none.",
        f"scan = [{', '.join(_toml(word) for word in settings.scan)}]",
        "",
        "# Hoe vaak `out` wordt bekeken / how often `out` is looked at, in seconds.",
        f"poll_seconds = {settings.poll_seconds}",
        f"wait_seconds = {settings.wait_seconds}",
        f"free_bytes_min = {settings.free_bytes_min}",
        "",
        "[hub]",
        f"name = {_toml(hub.name.value)}",
        f"url = {_toml(hub.url)}",
        *([f"proxy = {_toml(hub.proxy)}"] if hub.proxy else []),
        f"log_vkey = {_toml(hub.log_vkey)}",
    ]
    if registrar:
        lines.append(f"registrar = {{ {registrar} }}")
    lines += [
        "",
        "# Wie instaat voor een bericht dat niemand noemt (een notificatie) / who answers for a message that names",
        "# nobody (a notification). register: SKJ, BIG or eigen.",
    ]
    if settings.responsible:
        lines += [
            "[responsible]",
            f"register = {_toml(settings.responsible.register)}",
            f"number = {_toml(settings.responsible.number.value)}",
        ]
    else:
        lines += ["# [responsible]", '# register = "SKJ"', '# number = "…"']
    if settings.receives_in:
        lines += ["", "[receives_in]"]
        lines += [f"{_toml(oin)} = {_toml(capacity)}" for oin, capacity in sorted(settings.receives_in.items())]
    return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    """Write a TOML basic string: JSON's escapes are a subset of TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _wrong(text: str) -> DocumentError:
    code = "sender.settings.invalid"
    return DocumentError(
        f"`{SETTINGS_FILE}` is not usable: {text}", code=code, issues=[Issue(pointer="", code=code, text=text)]
    )
