"""Take in who takes part, which chain key makes pseudonyms, and by what is decided; each an entry of the log.

Source: the architecture, sections 3, 5 and 7 (`POST /v1/participants`, `POST /v1/chain-keys`).
"""

import contextlib
from dataclasses import dataclass
from typing import Final

from audit.entries import DEFINITIONS, PAD_BYTES, EntryDraft, parse_entry
from audit.records import token_digest
from hub.changes import CataloguePublished, ChainEpochOpened, LogMember, ParticipantStated
from hub.exchange.authenticate import FUTURE_SECONDS_MAX, verify_signer
from hub.exchange.services import Services, World
from hub.exchange.stages import Arrival
from hub.ports import Appended, ChainKeyHandover, MemberLostError, ParticipantRecord
from schemas.admissions import parse_admission, parse_statement
from schemas.codes import CHAIN_KEY_ROLES, EntryKind, TokenType
from schemas.epochs import verify_chain_epoch
from schemas.errors import AuthenticationError, RejectedMessageError, ReplayError, UnavailableError
from schemas.identifiers import OIN, MessageId
from schemas.jws import parse_jws
from schemas.participants import Participant, next_participant
from schemas.pseudonyms import parse_handover

ATTEMPTS_MAX: Final = 3
"""How often joining is tried while others change the same participant."""

STATEMENTS_PER_DAY_MAX: Final = 50
"""How often a participant may change by its own word: everybody reads and checks each statement, for good."""

HANDOVERS_MAX: Final = 16
"""How often one may hand the key of one epoch to one receiver, whose sealing key may have changed meanwhile."""

_DAY_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The answer to who joined or changed.

    Attributes:
        oin: The participant.
        index: Place of its entry.
        entry: Exact text of that entry.
        tlog_proof: Proof of the entry.
    """

    oin: OIN
    index: int
    entry: str
    tlog_proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Documents:
    """New documents of a participant, before they have a place in the log."""

    index: int
    oin: OIN
    admission: str | None
    statement: str | None
    replaced: str | None


async def join(
    *, admission: str | None, statement: str | None, replaced: str | None, arrival: Arrival, services: Services
) -> Joined:
    """Take in an admission, a statement or both, if they follow from what is there.

    The same documents again get the same answer. Until they follow from what is known here nothing is awaited.

    Raises:
        RejectedMessageError: They do not follow from what is known here, are dated ahead, or come too often.
        UnavailableError: It may succeed later; nothing was changed.
    """
    oin = _whose(admission, statement, arrival=arrival)
    world = services.worlds.current()
    for _ in range(ATTEMPTS_MAX):
        before = world.directory.participant(oin)
        known = await _known(oin, before, admission=admission, statement=statement, services=services)
        if known is not None:
            return known
        documents = _Documents(index=world.as_of, oin=oin, admission=admission, statement=statement, replaced=replaced)
        next_participant(before, documents, registrar=services.registrar)
        if admission is None:
            await _check_own_word(oin, world=world, arrival=arrival, services=services)
        try:
            appended = await services.log.append(_participant_member(documents, before, services=services))
        except MemberLostError:
            world = await services.worlds.refresh()
            continue
        await services.worlds.refresh()
        return _joined(appended, oin=oin)
    raise UnavailableError("this participant is being changed at this moment; try again", code="hub.participant.busy")


def _whose(admission: str | None, statement: str | None, *, arrival: Arrival) -> OIN:
    """Read whose documents these are; verified afterwards, by what follows from what."""
    whose: OIN | None = None
    if admission is not None:
        admitted = parse_admission(parse_jws(admission, typ=TokenType.ADMISSION).payload)
        _not_ahead(admitted.issued_at, arrival=arrival)
        whose = admitted.oin
    if statement is not None:
        stated = parse_statement(parse_jws(statement, typ=TokenType.PARTICIPANT).payload)
        _not_ahead(stated.issued_at, arrival=arrival)
        whose = stated.oin
    if whose is None:
        raise RejectedMessageError("neither an admission nor a statement", code="sender.participant.empty")
    return whose


def _not_ahead(issued_at: int, *, arrival: Arrival) -> None:
    if issued_at > arrival.seconds + FUTURE_SECONDS_MAX:
        raise RejectedMessageError("dated ahead of the hub's clock; check the clock", code="sender.document.future")


async def _check_own_word(oin: OIN, *, world: World, arrival: Arrival, services: Services) -> None:
    """Check that a participant may change by its own word alone: it is in force, and does not do so all day.

    Raises:
        AuthenticationError: It is not in force.
        RejectedMessageError: It changed too often.
    """
    history = world.directory.history(oin)
    if not history[-1].in_force(arrival.at):
        text = "not a participant in force; a new admission comes first"
        raise AuthenticationError(text, code="sender.participant.unknown")
    if len(history) < STATEMENTS_PER_DAY_MAX:
        return
    (entry,) = await services.log.entries(start=history[-STATEMENTS_PER_DAY_MAX].index, count=1)
    if parse_entry(entry.encode()).time > (arrival.seconds - _DAY_SECONDS) * 1000:
        text = f"a participant changes at most {STATEMENTS_PER_DAY_MAX} times in 24 hours; state it later"
        raise RejectedMessageError(text, code="sender.participant.too-often")


async def _known(
    oin: OIN, before: Participant | None, *, admission: str | None, statement: str | None, services: Services
) -> Joined | None:
    """Return the old answer if these very documents are the newest."""
    if before is None or (statement or before.statement_token) != before.statement_token:
        return None
    if (admission or before.admission_token) != before.admission_token:
        return None
    for record in await services.store.participants(after=before.index - 1):
        if record.index == before.index and _brought(record, admission=admission, statement=statement):
            return _joined(await services.proven(record), oin=oin)
    return None


def _brought(record: ParticipantRecord, *, admission: str | None, statement: str | None) -> bool:
    return (record.admission, record.statement) == (admission, statement)


def _participant_member(documents: _Documents, before: Participant | None, *, services: Services) -> LogMember:
    randomness = services.randomness
    return LogMember(
        draft=EntryDraft(
            kind=EntryKind.PARTICIPANT,
            id=documents.oin.value,
            oin=documents.oin,
            admission=token_digest(documents.admission) if documents.admission else None,
            statement=token_digest(documents.statement) if documents.statement else None,
            pad=randomness.bytes(PAD_BYTES),
        ),
        shown=None,
        kept=(),
        watches=frozenset(),
        touches=frozenset({documents.oin.value}),
        change=ParticipantStated(
            oin=documents.oin,
            admission=documents.admission,
            statement=documents.statement,
            replaced=documents.replaced,
            follows=before.index if before else None,
        ),
    )


async def open_epoch(signed: str, *, services: Services) -> Appended:
    """Take in an epoch of the chain key; the same epoch again gets the same answer.

    Raises:
        RejectedMessageError: Not signed by the registrar, or the epoch is there with another key.
        UnavailableError: It may succeed later; nothing was changed.
    """
    chain_epoch = verify_chain_epoch(signed, registrar=services.registrar)
    member = LogMember(
        draft=EntryDraft(
            kind=EntryKind.CHAIN,
            id=chain_epoch.id.value,
            epoch=chain_epoch.epoch,
            fingerprint=chain_epoch.fingerprint,
            signed=token_digest(signed),
            pad=services.randomness.bytes(PAD_BYTES),
        ),
        shown=None,
        kept=(),
        watches=frozenset(),
        touches=frozenset(),
        change=ChainEpochOpened(epoch=chain_epoch.epoch, signed=signed),
    )
    try:
        return await services.log.append(member)
    except MemberLostError:
        for record in await services.store.chain_epochs():
            if record.signed == signed:
                return await services.proven(record)
    raise ReplayError("this epoch is open already, with other claims", code="sender.chain-epoch.used")


async def hand_over(token: str, *, arrival: Arrival, services: Services) -> MessageId:
    """Keep a chain key for its receiver: sealed, so that the hub cannot read it. The same again is the same.

    Raises:
        RejectedMessageError: The giver is unknown or not in force, one of the two may not hold a chain key, the epoch
            is not open, the giver gave that key too often, or the identifier stands for another handover.
        UnavailableError: It may succeed later; nothing was changed.
    """
    parsed = parse_jws(token, typ=TokenType.CHAIN_KEY)
    handover = parse_handover(parsed.payload)
    world = services.worlds.current()
    giver = verify_signer(parsed, oin=handover.giver, world=world, at=arrival.at)
    receiver = world.directory.participant(handover.receiver)
    if receiver is None or not receiver.in_force(arrival.at):
        raise RejectedMessageError("the receiver is not a participant in force", code="sender.recipient.unknown")
    if giver.canary or receiver.canary or not {giver.role, receiver.role} <= CHAIN_KEY_ROLES:
        text = "a chain key goes from and to raad, gi, gemeente and veilig-thuis only, and never to a canary"
        raise RejectedMessageError(text, code="sender.chain-key.role")
    if all(each.epoch != handover.epoch for each in await services.store.chain_epochs()):
        raise RejectedMessageError("the log has no such epoch; open it first", code="sender.chain-key.epoch")
    kept = ChainKeyHandover(
        id=handover.id, giver=handover.giver, receiver=handover.receiver, epoch=handover.epoch, handover=token
    )
    waiting = await services.store.handovers(handover.receiver)
    if kept in waiting:
        return handover.id
    if sum((each.giver, each.epoch) == (kept.giver, kept.epoch) for each in waiting) >= HANDOVERS_MAX:
        text = f"the key of an epoch is handed to one receiver at most {HANDOVERS_MAX} times"
        raise RejectedMessageError(text, code="sender.chain-key.too-often")
    if not await services.store.store_handover(kept) and kept not in await services.store.handovers(kept.receiver):
        raise ReplayError("this identifier was used for another handover; draw a new one", code="sender.jti.used")
    return handover.id


async def publish_definitions(*, services: Services) -> None:
    """Log the definitions of this software, unless they are the newest already.

    The grounds are another thing: they come into force by the steps of the board, see `hub/exchange/enacting.py`.

    Raises:
        UnavailableError: The database could not be reached; the process must not start.
    """
    made = services.definitions
    member = LogMember(
        draft=EntryDraft(
            kind=EntryKind.CATALOGUE,
            id=DEFINITIONS,
            catalogue=made.digest,
            version=made.version,
            pad=services.randomness.bytes(PAD_BYTES),
        ),
        shown=None,
        kept=(),
        watches=frozenset(),
        touches=frozenset({"*"}),
        change=CataloguePublished(document=DEFINITIONS, digest=made.digest, version=made.version, text=made.data),
    )
    with contextlib.suppress(MemberLostError):
        await services.log.append(member)
    await services.worlds.refresh()


def _joined(appended: Appended, *, oin: OIN) -> Joined:
    return Joined(oin=oin, index=appended.index, entry=appended.entry, tlog_proof=appended.tlog_proof)
