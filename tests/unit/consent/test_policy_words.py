"""What reports, proofs and comparisons say: every party, stretch of days and situation has words in two languages."""

from datetime import UTC, date, datetime

import pytest

from consent.cli import working
from consent.consents import is_complete
from consent.grounds import Side, Text, Tie
from consent.request import DisclosureRequest, Party
from consent.situations import Situation, situations
from consent.space import ANY_OTHER, PARTIES, Class, Days, Label
from consent.telling import category_words, days_words, listed, party_words, side_words, type_words
from consent.telling_facts import question_words
from schemas.codes import Capacity, Category, Necessity, Role
from schemas.definitions import load_definitions

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
DEFINITIONS = load_definitions()
DAY = date(2026, 11, 23)


def situations_of(*ties: Tie, full: bool = True) -> list[Situation]:
    return list(
        situations(frozenset(ties), category=Category.ZORGEN, purpose="VRIJW", hours=frozenset({72}), at=AT, full=full)
    )


def words(situation: Situation) -> tuple[Text, ...]:
    request = DisclosureRequest(
        sender=Party(role=Role.GEMEENTE),
        recipient=Party(role=Role.RAAD),
        purpose="VTO",
        message_type="verzoek-tot-onderzoek",
        profile="verzoek",
        element="reasonText",
        category=Category.ZORGEN,
        subjects=situation.subjects,
        necessary=Necessity.PROFESSIONAL,
        spoed=situation.spoed,
    )
    return question_words(request, facts=situation.facts, at=AT, definitions=DEFINITIONS)


@pytest.mark.parametrize("tie", list(Tie))
def test_every_situation_can_be_told(tie: Tie) -> None:
    """In Dutch and in English, as sentences, and never the same in both."""
    for situation in situations_of(tie):
        for text in words(situation):
            assert text.nl.endswith(".")
            assert text.en.endswith(".")
            assert text.nl != text.en


def test_what_is_told_of_a_consent_and_a_measure() -> None:
    told = {text.en for situation in situations_of(Tie.CONSENT) for text in words(situation)}
    every = " ".join(told)
    for part in ("withdrawn", "expired", "not begun yet", "not recorded by the sender", "not for this recipient"):
        assert part in every
    assert "without the parents, after consideration" in every
    assert "not capable of weighing it" in every
    measures = " ".join(text.nl for situation in situations_of(Tie.MEASURE) for text in words(situation))
    for part in ("afgelopen", "zonder einddatum", "alleen door de uitvoerder gemeld", "uitgevoerd door een ander"):
        assert part in measures
    assert "Het is spoed, voor het eerst." in measures


def test_a_situation_without_facts_says_so() -> None:
    assert Text(nl="Verder is er niets bekend.", en="Nothing else is known.") in words(situations_of()[0])


def test_a_row_with_two_ties_gets_consents_and_measures_together() -> None:
    both = [
        situation
        for situation in situations_of(Tie.CONSENT, Tie.MEASURE, full=False)
        if any(person.consents and person.measures for person in situation.facts.people)
    ]
    assert both


def test_the_whole_list_of_consents_holds_complete_and_incomplete_ones_of_every_age_that_can_consent() -> None:
    seen: dict[str, set[bool]] = {}
    for situation in situations_of(Tie.CONSENT):
        for subject in situation.subjects:
            for person in situation.facts.people:
                for consent in person.consents:
                    seen.setdefault(subject.age.value, set()).add(is_complete(consent, subject.age))
    assert {age for age, found in seen.items() if found == {True, False}} == {"unborn", "0-11", "12-15", "16-17", "18+"}
    assert seen["unknown"] == {False}


@pytest.mark.parametrize("party", PARTIES, ids=lambda party: party_words(party).en)
def test_every_party_has_words(party: Party) -> None:
    told = party_words(party)
    honest = (party.role is Role.GI) == (party.capacity is not None) and party.capacity in (None, *party.admitted)
    assert ("zonder hoedanigheid" in told.nl or "niet toegelaten" in told.nl) is not (
        honest or party.role is not Role.GI
    )


def test_a_side_is_listed_in_the_order_of_the_roles() -> None:
    side = Side(roles=frozenset({Role.GEMEENTE, Role.GI}), capacities=frozenset({Capacity.OTS, Capacity.VOOGDIJ}))
    assert side_words(side).nl == "gecertificeerde instelling (ondertoezichtstelling en voogdij) en gemeente"


def test_nobody_is_a_word_too() -> None:
    assert listed([]) == Text(nl="niemand", en="nobody")


@pytest.mark.parametrize(
    ("days", "nl", "example"),
    [
        (Days(first=None, last=None), "op elke dag", date(2026, 1, 1)),
        (Days(first=None, last=DAY), "tot en met 2026-11-23", DAY),
        (Days(first=DAY, last=None), "vanaf 2026-11-23", DAY),
        (Days(first=DAY, last=DAY), "van 2026-11-23 tot en met 2026-11-23", DAY),
    ],
)
def test_a_stretch_of_days_has_words_and_a_day_that_stands_for_it(days: Days, nl: str, example: date) -> None:
    assert days_words(days).nl == nl
    assert days.example == example


def test_what_no_definition_knows_is_told_by_its_code() -> None:
    assert type_words("kengetal", DEFINITIONS) == Text(nl="kengetal", en="kengetal")
    assert category_words(Category.GEZONDHEID, DEFINITIONS).en == "health"


def test_a_label_and_a_class_say_what_they_are() -> None:
    label = Label(profile="jeugdige", element=ANY_OTHER, category=Category.IDENTIFICATIE)
    assert str(label) == "jeugdige/anders"
    assert len(Class(members=(1, 2))) == 2


def test_the_bar_is_drawn_over_itself_and_wiped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a terminal only: what is piped gets no bar."""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    results, seconds = working.run_pieces([3, 1, 2], abs, start=lambda: None, start_with=(), processes=1)
    assert (results, seconds >= 0) == ([3, 1, 2], True)
    drawn = capsys.readouterr().err
    assert f"[{'#' * 30}] 3/3" in drawn
    assert drawn.endswith("\r")
    monkeypatch.setattr("sys.stderr.isatty", lambda: False)
    working.run_pieces([1], abs, start=lambda: None, start_with=(), processes=1)
    assert capsys.readouterr().err == ""
