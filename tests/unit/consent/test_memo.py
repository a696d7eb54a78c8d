"""A memo answers as `decide` does, stays bounded, and keeps days, facts and messages apart."""

from dataclasses import replace
from datetime import UTC, datetime

from consent.decide import decide
from consent.decision import Deny, Permit
from consent.memo import DecisionMemo
from consent.reasons import Mark
from consent.request import NO_FACTS, DisclosureRequest, Exchange, Facts, ReplyFact
from schemas.codes import Category
from tests.unit.consent.builders import AT, CATALOGUE, CHILD, GEMEENTE, NOTIFICATIE, RAAD, VTO

EXCHANGE = Exchange(sender=GEMEENTE, recipient=RAAD, purpose="VTO", message_type="verzoek-tot-onderzoek")


def answer(memo: DecisionMemo, request: DisclosureRequest, facts: Facts = NO_FACTS, at: datetime = AT) -> bool:
    """Ask twice: both answers are those of `decide`."""
    expected = decide(request, catalogue=CATALOGUE, facts=facts, at=at)
    assert [memo.decide(request, facts=facts, at=at) for _ in range(2)] == [expected, expected]
    return isinstance(expected, Permit)


def test_the_second_answer_is_the_remembered_one() -> None:
    memo = DecisionMemo(CATALOGUE)
    first, second = (memo.decide(VTO, facts=NO_FACTS, at=AT) for _ in range(2))
    assert first is second
    assert len(memo) == 1


def test_questions_that_differ_in_anything_have_their_own_answers() -> None:
    memo = DecisionMemo(CATALOGUE)
    before = datetime(2014, 12, 31, 22, 59, tzinfo=UTC)
    reply = Facts(reply=ReplyFact(message_type="verzoek-tot-onderzoek"))
    answers = [
        answer(memo, VTO),
        answer(memo, VTO, at=before),
        answer(memo, VTO, at=before.replace(hour=23)),
        answer(memo, replace(VTO, purpose="KLACHT")),
        answer(memo, replace(VTO, recipient=GEMEENTE)),
        answer(memo, replace(VTO, sender=RAAD)),
        answer(memo, replace(VTO, message_type="klacht")),
        answer(memo, replace(VTO, category=Category.KLACHT)),
        answer(memo, replace(VTO, subjects=())),
        answer(memo, NOTIFICATIE),
    ]
    assert answers == [True, False, True, False, False, False, False, False, False, True]
    unprompted, prompted = (memo.decide(NOTIFICATIE, facts=facts, at=AT) for facts in (NO_FACTS, reply))
    assert isinstance(unprompted, Permit)
    assert isinstance(prompted, Permit)
    assert (unprompted.marks, prompted.marks) == ((Mark.UNPROMPTED,), ())
    urgent = memo.decide(replace(VTO, spoed=True), facts=NO_FACTS, at=AT)
    assert isinstance(urgent, Permit)
    assert urgent.marks == (Mark.SPOED,)


def test_a_message_asks_each_element_once() -> None:
    memo = DecisionMemo(CATALOGUE)
    decisions = [
        memo.for_message(EXCHANGE, facts=NO_FACTS, at=AT).decide(
            VTO.profile, VTO.element, category=VTO.category, subjects=VTO.subjects, necessary=None
        )
        for _ in range(2)
    ]
    assert decisions[0] is decisions[1]
    assert decisions[0] == decide(VTO, catalogue=CATALOGUE, facts=NO_FACTS, at=AT)
    assert len(memo) == 2  # the message and the element


def test_messages_that_differ_keep_their_answers_apart() -> None:
    memo = DecisionMemo(CATALOGUE)
    reply = Facts(reply=ReplyFact(message_type="verzoek-tot-onderzoek"))
    news = replace(EXCHANGE, sender=RAAD, recipient=GEMEENTE, purpose="RVDK-NOT", message_type="notificatie-onderzoek")
    asked = [
        (EXCHANGE, NO_FACTS, AT, VTO),
        (replace(EXCHANGE, spoed=True), NO_FACTS, AT, replace(VTO, spoed=True)),
        (EXCHANGE, NO_FACTS, datetime(2014, 12, 31, 22, 59, tzinfo=UTC), VTO),
        (news, NO_FACTS, AT, NOTIFICATIE),
        (news, reply, AT, NOTIFICATIE),
    ]
    for exchange, facts, at, request in asked * 2:
        decision = memo.for_message(exchange, facts=facts, at=at).decide(
            request.profile, request.element, category=request.category, subjects=request.subjects, necessary=None
        )
        assert decision == decide(request, catalogue=CATALOGUE, facts=facts, at=at)
    assert len(memo) == 10


def test_a_memo_never_grows_over_its_bound() -> None:
    memo = DecisionMemo(CATALOGUE, entries_max=10)
    message = memo.for_message(EXCHANGE, facts=NO_FACTS, at=AT)
    for number in range(100):
        decision = message.decide(
            "jeugdige", f"element-{number}", category=Category.IDENTIFICATIE, subjects=(CHILD,), necessary=None
        )
        assert isinstance(decision, Permit)
        assert len(memo) <= 10


def test_many_messages_do_not_outgrow_it_either() -> None:
    memo = DecisionMemo(CATALOGUE, entries_max=10)
    for number in range(100):
        decision = memo.decide(replace(VTO, purpose=f"ANDERS-{number}"), facts=NO_FACTS, at=AT)
        assert isinstance(decision, Deny)
        assert len(memo) <= 10
    assert answer(memo, VTO)
