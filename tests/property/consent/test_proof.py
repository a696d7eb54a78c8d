"""The proof holds for the packaged catalogue, and finds the faults that are planted in catalogues and in decisions."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Final, cast

import pytest

from consent.cli.dossier import report_bytes
from consent.cli.proofs import proof_report
from consent.cli.reading import packaged_proof
from consent.decide import decide
from consent.decision import Decision
from consent.facts import PersonFacts
from consent.grounds import Catalogue, Tie
from consent.proving import Kind, Part, PartResult, conclude, parts, prove_part
from consent.request import CorrectedFact, DisclosureRequest, Facts, QuestionFact, ReplyFact
from consent.situations import answers, best_situation, situations
from consent.space import PARTIES, Frame, Space
from schemas.codes import Capacity, Category, Necessity
from schemas.consents import Answer
from schemas.definitions import load_definitions
from schemas.measures import MeasureType
from tests.support.catalogue_files import HEALTH_FOR_A_GEMEENTE, PACKAGED, edited, with_row

DEFINITIONS: Final = load_definitions()
PARTS: Final = parts(PACKAGED, definitions=DEFINITIONS)


@cache
def proved(part: Part) -> PartResult:
    return prove_part(part, catalogue=PACKAGED, definitions=DEFINITIONS)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: f"{part.kind}-{part.about}")
def test_every_sentence_holds_for_the_packaged_catalogue(part: Part) -> None:
    """One piece of the decision space after the other, until it is whole."""
    result = proved(part)
    assert (result.broken, result.counterexamples) == ({}, [])
    assert result.asked or part.kind is Kind.UNKNOWN


def test_the_proof_is_about_permits_too() -> None:
    """Each ground that can permit does, or the sentences above would be about nothing."""
    codes = dict.fromkeys(row.code for row in PACKAGED.grounds)
    permitting = {code for code in codes if proved(Part(kind=Kind.PERMITS, about=code)).permits}
    never = {"VTO-AFSCHRIFT", "VOORTGANG", "MELD-VT", "DASH-ZAAK", "BELEID", "TOEZICHT"}
    assert permitting == codes.keys() - never


def test_the_shipped_report_is_what_the_proof_says() -> None:
    """Byte for byte: after a change of catalogue, definitions or sentences `prove --report` writes it anew."""
    proof = conclude([proved(part) for part in PARTS])
    assert packaged_proof() == report_bytes(proof_report(proof, PACKAGED, DEFINITIONS))


def test_the_parts_hold_every_ground_once() -> None:
    about = [part.about for part in PARTS if part.kind is Kind.PERMITS]
    assert len(about) == len(set(about)) == len({row.code for row in PACKAGED.grounds}) + 1


# ---- faults in a catalogue ----

CATALOGUES: Final[dict[str, tuple[str, Callable[[], Catalogue], str]]] = {
    "a row lets health go to a gemeente": ("gemeente", lambda: with_row(HEALTH_FOR_A_GEMEENTE), "FOUT"),
    "a row lets justice go to a gemeente": (
        "gemeente",
        lambda: edited("MAATREGEL", '["identificatie", "besluit"', '["identificatie", "strafrecht", "besluit"'),
        "MAATREGEL",
    ),
    "a notification tells concerns": (
        "notificatie",
        lambda: edited("RVDK-NOT.gemeente", '"proces", "besluit"]', '"proces", "besluit", "zorgen"]'),
        "RVDK-NOT",
    ),
    "a notification tells all relations": (
        "notificatie",
        lambda: edited("RVDK-NOT.gemeente", 'only = { gezag-relaties = ["relationship"] }', "only = {}"),
        "RVDK-NOT",
    ),
    "article 7.3.11(4) without a measure": (
        "ondertoezichtstelling",
        lambda: edited(
            "GI-OTS-ANTW",
            'ties = ["measure", "asked"]',
            'ties = ["asked"]',
            of=edited("GI-OTS-ANTW", "spoed_hours = 72\n", ""),
        ),
        "GI-OTS-ANTW",
    ),
    "article 7.3.11(4) for a guardian": (
        "ondertoezichtstelling",
        lambda: edited("GI-OTS-SPONT", 'capacities = ["ots"] }', 'capacities = ["ots", "voogdij"] }'),
        "GI-OTS-SPONT",
    ),
    "a secret address to a gemeente": (
        "geheim-adres",
        lambda: edited("MAATREGEL", '["identificatie", "besluit"', '["identificatie", "adres-geheim", "besluit"'),
        "MAATREGEL",
    ),
    "a reporter to a GI": (
        "melder",
        lambda: edited("RVDK-AANM", '["identificatie", "contact"', '["identificatie", "melder", "contact"'),
        "RVDK-AANM",
    ),
    "a name to a supervisor": (
        "zonder-naam",
        lambda: edited("KLACHT", '["klacht", "proces"]', '["klacht", "proces", "identificatie"]'),
        "KLACHT",
    ),
    "a finding to a supervisor": (
        "zonder-naam",
        lambda: edited(
            "KLACHT",
            '["klacht", "proces"]\nonly = {}',
            '["klacht", "proces", "zorgen"]\nonly = { zorgen = ["description"] }',
        ),
        "KLACHT",
    ),
    "an answer that nobody has to have asked for": (
        "gevraagd",
        lambda: edited("RVDK-INFO-ANTW", 'ties = ["asked"]', "ties = []"),
        "RVDK-INFO-ANTW",
    ),
    "the voluntary phase without consent": (
        "toestemming",
        lambda: edited(
            "VRIJW.naar-gi-2027",
            'ties = ["consent"]\nconsent = "persons-by-age-and-authority"',
            'ties = []\nconsent = "none"',
            of=edited("VRIJW.naar-gi-2027", "7.3.11 lid 1", "3.1"),
        ),
        "VRIJW",
    ),
    "justice by consent": (
        "nooit-met-toestemming",
        lambda: edited("VRIJW.naar-gi", '"proces", "besluit"', '"strafrecht", "proces", "besluit"'),
        "VRIJW",
    ),
}


@pytest.mark.parametrize("fault", CATALOGUES)
def test_a_fault_in_a_catalogue_is_found(fault: str) -> None:
    """The sentence that it breaks is named, with a question that shows it."""
    sentence, make, purpose = CATALOGUES[fault]
    proof = conclude([prove_part(Part(kind=Kind.PERMITS, about=purpose), catalogue=make(), definitions=DEFINITIONS)])
    assert [each.code for each in proof.sentences if each.broken] == [sentence]
    (broken,) = [each for each in proof.sentences if each.broken]
    assert broken.counterexamples[0].request.purpose == purpose
    assert not proof.holds


def on_article(article: str | None) -> Catalogue:
    """A row for nothing, that names this article of the Youth Act."""
    words = '{ law = "Jw" }' if article is None else f'{{ law = "Jw", article = "{article}" }}'
    row = HEALTH_FOR_A_GEMEENTE.replace("gezondheid", "contact").replace('{ law = "Jw", article = "3.1" }', words)
    return with_row(row)


def broken_by(catalogue: Catalogue) -> list[str]:
    part = Part(kind=Kind.PERMITS, about="FOUT")
    proof = conclude([prove_part(part, catalogue=catalogue, definitions=DEFINITIONS)])
    return [each.code for each in proof.sentences if each.broken]


@pytest.mark.parametrize(
    "article",
    [
        "7.3.11 lid 4",
        "7.3.11 lid 4 en 5",
        "7.3.11, vierde lid",
        "7.3.11(4)",
        "7.3.11",
        "artikel 7.3.11 lid 4",
        "7.3.1 tot en met 7.3.16",
        "7.3 e.v.",
        "7.x",
        None,
    ],
)
def test_paragraph_4_is_held_to_a_supervision_order_however_a_row_spells_it(article: str | None) -> None:
    """Who writes a row does not get around the sentence by the words in which the article is named."""
    assert broken_by(on_article(article)) == ["ondertoezichtstelling"]


def test_paragraph_1_is_held_to_consent_whatever_a_row_says_of_consent() -> None:
    assert broken_by(on_article("7.3.11 lid 1")) == ["toestemming"]


@pytest.mark.parametrize("article", ["3.1", "7.3.4", "7.3.1 lid 1", "7.4.0"])
def test_another_article_asks_for_no_supervision_order(article: str) -> None:
    assert broken_by(on_article(article)) == []


# ---- faults in the decision ----


def forgets_the_givers(request: DisclosureRequest, *, catalogue: Catalogue, facts: Facts, at: datetime) -> Decision:
    """Takes every consent for one that everybody gave."""
    everybody = answers(zelf=Answer.YES, parents=(Answer.YES, Answer.YES), representative=Answer.YES)
    people = tuple(
        replace(one, consents=tuple(replace(consent, givers=everybody) for consent in one.consents))
        for one in facts.people
    )
    return decide(request, catalogue=catalogue, facts=replace(facts, people=people), at=at)


def forgets_withdrawals(request: DisclosureRequest, *, catalogue: Catalogue, facts: Facts, at: datetime) -> Decision:
    people = tuple(
        replace(one, consents=tuple(replace(consent, withdrawn=False) for consent in one.consents))
        for one in facts.people
    )
    return decide(request, catalogue=catalogue, facts=replace(facts, people=people), at=at)


def takes_any_measure(request: DisclosureRequest, *, catalogue: Catalogue, facts: Facts, at: datetime) -> Decision:
    """Takes a guardianship for a supervision order."""
    people = tuple(
        replace(one, measures=tuple(replace(measure, type=MeasureType.OTS) for measure in one.measures))
        for one in facts.people
    )
    return decide(request, catalogue=catalogue, facts=replace(facts, people=people), at=at)


def lets_an_emergency_last(request: DisclosureRequest, *, catalogue: Catalogue, facts: Facts, at: datetime) -> Decision:
    return decide(request, catalogue=catalogue, facts=replace(facts, spoed_since=None), at=at)


def believes_the_capacity(request: DisclosureRequest, *, catalogue: Catalogue, facts: Facts, at: datetime) -> Decision:
    sender = replace(request.sender, admitted=frozenset(Capacity))
    return decide(replace(request, sender=sender), catalogue=catalogue, facts=facts, at=at)


def takes_every_category_for_asked(
    request: DisclosureRequest, *, catalogue: Catalogue, facts: Facts, at: datetime
) -> Decision:
    question = facts.question and QuestionFact(categories=frozenset(Category))
    return decide(request, catalogue=catalogue, facts=replace(facts, question=question), at=at)


def takes_a_question_for_an_assignment(
    request: DisclosureRequest, *, catalogue: Catalogue, facts: Facts, at: datetime
) -> Decision:
    reply = facts.reply and ReplyFact(message_type="aanmelding-uitvoering")
    return decide(request, catalogue=catalogue, facts=replace(facts, reply=reply), at=at)


def takes_every_category_for_released(
    request: DisclosureRequest, *, catalogue: Catalogue, facts: Facts, at: datetime
) -> Decision:
    corrected = facts.corrected and CorrectedFact(categories=frozenset(Category))
    return decide(request, catalogue=catalogue, facts=replace(facts, corrected=corrected), at=at)


def finds_everything_necessary(
    request: DisclosureRequest, *, catalogue: Catalogue, facts: Facts, at: datetime
) -> Decision:
    necessary = replace(request, necessary=Necessity.PROFESSIONAL)
    return decide(necessary, catalogue=catalogue, facts=facts, at=at)


def forgets_the_switch(request: DisclosureRequest, *, catalogue: Catalogue, facts: Facts, at: datetime) -> Decision:
    on = replace(catalogue, grounds=tuple(replace(row, in_force=True) for row in catalogue.grounds))
    return decide(request, catalogue=on, facts=facts, at=at)


def takes_any_type(request: DisclosureRequest, *, catalogue: Catalogue, facts: Facts, at: datetime) -> Decision:
    """Takes a message type that the ground does not know for one that it knows."""
    known = sorted(name for row in catalogue.rows(request.purpose) for name in row.message_types)
    if known and request.message_type not in known:
        request = replace(request, message_type=known[0])
    return decide(request, catalogue=catalogue, facts=facts, at=at)


DECISIONS: Final = {
    forgets_the_givers: ("toestemming", "VRIJW"),
    forgets_withdrawals: ("toestemming", "VRIJW"),
    takes_any_measure: ("ondertoezichtstelling", "GI-OTS-ANTW"),
    lets_an_emergency_last: ("ondertoezichtstelling", "GI-OTS-SPONT"),
    believes_the_capacity: ("hoedanigheid", "MAATREGEL"),
    takes_every_category_for_asked: ("gevraagd", "RVDK-INFO-ANTW"),
    takes_a_question_for_an_assignment: ("gevraagd", "GI-BEPALING"),
    takes_every_category_for_released: ("correctie", "CORRECTIE"),
    finds_everything_necessary: ("noodzaak", "VTO"),
    forgets_the_switch: ("geldig", "VOORTGANG"),
    takes_any_type: ("onbekend", "KLACHT"),
}


@pytest.mark.parametrize("fault", DECISIONS, ids=lambda fault: fault.__name__)
def test_a_fault_in_the_decision_is_found(fault: Callable[..., Decision]) -> None:
    sentence, purpose = DECISIONS[fault]
    part = Part(kind=Kind.PERMITS, about=purpose)
    result = prove_part(part, catalogue=PACKAGED, definitions=DEFINITIONS, ask=fault)
    assert sentence in result.broken


def test_a_decision_that_a_restriction_widens_is_found() -> None:
    """One that takes a row that names no message type for one that names all of them."""

    def widens(request: DisclosureRequest, *, catalogue: Catalogue, facts: Facts, at: datetime) -> Decision:
        rows = tuple(
            row if row.message_types else replace(row, message_types=frozenset({request.message_type}))
            for row in catalogue.grounds
        )
        return decide(request, catalogue=replace(catalogue, grounds=rows), facts=facts, at=at)

    part = Part(kind=Kind.DENIALS, about="KLACHT")
    result = prove_part(part, catalogue=PACKAGED, definitions=DEFINITIONS, ask=widens)
    assert set(result.broken) == {"nee-erbij"}
    assert result.counterexamples[0].restriction is not None


def test_a_decision_that_permits_what_is_no_question_is_found() -> None:
    def believes(request: DisclosureRequest, *, catalogue: Catalogue, facts: Facts, at: datetime | None) -> Decision:
        """Takes a moment without a zone for one in UTC."""
        moment = None if at is None else at.replace(tzinfo=UTC)
        return decide(request, catalogue=catalogue, facts=facts, at=cast("datetime", moment))

    part = Part(kind=Kind.UNKNOWN, about="KLACHT")
    result = prove_part(part, catalogue=PACKAGED, definitions=DEFINITIONS, ask=believes)
    assert set(result.broken) == {"onbekend"}


# ---- the classes of the space ----


def answer(frame: Frame, request: DisclosureRequest, facts: Facts) -> object:
    return type(decide(request, catalogue=PACKAGED, facts=facts, at=frame.days.at))


@pytest.mark.parametrize("purpose", Space(PACKAGED, definitions=DEFINITIONS).purposes)
def test_every_member_of_a_class_gets_the_answer_of_the_one_that_stands_for_it(purpose: str) -> None:
    """Random members of random frames, in the best situation and in random ones; the seed is fixed."""
    draw = random.Random(purpose)
    space = Space(PACKAGED, definitions=DEFINITIONS)
    frames = list(space.frames(purpose))
    row = next(iter(space.rows(purpose)), PACKAGED.grounds[0])
    named = [frame for frame in frames if frame.label.example.category in row.categories]
    for frame in draw.sample(frames, min(60, len(frames))) + draw.sample(named, min(60, len(named))):
        category, at = frame.label.example.category, frame.days.at
        around = list(
            situations(
                space.ties(purpose), category=category, purpose=purpose, hours=frozenset({72}), at=at, full=False
            )
        )
        best = best_situation(row, category, sender=frame.sender.example, recipient=frame.recipient.example, at=at)
        for situation in (best, *draw.sample(around, 3)):
            asked = frame.request(subjects=situation.subjects, spoed=situation.spoed)
            label = draw.choice([one for one in frame.label.members if one.category is category])
            member = replace(
                asked,
                sender=draw.choice(frame.sender.members),
                recipient=draw.choice(frame.recipient.members),
                message_type=draw.choice(frame.message_type.members),
                profile=label.profile,
                element=label.element,
                necessary=draw.choice(frame.necessary.members),
            )
            assert answer(frame, member, situation.facts) == answer(frame, asked, situation.facts), (member, situation)


def test_every_party_stands_in_one_class() -> None:
    space = Space(PACKAGED, definitions=DEFINITIONS)
    (frame, *_) = space.frames("GI-OTS-ANTW")
    senders = {each.sender for each in space.frames("GI-OTS-ANTW")}
    assert sorted(map(repr, (party for sender in senders for party in sender.members))) == sorted(map(repr, PARTIES))
    assert frame.size > 1


def test_the_days_are_cut_where_a_row_begins_or_ends() -> None:
    days = Space(PACKAGED, definitions=DEFINITIONS).days("GI-OTS-ANTW")
    assert [(str(each.first), str(each.last)) for each in days] == [
        ("None", "2014-12-31"),
        ("2015-01-01", "2026-12-31"),
        ("2027-01-01", "None"),
    ]


def test_where_a_measure_is_looked_at_capacities_are_told_apart() -> None:
    """The GI that acts under a measure is held to the kind of its capacity."""
    space = Space(PACKAGED, definitions=DEFINITIONS)
    assert Tie.MEASURE in space.ties("RVDK-RAP")
    recipients = {frame.recipient for frame in space.frames("RVDK-RAP")}
    both = {Capacity.OTS, Capacity.VOOGDIJ}
    assert not any(
        both <= {party.capacity for party in one.members if party.capacity in party.admitted} for one in recipients
    )


def test_a_situation_with_several_persons_keeps_who_is_who() -> None:
    found = situations(
        frozenset({Tie.MEASURE}),
        category=Category.PROCES,
        purpose="GI-OTS-VRAAG",
        hours=frozenset({72}),
        at=datetime.fromisoformat("2026-11-23T12:00:00+00:00"),
        full=False,
    )
    two = [each for each in found if len(each.subjects) == 2 and each.facts.people]
    assert two
    assert all([subject.place for subject in each.subjects] == [0, 1] for each in two)
    assert any(each.facts.people[1] == PersonFacts() for each in two)
