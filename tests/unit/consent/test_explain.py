"""A decision in words: Dutch first, the law named, and a proposal never shown as settled."""

from dataclasses import replace

import pytest

from consent.decide import decide
from consent.decision import Permit
from consent.explain import PROPOSED, explain, explain_ground
from consent.facts import Executor
from consent.grounds import Ground, Status
from consent.request import NO_FACTS, DisclosureRequest
from schemas.codes import Capacity
from tests.unit.consent.builders import AT, CATALOGUE, NOTIFICATIE, RAAD, VTO, gi
from tests.unit.consent.facts_for_tests import about_one, measure


def explained(request: DisclosureRequest) -> list[str]:
    decision = decide(request, catalogue=CATALOGUE, facts=NO_FACTS, at=AT)
    return explain(decision, request=request, catalogue=CATALOGUE).text.splitlines()


def test_a_permit_is_explained_in_dutch_and_then_in_english() -> None:
    assert explained(replace(VTO, sender=gi(Capacity.OTS))) == [
        (
            "Verstrekt mag worden: jeugdige/birthDate (identificatie), van een gecertificeerde instelling"
            " (ondertoezichtstelling) aan de Raad voor de Kinderbescherming."
        ),
        (
            "Grondslag VTO, Verzoek tot onderzoek: Jeugdwet, artikel 2.4 lid 1; Jeugdwet, artikel 3.1; Burgerlijk"
            " Wetboek, artikel 1:240; Algemene verordening gegevensbescherming, artikel 6 lid 1 onder e"
            " (voorstel – nog niet bevestigd)."
        ),
        "VTO geldt vanaf 2015-01-01.",
        "De Raad vragen te onderzoeken of een kinderbeschermingsmaatregel nodig is.",
        "Toestemming is niet nodig.",
        "De ouders moeten geïnformeerd zijn, of vastgelegd is waarom niet.",
        "",
        (
            "May be disclosed: jeugdige/birthDate (identificatie), from a certified institution (supervision order) to"
            " the Raad voor de Kinderbescherming."
        ),
        (
            "Ground VTO, Request for an investigation: Youth Act (Jeugdwet), article 2.4 lid 1; Youth Act (Jeugdwet),"
            " article 3.1; Civil Code (Burgerlijk Wetboek), article 1:240; General Data Protection Regulation (AVG),"
            " article 6 lid 1 onder e (proposed, not confirmed)."
        ),
        "VTO holds from 2015-01-01.",
        "To ask the Raad to investigate whether a child-protection measure is needed.",
        "Consent is not needed.",
        "The parents have to be informed, or it is recorded why not.",
    ]


def test_a_permit_that_needs_review_says_so() -> None:
    assert any(line.startswith("Niet gevraagd:") for line in explained(NOTIFICATIE))


def test_a_denial_says_every_reason_and_each_row_of_the_ground_once() -> None:
    lines = explained(replace(VTO, purpose="VRIJW", message_type="casusinformatie"))
    assert lines[0].startswith("Verstrekt mag niet worden: ")
    assert lines[1:3] == [
        "Op deze grondslag mag een organisatie als de ontvanger niets krijgen.",
        "Hiervoor is toestemming nodig, en die is niet vastgelegd.",
    ]
    assert len(lines) == len(set(lines))
    assert "VRIJW.naar-gi geldt van 2015-01-01 tot en met 2026-12-31." in lines
    assert "VRIJW.naar-gi-2027 geldt vanaf 2027-01-01." in lines


def test_an_unknown_purpose_has_no_ground_to_explain() -> None:
    lines = explained(replace(VTO, purpose="ANDERS"))
    assert lines[1] == "Het genoemde doel staat niet in de catalogus van grondslagen."
    assert len(lines) == 5


@pytest.mark.parametrize("row", CATALOGUE.grounds, ids=lambda row: row.name)
def test_a_row_that_is_proposed_in_any_part_is_never_shown_as_settled(row: Ground) -> None:
    first = explain_ground(row, catalogue=CATALOGUE)[0]
    proposed = Status.PROPOSED in (row.duty, row.categories_status)
    assert (PROPOSED.nl in first.nl, PROPOSED.en in first.en) == (proposed, proposed)


@pytest.mark.parametrize("row", CATALOGUE.grounds, ids=lambda row: row.name)
def test_the_explanation_of_a_row_names_its_law_and_whether_it_is_off(row: Ground) -> None:
    sentences = explain_ground(row, catalogue=CATALOGUE)
    for basis in row.basis:
        assert catalogue_name(basis.law, basis.article) in sentences[0].nl
    assert (
        "Deze grondslag is niet ingeschakeld en staat niets toe." in {each.nl for each in sentences}
    ) is not row.in_force


def catalogue_name(law: str, article: str | None) -> str:
    name = CATALOGUE.laws[law].nl
    return f"{name}, artikel {article}" if article else name


def test_a_power_that_is_a_proposal_is_not_told_as_law() -> None:
    told = {row.name: [each.nl for each in explain_ground(row, catalogue=CATALOGUE)] for row in CATALOGUE.grounds}
    assert "Verstrekken moet." in told["GI-OTS-ANTW"]
    assert "Verstrekken moet (voorstel – nog niet bevestigd)." in told["GI-OTS-ANTW.2027"]
    assert "Verstrekken mag, het hoeft niet (voorstel – nog niet bevestigd)." in told["MELD-VT"]


def test_a_ground_without_an_article_says_that() -> None:
    assert "nog geen wetsartikel genoemd" in explain_ground(CATALOGUE.row("DASH-ZAAK"), catalogue=CATALOGUE)[0].nl


def test_a_permit_of_another_catalogue_is_not_explained_by_this_one() -> None:
    with pytest.raises(KeyError):
        explain(Permit(ground="VTO", row="VTO.2040"), request=VTO, catalogue=CATALOGUE)


def test_an_answer_of_another_kind_is_our_own_mistake() -> None:
    with pytest.raises(AssertionError):
        explain("permit", request=VTO, catalogue=CATALOGUE)  # type: ignore[arg-type]


def test_a_permit_names_the_records_that_it_rests_on() -> None:
    request = replace(VTO, sender=RAAD, recipient=gi(Capacity.OTS), purpose="RVDK-RAP", message_type="raadsrapport")
    decision = decide(request, catalogue=CATALOGUE, facts=about_one(measure(Executor.RECIPIENT)), at=AT)
    told = explain(decision, request=request, catalogue=CATALOGUE)
    assert "Dit berust op vastlegging ots-of-recipient." in told.nl
    assert "This rests on record ots-of-recipient." in told.en


def test_a_row_that_an_emergency_widens_says_for_how_long() -> None:
    told = {row.name: [each.nl for each in explain_ground(row, catalogue=CATALOGUE)] for row in CATALOGUE.grounds}
    sentence = "Als spoed mag dit 72 uur zolang de maatregel nog niet gemeld is."
    assert {name for name, sentences in told.items() if sentence in sentences} == {
        row.name for row in CATALOGUE.grounds if row.spoed_hours
    }
