"""How sent messages stand: receipts, warnings, lapses; and the hub's log, held against itself.

A receipt counts when the recipient's own signature and its place in the log hold. A message that nobody collected is
reported after a day and daily after that; one that lapsed stays visible until a person acts, or until its receipt comes
after all.

Source: the architecture, section 4, "Not collected", and section 6.
"""

import json
import logging
from datetime import UTC, datetime
from sqlite3 import Row
from typing import Final

from audit.records import token_digest
from connectors.agent.catalogues import look_at_catalogue
from connectors.agent.concluding import alarm, update_result
from connectors.agent.denials import tell_denial
from connectors.agent.events import Event, say
from connectors.agent.handing_in import forget_claims
from connectors.agent.journal import NoticeKind, hand_over_all, milliseconds, notify, take_back
from connectors.agent.reminding import hear_notices, remind
from connectors.agent.services import Services
from connectors.agent.troubles import own_mistakes, settle
from connectors.sdk.answers import MessageStatus, StoredReceipt
from connectors.sdk.proving import prove_entry
from schemas.codes import EntryKind, TokenType
from schemas.document import JSONValue
from schemas.errors import EvidenceError, ExchangeError, RejectedMessageError, UnavailableError
from schemas.identifiers import OIN, MessageId
from schemas.jws import parse_jws, verify_parsed_jws
from schemas.requests import Outcome, ReceiptClaims, parse_receipt

LOST: Final = "sender.message.unknown"
OPEN_STATES: Final = ("waiting", "released")
ASK_SECONDS_MAX: Final = 3600.0
LATE_SECONDS_MAX: Final = 31 * 24 * 3600
"""How long a lapsed message is still asked for: it may have been collected in time and its receipt come late."""
KEEP_HANDED_SECONDS: Final = 7 * 24 * 3600
KEEP_REQUESTS_SECONDS: Final = 62 * 24 * 3600
CLOCK_SECONDS_MAX: Final = 120
"""How far this clock and the hub's may be apart."""

_STATE_AFTER: Final = {Outcome.ACCEPTED: "received", Outcome.REFUSED: "refused"}
_FINAL_STATES: Final = frozenset({"received", "refused", "expired", "recalled"})
_NEXT_STATES: Final = {
    "waiting": _FINAL_STATES | {"released"},
    "released": _FINAL_STATES | {"waiting"},
    "expired": _FINAL_STATES - {"expired", "recalled"},
}


async def watch_round(services: Services) -> int:
    """Ask how open messages stand, and warn of what waits too long.

    Returns:
        How many changed.
    """
    at = services.clock.now()
    changed = 0
    for row in services.journal.rows(
        # Not the body: those of all that waits may be more than the memory.
        "SELECT id, file, recipient, message, state, created_at, pickup_by, denied FROM submissions"
        " WHERE (state IN ('waiting', 'released') OR state = 'expired' AND pickup_by > ?) AND next_at <= ?"
        " ORDER BY next_at LIMIT 200",
        at.timestamp() - LATE_SECONDS_MAX,
        milliseconds(at),
    ):
        changed += await _ask(services, row)
    _warn(services, at)
    remind(services)
    _forget(services, at)
    hand_over_all(services.journal, disk=services.disk, at=services.clock.now())
    return changed


async def watch_log(services: Services) -> None:
    """Read the log's newest checkpoint, hold it against every one that was seen, and read what is new.

    New participants, and a catalogue that came into force.

    Raises:
        UnavailableError: The hub was not reached.
    """
    await hear_notices(services)
    try:
        await services.directory.refresh(services.hub, at=services.clock.now())
    except UnavailableError:
        raise
    except ExchangeError as error:
        alarm(services, about="log", error=error)
        return
    await look_at_catalogue(services)


async def _ask(services: Services, row: Row) -> int:
    """Ask how one message stands; what does not hold is an alarm, and nothing changes."""
    at = services.clock.now()
    status: MessageStatus | None = None
    receipt: JSONValue = None
    try:
        with own_mistakes(services, about=row["id"], side="sender"):
            status = await _status(services, row)
            receipt = await _check_receipt(services, row, status.receipt) if status.receipt else None
            _check_state(row, status, receipt, at=at)
        settle(services, kind=NoticeKind.BLOCKED, about=row["id"])
    except UnavailableError:
        status = None
    except (EvidenceError, RejectedMessageError) as error:
        if error.code == LOST and row["state"] in OPEN_STATES:
            _submit_again(services, row, at)
            return 1
        if error.code != LOST:
            alarm(services, about=row["id"], error=error)
        status = None
    if status is not None:
        tell_denial(services, row, status, at=at)
    if status is None or status.state not in _NEXT_STATES[row["state"]]:
        _ask_later(services, row, at)
        return 0
    _journal_state(services, row, status, receipt, at=at)
    return 1


async def _status(services: Services, row: Row) -> MessageStatus:
    """Ask the hub how a message stands.

    Raises:
        RejectedMessageError: The hub does not know the message.
        UnavailableError: It was not reached, or does not answer us: that says nothing of the message.
    """
    try:
        return await services.hub.message(MessageId(row["id"]))
    except RejectedMessageError as error:
        if error.code == LOST:
            raise
        raise UnavailableError("the hub does not say how the message stands", code=error.code) from error


def _check_state(row: Row, status: MessageStatus, receipt: JSONValue, *, at: datetime) -> None:
    """Check that the hub's word agrees with the receipt and the clock: who believes otherwise sends the same again.

    Raises:
        EvidenceError: It does not.
    """
    if status.state in ("received", "refused") and receipt is None:
        raise EvidenceError("a receipt is missing", code="hub.receipt.missing")
    outcome = receipt["outcome"] if isinstance(receipt, dict) else None
    contradicted = outcome is not None and status.state != _STATE_AFTER[Outcome(str(outcome))]
    early = status.state == "expired" and at.timestamp() + CLOCK_SECONDS_MAX < row["pickup_by"]
    if contradicted or early:
        raise EvidenceError("how the message stands is not what receipt and clock say", code="hub.message.state")


def _submit_again(services: Services, row: Row, at: datetime) -> None:
    """The hub does not know the message any more: it gets the same bytes again, and people hear of it."""
    with services.journal.step("submit again") as db:
        db.execute("UPDATE submissions SET state = 'prepared', next_at = 0, attempts = 0 WHERE id = ?", (row["id"],))
        notify(
            db,
            kind=NoticeKind.ALARM,
            about=row["id"],
            text_nl=f"De hub kent bericht {row['id']} niet meer, dat hij had aangenomen. Het wordt opnieuw aangeboden.",
            text_en=f"The hub no longer knows message {row['id']}, which it had accepted. It is submitted again.",
            at=at,
        )


async def _check_receipt(services: Services, row: Row, stored: StoredReceipt) -> JSONValue:
    """Check a receipt: the recipient signed it about this message, and it is in the log with what it is about.

    Raises:
        EvidenceError: It does not hold.
        RejectedMessageError: Form or signature do not hold.
        UnavailableError: The hub was not reached for the directory.
    """
    proven = prove_entry(entry=stored.entry, tlog_proof=stored.tlog_proof, log=services.log)
    services.directory.saw(proven.checkpoint)
    entry, recipient = proven.entry, OIN(row["recipient"])
    directory = await services.directory.cover(entry.participants, hub=services.hub, at=services.clock.now())
    participant = directory.participant(recipient, at_index=proven.index)
    parsed = parse_jws(stored.receipt, typ=TokenType.RECEIPT)
    key = participant.signing_key(parsed.kid) if participant else None
    if key is None:
        raise EvidenceError("the receipt is not signed with the recipient's key", code="hub.receipt.key")
    claims: ReceiptClaims = parse_receipt(verify_parsed_jws(parsed, key=key).payload)
    said = (
        entry.kind,
        entry.request,
        entry.message,
        claims.issuer,
        claims.message_id.value,
        claims.message,
        claims.hub,
    )
    digest = token_digest(row["message"])
    meant = (
        EntryKind.RECEIPT,
        token_digest(stored.receipt),
        digest,
        recipient,
        row["id"],
        digest,
        services.settings.hub.name,
    )
    if said != meant:
        raise EvidenceError("the receipt is about another message", code="hub.receipt.message")
    await _check_disclosure(services, claims)
    return {
        "outcome": claims.outcome.value,
        "at": datetime.fromtimestamp(claims.issued_at, UTC).isoformat(),
        "log_index": proven.index,
        "released": claims.released,
        "reasons": [{"label": reason.label, "code": reason.code} for reason in claims.reasons],
        "receipt": stored.receipt,
    }


async def _check_disclosure(services: Services, claims: ReceiptClaims) -> None:
    """Check that what the recipient says it got stands in the log that we see.

    The recipient signed the index that the hub showed to it: where the hub shows two logs, that is how it comes out.

    Raises:
        EvidenceError: Our log has another entry there.
        RejectedMessageError: The hub does not show it.
        UnavailableError: The hub was not reached.
    """
    stated = await services.hub.entry(claims.index)
    proven = prove_entry(entry=stated.entry, tlog_proof=stated.tlog_proof, log=services.log)
    services.directory.saw(proven.checkpoint)
    entry = proven.entry
    said = (proven.index, entry.kind, entry.message, entry.released, entry.recipient)
    if said != (claims.index, EntryKind.DISCLOSURE, claims.message, claims.released, claims.issuer):
        raise EvidenceError("the log has no such disclosure as the receipt is about", code="hub.receipt.disclosure")


def _journal_state(services: Services, row: Row, status: MessageStatus, receipt: JSONValue, *, at: datetime) -> None:
    final = status.state not in OPEN_STATES
    file = services.journal.row("SELECT * FROM files WHERE id = ?", row["file"])
    assert file is not None, "a submission has its file"
    with services.journal.step("state") as db:
        db.execute(
            "UPDATE submissions SET state = ?, receipt = ?, next_at = ?, attempts = 0,"
            " body = CASE WHEN ? THEN NULL ELSE body END WHERE id = ?",
            (
                status.state,
                json.dumps(receipt) if receipt is not None else None,
                milliseconds(at) + int(services.settings.poll_seconds * 1000),
                final,
                row["id"],
            ),
        )
        if row["state"] == "expired":
            take_back(db, kind=NoticeKind.EXPIRED, about=row["id"], at=at)
            if status.state == "received":
                notify(
                    db,
                    kind=NoticeKind.LATE,
                    about=row["id"],
                    text_nl=f"{file['target']}: de ontvanger heeft het bericht toch ontvangen; de bevestiging kwam na"
                    " het verlopen. Verstuur het niet opnieuw. Is dat al gebeurd, zeg de ontvanger dan dat hij het"
                    " dubbel heeft.",
                    text_en=f"{file['target']}: the recipient received the message after all; the receipt came after it"
                    " had lapsed. Do not send it again. If you did already, tell the recipient that it has it twice.",
                    at=at,
                )
        if status.state == "refused" or (isinstance(receipt, dict) and receipt["outcome"] == Outcome.REFUSED):
            notify(
                db,
                kind=NoticeKind.REFUSED_BY_RECIPIENT,
                about=row["id"],
                text_nl=f"{file['target']}: de ontvanger heeft het bericht geweigerd; zie het resultaatbestand.",
                text_en=f"{file['target']}: the recipient refused the message; see the result file.",
                at=at,
            )
        if status.state == "expired":
            notify(
                db,
                kind=NoticeKind.EXPIRED,
                about=row["id"],
                text_nl=f"{file['target']}: de ontvanger heeft het bericht niet opgehaald; het is vervallen. Neem"
                " contact op met de ontvanger en verstuur het opnieuw.",
                text_en=f"{file['target']}: the recipient did not collect the message; it has lapsed. Contact the"
                " recipient and send it again.",
                at=at,
            )
        update_result(services, db, file)
        services.directory.keep_seen(db)
    say(Event.MESSAGE_CHANGED, message=row["id"], code=status.state)


def _ask_later(services: Services, row: Row, at: datetime) -> None:
    """Ask often at first, and rarely about what has waited long."""
    age = (milliseconds(at) - row["created_at"]) / 1000
    seconds = min(max(age / 10, services.settings.poll_seconds), ASK_SECONDS_MAX)
    with services.journal.step("ask later") as db:
        db.execute(
            "UPDATE submissions SET next_at = ? WHERE id = ?", (milliseconds(at) + int(seconds * 1000), row["id"])
        )


def _warn(services: Services, at: datetime) -> None:
    """Warn of messages that nobody collected, after a day and daily after that."""
    now, every = milliseconds(at), services.settings.warn_hours * 3600 * 1000
    for row in services.journal.rows(
        "SELECT submissions.id, created_at, files.target FROM submissions JOIN files ON files.id = submissions.file"
        " WHERE submissions.state IN ('waiting', 'released') AND created_at <= ?"
        " AND (warned_at IS NULL OR warned_at <= ?)",
        now - every,
        now - every,
    ):
        days = (now - row["created_at"]) // (24 * 3600 * 1000)
        with services.journal.step("warned") as db:
            notify(
                db,
                kind=NoticeKind.UNCOLLECTED,
                about=row["id"],
                text_nl=f"{row['target']}: al {days or 'bijna 1'} dag(en) niet opgehaald door de ontvanger.",
                text_en=f"{row['target']}: not collected by the recipient for {days or 'almost 1'} day(s).",
                at=at,
            )
            db.execute("UPDATE submissions SET warned_at = ? WHERE id = ?", (now, row["id"]))
        say(Event.MESSAGE_PUT_OFF, level=logging.WARNING, message=row["id"], code="recipient.message.uncollected")


def _forget(services: Services, at: datetime) -> None:
    """Drop what nobody needs any more: deliveries that were made, requests whose messages have lapsed."""
    now = milliseconds(at)
    if services.journal.row(
        "SELECT 1 FROM deliveries WHERE state = 'handed' AND message IS NULL AND handed_at <= ? LIMIT 1",
        now - KEEP_HANDED_SECONDS * 1000,
    ) or services.journal.row("SELECT 1 FROM requests WHERE at <= ? LIMIT 1", now - KEEP_REQUESTS_SECONDS * 1000):
        with services.journal.step("forgotten") as db:
            forget_claims(db, at=at)
            db.execute(
                "DELETE FROM deliveries WHERE state = 'handed' AND message IS NULL AND handed_at <= ?",
                (now - KEEP_HANDED_SECONDS * 1000,),
            )
            db.execute("DELETE FROM requests WHERE at <= ?", (now - KEEP_REQUESTS_SECONDS * 1000,))
