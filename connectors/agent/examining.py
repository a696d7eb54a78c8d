"""Why a first message would not flow: each check in plain words, before anyone has to ask.

A finding is OK, a warning, or a fault; a fault keeps messages from flowing. Checks that need what failed are left out.
"""

import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Final, assert_never

import aiohttp

from connectors.agent.catalogues import newest_at_hub
from connectors.agent.files import NOT_TAKEN_SHOWN_MAX, not_taken
from connectors.agent.keystore import open_to_others
from connectors.agent.lock import is_running
from connectors.agent.recording import today
from connectors.agent.renewing import renewals_due
from connectors.agent.services import Services
from connectors.sdk.addresses import parse_addressbook
from connectors.sdk.answers import Metadata
from connectors.sdk.catalogues import Enacted, NotEnacted
from connectors.sdk.dutch import in_dutch
from connectors.sdk.professionals import parse_professionals
from connectors.sdk.transport import printable
from connectors.settings import Settings
from consent.grounds import Catalogue
from schemas.canonical import canonical_json
from schemas.codes import CHAIN_KEY_ROLES, Role
from schemas.errors import DocumentError, ExchangeError
from schemas.participants import Participant

AHEAD_SECONDS_MAX: Final = 5.0
APART_SECONDS_MAX: Final = 60.0
NAME_CHARACTERS_MAX: Final = 100
WIRE_VERSION: Final = "1"


class Grade(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding, in Dutch and in English: what was looked at, and what to do."""

    grade: Grade
    nl: str
    en: str


def ok(nl: str, en: str) -> Finding:
    """All is well."""
    return Finding(grade=Grade.OK, nl=nl, en=en)


def warning(nl: str, en: str) -> Finding:
    """Messages flow, but somebody should look."""
    return Finding(grade=Grade.WARNING, nl=nl, en=en)


def fault(nl: str, en: str) -> Finding:
    """Messages do not flow."""
    return Finding(grade=Grade.FAULT, nl=nl, en=en)


def examine_home(settings: Settings) -> Iterator[Finding]:
    """Check what needs no hub: folders, rights, room, tables, scan command."""
    yield from _folders(settings)
    for path in open_to_others(settings.keys):
        yield fault(
            f"Anderen op deze machine kunnen `{path}` lezen. Zet de rechten op 0600 (map: 0700).",
            f"Others on this machine can read `{path}`. Set its rights to 0600 (folder: 0700).",
        )
    free = shutil.disk_usage(settings.home).free
    if free < settings.free_bytes_min:
        yield fault(
            f"De schijf is bijna vol ({free >> 20} MiB vrij): er wordt niets aangenomen of opgehaald.",
            f"The disk is nearly full ({free >> 20} MiB free): nothing is taken or picked up.",
        )
    yield from _tables(settings)
    yield from _unattended(settings)
    if settings.scan and shutil.which(settings.scan[0]) is None:
        yield fault(
            f"De scanopdracht `{settings.scan[0]}` is niet te vinden; bijlagen wachten daarop.",
            f"The scan command `{settings.scan[0]}` cannot be found; attachments wait for it.",
        )
    if settings.responsible is None:
        yield warning(
            "Er is geen standaard voor wie instaat voor een bericht dat niemand noemt ([responsible] in"
            " connector.toml); een notificatie wordt zonder geweigerd.",
            "No default says who answers for a message that names nobody ([responsible] in connector.toml); a"
            " notification is refused without.",
        )


def _folders(settings: Settings) -> Iterator[Finding]:
    trouble = False
    for folder in settings.folders.each():
        probe = folder / ".doctor.part"
        try:
            probe.write_bytes(b"x")
            probe.replace(folder / ".doctor.tmp")
            (folder / ".doctor.tmp").unlink()
        except OSError as error:
            trouble = True
            yield fault(
                f"In de map `{folder}` kan niet worden geschreven: {error.strerror}.",
                f"The folder `{folder}` cannot be written: {error.strerror}.",
            )
    if not trouble:
        yield ok("De mappen zijn te lezen en te schrijven.", "The folders can be read and written.")


def _unattended(settings: Settings) -> Iterator[Finding]:
    """Say what waits for somebody: a service that is not started, and files that it cannot take."""
    if not is_running(settings.home):
        yield warning(
            "De connector draait niet: tot `ketenhub-connector run` (de dienst) wordt er niets verzonden of opgehaald.",
            "The connector is not running: until `ketenhub-connector run` (the service) nothing is sent or collected.",
        )
    with suppress(OSError):  # a folder that cannot be read has its own finding
        for name, nl, en in not_taken(settings.folders)[:NOT_TAKEN_SHOWN_MAX]:
            yield fault(f"`{name}` blijft in `out` staan: {nl}.", f"`{name}` stays in `out`: {en}.")


def _tables(settings: Settings) -> Iterator[Finding]:
    for path, parse in ((settings.professionals, parse_professionals), (settings.addressbook, parse_addressbook)):
        if not path.exists():
            continue
        try:
            parse(path.read_bytes())
        except DocumentError as error:
            issues = "; ".join(issue.text for issue in error.issues[:5])
            yield fault(f"`{path.name}` is niet te gebruiken: {issues}.", f"`{path.name}` is not usable: {issues}.")


async def examine_hub(services: Services, *, at: datetime) -> tuple[list[Finding], Metadata | None]:
    """Check that the hub answers, is the one that was pinned, and that the clocks agree."""
    settings = services.settings
    try:
        metadata = await services.hub.metadata()
    except ExchangeError as error:
        return [
            fault(
                f"De hub antwoordt niet op {settings.hub.url} ({error.code}). Klopt het adres, en mag deze machine er"
                " naar buiten?",
                f"The hub does not answer at {settings.hub.url} ({error.code}). Is the address right, and may this"
                " machine reach it?",
            )
        ], None
    name = printable(metadata.hub, most=NAME_CHARACTERS_MAX)
    found = [ok(f"De hub `{name}` antwoordt.", f"The hub `{name}` answers.")]
    found += _pins(settings, metadata)
    found += _clock(await _date_of(settings), at)
    return found, metadata


def _pins(settings: Settings, metadata: Metadata) -> Iterator[Finding]:
    if metadata.hub != settings.hub.name.value:
        name = printable(metadata.hub, most=NAME_CHARACTERS_MAX)
        yield fault(
            f"Op dit adres antwoordt de hub `{name}`, niet `{settings.hub.name.value}`.",
            f"At this address the hub `{name}` answers, not `{settings.hub.name.value}`.",
        )
    if metadata.log.vkey != settings.hub.log_vkey:
        yield fault(
            "De hub noemt een andere logsleutel dan hier is vastgelegd. Vraag de beheerder van de hub waarom, voordat"
            " u iets verandert. Zet een nieuw log het oude voort, dan is er een ondertekende verklaring: `log accept`.",
            "The hub names another log key than the one pinned here. Ask its operator why before you change anything."
            " If a new log continues the old one, there is a signed statement: `log accept`.",
        )
    pinned = canonical_json(dict(settings.hub.registrar or {}))
    if canonical_json(dict(metadata.registrar)) != pinned:
        yield fault(
            "De hub noemt een andere registrar dan hier is vastgelegd.",
            "The hub names another registrar than the one pinned here.",
        )
    if WIRE_VERSION not in metadata.versions:
        yield fault(
            "De hub spreekt een andere versie; werk deze connector bij.",
            "The hub speaks another version; upgrade this connector.",
        )


async def _date_of(settings: Settings) -> datetime | None:
    """Ask the hub for the time, by the header that every answer has."""
    try:
        async with (
            aiohttp.ClientSession(proxy=settings.hub.proxy or None) as session,
            session.get(f"{settings.hub.url}/.well-known/ketenhub", allow_redirects=False) as response,
        ):
            return parsedate_to_datetime(response.headers["Date"])
    except (aiohttp.ClientError, TimeoutError, KeyError, ValueError):
        return None


def _clock(theirs: datetime | None, at: datetime) -> Iterator[Finding]:
    if theirs is None:
        return
    ahead = (at - theirs).total_seconds()
    if ahead > AHEAD_SECONDS_MAX:
        yield fault(
            f"De klok van deze machine loopt {ahead:.0f} s voor op die van de hub; de hub weigert dan. Zet NTP aan.",
            f"This machine's clock is {ahead:.0f} s ahead of the hub's, which then refuses. Turn on NTP.",
        )
    elif -ahead > APART_SECONDS_MAX:
        yield fault(
            f"De klok van deze machine loopt {-ahead:.0f} s achter op die van de hub. Zet NTP aan.",
            f"This machine's clock is {-ahead:.0f} s behind the hub's. Turn on NTP.",
        )
    else:
        yield ok("De klokken lopen gelijk.", "The clocks agree.")


async def examine_participation(services: Services, metadata: Metadata, *, at: datetime) -> list[Finding]:
    """Check that we take part, with our keys, and that a message of ours would have a ground."""
    try:
        directory = await services.directory.refresh(services.hub, at=at)
    except ExchangeError as error:
        return [
            fault(
                f"De lijst van deelnemers klopt niet met het log ({error.code}). Waarschuw de beheerder van de hub.",
                f"The list of participants does not fit the log ({error.code}). Tell the hub's operator.",
            )
        ]
    own = directory.participant(services.settings.oin)
    if own is None:
        return [
            fault(
                "De verklaring van deze organisatie staat niet in het log. Laat admission-request.json ondertekenen en"
                " doe `ketenhub-connector join`.",
                "This organisation's statement is not in the log. Have admission-request.json signed and run"
                " `ketenhub-connector join`.",
            )
        ]
    found = list(_own(services, own, at=at))
    found += await _access(services)
    found += await _chain(services, own)
    found += await _catalogue(services, metadata)
    found += _grounds(services, own, [each for each in directory if each.oin != own.oin])
    return found


def _own(services: Services, own: Participant, *, at: datetime) -> Iterator[Finding]:
    if not own.in_force(at):
        yield fault(
            "De toelating van deze organisatie geldt vandaag niet. Vraag de registrar.",
            "This organisation's admission does not hold today. Ask the registrar.",
        )
    if own.signing_key(services.keys.signing.public.thumbprint) is None:
        yield fault(
            "Het log noemt een andere ondertekeningssleutel van deze organisatie dan hier in keys/ staat.",
            "The log names another signing key of this organisation than the one in keys/ here.",
        )
    elif own.sealing_key is None or own.sealing_key.kid != services.keys.sealing.public.kid:
        yield fault(
            "Het log noemt een andere verzegelingssleutel van deze organisatie dan hier in keys/ staat.",
            "The log names another sealing key of this organisation than the one in keys/ here.",
        )
    else:
        yield ok(
            f"{own.name} doet mee als {own.role}, met de sleutels die hier staan.",
            f"{own.name} takes part as {own.role}, with the keys that are here.",
        )


async def _access(services: Services) -> list[Finding]:
    try:
        await services.hub.inbox(after=2**52, wait_seconds=0)
    except ExchangeError as error:
        return [
            fault(
                f"De hub geeft deze organisatie geen toegang ({error.code}): {in_dutch(error.code)}.",
                f"The hub gives this organisation no access ({error.code}): {error.public_message}.",
            )
        ]
    return [ok("De hub geeft toegang.", "The hub gives access.")]


async def _chain(services: Services, own: Participant) -> list[Finding]:
    if own.canary:
        return [
            ok(
                "Dit is een kanarie: zij heeft geen ketensleutel nodig, en verstuurt met `canary run`.",
                "This is a canary: it needs no chain key, and sends by `canary run`.",
            )
        ]
    if own.role not in CHAIN_KEY_ROLES:
        return []
    try:
        epochs = {each.epoch for each in (await services.hub.chain_epochs()).epochs}
    except ExchangeError:
        epochs = set()
    held = services.keys.chain.keys()
    if not held:
        return [
            fault(
                "Er is geen ketensleutel: zonder kan niets worden verzonden. Vraag een andere organisatie om"
                " `chain-key hand-over` en doe `chain-key take`; de eerste doet `chain-key create`.",
                "There is no chain key: nothing can be sent without. Ask another organisation for `chain-key"
                " hand-over` and run `chain-key take`; the first one runs `chain-key create`.",
            )
        ]
    if epochs and max(epochs) not in held:
        return [
            warning(
                f"Er is een nieuwer tijdvak ({max(epochs)}) dan deze connector heeft. Doe `chain-key take`.",
                f"There is a newer epoch ({max(epochs)}) than this connector holds. Run `chain-key take`.",
            )
        ]
    return [ok("De ketensleutel is er.", "The chain key is there."), *_renewals(services)]


def _renewals(services: Services) -> Iterator[Finding]:
    """What still counts and stands under a former chain key."""
    chain = services.keys.newest_chain
    assert chain is not None, "a chain key is held"
    count = renewals_due(services.journal, newest=chain.epoch, day=today(services))
    if count:
        yield warning(
            f"{count} vastlegging(en) staan onder een vorige ketensleutel. Doe `consent renew` en `measure renew`.",
            f"{count} record(s) stand under a former chain key. Run `consent renew` and `measure renew`.",
        )


async def _catalogue(services: Services, metadata: Metadata) -> list[Finding]:
    """Say which catalogue is in force by which board, or why it is not followed."""
    if metadata.catalogue is None:
        return [
            fault(
                "Bij deze hub geldt nog geen catalogus van grondslagen: er kan niets worden verzonden of opgehaald tot"
                " het bestuur van de catalogus er een in werking brengt. Vraag de beheerder van de hub.",
                "No catalogue of grounds is in force at this hub yet: nothing can be sent or picked up until the board"
                " of the catalogue brings one into force. Ask the hub's operator.",
            )
        ]
    ours = services.policy.catalogue
    try:
        newest = await newest_at_hub(services)
    except ExchangeError as error:
        return [
            warning(
                f"De hub laat niet zien hoe zijn catalogus in werking kwam ({error.code}); deze connector beslist met"
                f" catalogus {ours.version}.",
                f"The hub does not show how its catalogue came into force ({error.code}); this connector decides by"
                f" catalogue {ours.version}.",
            )
        ]
    return [_found_of(newest, ours=ours, same=metadata.catalogue.digest == ours.digest)]


def _found_of(newest: Enacted | NotEnacted, *, ours: Catalogue, same: bool) -> Finding:
    """Put what was found about the hub's catalogue in words.

    Args:
        newest: What its verification found.
        ours: The catalogue that this connector decides by.
        same: Whether the hub says that it decides by the same.
    """
    version = ours.version
    match newest:
        case Enacted() if newest.digest == ours.digest:
            board, approvals = newest.board.id.value, len(newest.standing.approvals)
            return ok(
                f"Catalogus {version} geldt: bestuur {board} bracht hem in werking, met {approvals} goedkeuringen.",
                f"Catalogue {version} is in force: board {board} brought it into force, with {approvals} approvals.",
            )
        case Enacted():
            return warning(
                f"Het bestuur bracht catalogus {newest.version} in werking; deze connector beslist nog met {version}."
                " Draait hij, dan leest hij hem binnen enkele minuten; kan hij hem niet lezen, werk de connector bij.",
                f"The board brought catalogue {newest.version} into force; this connector still decides by {version}."
                " If it runs, it reads it within minutes; if it cannot read it, upgrade the connector.",
            )
        case NotEnacted():
            nl, en = " ".join(each.nl for each in newest.why), " ".join(each.en for each in newest.why)
            if same:
                return warning(
                    f"Catalogus {version} geldt bij de hub en hier, maar niet door het bestuur. {nl}",
                    f"Catalogue {version} is in force at the hub and here, but not by the board. {en}",
                )
            return fault(
                f"De hub beslist met een catalogus die deze connector niet volgt. {nl} Deze connector beslist verder"
                f" met {version}. Waarschuw de beheerder van de hub en de registrar.",
                f"The hub decides by a catalogue that this connector does not follow. {en} This connector goes on"
                f" deciding by {version}. Tell the hub's operator and the registrar.",
            )
        case _:
            assert_never(newest)


def _grounds(services: Services, own: Participant, others: list[Participant]) -> Iterator[Finding]:
    """Say to whom this role may send what, by the catalogue; nothing at all is a fault."""
    known = services.policy.definitions.message_types
    # Several grounds can let the same go to the same; and nobody sends anything to a canary.
    ways = {
        (kind, each.name): None
        for ground in services.policy.catalogue.grounds
        if ground.in_force and own.role in ground.sender.roles
        for kind in sorted(ground.message_types & known.keys())
        for each in others
        if each.role in ground.recipient.roles and each.sealing_key is not None and not each.canary
    }
    if not ways:
        yield fault(
            f"Geen grondslag in de catalogus laat een {own.role} iets sturen aan wie er meedoet.",
            f"No ground in the catalogue lets a {own.role} send anything to those who take part.",
        )
    for kind, name in ways:
        yield ok(f"Kan sturen: {kind} aan {name}.", f"Can send: {kind} to {name}.")
    if own.role is Role.GI and services.settings.capacity is None:
        yield warning(
            "Voor een GI moet `capacity` in connector.toml zeggen in welke hoedanigheid zij stuurt.",
            "For a GI, `capacity` in connector.toml must say in which capacity it sends.",
        )
