"""Checking a catalogue, the coverage of the law, and the register of processing: what they find and say."""

from datetime import date
from importlib import resources

import pytest

from consent.checking import Severity, check_catalogue
from consent.coverage import Covered, Exchange, cover, load_articles
from consent.grounds import Catalogue
from consent.processing_register import activities, to_json, to_markdown
from schemas.codes import Role
from schemas.definitions import load_definitions
from schemas.errors import DocumentError
from tests.support.catalogue_files import HEALTH_FOR_A_GEMEENTE, PACKAGED, edited, with_row

DEFINITIONS = load_definitions()
LAW = resources.files("consent").joinpath("law", "jeugdwet.toml").read_bytes()
ON = date(2026, 11, 23)


def findings(catalogue: Catalogue) -> set[tuple[str, str]]:
    return {(finding.code, finding.about) for finding in check_catalogue(catalogue, definitions=DEFINITIONS)}


# ---- check ----


def test_the_packaged_catalogue_has_no_errors() -> None:
    found = check_catalogue(PACKAGED, definitions=DEFINITIONS)
    assert [finding for finding in found if finding.severity is Severity.ERROR] == []


def test_a_row_that_no_message_can_rest_on_is_dead() -> None:
    """A gemeente sends no request for an investigation to a supervisor: the message type does not know that."""
    to, other = 'to = { roles = ["raad"]', 'to = { roles = ["toezichthouder"]'
    found = check_catalogue(edited("VTO", to, other), definitions=DEFINITIONS)
    dead = [finding for finding in found if finding.severity is Severity.ERROR]
    assert [(finding.code, finding.about) for finding in dead] == [("dead", "VTO")]


def test_a_row_without_a_message_type_waits() -> None:
    assert ("waits", "VTO-AFSCHRIFT") in findings(PACKAGED)


def test_a_row_whose_message_type_is_not_there_waits() -> None:
    changed = edited("VTO", '["verzoek-tot-onderzoek"]', '["verzoek-dat-niet-bestaat"]')
    assert ("waits", "VTO") in findings(changed)


def test_a_row_that_is_off_is_named() -> None:
    assert ("off", "VOORTGANG") in findings(PACKAGED)


def test_a_category_that_no_message_of_a_row_can_hold_is_named() -> None:
    changed = edited("KLACHT", '["klacht", "proces"]', '["klacht", "proces", "strafrecht"]')
    texts = [
        finding.text.en for finding in check_catalogue(changed, definitions=DEFINITIONS) if finding.about == "KLACHT"
    ]
    assert texts == ["`strafrecht` cannot stand in any message of this row"]


def test_a_role_that_no_message_of_a_row_knows_is_named() -> None:
    changed = edited("MAATREGEL", 'to = { roles = ["gemeente"]', 'to = { roles = ["gemeente", "inkooporganisatie"]')
    texts = [
        finding.text.nl for finding in check_catalogue(changed, definitions=DEFINITIONS) if finding.about == "MAATREGEL"
    ]
    assert "`inkooporganisatie` staat er als ontvanger, maar geen bericht van deze rij kent die" in texts


def test_an_element_that_no_message_of_a_row_can_hold_is_named() -> None:
    changed = edited("RVDK-INFO", 'zorgen = ["question"]', 'zorgen = ["question", "anders"]')
    texts = [
        finding.text.en for finding in check_catalogue(changed, definitions=DEFINITIONS) if finding.about == "RVDK-INFO"
    ]
    assert texts == ["`anders` (zorgen) cannot stand in any message of this row"]


def test_a_ground_that_ends_without_a_successor_is_named() -> None:
    changed = edited("GI-OTS-ANTW.2027", "valid_from = 2027-01-01", "valid_from = 2027-02-01")
    assert ("ends", "GI-OTS-ANTW") in findings(changed)
    assert ("ends", "GI-OTS-ANTW") not in findings(PACKAGED)


def test_a_message_type_that_no_row_carries_is_named() -> None:
    changed = edited("VTO", '["verzoek-tot-onderzoek"]', "[]")
    assert ("no-ground", "verzoek-tot-onderzoek") in findings(changed)


# ---- coverage ----


def outcomes(catalogue: Catalogue) -> dict[str, tuple[Covered, list[str]]]:
    report = cover(catalogue, load_articles(LAW))
    return {each.article.number: (each.covered, [row.name for row in each.rows]) for each in report.coverage}


def test_every_article_has_one_of_three_outcomes() -> None:
    found = outcomes(PACKAGED)
    assert found["3.5"] == (Covered.CARRIED, ["GI-BEPALING", *(["GI-BEPALING.antwoord"])])
    assert found["4.1.3"] == (Covered.NO_EXCHANGE, [])
    assert found["4.1.8"] == (Covered.NOT_COVERED, [])


def test_a_range_of_articles_carries_each_of_them() -> None:
    found = outcomes(PACKAGED)
    assert {found[f"7.4.{number}"][0] for number in range(1, 6)} == {Covered.CARRIED}


def test_an_article_that_only_begins_alike_is_not_carried() -> None:
    """A row on 7.3.1 would not carry 7.3.11, nor the other way round."""
    assert outcomes(PACKAGED)["7.3.1"] == (Covered.NO_EXCHANGE, [])


def test_a_row_that_names_a_chapter_only_is_named_apart() -> None:
    report = cover(PACKAGED, load_articles(LAW))
    assert [(row.name, words) for row, words in report.unplaced] == [("RVDK-RAP", "3.x")]


def test_the_list_runs_from_3_1_to_7_4_5_and_every_article_is_told_in_two_languages() -> None:
    articles = load_articles(LAW)
    assert (articles.first, articles.last) == ("3.1", "7.4.5")
    assert all(article.subject.nl and article.subject.en for article in articles.articles)
    assert {article.exchange for article in articles.articles} == set(Exchange)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'number = "3.2"', b'number = "3.1"'),
        (b'number = "3.2"', b'number = "9.2"'),
        (b'number = "3.2"', b'number = "drie"'),
        (b'number = "3.2", ', b""),
        (b'first = "3.1"', b'first = "3.0"'),
        (b'exchange = "none"', b'exchange = "some"'),
        (b'law = "Jw"', b'law = "Jw"\nmore = 1'),
        (b'number = "3.2",', b'number = "3.2", more = 1,'),
        (b"nl = ", b"nl = 1, was = "),
        (b"article = [", b"article = [["),
    ],
)
def test_a_list_of_articles_that_is_wrong_is_refused(old: bytes, new: bytes) -> None:
    assert old in LAW
    with pytest.raises(DocumentError):
        load_articles(LAW.replace(old, new, 1))


# ---- register ----


def test_every_ground_is_an_activity() -> None:
    found = activities(PACKAGED, definitions=DEFINITIONS)
    assert [each.code for each in found] == list(dict.fromkeys(row.code for row in PACKAGED.grounds))


def test_an_activity_tells_what_the_register_asks_for() -> None:
    (request,) = [each for each in activities(PACKAGED, definitions=DEFINITIONS) if each.code == "VTO"]
    assert [text.en for text in request.special] == [
        "health (GDPR article 9)",
        "criminal justice (GDPR article 10)",
    ]
    assert "jeugdigen" in [text.nl for text in request.subjects]
    assert "gezondheid (alleen wat noodzakelijk is)" in [text.nl for text in request.categories]
    assert request.proposed


def test_an_activity_with_a_limit_tells_it() -> None:
    (news,) = [each for each in activities(PACKAGED, definitions=DEFINITIONS) if each.code == "RVDK-NOT"]
    assert "gezag-relaties (alleen relationship)" in [text.nl for text in news.categories]


def test_the_register_of_one_role_holds_what_it_gives_or_receives() -> None:
    found = activities(PACKAGED, definitions=DEFINITIONS, role=Role.TOEZICHTHOUDER)
    assert [each.code for each in found] == ["CORRECTIE", "KLACHT", "BELEID", "TOEZICHT"]


def test_the_register_is_written_in_dutch_first_and_leaves_to_the_organisation_what_it_alone_knows() -> None:
    text = to_markdown(activities(PACKAGED, definitions=DEFINITIONS), catalogue=PACKAGED, on=ON)
    assert text.startswith("# Register van verwerkingsactiviteiten (AVG artikel 30)\n")
    assert text.index("[in te vullen door de organisatie]") < text.index("# Record of processing activities")
    assert PACKAGED.digest in text


def test_the_register_says_how_long_the_hub_keeps_what_as_the_hub_does() -> None:
    """The receipt that accepts deletes the sealed content in its own transaction; the rest no command deletes yet."""
    register = to_json(activities(PACKAGED, definitions=DEFINITIONS), catalogue=PACKAGED, on=ON)
    assert isinstance(register, dict)
    kept = register["retention"]
    assert isinstance(kept, dict)
    assert "tot het ontvangstbewijs dat haar aanvaardt" in str(kept["nl"])
    assert "until the receipt that accepts it" in str(kept["en"])
    assert "labels en pseudoniemen van een bericht zonder einddatum" in str(kept["nl"])
    assert "labels and pseudonyms of a message without an end" in str(kept["en"])


def test_the_register_as_json_holds_the_same() -> None:
    register = to_json(activities(PACKAGED, definitions=DEFINITIONS), catalogue=PACKAGED, on=ON)
    assert isinstance(register, dict)
    assert register["made_on"] == "2026-11-23"
    assert isinstance(register["activities"], list)
    assert len(register["activities"]) == len({row.code for row in PACKAGED.grounds})


def test_a_row_that_is_added_stands_in_every_report() -> None:
    changed = with_row(HEALTH_FOR_A_GEMEENTE)
    assert "FOUT" in outcomes(changed)["3.1"][1]
    assert "FOUT" in [each.code for each in activities(changed, definitions=DEFINITIONS)]
