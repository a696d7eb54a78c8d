"""Every row of the table of grounds, as its sentence: from whom to whom, bound to the case by what, holding what.

What `decide` permits is written back in the words of the table (`?` = only an item marked necessary, `only` = those
elements of the category) and compared with the row. The second half of each row, that nothing else is permitted, is in
the same comparison: every pair of parties and every category is asked.
"""

import inspect
import re
import sys
from dataclasses import replace
from itertools import product
from typing import Final

import pytest

from consent.decide import decide
from consent.decision import Permit
from consent.facts import Executor
from consent.grounds import Catalogue, Tie
from consent.reasons import Reason
from consent.request import NO_FACTS, CorrectedFact, DisclosureRequest, Facts, Party
from consent.ties import FRAME
from schemas.codes import Capacity, Category, Necessity, Role
from schemas.definitions import load_definitions
from schemas.measures import MeasureType
from tests.support.shared import shared_path
from tests.unit.consent.builders import AT, CATALOGUE, CHILD, gi
from tests.unit.consent.facts_for_tests import ASKED, PARENT, RELEASED, about_one, consent, measure, yes

PARTIES: Final = {
    **{role.value: Party(role=role) for role in Role if role is not Role.GI},
    **{f"gi({capacity})": gi(capacity) for capacity in Capacity},
}
ANY_GI: Final = "gi(ots), gi(voogdij), gi(preventief)"
CHAIN: Final = f"gemeente, raad, veilig-thuis, {ANY_GI}"
FULL: Final = (
    "identificatie, contact, adres, adres-geheim, gezag-relaties, zorgen, hulpverlening, besluit, proces,"
    " professional, document"
)
LABELS: Final = sorted(
    {
        (element.category, profile.name, name)
        for profile in load_definitions().profiles.values()
        for name, element in profile.elements.items()
    }
)


def words(text: str) -> set[str]:
    return {part.strip() for part in text.split(",") if part.strip()}


def permits(
    way: tuple[str, str],
    code: str,
    message_type: str,
    label: tuple[Category, str, str],
    *,
    facts: Facts,
    necessary: bool = True,
    catalogue: Catalogue = CATALOGUE,
) -> bool:
    category, profile, element = label
    request = DisclosureRequest(
        sender=PARTIES[way[0]],
        recipient=PARTIES[way[1]],
        purpose=code,
        message_type=message_type,
        profile=profile,
        element=element,
        category=category,
        subjects=(CHILD,),
        necessary=Necessity.PROFESSIONAL if necessary else None,
    )
    return isinstance(decide(request, catalogue=catalogue, facts=facts, at=AT), Permit)


def ways(code: str, message_type: str, facts: Facts, catalogue: Catalogue = CATALOGUE) -> set[tuple[str, str]]:
    """From whom to whom anything at all may go."""
    return {
        way
        for way in product(PARTIES, PARTIES)
        if any(permits(way, code, message_type, label, facts=facts, catalogue=catalogue) for label in LABELS)
    }


def content(
    way: tuple[str, str], code: str, message_type: str, facts: Facts, catalogue: Catalogue = CATALOGUE
) -> set[str]:
    """What may go, in the words of the table."""
    found: set[str] = set()

    def goes(label: tuple[Category, str, str], *, necessary: bool = True) -> bool:
        return permits(way, code, message_type, label, facts=facts, necessary=necessary, catalogue=catalogue)

    for category in Category:
        labels = [label for label in LABELS if label[0] is category]
        asked = {label: goes(label) for label in labels}
        bare = any(goes(label, necessary=False) for label in labels)
        names = {name for (_, _, name), permitted in asked.items() if permitted}
        others = {name for (_, _, name), permitted in asked.items() if not permitted}
        if names:
            limit = f" only {' '.join(sorted(names))}" if others else ""
            found.add(f"{category}{'' if bare else '?'}{limit}")
    return found


def assert_row(
    code: str,
    message_type: str,
    way: str,
    categories: str,
    *,
    facts: Facts = NO_FACTS,
    catalogue: Catalogue = CATALOGUE,
) -> None:
    """The row permits this to these, and nothing to anybody else."""
    senders, _, recipients = way.partition("→")
    expected = set(product(words(senders), words(recipients)))
    assert ways(code, message_type, facts, catalogue) == expected
    for each in sorted(expected):
        assert content(each, code, message_type, facts, catalogue) == words(categories)


def assert_waiting_row(code: str, way: str, categories: str, *, facts: Facts = NO_FACTS) -> None:
    """The row permits nothing yet; switched on, and with a message that carries it, it permits this and no more."""
    assert ways(code, "voortgang", facts) == set()
    rows = tuple(
        replace(
            row,
            in_force=True,
            message_types=frozenset({"voortgang"}),
            ties=tuple(tie for tie in row.ties if tie is not Tie.RAAD_CASE),
        )
        for row in CATALOGUE.rows(code)
    )
    assert_row(code, "voortgang", way, categories, facts=facts, catalogue=replace(CATALOGUE, grounds=rows))


def assert_tied(code: str, message_type: str, way: tuple[str, str], *reasons: Reason, facts: Facts = NO_FACTS) -> None:
    """Without the facts of the tie, this is why not."""
    request = DisclosureRequest(
        sender=PARTIES[way[0]],
        recipient=PARTIES[way[1]],
        purpose=code,
        message_type=message_type,
        profile="jeugdige",
        element="name",
        category=Category.IDENTIFICATIE,
        subjects=(CHILD,),
    )
    decision = decide(request, catalogue=CATALOGUE, facts=facts, at=AT)
    assert getattr(decision, "reasons", ()) == reasons


def running(executor: Executor, kind: MeasureType = MeasureType.OTS) -> Facts:
    return about_one(measure(executor, kind), question=ASKED)


SENDER, RECIPIENT = Executor.SENDER, Executor.RECIPIENT
SENSITIVE: Final = "financien?, gezondheid?, strafrecht?"


def test_vto_asks_the_raad_to_investigate_with_all_it_needs_and_the_sensitive_only_when_necessary() -> None:
    assert_row(
        "VTO",
        "verzoek-tot-onderzoek",
        f"gemeente, veilig-thuis, {ANY_GI} → raad",
        f"{FULL}, {SENSITIVE}, melder?",
    )


def test_vto_afschrift_tells_the_college_and_waits_for_a_message_type() -> None:
    assert_waiting_row("VTO-AFSCHRIFT", f"veilig-thuis, {ANY_GI} → gemeente", "identificatie, proces")


def test_rvdk_not_tells_the_requester_progress_and_outcome_and_never_a_finding_or_an_address() -> None:
    assert_row(
        "RVDK-NOT",
        "notificatie-onderzoek",
        f"raad → gemeente, veilig-thuis, {ANY_GI}",
        "identificatie, gezag-relaties only relationship, proces, besluit",
    )


def test_rvdk_aanm_consults_the_gi_that_could_carry_out_a_measure() -> None:
    assert_row(
        "RVDK-AANM",
        "aanmelding-uitvoering",
        "raad → gi(ots), gi(voogdij)",
        "identificatie, contact, adres, gezag-relaties, proces, professional",
    )


def test_rvdk_info_asks_a_question_and_tells_no_more_than_it_needs() -> None:
    assert_row(
        "RVDK-INFO",
        "informatieverzoek",
        f"raad → gemeente, veilig-thuis, {ANY_GI}",
        "identificatie, proces, professional, zorgen only question",
    )


def test_rvdk_info_antw_answers_the_raad_what_it_asked() -> None:
    way = f"gemeente, veilig-thuis, {ANY_GI} → raad"
    assert_row(
        "RVDK-INFO-ANTW",
        "informatieantwoord",
        way,
        f"{FULL}, {SENSITIVE}, melder?",
        facts=Facts(question=ASKED),
    )
    assert_tied("RVDK-INFO-ANTW", "informatieantwoord", ("gemeente", "raad"), Reason.NOT_ASKED)


@pytest.mark.parametrize(("capacity", "kind"), [("ots", MeasureType.OTS), ("voogdij", MeasureType.VOOGDIJ)])
def test_rvdk_rap_gives_the_report_to_the_gi_that_carries_out_the_measure(capacity: str, kind: MeasureType) -> None:
    assert_row(
        "RVDK-RAP",
        "raadsrapport",
        f"raad → gi({capacity})",
        f"{FULL}, {SENSITIVE}",
        facts=running(RECIPIENT, kind),
    )
    assert_tied("RVDK-RAP", "raadsrapport", ("raad", f"gi({capacity})"), Reason.MEASURE_MISSING)


def test_gi_ots_vraag_asks_everybody_in_the_chain_while_the_ots_of_the_asking_gi_runs() -> None:
    assert_row(
        "GI-OTS-VRAAG",
        "informatieverzoek",
        f"gi(ots) → {CHAIN}",
        "identificatie, besluit only period type, proces, professional, zorgen only question",
        facts=running(SENDER),
    )
    assert_tied("GI-OTS-VRAAG", "informatieverzoek", ("gi(ots)", "gemeente"), Reason.MEASURE_MISSING)


def test_gi_ots_antw_answers_what_was_asked_while_the_ots_runs() -> None:
    assert_row(
        "GI-OTS-ANTW", "informatieantwoord", f"{CHAIN} → gi(ots)", f"{FULL}, {SENSITIVE}", facts=running(RECIPIENT)
    )
    way = ("gemeente", "gi(ots)")
    assert_tied("GI-OTS-ANTW", "informatieantwoord", way, Reason.NOT_ASKED, Reason.MEASURE_MISSING)
    assert_tied("GI-OTS-ANTW", "informatieantwoord", way, Reason.MEASURE_MISSING, facts=Facts(question=ASKED))
    unasked = about_one(measure(RECIPIENT))
    assert_tied("GI-OTS-ANTW", "informatieantwoord", way, Reason.NOT_ASKED, facts=unasked)


def test_gi_ots_spont_tells_the_gi_unasked_while_the_ots_runs() -> None:
    assert_row(
        "GI-OTS-SPONT",
        "casusinformatie",
        f"{CHAIN} → gi(ots)",
        (
            "identificatie, contact, adres, gezag-relaties, zorgen, hulpverlening, professional, document, gezondheid?,"
            " strafrecht?"
        ),
        facts=running(RECIPIENT),
    )
    assert_tied("GI-OTS-SPONT", "casusinformatie", ("raad", "gi(ots)"), Reason.MEASURE_MISSING)


@pytest.mark.parametrize("executor", [SENDER, RECIPIENT])
@pytest.mark.parametrize(("capacity", "kind"), [("ots", MeasureType.OTS), ("voogdij", MeasureType.VOOGDIJ)])
def test_gi_overdracht_hands_over_to_a_gi_in_the_same_capacity_by_the_measure_of_either(
    executor: Executor, capacity: str, kind: MeasureType
) -> None:
    assert_row(
        "GI-OVERDRACHT",
        "overdracht-gi",
        f"gi({capacity}) → gi({capacity})",
        f"{FULL}, {SENSITIVE}",
        facts=running(executor, kind),
    )
    way = (f"gi({capacity})", f"gi({capacity})")
    assert_tied("GI-OVERDRACHT", "overdracht-gi", way, Reason.MEASURE_MISSING)
    other = running(Executor.OTHER, kind)
    assert_tied("GI-OVERDRACHT", "overdracht-gi", way, Reason.MEASURE_OTHER_EXECUTOR, facts=other)


def test_gi_voogdij_in_tells_the_guardian_what_it_needs() -> None:
    assert_row(
        "GI-VOOGDIJ-IN",
        "casusinformatie",
        f"{CHAIN} → gi(voogdij)",
        (
            "identificatie, contact, adres, adres-geheim, gezag-relaties, zorgen, hulpverlening, besluit, professional,"
            " document, gezondheid?, financien?"
        ),
        facts=running(RECIPIENT, MeasureType.VOOGDIJ),
    )
    ots = running(RECIPIENT, MeasureType.OTS)
    assert_tied("GI-VOOGDIJ-IN", "casusinformatie", ("raad", "gi(voogdij)"), Reason.MEASURE_MISSING, facts=ots)


def test_gi_voogdij_uit_tells_gemeente_and_raad_what_the_guardian_gives() -> None:
    assert_row(
        "GI-VOOGDIJ-UIT",
        "casusinformatie",
        "gi(voogdij) → gemeente, raad",
        "identificatie, hulpverlening, besluit, proces, professional",
        facts=running(SENDER, MeasureType.PROVISIONAL_VOOGDIJ),
    )
    assert_tied("GI-VOOGDIJ-UIT", "casusinformatie", ("gi(voogdij)", "raad"), Reason.MEASURE_MISSING)


def test_gi_meld_tells_the_raad_of_the_intention_to_end_with_the_report_on_the_course() -> None:
    assert_row(
        "GI-MELD",
        "voornemen-beeindigen",
        "gi(ots) → raad",
        "identificatie, gezag-relaties, zorgen, hulpverlening, besluit, proces, professional, document, gezondheid?",
        facts=running(SENDER),
    )
    assert_tied("GI-MELD", "voornemen-beeindigen", ("gi(ots)", "raad"), Reason.MEASURE_MISSING)


@pytest.mark.parametrize(("capacity", "kind"), [("ots", MeasureType.OTS), ("voogdij", MeasureType.VOOGDIJ)])
def test_gi_bepaling_tells_the_gemeente_which_help_and_no_grounds_of_the_case(capacity: str, kind: MeasureType) -> None:
    assert_row(
        "GI-BEPALING",
        "bepaling-jeugdhulp",
        f"gi({capacity}) → gemeente",
        "identificatie, hulpverlening only period product provider, besluit only period type, proces, professional",
        facts=running(SENDER, kind),
    )
    assert_tied("GI-BEPALING", "bepaling-jeugdhulp", (f"gi({capacity})", "gemeente"), Reason.MEASURE_MISSING)


@pytest.mark.parametrize(
    ("code", "way"),
    [
        ("RVDK-AANM", "gi(ots), gi(voogdij) → raad"),
        ("GI-MELD", "raad → gi(ots)"),
        ("GI-BEPALING", "gemeente → gi(ots), gi(voogdij)"),
    ],
)
def test_an_assignment_is_answered_without_anything_of_the_case(code: str, way: str) -> None:
    assert_row(code, "informatieantwoord", way, "identificatie, proces, professional")


def test_maatregel_tells_the_gemeente_which_measure_runs() -> None:
    assert_row(
        "MAATREGEL", "maatregel", "gi(ots), gi(voogdij), raad → gemeente", "identificatie, besluit, professional"
    )


def test_voortgang_tells_the_gemeente_who_does_what_and_when_and_is_off() -> None:
    for capacity, kind in (("ots", MeasureType.OTS), ("voogdij", MeasureType.VOOGDIJ)):
        assert_waiting_row(
            "VOORTGANG",
            f"gi({capacity}) → gemeente",
            "identificatie, proces, professional",
            facts=running(SENDER, kind),
        )
    way = ("gi(ots)", "gemeente")
    assert_tied("VOORTGANG", "voortgang", way, Reason.GROUND_OFF, facts=running(SENDER))


def test_vrijw_carries_what_consent_names_between_gemeente_and_gi_in_the_voluntary_phase_and_never_more() -> None:
    everything = about_one(consent())
    named = (
        "identificatie, contact, adres, gezag-relaties, zorgen, hulpverlening, gezondheid, proces, besluit,"
        " professional, document, financien"
    )
    for way in (("gemeente", "gi(preventief)"), ("gi(preventief)", "gemeente")):
        assert content(way, "VRIJW", "casusinformatie", everything) == words(named)
        little = about_one(consent(categories=frozenset({Category.ZORGEN})))
        assert content(way, "VRIJW", "casusinformatie", little) == {"zorgen"}
        assert_tied("VRIJW", "casusinformatie", way, Reason.CONSENT_MISSING)
    assert ways("VRIJW", "casusinformatie", everything) == {
        ("gemeente", "gi(preventief)"),
        ("gi(preventief)", "gemeente"),
    }


def test_meld_vt_reports_to_veilig_thuis_and_waits_for_a_message_type() -> None:
    assert_waiting_row(
        "MELD-VT",
        f"gemeente, {ANY_GI}, raad → veilig-thuis",
        (
            "identificatie, contact, adres, gezag-relaties, zorgen, hulpverlening, professional, document, gezondheid?,"
            " strafrecht?, melder?"
        ),
    )


def test_correctie_goes_from_anybody_to_who_received_what_it_corrects_and_only_those_categories() -> None:
    way = ("raad", "gi(ots)")
    assert content(way, "CORRECTIE", "correctie", Facts(corrected=RELEASED)) == {each.value for each in Category}
    everybody = product(set(PARTIES) - {"gi(jeugdreclassering)"}, repeat=2)
    assert ways("CORRECTIE", "correctie", Facts(corrected=RELEASED)) == set(everybody)
    assert_tied("CORRECTIE", "correctie", way, Reason.NOT_CORRECTED)
    some = Facts(corrected=CorrectedFact(categories=frozenset({Category.ZORGEN})))
    of_itself = " ".join(sorted(element for _, element in FRAME))
    assert content(way, "CORRECTIE", "correctie", some) == {"zorgen", f"proces only {of_itself}"}
    assert_tied("CORRECTIE", "correctie", way, Reason.CATEGORY_NOT_RELEASED_THEN, facts=some)


def test_klacht_tells_supervisor_and_dashboard_of_a_complaint_without_a_name() -> None:
    assert_row(
        "KLACHT", "klacht", f"gemeente, raad, veilig-thuis, {ANY_GI} → toezichthouder, dashboard", "klacht, proces"
    )


def test_dash_zaak_is_off_and_its_tie_denies() -> None:
    assert_waiting_row(
        "DASH-ZAAK",
        f"gemeente, {ANY_GI} → dashboard",
        "proces, besluit, professional, zorgen only code domain level observedOn statementType",
    )
    (row,) = CATALOGUE.rows("DASH-ZAAK")
    assert (row.in_force, [tie.value for tie in row.ties], row.basis) == (False, ["raad-case"], ())


@pytest.mark.parametrize("code", ["BELEID", "TOEZICHT"])
def test_counts_and_records_are_no_elements_of_a_message(code: str) -> None:
    for message_type in ("kengetal", "klacht", "maatregel"):
        assert ways(code, message_type, about_one(consent(givers=yes(PARENT, PARENT)), question=ASKED)) == set()


def test_every_row_of_the_domain_page_has_its_test_here() -> None:
    """A row that is added there without a test fails here; the page stands beside the repository."""
    page = shared_path("design/DOMAIN.md").read_text(encoding="utf-8")
    table = page.partition("| code | from → to |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| ([A-Z][A-Z-]+) \|", table, flags=re.MULTILINE)
    assert len(rows) == len(set(rows)) > 20
    tests = [inspect.getsource(each) for name, each in vars(sys.modules[__name__]).items() if name.startswith("test_")]
    assert [row for row in rows if not any(f'"{row}"' in source for source in tests)] == []
