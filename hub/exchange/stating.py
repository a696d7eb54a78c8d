"""Take in what participants state about persons: the one way of consents, measures and links.

    1. authenticate: a participant in force signed it, however long ago
    2. limit: one participant states and searches so many times a minute
    3. repeat: the same record gets the same answer, also when its signer has another key by now
    4. compare: what is known of the person, under each pseudonym, lets it be said
    5. log and store, in one transaction; anew from 3 if what was read has changed

What is stated about a person touches every pseudonym that is linked, so a decision that read less becomes outdated.

Source: the architecture, sections 5, 6 and 7 (`POST /v1/consents`).
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from audit.entries import EntryDraft
from audit.records import SALT_BYTES
from hub.changes import Change, KeptDraft, LogMember
from hub.exchange.authenticate import Claims, Request, authenticate, check_no_canary, renew, verify_former_signer
from hub.exchange.services import Services, World
from hub.exchange.stages import Arrival
from hub.persons import Person, PersonRecord
from hub.ports import Appended, DecisionOutdatedError, MemberLostError
from schemas.codes import CHAIN_KEY_ROLES, EntryKind, TokenType
from schemas.errors import (
    AuthenticationError,
    DocumentError,
    Issue,
    RejectedMessageError,
    ReplayError,
    UnavailableError,
)
from schemas.identifiers import OIN, MessageId, SubjectTag
from schemas.jws import parse_jws
from schemas.participants import Participant

ATTEMPTS_MAX: Final = 5
"""How often a record is compared anew because what is known of the person changed under it."""

PER_MINUTE_MAX: Final = 120
"""How often one participant states or searches something about persons in a minute."""


class RecordClaims(Claims, Protocol):
    """What every record about a person says of itself."""

    @property
    def id(self) -> MessageId:
        """Identifier of the record."""
        ...


RecordT = TypeVar("RecordT", bound=RecordClaims)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stating(Generic[RecordT]):
    """A record on its way into the log: who signed it, and what is known of whom it is about.

    Attributes:
        request: The record, authenticated.
        persons: The person of each pseudonym that it names.
        world: The participants.
        arrival: When it came.
        services: What use cases work with.
    """

    request: Request[RecordT]
    persons: Mapping[SubjectTag, Person]
    world: World
    arrival: Arrival
    services: Services

    @property
    def tags(self) -> frozenset[SubjectTag]:
        """Every pseudonym of the persons that it is about."""
        return frozenset(tag for person in self.persons.values() for tag in person.tags)


@dataclass(frozen=True, slots=True, kw_only=True)
class Form(Generic[RecordT]):
    """One kind of record.

    Attributes:
        kind: Kind of its entry.
        typ: Type of the token.
        parse: Reads its claims.
        tags: The pseudonyms that it names.
        change: Compares it with what is known and says what becomes true; raises DocumentError with every issue.
    """

    kind: EntryKind
    typ: TokenType
    parse: Callable[[bytes], RecordT]
    tags: Callable[[RecordT], tuple[SubjectTag, ...]]
    change: Callable[[Stating[RecordT]], Awaitable[Change]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The answer to a record: where it stands in the log.

    Attributes:
        id: The record.
        index: Place of its entry.
        entry: Exact text of that entry.
        tlog_proof: Proof of the entry.
        change: What became true; None if this is the old answer to the same record.
    """

    id: MessageId
    index: int
    entry: str
    tlog_proof: str
    change: Change | None


async def take_in(token: str, *, form: Form[RecordT], arrival: Arrival, services: Services) -> Taken:
    """Take in a record about persons, in the order that this module states.

    Raises:
        RejectedMessageError: Nobody in force signed it, its signer may not state it, it does not fit what is known
            (every issue is listed), or its identifier stands for another record.
        UnavailableError: It may succeed later; nothing was changed.
        EvidenceError: The log contradicts itself.
    """
    # 1. authenticate
    world = services.worlds.current()
    try:
        request = authenticate(
            token,
            typ=form.typ,
            parse=form.parse,
            arrival=arrival,
            hub=services.hub,
            world=world,
            age_seconds_max=None,
        )
    except AuthenticationError:
        # 3. repeat
        known = await _answer_to_former_key(token, form=form, world=world, services=services)
        if known is None:
            raise
        return known
    # 2. limit
    await check_limit(request.participant.oin, services=services)
    for _ in range(ATTEMPTS_MAX):
        # 3. repeat
        record = await services.persons.record(request.claims.id)
        if record is not None:
            return await _old_answer(record, token=token, services=services)
        # 4. compare
        check_role(request.participant)
        persons = await services.persons.of(form.tags(request.claims))
        stating = Stating(request=request, persons=persons, world=world, arrival=arrival, services=services)
        change = await form.change(stating)
        # 5. log and store
        try:
            appended = await services.log.append(_member(stating, change, form=form))
        except MemberLostError:
            continue
        except DecisionOutdatedError:
            world = await services.worlds.refresh()
            request = renew(request, world=world, at=arrival.at)
            continue
        return _taken(request.claims.id, appended, change)
    raise UnavailableError("this person's records keep changing; send it again", code="hub.decision.outdated")


async def check_limit(oin: OIN, *, services: Services) -> None:
    """Check that a participant does not state or search without bound: each is an entry of the log, for good.

    Raises:
        UnavailableError: It came too often in this minute.
    """
    if not await services.rate_limits.permit(f"persons:{oin.value}", per_minute=PER_MINUTE_MAX):
        text = f"a participant states and searches at most {PER_MINUTE_MAX} times a minute; try again later"
        raise UnavailableError(text, code="hub.persons.too-often")


def check_role(participant: Participant) -> None:
    """Check that a participant may know of persons at all: pseudonyms are made by who may hold the chain key.

    Raises:
        RejectedMessageError: It may not.
    """
    check_no_canary(participant)
    if participant.role not in CHAIN_KEY_ROLES:
        text, text_nl = _ROLE
        issue = Issue(pointer="/iss", code="sender.persons.role", text=text, text_nl=text_nl)
        raise RejectedMessageError(text, code="sender.persons.role", issues=[issue])


_ROLE: Final = (
    "only raad, gi, gemeente and veilig-thuis state or search something about persons",
    "alleen Raad, GI, gemeente en Veilig Thuis leggen iets over personen vast of zoeken het op",
)


def refuse(text: str, issues: Sequence[Issue]) -> None:
    """Raise what is wrong with a record, if anything is.

    Raises:
        DocumentError: With every issue.
    """
    if issues:
        raise DocumentError(text, code=issues[0].code, issues=issues)


def keep_of(
    tags: Iterable[SubjectTag], *, participant: Participant, arrival: Arrival, services: Services
) -> tuple[KeptDraft, ...]:
    """Make the records by which an entry stands in each person's accounting; the participant itself answers for it."""
    return tuple(
        KeptDraft(
            tag=tag,
            salt=services.randomness.bytes(SALT_BYTES),
            responsible=f"participant:{participant.oin.value}",
            relied_on=(),
            trace_id=arrival.trace_id,
            span_id=arrival.span_id,
        )
        for tag in tags
    )


def _member(stating: Stating[RecordT], change: Change, *, form: Form[RecordT]) -> LogMember:
    request = stating.request
    touched = frozenset(tag.value for tag in stating.tags)
    return LogMember(
        draft=EntryDraft(
            kind=form.kind,
            id=request.claims.id.value,
            sender=request.participant.oin,
            as_of=stating.world.as_of,
            request=request.digest,
        ),
        shown=None,
        kept=keep_of(
            form.tags(request.claims),
            participant=request.participant,
            arrival=stating.arrival,
            services=stating.services,
        ),
        watches=touched | {request.participant.oin.value},
        touches=touched,
        change=change,
    )


def _taken(record_id: MessageId, appended: Appended, change: Change | None) -> Taken:
    return Taken(
        id=record_id, index=appended.index, entry=appended.entry, tlog_proof=appended.tlog_proof, change=change
    )


async def _answer_to_former_key(token: str, *, form: Form[RecordT], world: World, services: Services) -> Taken | None:
    """Give the old answer to a record that was taken in before its signer changed its key; None: it was not."""
    parsed = parse_jws(token, typ=form.typ)
    claims = form.parse(parsed.payload)
    try:
        verify_former_signer(parsed, oin=claims.issuer, world=world)
    except RejectedMessageError:
        return None
    record = await services.persons.record(claims.id)
    if record is None or record.token != token:
        return None
    return await _old_answer(record, token=token, services=services)


async def _old_answer(record: PersonRecord, *, token: str, services: Services) -> Taken:
    if record.token != token:
        raise ReplayError("this identifier was used for another record; draw a new one", code="sender.jti.used")
    return _taken(record.id, await services.proven(record), None)
