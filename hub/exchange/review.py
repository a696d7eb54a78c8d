"""Close what somebody has to look at: an emergency, an unprompted message, a self-declared or contradicted measure.

A supervisor closes anything, a party its own. An emergency stands in for a measure that is not stated yet, so it stays
open until the statement is there *and* somebody has looked at it.

Source: the architecture, section 6 (`REVIEW`); the domain page, section 5, *Spoed*.
"""

from dataclasses import dataclass
from typing import Final

from audit.entries import PAD_BYTES, EntryDraft, parse_entry
from consent.reasons import Mark
from hub.attention import Review
from hub.changes import LogMember, ReviewClosed
from hub.exchange.authenticate import Request, authenticate
from hub.exchange.known import ends_emergency, measures_of
from hub.exchange.services import Services
from hub.exchange.stages import Arrival
from hub.ports import MemberLostError
from schemas.codes import EntryKind, Role, TokenType
from schemas.errors import Issue, RejectedMessageError, ReplayError, UnavailableError
from schemas.identifiers import SubjectTag
from schemas.participants import Participant
from schemas.reviews import ReviewClaims, parse_review
from schemas.sdjwt import parse_disclosure

REVIEWS_MAX: Final = 200
"""How many items one answer holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """The answer to a review: where it stands in the log."""

    index: int
    entry: str
    tlog_proof: str


async def open_reviews(participant: Participant, *, after: int, limit: int, services: Services) -> tuple[Review, ...]:
    """List what is open beyond a number: for a supervisor everything, for anybody else its own."""
    party = None if participant.role is Role.TOEZICHTHOUDER else participant.oin
    return await services.attention.reviews(party, after=after, limit=min(limit, REVIEWS_MAX))


async def review(token: str, *, arrival: Arrival, services: Services) -> Reviewed:
    """Close an item of the review list; the same review again gets the same answer.

    Raises:
        RejectedMessageError: There is no such item for this participant, it is closed, or what it waits for is not
            there yet.
        UnavailableError: It may succeed later; nothing was changed.
        EvidenceError: The log contradicts itself.
    """
    world = services.worlds.current()
    request = authenticate(
        token, typ=TokenType.REVIEW, parse=parse_review, arrival=arrival, hub=services.hub, world=world
    )
    for _ in range(2):
        item = _own(await services.attention.review(request.claims.about, request.claims.mark), request)
        if item.closed is not None:
            return await _old_answer(item, request, services=services)
        if item.mark == Mark.SPOED.value:
            await _check_statement(item, services=services)
        try:
            appended = await services.log.append(_member(request, services=services))
        except MemberLostError:
            continue
        return Reviewed(index=appended.index, entry=appended.entry, tlog_proof=appended.tlog_proof)
    raise UnavailableError("this item changes at this moment; try again", code="hub.decision.outdated")


def _own(item: Review | None, request: Request[ReviewClaims]) -> Review:
    participant = request.participant
    parties = (item.sender, item.recipient) if item is not None else ()
    if item is None or (participant.role is not Role.TOEZICHTHOUDER and participant.oin not in parties):
        raise RejectedMessageError("there is no such item for this participant", code="sender.review.unknown")
    return item


async def _old_answer(item: Review, request: Request[ReviewClaims], *, services: Services) -> Reviewed:
    assert item.closed is not None
    if item.token != request.token:
        raise ReplayError("somebody else closed this item already", code="sender.review.closed")
    (entry,) = await services.log.entries(start=item.closed, count=1)
    proof = await services.log.proof(item.closed, entry=entry)
    return Reviewed(index=item.closed, entry=entry, tlog_proof=proof)


async def _check_statement(item: Review, *, services: Services) -> None:
    """Check that the measure of an emergency is stated for its people, with one of its parties as executor.

    Raises:
        RejectedMessageError: It is not.
    """
    stored = await services.store.message(item.about)
    tags = [SubjectTag(str(parse_disclosure(text).value)) for text in stored.tags] if stored else []
    persons = await services.persons.of(tags)
    stated = [each for person in persons.values() for each in measures_of(person)]
    accepted_at = parse_entry(stored.entry.encode()).time // 1000 if stored else 0
    parties = (item.sender, item.recipient)
    if not any(ends_emergency(each, gi=oin, accepted_at=accepted_at) for each in stated for oin in parties):
        issue = Issue(pointer="/about", code="sender.review.statement", text=_STATEMENT[0], text_nl=_STATEMENT[1])
        raise RejectedMessageError(_STATEMENT[0], code="sender.review.statement", issues=[issue])


_STATEMENT: Final = (
    "no measure is stated yet for the people of this emergency; it stays open until one is",
    "voor de personen van dit spoedbericht is nog geen maatregel gemeld; het blijft open tot die er is",
)


def _member(request: Request[ReviewClaims], *, services: Services) -> LogMember:
    claims = request.claims
    return LogMember(
        draft=EntryDraft(
            kind=EntryKind.REVIEW,
            id=claims.id.value,
            sender=request.participant.oin,
            request=request.digest,
            pad=services.randomness.bytes(PAD_BYTES),
        ),
        shown=None,
        kept=(),
        watches=frozenset(),
        touches=frozenset(),
        change=ReviewClosed(about=claims.about, mark=claims.mark, token=request.token),
    )
