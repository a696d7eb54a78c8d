"""Who else was told: what the hub's records say that this organisation sent about the same persons.

A correction reaches every earlier recipient of what it corrects. The journal knows what this connector sent in one
case; the hub's records know what the organisation told anybody about these persons, by whichever installation and
whatever became of a journal. They name labels and no values, so what stands there under the same profile may be the
same thing or another: a person judges, and until somebody acts it stays in sight.

    for each in await told_about(message_id, profiles=frozenset({"leefgebied"}), services=services, known=()): …

Source: AVG 19; hub's `POST /v1/records/search` with `about`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from audit.entries import Entry, parse_entry
from connectors.agent.journal import NoticeKind, notify
from connectors.agent.services import Services
from connectors.agent.submitting import message_of
from connectors.sdk.answers import SentRecord
from connectors.sdk.proving import prove_shown
from schemas.canonical import b64url_decode
from schemas.civil_day import civil_day
from schemas.codes import EntryKind
from schemas.errors import EvidenceError
from schemas.identifiers import OIN, MessageId

PAGES_MAX: Final = 200
_CORRECTION: Final = "correctie"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A message of this organisation that may hold the same.

    Attributes:
        message: Its id.
        recipient: Who was told.
        at: When, by the log: picked up, or else accepted by the hub.
        picked_up: Whether the recipient has it.
        labels: Its labels of the profiles that were asked for.
        ours: Whether this connector sent it, so that it can correct it.
    """

    message: MessageId
    recipient: OIN
    at: datetime
    picked_up: bool
    labels: tuple[str, ...]
    ours: bool


async def told_about(
    message_id: MessageId, *, profiles: Collection[str], services: Services, known: Collection[MessageId]
) -> tuple[Told, ...]:
    """Find what this organisation told anybody about the persons of a message of its own.

    Args:
        message_id: The message.
        profiles: Which kinds of items matter.
        services: For the hub and the journal.
        known: Messages that are not named: the caller has them already.

    Returns:
        Each with what it holds of these profiles by its newest entry, oldest first; no corrections, and nothing that
        this connector corrected already.

    Raises:
        UnavailableError: The hub was not reached.
        RejectedMessageError: The hub does not say it: it knows no such message, or is of before it could be asked.
        EvidenceError: What it shows is not what its entries commit to.
    """
    newest: dict[str, tuple[Entry, tuple[str, ...]]] = {}
    after = -1
    for _ in range(PAGES_MAX):
        page = await services.hub.sent_about(message_id, after=after)
        for record in page.records:
            entry, permitted = _read(record, oin=services.settings.oin)
            newest[entry.id or ""] = (entry, permitted)
        if not page.records or page.next <= after:
            break
        after = page.next
    names = {each.value for each in known} | _corrected(profiles, services=services)
    found = [
        _told(entry, tuple(wanted), services=services)
        for entry, permitted in newest.values()
        if (wanted := [label for label in permitted if _profile(label) in profiles])
        and entry.id not in names
        and not any(_profile(label) == _CORRECTION for label in permitted)
    ]
    return tuple([each for each in found if each.picked_up or await _may_come(each, services=services)])


async def _may_come(told: Told, *, services: Services) -> bool:
    """Whether what nobody picked up may still be: neither taken back nor lapsed."""
    return (await services.hub.message(told.message)).state not in ("recalled", "expired")


def keep_in_sight(services: Services, told: Collection[Told], *, of: MessageId) -> None:
    """Let people see in `status` who may have to be told too, until somebody corrects it or confirms."""
    with services.journal.step("also told") as db:
        for each in told:
            nl, en = told_texts(each)
            notify(
                db,
                kind=NoticeKind.UNCORRECTED,
                about=each.message.value,
                text_nl=f"Bij de correctie van {of.value}: {nl}",
                text_en=f"With the correction of {of.value}: {en}",
                at=services.clock.now(),
            )


def keep_unasked(services: Services, of: MessageId, *, text_nl: str, text_en: str) -> None:
    """Let people see in `status` that it is not known who else was told."""
    with services.journal.step("not asked") as db:
        notify(
            db,
            kind=NoticeKind.UNCORRECTED,
            about=of.value,
            text_nl=f"Bij de correctie van {of.value}: {text_nl}.",
            text_en=f"With the correction of {of.value}: {text_en}.",
            at=services.clock.now(),
        )


def told_texts(told: Told) -> tuple[str, str]:
    """Say who was told what, and what there is to do, in Dutch and in English."""
    day, labels, message_id = civil_day(told.at) or told.at.date(), ", ".join(told.labels), told.message.value
    what_nl = f"OIN {told.recipient.value} kreeg op {day} bericht {message_id} over dezelfde persoon ({labels})"
    what_en = f"OIN {told.recipient.value} was sent {message_id} about the same person on {day} ({labels})"
    if not told.picked_up:
        what_nl, what_en = f"{what_nl}, nog niet opgehaald", f"{what_en}, not picked up yet"
    verb = "correct" if told.picked_up else "recall"
    if told.ours:
        return (
            f"{what_nl}. Staat dezelfde fout erin, geef dan ook `{verb} {message_id}`; bevestig dit anders.",
            f"{what_en}. If it holds the same error, give `{verb} {message_id}` too; else confirm this.",
        )
    return (
        f"{what_nl}; deze connector verstuurde het niet. Kijk in de andere installatie, of vertel het de ontvanger.",
        f"{what_en}; this connector did not send it. Look at the other installation, or tell the recipient.",
    )


def _corrected(profiles: Collection[str], *, services: Services) -> set[str]:
    """Name the messages of which this connector corrected something of these profiles already."""
    rows = services.journal.rows(
        "SELECT * FROM submissions WHERE type = ? AND state IN ('waiting', 'released', 'received')", _CORRECTION
    )
    corrections = [each for row in rows if (each := message_of(row).corrects) is not None]
    return {
        each.message.value
        for each in corrections
        if each.items is None or any(_profile(item) in profiles for item in each.items)
    }


def _read(record: SentRecord, *, oin: OIN) -> tuple[Entry, tuple[str, ...]]:
    """Read one record; what is shown must be what its entry commits to. Where it was erased, no label is known."""
    entry = parse_entry(record.entry.encode())
    if entry.sender != oin or entry.kind not in (EntryKind.SUBMISSION, EntryKind.DISCLOSURE):
        raise EvidenceError("the records of a sender hold an entry of another", code="hub.record.other")
    if not record.shown or not record.shown_salt:
        return entry, ()
    salt = b64url_decode(record.shown_salt)
    return entry, prove_shown(shown=record.shown, salt=salt, entry=entry, kind=entry.kind).permitted


def _told(entry: Entry, labels: tuple[str, ...], *, services: Services) -> Told:
    message_id = MessageId(entry.id or "")
    row = services.journal.row("SELECT 1 FROM submissions WHERE id = ? AND log_index IS NOT NULL", message_id.value)
    if entry.recipient is None:
        raise EvidenceError("an entry names nobody who was told", code="hub.record.other")
    return Told(
        message=message_id,
        recipient=entry.recipient,
        at=datetime.fromtimestamp(entry.time // 1000, UTC),
        picked_up=entry.kind is EntryKind.DISCLOSURE,
        labels=labels,
        ours=row is not None,
    )


def _profile(label: str) -> str:
    return label.partition("/")[0]
