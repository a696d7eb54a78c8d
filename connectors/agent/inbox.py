"""From a message that waits at the hub to files in `in`, and the signed receipt: each step stands in the journal first.

    listed     the hub says that it waits
    released   the hub's answer stands here as it came: opening it again gives the same
    opened     everything holds; the three files are on their way (evidence, FHIR, XML), and the receipt is signed
    refused    something did not hold: nothing is handed over, and the receipt says why
    received   the hub has the receipt
    gone       it is not handed out any more: received before, or expired
    recalled   its sender took it back before it was picked up
    former     handed over under a log that the present one continues (`connectors.agent.continuing`)

The receipt of an opened message goes out only when its files are in the folder, on the disk.

Source: the architecture, sections 1 (steps 8 to 13) and 7.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from sqlite3 import Row
from typing import Final

from audit.entries import parse_entry
from audit.evidence_file import LoggedEntry
from audit.records import token_digest
from connectors.agent.catalogues import check_catalogue_of
from connectors.agent.concluding import alarm
from connectors.agent.events import Event, say
from connectors.agent.handing import Handing, prepare_files
from connectors.agent.journal import NoticeKind, deliver, hand_over_all, milliseconds, notify, remember
from connectors.agent.questions import question_file
from connectors.agent.services import Services
from connectors.agent.threads import Direction, is_last, remember_thread
from connectors.agent.troubles import Troubles, own_mistakes, retry_seconds, settle
from connectors.sdk.dutch import trouble_text
from connectors.sdk.evidence import make_evidence
from connectors.sdk.opening import SUBMISSION_UNPROVEN, Opened, Opening, RecipientView, Unopened, open_release
from connectors.sdk.proving import ProvenEntry, prove_entry
from connectors.sdk.records import prove_recorded
from connectors.sdk.transport import printable, refusal_of
from schemas.codes import EntryKind, TokenType
from schemas.errors import DocumentError, EvidenceError, ExchangeError, RejectedMessageError, UnavailableError
from schemas.identifiers import OIN, MessageId
from schemas.jws import parse_jws, sign_jws
from schemas.randomness import new_message_id
from schemas.requests import (
    Outcome,
    ReceiptClaims,
    ReceiptReason,
    ReleaseClaims,
    parse_receipt,
    receipt_to_payload,
    release_to_payload,
)
from schemas.wire import Release, Releases, encode_releases, parse_releases

CURSOR: Final = "inbox"
KEY_UNKNOWN: Final = "sender.key.unknown"
RECALLED: Final = "recipient.message.recalled"
RELEASE_AT_ONCE: Final = 20
TYPE_CHARACTERS_MAX: Final = 100
_NEWER: Final = frozenset({"sender.structure.type-unknown", "sender.structure.version-unknown"})
"""Connectors are upgraded after the hub: such a message waits for that."""
_GONE: Final = frozenset({"recipient.message.received", "recipient.message.expired", "recipient.message.unknown"})


async def list_inbox(services: Services, *, wait_seconds: int) -> int:
    """Ask what is new, waiting for it, and write it down.

    Returns:
        How many messages are new.
    """
    journal = services.journal
    after = int(journal.meta(CURSOR) or -1)
    page = await services.hub.inbox(after=after, wait_seconds=wait_seconds)
    if not page.items:
        return 0
    at = services.clock.now()
    with journal.step("listed") as db:
        for item in page.items:
            db.execute(
                "INSERT INTO received (id, log_index, sender, type, pickup_by, listed_at) VALUES (?, ?, ?, ?, ?, ?)"
                # One that was handed over under a former log is listed again where its sender had no receipt.
                " ON CONFLICT (id) DO UPDATE SET state = 'listed', log_index = excluded.log_index,"
                " pickup_by = excluded.pickup_by WHERE received.state = 'former'",
                (
                    MessageId(item.id).value,
                    item.index,
                    OIN(item.sender).value,
                    printable(item.type, most=TYPE_CHARACTERS_MAX),
                    item.pickup_by,
                    milliseconds(at),
                ),
            )
        remember(db, CURSOR, str(max(page.next, after)))
    for item in page.items:
        say(Event.MESSAGE_LISTED, message=item.id, index=item.index)
    return len(page.items)


async def inbox_round(services: Services) -> int:
    """Collect, open, hand over and receipt what is there.

    Returns:
        How many messages made a step.

    Raises:
        ExchangeError: The hub could not be asked for more, or refuses to be; what is here went on.
        DiskFullError: There is no room; nothing was lost.
        OSError: A folder cannot be written; what does not need it went on.
    """
    moved, troubles = 0, Troubles()
    with troubles.kept():
        hand_over_all(services.journal, disk=services.disk, at=services.clock.now())
    with troubles.kept():
        moved += await _collect(services)
    for row in _due(services, "released"):
        with troubles.kept():
            moved += await _open(services, row)
    with troubles.kept():
        hand_over_all(services.journal, disk=services.disk, at=services.clock.now())
    for state in ("opened", "refused"):
        for row in _due(services, state):
            with troubles.kept():
                moved += await _receipt(services, row)
    troubles.raise_first()
    return moved


def _due(services: Services, state: str, *, limit: int = 1000) -> Iterator[Row]:
    """Yield what is to be worked on now, one at a time: what was released and waits may be more than the memory."""
    for each in services.journal.rows(
        "SELECT id FROM received WHERE state = ? AND next_at <= ? ORDER BY log_index LIMIT ?",
        state,
        milliseconds(services.clock.now()),
        limit,
    ):
        row = services.journal.row("SELECT * FROM received WHERE id = ?", each["id"])
        if row is not None and row["state"] == state:
            yield row


async def _collect(services: Services) -> int:
    """Ask for what is listed, with a signed request whose digest stands in the journal before it goes out."""
    rows = list(_due(services, "listed", limit=RELEASE_AT_ONCE))
    if not rows:
        return 0
    at = services.clock.now()
    request = sign_jws(
        release_to_payload(
            ReleaseClaims(
                issuer=services.settings.oin,
                id=new_message_id(at=at, randomness=services.randomness),
                issued_at=int(at.timestamp()),
                hub=services.settings.hub.name,
                ids=tuple(MessageId(row["id"]) for row in rows),
            )
        ),
        typ=TokenType.RELEASE,
        key=services.keys.signing,
    )
    with services.journal.step("request") as db:
        db.execute("INSERT INTO requests (digest, at) VALUES (?, ?)", (token_digest(request), milliseconds(at)))
    reply = await services.hub.release(request)
    answer = parse_releases(reply.content_type, reply.body)
    asked = {row["id"] for row in rows}
    for release in answer.releases:
        if release.id.value in asked:
            content_type, body = encode_releases(Releases(releases=(release,)))
            with services.journal.step("released") as db:
                db.execute(
                    "UPDATE received SET state = 'released', release_type = ?, release = ?, attempts = 0, next_at = 0"
                    " WHERE id = ?",
                    (content_type, body, release.id.value),
                )
            say(Event.MESSAGE_RELEASED, message=release.id.value, index=release.index)
    for refused in answer.refused:
        if refused.id.value in asked:
            _not_released(services, refused.id.value, refusal_of(refused.problem))
    return len(answer.releases) + len(answer.refused)


def _not_released(services: Services, message_id: str, error: RejectedMessageError) -> None:
    """The hub does not hand it out: for good, or until something changes."""
    row = services.journal.row("SELECT * FROM received WHERE id = ?", message_id)
    assert row is not None, "it was asked for"
    code = error.code
    if code == RECALLED:
        # Nobody has to do anything: its sender took it back, and nothing of it was ever here.
        with services.journal.step("recalled") as db:
            db.execute(
                "UPDATE received SET state = 'recalled', outcome = ?, trouble = NULL WHERE id = ?", (code, message_id)
            )
        say(Event.MESSAGE_CHANGED, message=message_id, code=code)
        return
    if code in _GONE:
        with services.journal.step("gone") as db:
            db.execute("UPDATE received SET state = 'gone', outcome = ? WHERE id = ?", (code, message_id))
            # It was listed for us and never came: somebody must ask the sender.
            notify(
                db,
                kind=NoticeKind.ALARM,
                about=message_id,
                text_nl=f"Bericht {message_id} van OIN {row['sender']} stond klaar en is niet ontvangen: de hub geeft"
                f" het niet meer af ({code}). Neem contact op met de afzender.",
                text_en=f"Message {message_id} of OIN {row['sender']} waited and was not received: the hub does not"
                f" hand it out any more ({code}). Contact the sender.",
                at=services.clock.now(),
            )
        return
    if code.startswith("hub."):
        alarm(services, about=message_id, error=error)
    _put_off(services, row, error)


async def _open(services: Services, row: Row) -> int:
    try:
        with own_mistakes(services, about=row["id"], side="recipient"):
            await _open_and_journal(services, row)
        settle(services, kind=NoticeKind.BLOCKED, about=row["id"])
    except (UnavailableError, RejectedMessageError, EvidenceError) as error:
        # The hub is away, or does not show what the check of this message needs: the others go on.
        if isinstance(error, EvidenceError):
            alarm(services, about=row["id"], error=error)
        _put_off(services, row, error)
        return 0
    return 1


async def _open_and_journal(services: Services, row: Row) -> None:
    release = _release_of(row)
    opening, submission = await _verify(services, row, release)
    match opening:
        case Opened() if (again := _handed_before(row, release, opening)) is not None:
            _journal_again(services, row, release, opening, same=again)
        case Opened():
            await check_catalogue_of(services, opening)
            handing = await prepare_files(services, opening, at=services.clock.now())
            _journal_opened(services, row, release, opening, handing, submission=submission)
        case Unopened(reasons=reasons) if {reason.code for reason in reasons} <= _NEWER:
            raise UnavailableError(
                "the message is of a type or version that this connector does not know: upgrade it",
                code="recipient.connector.outdated",
            )
        case Unopened(reasons=reasons):
            _journal_unopened(services, row, release, reasons)


def _release_of(row: Row) -> Release:
    return parse_releases(row["release_type"], row["release"]).releases[0]


async def _verify(services: Services, row: Row, release: Release) -> tuple[Opening, LoggedEntry | None]:
    """Open with a directory that covers the entry; where the sender's key changed since, prove the acceptance too."""
    at = services.clock.now()
    try:
        newest = parse_entry(release.entry.encode()).participants
    except DocumentError:
        newest = None  # opening says what is wrong with it
    await services.directory.cover(newest, hub=services.hub, at=at)
    opening = open_release(release, view=_view(services))
    if isinstance(opening, Opened):
        await services.directory.believe(opening.checkpoints, hub=services.hub, at=at)
    if not isinstance(opening, Unopened) or SUBMISSION_UNPROVEN not in {each.code for each in opening.reasons}:
        return opening, None
    stated = await services.hub.entry(row["log_index"])
    logged = LoggedEntry(entry=stated.entry, tlog_proof=stated.tlog_proof)
    submission: ProvenEntry | None = None
    try:
        submission = prove_entry(entry=logged.entry, tlog_proof=logged.tlog_proof, log=services.log)
    except ExchangeError as error:
        return Unopened(reasons=(ReceiptReason(label="", code=error.code),)), None
    opening = open_release(release, view=_view(services), submission=submission)
    if isinstance(opening, Opened):
        await services.directory.believe(opening.checkpoints, hub=services.hub, at=at)
    return opening, logged


class _Requests:
    """The release requests that this connector signed, as the journal has them."""

    def __init__(self, services: Services) -> None:
        self._journal = services.journal

    def __contains__(self, digest: object) -> bool:
        return self._journal.row("SELECT 1 FROM requests WHERE digest = ?", digest) is not None


def _view(services: Services) -> RecipientView:
    settings = services.settings
    return RecipientView(
        oin=settings.oin,
        hub=settings.hub.name,
        log=services.log,
        directory=services.directory.directory,
        keys=services.keys.opening,
        requests=_Requests(services),
        definitions=services.policy.definitions,
        catalogue=services.policy.catalogue,
    )


def _journal_opened(
    services: Services,
    row: Row,
    release: Release,
    opened: Opened,
    handing: Handing,
    *,
    submission: LoggedEntry | None,
) -> None:
    """Write down that everything holds: files, receipt, thread and notices in one step."""
    at = services.clock.now()
    evidence = make_evidence(opened, release, log=services.log, links=services.directory.links, submission=submission)
    receipt = _sign_receipt(services, release, released=opened.entry.released or "", reasons=())
    with services.journal.step("opened") as db:
        for delivery in handing.deliveries(
            evidence.to_bytes(), folder=services.settings.folders.inbox, message_id=row["id"]
        ):
            deliver(db, delivery)
        question = question_file(opened.message, services=services, at=at)
        if question is not None:
            deliver(db, question)
        remember_thread(
            db,
            opened.message,
            direction=Direction.RECEIVED,
            number=handing.number,
            tags=handing.tags,
            last_reply=is_last(
                opened.message, opened.items, journal=services.journal, definitions=services.policy.definitions
            ),
            at=at,
        )
        for kind, text_nl, text_en in handing.notices:
            notify(db, kind=kind, about=row["id"], text_nl=text_nl, text_en=text_en, at=at)
        db.execute(
            "UPDATE received SET state = 'opened', release = NULL, receipt = ?, outcome = 'accepted', attempts = 0,"
            " next_at = 0, trouble = NULL WHERE id = ?",
            (receipt, row["id"]),
        )
    say(Event.MESSAGE_OPENED, message=row["id"], index=release.index)


def _handed_before(row: Row, release: Release, opened: Opened) -> bool | None:
    """Whether a message was handed over under a former log.

    Returns:
        None if it was not, or if what is released now is not what was handed over then: it goes its whole way. True if
        it is the same message, False if its id was used for another one.
    """
    if row["receipt"] is None:
        return None
    before = parse_receipt(parse_jws(row["receipt"], typ=TokenType.RECEIPT).payload)
    if before.message != token_digest(release.message):
        return False
    return True if before.released == opened.entry.released else None


def _journal_again(services: Services, row: Row, release: Release, opened: Opened, *, same: bool) -> None:
    """Write down that nothing is to be handed over: the receipt is signed again, for its place in this log."""
    if not same:
        _journal_unopened(services, row, release, (ReceiptReason(label="", code="sender.jti.used"),))
        return
    receipt = _sign_receipt(services, release, released=opened.entry.released or "", reasons=())
    with services.journal.step("opened again") as db:
        db.execute(
            "UPDATE received SET state = 'opened', release = NULL, receipt = ?, outcome = 'accepted', attempts = 0,"
            " next_at = 0, trouble = NULL WHERE id = ?",
            (receipt, row["id"]),
        )
    say(Event.MESSAGE_OPENED, message=row["id"], index=release.index)


def _journal_unopened(services: Services, row: Row, release: Release, reasons: Sequence[ReceiptReason]) -> None:
    """Write down what did not hold; the receipt that says so goes to the sender."""
    at = services.clock.now()
    try:
        released = parse_entry(release.entry.encode()).released
    except DocumentError:
        released = None
    receipt = _sign_receipt(services, release, released=released, reasons=reasons) if released else None
    codes = ", ".join(sorted({f"{reason.label}: {reason.code}" if reason.label else reason.code for reason in reasons}))
    ours = any(reason.code.startswith("hub.") for reason in reasons)
    with services.journal.step("unopened") as db:
        notify(
            db,
            kind=NoticeKind.ALARM if ours else NoticeKind.REFUSED_BY_US,
            about=row["id"],
            text_nl=f"Bericht {row['id']} is niet geopend, want het klopt niet ({codes}). De afzender krijgt bericht.",
            text_en=f"Message {row['id']} was not opened, because it does not hold ({codes}). The sender is told.",
            at=at,
        )
        db.execute(
            "UPDATE received SET state = ?, release = NULL, receipt = ?, outcome = 'refused', attempts = 0,"
            " next_at = 0 WHERE id = ?",
            ("refused" if receipt else "gone", receipt, row["id"]),
        )
    say(Event.MESSAGE_UNOPENED, level=logging.WARNING, message=row["id"], code=reasons[0].code)


def _sign_receipt(services: Services, release: Release, *, released: str, reasons: Sequence[ReceiptReason]) -> str:
    at = services.clock.now()
    claims = ReceiptClaims(
        issuer=services.settings.oin,
        id=new_message_id(at=at, randomness=services.randomness),
        issued_at=int(at.timestamp()),
        hub=services.settings.hub.name,
        message_id=release.id,
        message=token_digest(release.message),
        released=released,
        index=release.index,
        outcome=Outcome.REFUSED if reasons else Outcome.ACCEPTED,
        reasons=tuple(reasons),
    )
    return sign_jws(receipt_to_payload(claims), typ=TokenType.RECEIPT, key=services.keys.signing)


async def _receipt(services: Services, row: Row) -> int:
    """Hand in the receipt; not before every file of the message is in its folder."""
    waiting = "SELECT 1 FROM deliveries WHERE message = ? AND state <> 'handed'"
    if services.journal.row(waiting, row["id"]) is not None:
        return 0
    try:
        answer = await services.hub.receipt(row["receipt"])
        proven = prove_recorded(
            row["receipt"],
            entry=answer.entry,
            tlog_proof=answer.tlog_proof,
            index=answer.index,
            kind=EntryKind.RECEIPT,
            log=services.log,
        )
        services.directory.saw(proven.checkpoint)
    except UnavailableError as error:
        _put_off(services, row, error)
        return 0
    except EvidenceError as error:
        alarm(services, about=row["id"], error=error)
        _put_off(services, row, error)
        return 0
    except RejectedMessageError as error:
        if error.code == KEY_UNKNOWN and _sign_again(services, row):
            return 1
        await _receipt_refused(services, row, error)
        return 0
    with services.journal.step("received") as db:
        db.execute("UPDATE received SET state = 'received', trouble = NULL WHERE id = ?", (row["id"],))
        db.execute("DELETE FROM deliveries WHERE message = ? AND state = 'handed'", (row["id"],))
        services.directory.keep_seen(db)
    say(Event.MESSAGE_RECEIVED, message=row["id"], index=answer.index)
    return 1


def _sign_again(services: Services, row: Row) -> bool:
    """Sign a receipt with the key that replaced the one it was signed with; the hub has not taken it.

    Returns:
        Whether there is such a key.
    """
    parsed = parse_jws(row["receipt"], typ=TokenType.RECEIPT)
    if parsed.kid == services.keys.signing.public.thumbprint:
        return False
    at = services.clock.now()
    claims = replace(
        parse_receipt(parsed.payload),
        id=new_message_id(at=at, randomness=services.randomness),
        issued_at=int(at.timestamp()),
    )
    receipt = sign_jws(receipt_to_payload(claims), typ=TokenType.RECEIPT, key=services.keys.signing)
    with services.journal.step("signed again") as db:
        db.execute("UPDATE received SET receipt = ?, next_at = 0 WHERE id = ?", (receipt, row["id"]))
    return True


async def _receipt_refused(services: Services, row: Row, error: RejectedMessageError) -> None:
    """The hub does not take the receipt: another disclosure came since, or the message lapsed; people are told."""
    with services.journal.step("receipt refused") as db:
        notify(
            db,
            kind=NoticeKind.ALARM,
            about=row["id"],
            text_nl=f"De hub neemt de ontvangstbevestiging van {row['id']} niet aan ({error.code}).",
            text_en=f"The hub does not take the receipt of {row['id']} ({error.code}).",
            at=services.clock.now(),
        )
    _put_off(services, row, error)


def _put_off(services: Services, row: Row, error: ExchangeError) -> None:
    attempts = row["attempts"] + 1
    seconds = retry_seconds(attempts)
    next_at = milliseconds(services.clock.now()) + seconds * 1000
    with services.journal.step("put off") as db:
        db.execute(
            "UPDATE received SET attempts = ?, next_at = ?, trouble = ? WHERE id = ?",
            (attempts, next_at, trouble_text(error), row["id"]),
        )
    say(Event.MESSAGE_PUT_OFF, level=logging.WARNING, message=row["id"], code=error.code, seconds=seconds)
