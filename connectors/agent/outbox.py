"""From a file in `out` to a message that the hub accepted, or to a refusal: each step stands in the journal first.

    taken      its bytes are ours (`connectors.agent.files`)
    prepared   the finished submission stands here, byte for byte; every attempt sends these bytes
    filed      the hub's answer was verified, or the file was refused; what people and systems get is on its way

A hub that lost a message (its log was refilled after a disaster) gets the same bytes again: they are kept until the
receipt. What cannot be sent as it lies (the recipient changed its sealing key, the message waited past its time) is
composed anew, with another id, other salts and another key.

Source: the architecture, section 4, "Submission"; section 7.
"""

import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from sqlite3 import Row
from typing import Final, TypeVar

from connectors.agent import concluding
from connectors.agent.catalogues import keep_up_with_catalogue
from connectors.agent.correcting import find_corrected
from connectors.agent.documents import attachments, own_withheld_to_json
from connectors.agent.events import Event, say
from connectors.agent.files import NOT_TAKEN_SHOWN_MAX, OVERSIZE, not_taken, take_files
from connectors.agent.journal import NoticeKind, hand_over_all, milliseconds, notify
from connectors.agent.keystore import load_keys, newest_epoch
from connectors.agent.lookup import people_of, pseudonyms_of
from connectors.agent.recording import record_round
from connectors.agent.scan import Verdict
from connectors.agent.services import Services
from connectors.agent.submitting import check_answer
from connectors.agent.threads import Addressed, Direction, address, is_last, remember_thread
from connectors.agent.troubles import OWN_MISTAKE, Troubles, own_mistakes, retry_seconds, settle, tell_waiting
from connectors.formats.ports import AnswerKind, Format
from connectors.sdk.addresses import Destination, find_destination, parse_addressbook
from connectors.sdk.composing import Composed, SenderKeys, compose
from connectors.sdk.dutch import trouble_text
from connectors.sdk.envelope import Envelope, known_tag, number_of, person_key
from connectors.sdk.professionals import find_responsible, parse_professionals
from connectors.sdk.purposes import purpose_of, ties_of
from consent.consents import Addressee
from consent.request import civil_day
from schemas.codes import Capacity, Role
from schemas.document import Document
from schemas.errors import (
    AuthenticationError,
    DocumentError,
    EvidenceError,
    ExchangeError,
    Issue,
    RejectedMessageError,
    UnavailableError,
)
from schemas.identifiers import OIN
from schemas.participants import Participant
from schemas.pseudonyms import ChainKey
from schemas.wire import encode_submission

_T = TypeVar("_T")
COMPOSED_ANEW_MAX: Final = 5
OUT: Final = "out"
COMPOSE_ANEW: Final = frozenset(
    {"sender.sealing-key.outdated", "sender.message.expired", "sender.jti.used", "sender.key.unknown"}
)
"""The hub's refusals after which the same document may go as another message."""
WAIT: Final = frozenset({"sender.message.future", "sender.participant.unknown", "sender.unknown"})
"""Refusals that are not about the document: a clock, or an organisation that has yet to join."""


async def outbox_round(services: Services) -> int:
    """Take, prepare and send what there is.

    Returns:
        How many files were taken or concluded.

    Raises:
        DiskFullError: There is no room; nothing was lost.
        ExchangeError: The hub failed in what does not belong to one file.
        OSError: A folder cannot be read or written; what does not need it went on.
    """
    at, moved, troubles = services.clock.now(), 0, Troubles()
    with troubles.kept():
        hand_over_all(services.journal, disk=services.disk, at=at)
    with troubles.kept():
        _tell_not_taken(services)
        moved += take_files(services.journal, folders=services.settings.folders, disk=services.disk, at=at)
    with troubles.kept():
        # Before the files: what is sent may rest on what is recorded.
        moved += await record_round(services)
    for row in _due(services, "files", state="taken"):
        with troubles.kept():
            await _prepare(services, row)
    for row in _due(services, "submissions", state="prepared"):
        with troubles.kept():
            moved += await _send(services, row)
    with troubles.kept():
        hand_over_all(services.journal, disk=services.disk, at=services.clock.now())
    troubles.raise_first()
    return moved


def _due(services: Services, table: str, *, state: str) -> Iterator[Row]:
    """Yield what is to be worked on now, one at a time: the bytes of all that waits may be more than the memory."""
    # The table's name is one of two of ours, never from outside.
    query = f"SELECT id FROM {table} WHERE state = ? AND next_at <= ? ORDER BY id"  # noqa: S608 - see above
    for each in services.journal.rows(query, state, milliseconds(services.clock.now())):
        row = services.journal.row(f"SELECT * FROM {table} WHERE id = ?", each["id"])  # noqa: S608 - see above
        if row is not None and row["state"] == state:
            yield row


def _tell_not_taken(services: Services) -> None:
    """Tell people which files stay in `out` and why, until none does."""
    waiting = not_taken(services.settings.folders)
    if not waiting:
        settle(services, kind=NoticeKind.NOT_TAKEN, about=OUT)
        return
    shown, more = waiting[:NOT_TAKEN_SHOWN_MAX], len(waiting) - NOT_TAKEN_SHOWN_MAX
    and_more = (f"; en nog {more}", f"; and {more} more") if more > 0 else ("", "")
    text_nl = f"Blijft in `out` staan: {'; '.join(f'{name}: {nl}' for name, nl, _ in shown)}{and_more[0]}."
    told = services.journal.row(
        "SELECT 1 FROM notices WHERE kind = ? AND about = ? AND text_nl = ? AND confirmed_at IS NULL",
        NoticeKind.NOT_TAKEN,
        OUT,
        text_nl,
    )
    if told is None:
        with services.journal.step("not taken") as db:
            notify(
                db,
                kind=NoticeKind.NOT_TAKEN,
                about=OUT,
                text_nl=text_nl,
                text_en=f"Stays in `out`: {'; '.join(f'{name}: {en}' for name, _, en in shown)}{and_more[1]}.",
                at=services.clock.now(),
            )


async def _prepare(services: Services, row: Row) -> None:
    """Compose one taken file, or refuse it; what is not its fault leaves it for later."""
    known: Format | None = None
    document: Document | None = None
    composed: Composed | None = None
    try:
        with own_mistakes(services, about=row["target"], side="sender"):
            known = _recognise(services, row)
            document = known.read(row["data"])
            _check_sender(document, own=services.settings.oin)
            first = _first_of(services, row, document)
            if first is None:
                composed = await _compose(services, document)
            elif first["state"] != "filed":
                return  # the first of the same number is not concluded yet: this one gets its answers
            elif first["digest"] == row["digest"]:
                concluding.repeat(services, row, first)
            else:
                concluding.refuse(services, row, _used(), known=known, document=document, duplicate=True)
    except UnavailableError as error:
        _put_off(services, "files", row, error)
    except EvidenceError as error:
        concluding.alarm(services, about="log", error=error)
        _put_off(services, "files", row, error)
    except RejectedMessageError as error:
        concluding.refuse(services, row, error, known=known, document=document)
    else:
        if composed is not None:
            _journal_composed(services, row, known=known, document=document, composed=composed)


def _recognise(services: Services, row: Row) -> Format:
    if row["digest"].startswith(OVERSIZE):
        raise _refused(
            "sender.format.too-large",
            "the file is larger than any message may be",
            "Het bestand is groter dan een bericht mag zijn.",
        )
    for known in services.formats:
        if known.recognises(row["name"], row["data"]):
            return known
    raise _refused(
        "sender.format.unknown",
        "the file is of no format that this connector knows",
        "Het bestand is in geen vorm die deze connector kent.",
    )


def _check_sender(document: Document, *, own: OIN) -> None:
    if document.sender.organisation != own.value:
        raise _refused(
            "sender.address.not-ours",
            "the sender that the file names is not the organisation of this connector",
            "De zender in het bestand is niet de organisatie van deze connector.",
            "/zender/organisatie",
        )


def _first_of(services: Services, row: Row, document: Document) -> Row | None:
    """Find the file that used this number before; a refused one leaves its number free."""
    return services.journal.row(
        "SELECT * FROM files WHERE sender = ? AND reference = ? AND id <> ?"
        " AND (outcome = 'accepted' OR state = 'prepared') ORDER BY id LIMIT 1",
        document.sender.organisation,
        document.reference,
        row["id"],
    )


async def _compose(services: Services, document: Document) -> Composed:
    """Find recipient, thread, responsible and keys; see the attachments; compose."""
    settings, at = services.settings, services.clock.now()
    addressed = _address(services, document, at=at)
    sender, recipient = await _parties(services, addressed.recipient, at=at)
    chain = services.keys.newest_chain
    if newest_epoch(settings.keys) > (-1 if chain is None else chain.epoch):
        # It was taken beside the running agent: after a leak the key of before must not be used any more.
        services.keys = load_keys(settings.keys)
        chain = services.keys.newest_chain
    if chain is None:
        text = "there is no chain key yet; `ketenhub-connector chain-key take` takes it from another holder"
        raise UnavailableError(text, code="sender.chain-key.missing")
    await _scan(services, document)
    envelope = Envelope(
        sender=sender,
        capacity=(document.capacity or settings.capacity) if sender.role is Role.GI else None,
        recipient=recipient,
        recipient_capacity=document.receiver_capacity or addressed.capacity or _capacity_of(services, recipient),
        hub=settings.hub.name,
        responsible=find_responsible(
            document.responsible,
            professionals=_table(settings.professionals, parse_professionals) or {},
            default=settings.responsible,
        ),
        thread=addressed.thread,
        corrected=find_corrected(document, services=services),
    )
    return compose(
        document,
        envelope=await _with_people(services, document, envelope, chain=chain, at=at),
        policy=services.policy,
        keys=SenderKeys(signing=services.keys.signing, chain=chain),
        at=at,
        randomness=services.randomness,
    )


async def _with_people(
    services: Services, document: Document, envelope: Envelope, *, chain: ChainKey, at: datetime
) -> Envelope:
    """Look up what the ground asks to know of the people of a document."""
    catalogue = services.policy.catalogue
    purpose = purpose_of(document, envelope=envelope, catalogue=catalogue, at=at)
    ties = ties_of(purpose, message_type=document.type, catalogue=catalogue)
    tags = [known_tag(each, thread=envelope.thread, hub=envelope.hub, chain=chain) for each in document.subjects]
    people = await people_of(
        services,
        [
            pseudonyms_of(services, tag, number=number_of(each))
            for each, tag in zip(document.subjects, tags, strict=True)
            if tag is not None
        ],
        ties=ties,
        sender=envelope.sender.oin,
        recipient=Addressee(
            oin=envelope.recipient.oin, role=envelope.recipient.role, capacity=envelope.recipient_capacity
        ),
    )
    return replace(envelope, people=people)


def _address(services: Services, document: Document, *, at: datetime) -> Addressed:
    settings = services.settings
    book = _table(settings.addressbook, parse_addressbook) or ()
    day = civil_day(at)
    assert day is not None, "the clock gives aware moments"
    destination: Destination | None = None
    unknown: DocumentError | None = None
    try:
        destination = find_destination(document.receiver.organisation, addressbook=book, day=day)
    except DocumentError as error:
        unknown = error
    return address(
        document,
        journal=services.journal,
        definitions=services.policy.definitions,
        own=settings.oin,
        destination=destination,
        unknown=unknown,
    )


def _table(path: Path, parse: Callable[[bytes], _T]) -> _T | None:
    """Read a table of the organisation's; one that is broken is no fault of the file, which waits for it.

    Raises:
        UnavailableError: The table cannot be read.
    """
    if not path.exists():
        return None
    try:
        return parse(path.read_bytes())
    except DocumentError as error:
        raise UnavailableError(
            f"`{path.name}` is not usable; `ketenhub-connector doctor` says why", code=error.code
        ) from error


async def _parties(services: Services, recipient: OIN, *, at: datetime) -> tuple[Participant, Participant]:
    """Find both sides in our own directory, looked up anew where one is missing."""
    directory = services.directory.directory
    if directory.participant(services.settings.oin) is None or directory.participant(recipient) is None:
        directory = await services.directory.refresh(services.hub, at=at)
    own, other = directory.participant(services.settings.oin), directory.participant(recipient)
    if own is None:
        text = "this organisation has not joined yet; `ketenhub-connector join` posts the admission"
        raise UnavailableError(text, code="sender.not-joined")
    if other is None or not other.in_force(at) or other.sealing_key is None:
        raise _refused(
            "sender.recipient.unknown",
            "the recipient takes no part in the exchange, or cannot receive yet",
            "De ontvanger doet niet mee aan de uitwisseling, of kan nog niets ontvangen.",
            "/ontvanger/organisatie",
        )
    return own, other


def _capacity_of(services: Services, recipient: Participant) -> Capacity | None:
    """Say in which capacity a GI receives: as the settings say, or the only one that it has."""
    if recipient.role is not Role.GI:
        return None
    stated = services.settings.receives_in.get(recipient.oin.value)
    if stated is not None:
        return stated
    return next(iter(recipient.capacities)) if len(recipient.capacities) == 1 else None


async def _scan(services: Services, document: Document) -> None:
    verdicts = await services.scanner.judge(attachments(document.items))
    held = [label for label, verdict in verdicts.items() if verdict is Verdict.HELD]
    if held:
        code = "sender.attachment.held"
        issues = [
            Issue(
                pointer=f"/{label}",
                code=code,
                text="held back by the scan command",
                text_nl="Deze bijlage is tegengehouden door de scanopdracht.",
            )
            for label in held
        ]
        raise DocumentError("the scan command holds back an attachment", code=code, issues=issues)


def _journal_composed(services: Services, row: Row, *, known: Format, document: Document, composed: Composed) -> None:
    """Write the finished submission, before its first attempt."""
    message, at = composed.message, services.clock.now()
    content_type, body = encode_submission(composed.submission)
    roles = {person_key(subject): subject.role for subject in document.subjects}
    tags = {person: (roles[person], tag) for person, tag in composed.tags.items()}
    with services.journal.step("prepared") as db:
        db.execute(
            "UPDATE files SET state = 'prepared', sender = ?, reference = ?, trouble = NULL WHERE id = ?",
            (document.sender.organisation, document.reference, row["id"]),
        )
        db.execute(
            "INSERT INTO submissions (id, file, recipient, type, purpose, message, content_type, body, withheld,"
            " remarks, created_at, pickup_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                message.id.value,
                row["id"],
                message.recipient.oin.value,
                message.type,
                message.recipient.purpose,
                composed.submission.message,
                content_type,
                body,
                json.dumps(own_withheld_to_json(composed.withheld)),
                json.dumps(list(document.remarks)),
                milliseconds(at),
                message.pickup_by,
            ),
        )
        remember_thread(
            db,
            message,
            direction=Direction.SENT,
            number=document.case_reference,
            tags=tags,
            last_reply=is_last(
                message, document.items, journal=services.journal, definitions=services.policy.definitions
            ),
            at=at,
        )
        concluding.answer(services, db, row, AnswerKind.READ, known=known, document=document)
    say(Event.MESSAGE_COMPOSED, file=row["id"], message=message.id.value)


async def _send(services: Services, row: Row) -> int:
    """Make one attempt to send a finished submission; its bytes are those in the journal."""
    file = services.journal.row("SELECT * FROM files WHERE id = ?", row["file"])
    assert file is not None, "a submission has its file"
    try:
        with own_mistakes(services, about=file["target"], side="sender"):
            answer = await services.hub.submit(row["content_type"], row["body"])
            checked = await check_answer(services, row, answer)
    except UnavailableError as error:
        _put_off(services, "submissions", row, error)
        return 0
    except EvidenceError as error:
        # The hub's proof does not hold: the message does not count as sent, and somebody must know.
        concluding.alarm(services, about=row["id"], error=error)
        _put_off(services, "submissions", row, error)
        return 0
    except RejectedMessageError as error:
        if file["state"] == "filed":
            concluding.lost(services, file, row, error)
            return 1
        return await _refused_by_hub(services, file, row, error)
    if file["state"] == "filed":
        concluding.accept_again(services, file, row, checked)
    else:
        concluding.accept(services, file, row, checked)
    say(Event.MESSAGE_ACCEPTED, file=file["id"], message=row["id"], index=checked.index)
    await keep_up_with_catalogue(services, digest=checked.catalogue, index=checked.index)
    return 1


async def _refused_by_hub(services: Services, file: Row, row: Row, error: RejectedMessageError) -> int:
    codes = {error.code, *(issue.code for issue in error.issues)}
    anew = services.journal.row("SELECT count(*) AS n FROM submissions WHERE file = ?", file["id"])
    if codes & COMPOSE_ANEW and anew is not None and anew["n"] < COMPOSED_ANEW_MAX:
        await services.directory.refresh(services.hub, at=services.clock.now())
        with services.journal.step("composed anew") as db:
            db.execute("UPDATE submissions SET state = 'superseded', body = NULL WHERE id = ?", (row["id"],))
            db.execute("DELETE FROM threads WHERE message = ?", (row["id"],))
            db.execute("UPDATE files SET state = 'taken', next_at = 0 WHERE id = ?", (file["id"],))
        return 0
    if isinstance(error, AuthenticationError) or codes & WAIT:
        _put_off(services, "submissions", row, error)
        return 0
    known, document = concluding.read_again(services, file)
    concluding.refuse(services, file, error, known=known, document=document, submission=row["id"])
    return 1


def _put_off(services: Services, table: str, row: Row, error: ExchangeError) -> None:
    """Try again later, each time a little later, and say why in `status`."""
    attempts = row["attempts"] + 1
    seconds = retry_seconds(attempts)
    next_at = milliseconds(services.clock.now()) + seconds * 1000
    with services.journal.step("put off") as db:
        # The table's name is one of two of ours, never from outside.
        db.execute(
            f"UPDATE {table} SET attempts = ?, next_at = ?, trouble = ? WHERE id = ?",  # noqa: S608 - see above
            (attempts, next_at, trouble_text(error), row["id"]),
        )
        file = row if table == "files" else db.execute("SELECT * FROM files WHERE id = ?", (row["file"],)).fetchone()
        if not error.code.endswith(OWN_MISTAKE):  # told already, with its place
            tell_waiting(db, file, why=trouble_text(error), at=services.clock.now())
    say(Event.MESSAGE_PUT_OFF, level=logging.WARNING, code=error.code, seconds=seconds)


def _used() -> DocumentError:
    return _refused(
        "sender.reference.used",
        "this sender used this reference number for other content",
        "Dit referentienummer is al gebruikt voor een ander bericht.",
        "/referentienummer",
    )


def _refused(code: str, text: str, text_nl: str, pointer: str = "") -> DocumentError:
    return DocumentError(text, code=code, issues=[Issue(pointer=pointer, code=code, text=text, text_nl=text_nl)])
