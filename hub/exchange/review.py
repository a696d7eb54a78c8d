"""Close what somebody has to look at: an emergency, an unprompted message, a self-declared or contradicted measure.

A supervisor closes anything. A party closes its own, but not where it vouched for itself: what it says of a link, an
emergency, or a measure that it declared or that another contradicts is an *answer*, which the supervisor reads, until
others settled it. An emergency stands in for a measure that is not stated yet, so it stays open until the statement is
there *and* somebody has looked at it.

Source: the architecture, section 6 (`REVIEW`); the domain page, section 5, *Spoed*.
"""

from dataclasses import dataclass
from typing import Final

from audit.entries import PAD_BYTES, EntryDraft
from consent.reasons import Mark
from hub.attention import Review
from hub.changes import LogMember, ReviewAnswered, ReviewClosed
from hub.exchange.authenticate import Request, authenticate
from hub.exchange.known import ends_emergency, measures_of
from hub.exchange.services import Services
from hub.exchange.settled import emergency, is_settled
from hub.exchange.stages import Arrival
from hub.ports import MemberLostError
from schemas.codes import EntryKind, Role, TokenType
from schemas.errors import Issue, RejectedMessageError, ReplayError, UnavailableError
from schemas.participants import Participant
from schemas.reviews import ReviewClaims, parse_review

REVIEWS_MAX: Final = 200
"""How many items one answer holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reviewed:
    """The answer to a review: where it stands in the log, and whether the item is closed by it."""

    index: int
    entry: str
    tlog_proof: str
    closed: bool


async def open_reviews(participant: Participant, *, after: int, limit: int, services: Services) -> tuple[Review, ...]:
    """List what is open beyond a number: for a supervisor everything, for anybody else its own."""
    party = None if participant.role is Role.TOEZICHTHOUDER else participant.oin
    return await services.attention.reviews(party, after=after, limit=min(limit, REVIEWS_MAX))


async def review(token: str, *, arrival: Arrival, services: Services) -> Reviewed:
    """Close an item of the review list, or answer it; the same review again gets the same answer.

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
        known = await _old_answer(item, request, services=services)
        if known is not None:
            return known
        supervises = request.participant.role is Role.TOEZICHTHOUDER
        closes = supervises or await is_settled(item, world=world, arrival=arrival, services=services)
        if closes and item.mark == Mark.SPOED.value:
            await _check_statement(item, services=services)
        try:
            appended = await services.log.append(_member(request, closes=closes, services=services))
        except MemberLostError:
            continue
        return Reviewed(index=appended.index, entry=appended.entry, tlog_proof=appended.tlog_proof, closed=closes)
    raise UnavailableError("this item changes at this moment; try again", code="hub.decision.outdated")


def _own(item: Review | None, request: Request[ReviewClaims]) -> Review:
    participant = request.participant
    parties = (item.sender, item.recipient) if item is not None else ()
    if item is None or (participant.role is not Role.TOEZICHTHOUDER and participant.oin not in parties):
        raise RejectedMessageError("there is no such item for this participant", code="sender.review.unknown")
    return item


async def _old_answer(item: Review, request: Request[ReviewClaims], *, services: Services) -> Reviewed | None:
    """Give the old answer to a review that was taken; None if this one is new, and the item open."""
    answer = next((each for each in item.answers if each.token == request.token), None)
    if item.closed is not None and item.token == request.token:
        index, closed = item.closed, True
    elif answer is not None:
        index, closed = answer.index, False
    elif item.closed is not None:
        raise ReplayError("somebody else closed this item already", code="sender.review.closed")
    else:
        return None
    (entry,) = await services.log.entries(start=index, count=1)
    proof = await services.log.proof(index, entry=entry)
    return Reviewed(index=index, entry=entry, tlog_proof=proof, closed=closed)


async def _check_statement(item: Review, *, services: Services) -> None:
    """Check that the measure of an emergency is stated for its people, with one of its parties as executor.

    Raises:
        RejectedMessageError: It is not.
    """
    stored, people = await emergency(item, services=services)
    accepted_at = stored.accepted_at if stored else 0
    stated = [each for person in people for each in measures_of(person)]
    parties = (item.sender, item.recipient)
    if not any(ends_emergency(each, gi=oin, accepted_at=accepted_at) for each in stated for oin in parties):
        issue = Issue(pointer="/about", code="sender.review.statement", text=_STATEMENT[0], text_nl=_STATEMENT[1])
        raise RejectedMessageError(_STATEMENT[0], code="sender.review.statement", issues=[issue])


_STATEMENT: Final = (
    "no measure is stated yet for the people of this emergency; it stays open until one is",
    "voor de personen van dit spoedbericht is nog geen maatregel gemeld; het blijft open tot die er is",
)


def _member(request: Request[ReviewClaims], *, closes: bool, services: Services) -> LogMember:
    claims = request.claims
    change: ReviewClosed | ReviewAnswered = (
        ReviewClosed(about=claims.about, mark=claims.mark, token=request.token)
        if closes
        else ReviewAnswered(about=claims.about, mark=claims.mark, party=request.participant.oin, token=request.token)
    )
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
        change=change,
    )
