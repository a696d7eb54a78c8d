"""Records that hang together are one consent: what is taken back at one place is taken back at all."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any, Final

import pytest

from consent.consents import Addressee, check_record, consent_facts, taken_back
from consent.facts import ConsentFact
from schemas.codes import AgeBand, Capacity, Category, Role
from schemas.consents import ConsentRecipient, ConsentRecord, ConsentStatus, WithoutParents
from schemas.identifiers import OIN
from tests.support.law_records import (
    OTHER_GI,
    PARENT_NO,
    PARENT_YES,
    RANDOM_TAG,
    SELF_NO,
    SELF_YES,
    consent_record,
    on,
)
from tests.support.parties import GEMEENTE, GI, message_id

TO_GI: Final = Addressee(oin=GI, role=Role.GI, capacity=Capacity.PREVENTIEF)
BOTH: Final = frozenset({ConsentRecipient(oin=GI), ConsentRecipient(oin=GEMEENTE)})


def given(number: int, issuer: OIN = GEMEENTE, **change: Any) -> ConsentRecord:
    """A record; its number is its place in time and in its id."""
    return consent_record(number, issuer=issuer, recipients=change.pop("recipients", BOTH), **change)


def again(earlier: ConsentRecord, number: int, **change: Any) -> ConsentRecord:
    """The same issuer replaces an earlier record."""
    return given(number, **{**_content(earlier), "issuer": earlier.issuer, "replaces": earlier.id, **change})


def confirmed(other: ConsentRecord, number: int, issuer: OIN = GI, **change: Any) -> ConsentRecord:
    """Another issuer confirms a record."""
    return given(number, **{**_content(other), "issuer": issuer, "confirms": other.id, **change})


def _content(record: ConsentRecord) -> dict[str, Any]:
    names = ("givers", "holders", "categories", "purposes", "recipients", "valid_from", "valid_until", "age")
    return {name: getattr(record, name) for name in names}


def facts(*records: ConsentRecord, sender: OIN = GEMEENTE, recipient: Addressee = TO_GI) -> list[ConsentFact]:
    found = consent_facts(records, sender=sender, recipient=recipient)
    assert consent_facts(records[::-1], sender=sender, recipient=recipient) == found
    return list(found)


def names(found: list[ConsentFact]) -> list[int]:
    return [int(fact.id[-12:], 16) for fact in found]


# ---- one record ----


def test_a_record_says_what_it_says() -> None:
    record = given(1)
    (fact,) = facts(record)
    assert fact == ConsentFact(
        id=record.id.value,
        by_sender=True,
        for_recipient=True,
        categories=record.categories,
        purposes=record.purposes,
        valid_from=record.valid_from,
        valid_until=record.valid_until,
        withdrawn=False,
        age=AgeBand.UNDER_12,
        incapable=False,
        holders=2,
        givers=(PARENT_YES, PARENT_YES),
        without_parents=None,
    )


@pytest.mark.parametrize(
    ("recipient", "expected"),
    [
        (TO_GI, True),
        (replace(TO_GI, capacity=Capacity.OTS), True),
        (replace(TO_GI, oin=OTHER_GI), False),
    ],
)
def test_a_named_recipient_is_meant_and_no_other(recipient: Addressee, expected: bool) -> None:  # noqa: FBT001
    (fact,) = facts(given(1, recipients=frozenset({ConsentRecipient(oin=GI)})), recipient=recipient)
    assert fact.for_recipient is expected


def test_a_role_means_everybody_in_it_in_the_capacity_that_is_named() -> None:
    role = frozenset({ConsentRecipient(role=Role.GI, capacity=Capacity.PREVENTIEF)})
    assert [fact.for_recipient for fact in facts(given(1, recipients=role))] == [True]
    ots = replace(TO_GI, capacity=Capacity.OTS)
    assert [fact.for_recipient for fact in facts(given(1, recipients=role), recipient=ots)] == [False]


# ---- recorded or confirmed by the sender ----


def test_a_consent_counts_for_who_recorded_it() -> None:
    assert [fact.by_sender for fact in facts(given(1), sender=GEMEENTE)] == [True]
    assert [fact.by_sender for fact in facts(given(1), sender=GI)] == [False]


def test_a_consent_counts_for_who_confirmed_it_too() -> None:
    first = given(1)
    found = facts(first, confirmed(first, 2), sender=GI)
    assert {(each.id[-1], each.by_sender) for each in found} == {("1", False), ("2", True)}


# ---- withdrawal ----


def test_a_withdrawal_ends_the_consent() -> None:
    first = given(1)
    found = facts(first, again(first, 2, status=ConsentStatus.WITHDRAWN))
    assert (names(found), [fact.withdrawn for fact in found]) == ([2], [True])


def test_a_withdrawal_at_the_recorder_ends_what_others_confirmed() -> None:
    first = given(1)
    found = facts(first, confirmed(first, 2), again(first, 3, status=ConsentStatus.WITHDRAWN))
    assert [fact.withdrawn for fact in found] == [True, True]


def test_a_withdrawal_at_a_confirmer_ends_what_it_confirmed_and_every_other_confirmation() -> None:
    first = given(1)
    second, third = confirmed(first, 2), confirmed(first, 3, issuer=OTHER_GI)
    found = facts(first, second, third, again(second, 4, status=ConsentStatus.WITHDRAWN))
    assert all(fact.withdrawn for fact in found)
    assert len(found) == 3


def test_a_withdrawal_leaves_another_consent_of_the_same_person_alone() -> None:
    first, other = given(1), given(2, issuer=GI)
    found = facts(first, other, again(first, 3, status=ConsentStatus.WITHDRAWN))
    assert {(each.id[-1], each.withdrawn) for each in found} == {("3", True), ("2", False)}


def test_nobody_withdraws_by_a_record_of_his_own_what_another_recorded() -> None:
    first = given(1)
    strange = given(2, issuer=OTHER_GI, replaces=first.id, status=ConsentStatus.WITHDRAWN)
    assert [fact.withdrawn for fact in facts(first, strange) if fact.by_sender] == [False]


def test_after_a_withdrawal_a_consent_given_anew_counts() -> None:
    first = given(1)
    found = facts(first, again(first, 2, status=ConsentStatus.WITHDRAWN), given(3))
    assert [(each.id[-1], each.withdrawn) for each in found] == [("3", False), ("2", True)]


# ---- less than before ----


def test_a_category_that_was_taken_back_at_one_place_is_taken_back_at_all() -> None:
    first = given(1)
    second = confirmed(first, 2)
    less = frozenset({Category.IDENTIFICATIE})
    for narrower in (again(first, 3, categories=less), again(second, 3, categories=less)):
        assert {fact.categories for fact in facts(first, second, narrower)} == {less}


def test_a_recipient_and_a_purpose_that_were_taken_back_are_taken_back_at_all() -> None:
    first = given(1, purposes=frozenset({"VRIJW", "MELD-VT"}))
    second = confirmed(first, 2)
    narrower = again(second, 3, purposes=frozenset({"VRIJW"}), recipients=frozenset({ConsentRecipient(oin=GEMEENTE)}))
    found = facts(first, second, narrower)
    assert {(fact.purposes, fact.for_recipient) for fact in found} == {(frozenset({"VRIJW"}), False)}


def test_a_confirmer_that_confirms_less_takes_nothing_back() -> None:
    first = given(1)
    second = confirmed(first, 2, categories=frozenset({Category.IDENTIFICATIE}))
    assert {fact.id[-1]: fact.categories for fact in facts(first, second)} == {
        "1": first.categories,
        "2": frozenset({Category.IDENTIFICATIE}),
    }


def test_an_earlier_end_counts_at_all_places() -> None:
    first = given(1)
    second = confirmed(first, 2)
    sooner = again(first, 3, valid_until=date(2026, 12, 31))
    assert {fact.valid_until for fact in facts(first, second, sooner)} == {date(2026, 12, 31)}


def test_signed_again_under_a_new_pseudonym_it_says_the_same() -> None:
    first = given(1)
    anew = again(first, 2, tag=RANDOM_TAG)
    (fact,) = facts(first, anew)
    (before,) = facts(first)
    assert replace(fact, id=before.id) == before


# ---- which is newer ----


def test_facts_stand_newest_first() -> None:
    assert names(facts(given(1), given(3, issuer=GI), given(2, issuer=OTHER_GI))) == [3, 2, 1]


def test_signing_or_confirming_again_makes_the_answers_no_newer() -> None:
    """Else an old yes would outrank the refusal that came between."""
    first = given(1)
    refusal = given(2, issuer=OTHER_GI, givers=(PARENT_YES, PARENT_NO))
    assert names(facts(first, refusal, again(first, 3, tag=RANDOM_TAG))) == [2, 3]
    assert names(facts(first, refusal, confirmed(first, 3)))[0] == 2
    assert names(facts(first, refusal, again(first, 3, givers=(PARENT_NO, PARENT_NO)))) == [3, 2]


def test_answers_in_another_order_or_without_one_of_them_are_no_newer() -> None:
    """Whoever signs again cannot so pass by a refusal that came in between."""
    first = given(1, age=AgeBand.FROM_16, givers=(SELF_YES, PARENT_YES))
    refusal = given(2, issuer=GI, age=AgeBand.FROM_16, givers=(SELF_NO,))
    for givers in ((PARENT_YES, SELF_YES), (SELF_YES,)):
        for later in (again(first, 3, givers=givers), confirmed(first, 3, givers=givers)):
            assert findings(later, first, refusal) == []
            assert names(facts(first, refusal, later))[0] == 2


def long_family(length: int) -> list[ConsentRecord]:
    """A consent that its issuer signed again and again."""
    records = [given(1)]
    while len(records) < length:
        records.append(again(records[-1], len(records) + 1))
    return records


def steps(work: Callable[[], object]) -> int:
    """How many calls something takes: what a clock says would depend on the machine."""
    calls = 0

    def count(_frame: object, event: str, _value: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


def test_to_read_a_family_that_somebody_made_long_takes_steps_for_each_record_once() -> None:
    """Ten times as many records cost ten times as much, not a hundred times."""
    short, long = long_family(200), long_family(2000)
    (fact,) = facts(*long)
    assert fact.id == long[-1].id.value
    assert steps(lambda: facts(*long)) < 12 * steps(lambda: facts(*short))


def test_records_that_refer_to_each_other_in_a_circle_have_an_order_too() -> None:
    first = given(1, confirms=message_id(2))
    second = given(2, issuer=GI, confirms=message_id(1))
    assert sorted(names(facts(first, second))) == [1, 2]


# ---- what a new record takes back ----


def takes_back(record: ConsentRecord, *known: ConsentRecord) -> list[int]:
    return [int(each.value[-12:], 16) for each in taken_back(record, known=known)]


@pytest.mark.parametrize(
    "change",
    [
        {"status": ConsentStatus.WITHDRAWN},
        {"categories": frozenset({Category.IDENTIFICATIE})},
        {"recipients": frozenset({ConsentRecipient(oin=GI)})},
        {"valid_until": date(2026, 12, 31)},
    ],
    ids=["all", "a category", "a recipient", "days"],
)
def test_what_is_taken_back_is_taken_back_from_the_whole_family(change: dict[str, Any]) -> None:
    first, other = given(1), given(4)
    second = confirmed(first, 2)
    assert takes_back(again(second, 3, **change), first, second, other) == [1, 2, 3]


def test_the_same_again_and_a_confirmation_of_less_take_nothing_back() -> None:
    first = given(1)
    assert takes_back(first) == []
    assert takes_back(again(first, 2), first) == []
    assert takes_back(confirmed(first, 2, categories=frozenset({Category.IDENTIFICATIE})), first) == []


def test_a_refusal_takes_back_from_every_consent_to_the_same_and_only_once() -> None:
    first, second = given(1), given(2, issuer=OTHER_GI)
    elsewhere = given(3, categories=frozenset({Category.DOCUMENT}))
    refusal = given(4, issuer=GI, givers=(PARENT_NO,))
    assert takes_back(refusal, first, second, elsewhere) == [1, 2]
    assert takes_back(again(first, 5, givers=(PARENT_YES, PARENT_NO)), first, second) == [1, 2]
    assert takes_back(again(refusal, 6), first, second, refusal) == []
    assert takes_back(confirmed(refusal, 6, issuer=GEMEENTE), first, second, refusal) == []


def test_a_refusal_takes_nothing_back_from_a_consent_for_another_purpose() -> None:
    assert takes_back(given(2, givers=(PARENT_NO,), purposes=frozenset({"MELD-VT"})), given(1)) == []


def test_a_no_of_somebody_who_has_no_say_takes_nothing_back() -> None:
    first = given(1, age=AgeBand.FROM_16, givers=(SELF_YES,))
    assert takes_back(given(2, age=AgeBand.FROM_16, givers=(SELF_YES, PARENT_NO)), first) == []
    assert takes_back(given(2, age=AgeBand.UNKNOWN, givers=(SELF_YES, PARENT_NO)), first) == [1]


def test_to_take_back_from_a_family_that_somebody_made_long_takes_steps_for_each_record_once() -> None:
    def take_back(length: int) -> int:
        records = long_family(length)
        last = again(records[-1], length + 1, status=ConsentStatus.WITHDRAWN)
        assert len(takes_back(last, *records)) == length + 1
        return steps(lambda: takes_back(last, *records))

    assert take_back(2000) < 12 * take_back(200)


# ---- what may be added ----


def findings(record: ConsentRecord, *known: ConsentRecord) -> list[tuple[str, str]]:
    return [(issue.pointer, issue.code) for issue in check_record(record, known=known)]


def test_a_first_record_a_replacement_and_a_confirmation_can_be_added() -> None:
    first = given(1)
    assert findings(first) == []
    assert findings(again(first, 2), first) == []
    assert findings(confirmed(first, 2), first) == []
    assert findings(again(first, 2, status=ConsentStatus.WITHDRAWN), first) == []


def test_nobody_records_so_much_about_a_person_that_others_cannot_read_it() -> None:
    """What is taken back is always taken; a refusal finds a place longer than a consent."""
    flood = [given(number) for number in range(1, 101)]
    assert findings(given(101), *flood[1:]) == []
    assert findings(given(101), *flood) == [("/iss", "sender.consent.iss")]
    assert findings(given(101, issuer=GI), *flood) == []
    assert findings(given(101, givers=(PARENT_NO,)), *flood) == []
    assert findings(again(flood[-1], 101, status=ConsentStatus.WITHDRAWN), *flood) == []
    more = [given(number, givers=(PARENT_NO,)) for number in range(101, 201)]
    assert findings(given(201, givers=(PARENT_NO,)), *flood, *more) == [("/iss", "sender.consent.iss")]
    assert findings(again(flood[-1], 201, status=ConsentStatus.WITHDRAWN), *flood, *more) == []


def test_what_is_referred_to_must_be_there_and_of_the_right_issuer() -> None:
    first = given(1)
    assert findings(again(first, 2)) == [("/replaces", "sender.consent.replaces")]
    assert findings(replace(again(first, 2), issuer=GI), first) == [("/replaces", "sender.consent.replaces")]
    assert findings(confirmed(first, 2)) == [("/confirms", "sender.consent.confirms")]
    assert findings(confirmed(first, 2, issuer=GEMEENTE), first) == [("/confirms", "sender.consent.confirms")]


def test_nothing_goes_on_from_what_was_withdrawn_or_replaced() -> None:
    first = given(1)
    withdrawn = again(first, 2, status=ConsentStatus.WITHDRAWN)
    assert findings(again(withdrawn, 3), first, withdrawn) == [("/replaces", "sender.consent.replaces")]
    assert findings(confirmed(first, 3), first, withdrawn) == [("/confirms", "sender.consent.confirms")]
    second = again(first, 2)
    assert findings(again(first, 3), first, second) == [("/replaces", "sender.consent.replaces")]
    assert findings(confirmed(first, 3), first, second) == [("/confirms", "sender.consent.confirms")]


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"categories": frozenset({Category.GEZONDHEID})}, "categories"),
        ({"purposes": frozenset({"VTO"})}, "purposes"),
        ({"recipients": frozenset({ConsentRecipient(role=Role.GI)})}, "recipients"),
        ({"valid_from": date(2026, 9, 1)}, "from"),
        ({"valid_until": date(2027, 10, 1)}, "until"),
        ({"holders": 1, "givers": (PARENT_YES,)}, "holders"),
        ({"givers": (PARENT_YES, PARENT_YES, SELF_YES)}, "givers"),
        ({"age": AgeBand.FROM_12}, "age"),
        ({"incapable": True}, "incapable"),
        ({"age": AgeBand.FROM_12, "without_parents": WithoutParents.CONSIDERED}, "age"),
    ],
)
def test_a_later_record_never_says_more(change: dict[str, Any], member: str) -> None:
    first = given(1)
    for record in (again(first, 2, **change), confirmed(first, 2, **change)):
        assert findings(record, first)[0] == (f"/{member}", "sender.consent.more")


def test_leaving_the_parents_out_afterwards_says_more() -> None:
    first = given(1, age=AgeBand.FROM_12, givers=(SELF_YES, PARENT_NO))
    record = again(first, 2, without_parents=WithoutParents.CONSIDERED)
    assert findings(record, first) == [("/without_parents", "sender.consent.more")]


def test_a_refusal_can_be_added_and_cannot_be_taken_out() -> None:
    first = given(1)
    refused = again(first, 2, givers=(PARENT_YES, PARENT_NO))
    assert findings(refused, first) == []
    assert findings(again(refused, 3, givers=(PARENT_YES,)), first, refused) == [("/givers", "sender.consent.more")]


NO_TO_ALL: Final = (PARENT_NO, PARENT_NO)


@pytest.mark.parametrize(
    ("change", "member"),
    [
        ({"categories": frozenset({Category.ZORGEN})}, "categories"),
        ({"recipients": frozenset({ConsentRecipient(oin=GI)})}, "recipients"),
        ({"purposes": frozenset({"VTO"})}, "purposes"),
        ({"valid_from": date(2026, 11, 1)}, "from"),
        ({"valid_until": date(2026, 12, 31)}, "until"),
    ],
)
def test_of_a_refusal_nothing_is_taken_back(change: dict[str, Any], member: str) -> None:
    """Less of a no is more of a yes."""
    refusal = given(1, givers=NO_TO_ALL)
    for status in ConsentStatus:
        less = again(refusal, 2, status=status, **change)
        assert findings(less, refusal) == [(f"/{member}", "sender.consent.more")]
    assert findings(again(refusal, 2, status=ConsentStatus.WITHDRAWN), refusal) == []


def test_a_refusal_keeps_its_scope_whatever_was_taken_back_from_the_consent() -> None:
    first = given(1)
    less = again(first, 2, categories=frozenset({Category.ZORGEN}))
    refused = confirmed(first, 3, givers=NO_TO_ALL)
    scope = {fact.id[-1]: fact.categories for fact in facts(first, less, refused)}
    assert scope == {"2": frozenset({Category.ZORGEN}), "3": first.categories}


def test_a_withdrawal_may_repeat_anything() -> None:
    first = given(1)
    withdrawn = again(first, 2, status=ConsentStatus.WITHDRAWN, valid_until=date(2028, 1, 1))
    assert findings(withdrawn, first) == []


def test_time_is_that_of_the_records() -> None:
    assert on(date(2026, 10, 1)) < given(1).issued_at < given(2).issued_at


def test_in_one_second_too_a_yes_that_is_signed_again_stays_older_than_the_no_after_it() -> None:
    """The records of a case can be made within one second, and what is signed again has a later id."""
    second = on(date(2026, 10, 1))
    yes, no = given(1, issued_at=second), given(2, issuer=GI, issued_at=second, givers=(PARENT_YES, PARENT_NO))
    assert names(facts(yes, no)) == [2, 1]
    assert names(facts(yes, no, again(yes, 3, issued_at=second))) == [2, 3]
