"""Signed records about persons on their way to the hub's log: consents, measures, links, recalls.

    signed     the signed record stands in the journal; every attempt posts these bytes
               but for one that waited while our signing key was replaced, or a recall that waited too long: it is
               signed again, because the hub says that it has not taken it
    recorded   the hub's answer was verified: the entry is in the log
    refused    the hub does not take it; people are told

A record names nobody. Who it is about is known from the forms in the organisation's own file, not from here.

Source: the architecture, sections 3, 5 and 7.
"""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date
from sqlite3 import Connection, Row
from typing import Final

from connectors.agent.concluding import alarm
from connectors.agent.events import Event, say
from connectors.agent.journal import Journal, NoticeKind, milliseconds, notify, take_back
from connectors.agent.services import Services
from connectors.agent.troubles import RETRY_SECONDS_MAX, Troubles, own_mistakes, retry_seconds
from connectors.sdk.answers import ProvenText
from connectors.sdk.dutch import trouble_text, why
from connectors.sdk.ports import Hub
from connectors.sdk.records import prove_recorded, tag_in
from consent.request import civil_day
from schemas.codes import EntryKind, TokenType
from schemas.errors import (
    AuthenticationError,
    DocumentError,
    EvidenceError,
    ExchangeError,
    Issue,
    RejectedMessageError,
    UnavailableError,
)
from schemas.identifiers import MessageId, SubjectTag
from schemas.jws import parse_jws, sign_jws
from schemas.randomness import new_message_id
from schemas.requests import parse_recall, recall_to_payload

TOO_OLD: Final = "sender.request.time"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of record.

    Attributes:
        entry: Kind of its log entry.
        token: What it is signed as.
        post: How it gets to the hub.
        nl: What people call it.
        en: The same in English.
    """

    entry: EntryKind
    token: TokenType
    post: Callable[[Hub, str], Awaitable[ProvenText]]
    nl: str
    en: str


CONSENT: Final = Kind(
    entry=EntryKind.CONSENT,
    token=TokenType.CONSENT,
    post=lambda hub, token: hub.record_consent(token),
    nl="toestemming",
    en="consent",
)
MEASURE: Final = Kind(
    entry=EntryKind.MEASURE,
    token=TokenType.MEASURE,
    post=lambda hub, token: hub.record_measure(token),
    nl="maatregel",
    en="measure",
)
LINK: Final = Kind(
    entry=EntryKind.LINK,
    token=TokenType.LINK,
    post=lambda hub, token: hub.record_link(token),
    nl="koppeling",
    en="link",
)
RECALL: Final = Kind(
    entry=EntryKind.RECALL,
    token=TokenType.RECALL,
    post=lambda hub, token: hub.recall(token),
    nl="intrekking",
    en="recall",
)
KINDS: Final[Mapping[str, Kind]] = {kind.entry.value: kind for kind in (CONSENT, MEASURE, LINK, RECALL)}
"""By the name that the journal has for them."""


def new_record_id(services: Services) -> MessageId:
    """Draw the id of a record."""
    return new_message_id(at=services.clock.now(), randomness=services.randomness)


def today(services: Services) -> date:
    """The day in the Netherlands."""
    day = civil_day(services.clock.now())
    assert day is not None, "the clock gives aware moments"
    return day


def seconds(services: Services) -> int:
    """Now, as NumericDate."""
    return int(services.clock.now().timestamp())


def refuse_if_any(issues: tuple[Issue, ...], *, text: str, code: str) -> None:
    """Refuse what has findings.

    Raises:
        DocumentError: There are any; all are listed.
    """
    if issues:
        raise DocumentError(text, code=code, issues=issues)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned:
    """A record that is to be signed.

    Attributes:
        id: Its id.
        payload: Its claims, canonical.
        secret: What belongs to it and stays here.
    """

    id: MessageId
    payload: bytes
    secret: str | None = field(default=None, repr=False)


def own_payloads(journal: Journal, kind: Kind, *, about: Sequence[SubjectTag] | None = None) -> tuple[bytes, ...]:
    """Return the claims of the records of one kind that this connector signed and the hub did not refuse, by id.

    Args:
        journal: Where they stand.
        kind: Which kind.
        about: Whom they are about, by each pseudonym; None: whoever it is.
    """
    # Only question marks are added.
    under = "" if about is None else f" AND tag IN ({', '.join('?' * len(about))})"
    rows = journal.rows(
        f"SELECT token FROM records WHERE kind = ? AND state <> 'refused'{under} ORDER BY id",  # noqa: S608 - see above
        kind.entry.value,
        *(each.value for each in about or ()),
    )
    return tuple(parse_jws(row["token"], typ=kind.token).payload for row in rows)


def sign_records(
    services: Services, records: Sequence[Unsigned], *, kind: Kind, beside: Callable[[Connection], None] | None = None
) -> None:
    """Sign records that belong together and write them down in one step, to be posted: all of them, or none.

    Args:
        services: For key and journal.
        records: What is to be signed, in the order in which it is posted.
        kind: Which kind they are.
        beside: Writes down, in the same step, what else must be durable with them.
    """
    tokens = [sign_jws(each.payload, typ=kind.token, key=services.keys.signing) for each in records]
    signed_at = milliseconds(services.clock.now())
    with services.journal.step("record signed") as db:
        for each, token in zip(records, tokens, strict=True):
            db.execute(
                "INSERT INTO records (id, kind, token, secret, signed_at, tag) VALUES (?, ?, ?, ?, ?, ?)",
                (each.id.value, kind.entry.value, token, each.secret, signed_at, tag_in(token)),
            )
        if beside is not None:
            beside(db)
    for each in records:
        say(Event.RECORD_SIGNED, message=each.id.value, code=kind.entry.value)


async def post_records(services: Services, ids: Sequence[MessageId]) -> tuple[int | None, ...]:
    """Post signed records for somebody who waits: each has its turn, also after one that the hub does not take.

    Returns:
        For each the place of its entry in the log; None where the hub was not reached: the connector posts it later.

    Raises:
        RejectedMessageError: The hub does not take one of them.
        EvidenceError: The hub's proof of one does not hold.
    """
    found: list[int | None] = []
    troubles = Troubles()
    for each in ids:
        index: int | None = None
        with troubles.kept(), suppress(UnavailableError):
            index = await post_record(services, each)
        found.append(index)
    troubles.raise_first()
    return tuple(found)


async def post_record(services: Services, record_id: MessageId) -> int:
    """Post a signed record, for somebody who waits for the answer.

    Returns:
        The place of its entry in the log.

    Raises:
        RejectedMessageError: The hub does not take it; it is not tried again.
        EvidenceError: The hub's proof does not hold; it is tried again.
        UnavailableError: The hub was not reached; it is tried again.
    """
    row = services.journal.row("SELECT * FROM records WHERE id = ?", record_id.value)
    assert row is not None, "it was signed before"
    try:
        return await _post(services, row)
    except RejectedMessageError as error:
        _refused(services, row, error, told=True)
        raise
    except (EvidenceError, UnavailableError) as error:
        _put_off(services, row, error)
        raise


async def record_round(services: Services) -> int:
    """Post the records that are signed and not in the log yet.

    Returns:
        How many were concluded.
    """
    concluded = 0
    for row in services.journal.rows(
        "SELECT * FROM records WHERE state = 'signed' AND next_at <= ? ORDER BY id", milliseconds(services.clock.now())
    ):
        try:
            with own_mistakes(services, about=row["id"], side="sender"):
                await _post(services, row)
        except UnavailableError as error:
            _put_off(services, row, error)
        except EvidenceError as error:
            alarm(services, about=row["id"], error=error)
            _put_off(services, row, error)
        except RejectedMessageError as error:
            if _waits(services, row, error):
                continue
            _refused(services, row, error, told=False)
            concluded += 1
        else:
            concluded += 1
    return concluded


async def _post(services: Services, row: Row) -> int:
    kind = KINDS[row["kind"]]
    answer = await kind.post(services.hub, row["token"])
    proven = prove_recorded(
        row["token"],
        entry=answer.entry,
        tlog_proof=answer.tlog_proof,
        index=answer.index,
        kind=kind.entry,
        log=services.log,
    )
    services.directory.saw(proven.checkpoint)
    with services.journal.step("record logged") as db:
        services.directory.keep_seen(db)
        db.execute(
            "UPDATE records SET state = 'recorded', log_index = ?, trouble = NULL WHERE id = ?",
            (proven.index, row["id"]),
        )
        take_back(db, kind=NoticeKind.BLOCKED, about=row["id"], at=services.clock.now())
    say(Event.RECORD_LOGGED, message=row["id"], index=proven.index)
    return proven.index


def _waits(services: Services, row: Row, error: RejectedMessageError) -> bool:
    """Keep what the hub refuses for who signed it or when: nothing is wrong with what it says.

    The hub gives its old answer to what it took, whatever key and age that has; so it has not taken this.

    Returns:
        False if it is refused for what it says.
    """
    if error.code != TOO_OLD and not isinstance(error, AuthenticationError):
        return False
    parsed = parse_jws(row["token"], typ=KINDS[row["kind"]].token)
    payload = parsed.payload
    if error.code == TOO_OLD and row["kind"] == RECALL.entry.value:
        claims = parse_recall(payload)
        if claims.issued_at + RETRY_SECONDS_MAX <= seconds(services):
            payload = recall_to_payload(replace(claims, issued_at=seconds(services)))
    if payload == parsed.payload and parsed.kid == services.keys.signing.public.thumbprint:
        _put_off(services, row, error)
        return True
    token = sign_jws(payload, typ=KINDS[row["kind"]].token, key=services.keys.signing)
    with services.journal.step("signed again") as db:
        db.execute("UPDATE records SET token = ?, attempts = 0, next_at = 0 WHERE id = ?", (token, row["id"]))
    return True


def _refused(services: Services, row: Row, error: RejectedMessageError, *, told: bool) -> None:
    """Write down that the hub does not take a record; who is told already needs no notice."""
    kind = KINDS[row["kind"]]
    why_nl, why_en = why(error)
    with services.journal.step("record refused") as db:
        db.execute(
            "UPDATE records SET state = 'refused', trouble = ? WHERE id = ?",
            (trouble_text(error), row["id"]),
        )
        take_back(db, kind=NoticeKind.BLOCKED, about=row["id"], at=services.clock.now())
        if not told:
            notify(
                db,
                kind=NoticeKind.RECORD_REFUSED,
                about=row["id"],
                text_nl=f"De hub neemt deze vastlegging ({kind.nl}) niet aan: {why_nl} ({error.code}).",
                text_en=f"The hub does not take this record ({kind.en}): {why_en} ({error.code}).",
                at=services.clock.now(),
            )
    say(Event.RECORD_REFUSED, level=logging.WARNING, message=row["id"], code=error.code)


def _put_off(services: Services, row: Row, error: ExchangeError) -> None:
    attempts = row["attempts"] + 1
    wait = retry_seconds(attempts)
    next_at = milliseconds(services.clock.now()) + wait * 1000
    with services.journal.step("put off") as db:
        db.execute(
            "UPDATE records SET attempts = ?, next_at = ?, trouble = ? WHERE id = ?",
            (attempts, next_at, trouble_text(error), row["id"]),
        )
    say(Event.MESSAGE_PUT_OFF, level=logging.WARNING, message=row["id"], code=error.code, seconds=wait)
