"""Every message type of the domain's table: who sends it to whom, what answers it, what it must and may say."""

from dataclasses import replace
from datetime import date
from enum import StrEnum

import pytest

from consent.grounds import Carries, Ground, packaged_catalogue
from schemas.codes import Category, Interaction, Role, SpoedReason
from schemas.definitions import ContentRule, MessageType, ReplyRule, load_definitions
from schemas.document import Document, DocumentItem
from schemas.fhir import check_values
from schemas.measures import MeasureType
from schemas.requests import RecallReason
from schemas.structure import check_document_structure
from tests.support.example_documents import DAY, with_item, without_item
from tests.support.example_messages import MESSAGE_TYPES, example_document

DEFINITIONS = load_definitions()
CATALOGUE = packaged_catalogue()

# Written from the domain's table by hand: interaction, senders, recipients, what answers it, which claims it uses.
TABLE = {
    "verzoek-tot-onderzoek": ("opdracht", "gemeente veilig-thuis gi", "raad", "notificatie-onderzoek", ""),
    "notificatie-onderzoek": ("gebeurtenis", "raad", "gemeente veilig-thuis gi", "", ""),
    "informatieverzoek": ("inzage", "raad gi", "gemeente raad veilig-thuis gi", "informatieantwoord", "asks spoed"),
    "informatieantwoord": ("inzage", "gemeente raad veilig-thuis gi", "raad gi", "", "spoed"),
    "raadsrapport": ("gebeurtenis", "raad", "gi", "", "spoed"),
    "maatregel": ("gebeurtenis", "gi raad", "gemeente dashboard", "", ""),
    "bepaling-jeugdhulp": ("opdracht", "gi", "gemeente", "informatieantwoord", ""),
    "voortgang": ("gebeurtenis", "gi", "gemeente", "", ""),
    "voornemen-beeindigen": ("opdracht", "gi", "raad", "informatieantwoord", ""),
    "aanmelding-uitvoering": ("opdracht", "raad", "gi", "informatieantwoord", ""),
    "casusinformatie": (
        "gebeurtenis",
        "gemeente raad veilig-thuis gi",
        "gemeente raad gi",
        "",
        "spoed",
    ),
    "overdracht-gi": ("opdracht", "gi", "gi", "", ""),
    "klacht": ("gebeurtenis", "gi gemeente raad veilig-thuis", "toezichthouder dashboard", "", ""),
    "correctie": ("gebeurtenis", " ".join(Role), " ".join(Role), "", "corrects"),
}


@pytest.mark.parametrize("name", sorted(TABLE))
def test_a_message_type_is_as_the_table_of_the_domain_says(name: str) -> None:
    interaction, senders, recipients, replies, claims = TABLE[name]
    kind = DEFINITIONS.message_type(name)
    assert kind.interaction is Interaction(interaction)
    assert kind.senders == set(map(Role, senders.split()))
    assert kind.recipients == set(map(Role, recipients.split()))
    assert kind.replies == tuple(replies.split())
    assert kind.claims == set(claims.split())
    assert kind.version == 1


def test_there_is_no_message_type_beyond_the_table() -> None:
    assert set(TABLE) == set(MESSAGE_TYPES)


def test_what_answers_a_message_type_says_that_it_does() -> None:
    for kind in DEFINITIONS.message_types.values():
        for reply in kind.replies:
            assert kind.name in DEFINITIONS.message_type(reply).answers
        for answered in kind.answers:
            assert kind.name in DEFINITIONS.message_type(answered).replies


def test_an_answer_always_names_its_question_and_only_answers_name_one() -> None:
    rules = {kind.name: kind.reply_to for kind in DEFINITIONS.message_types.values()}
    assert rules.pop("informatieantwoord") is ReplyRule.REQUIRED
    assert rules.pop("notificatie-onderzoek") is ReplyRule.OPTIONAL
    assert set(rules.values()) == {ReplyRule.NEVER}


def test_a_transfer_is_the_assignment_that_its_receipt_answers() -> None:
    assert {kind.name for kind in DEFINITIONS.message_types.values() if kind.answered_by_receipt} == {"overdracht-gi"}
    assert not DEFINITIONS.message_type("overdracht-gi").expects_reply


def test_a_question_says_what_it_asks_and_a_correction_what_it_corrects() -> None:
    needed = {kind.name: kind.needs_claims for kind in DEFINITIONS.message_types.values() if kind.needs_claims}
    assert needed == {"informatieverzoek": {"asks"}, "correctie": {"corrects"}}


@pytest.mark.parametrize("name", MESSAGE_TYPES)
def test_the_example_of_a_message_type_is_complete_and_right(name: str) -> None:
    document = example_document(name)
    assert check_document_structure(document, DEFINITIONS) == ()
    assert check_values(document.items, DEFINITIONS, message_type=name, on=DAY) == ()


def refused(document: Document) -> set[str]:
    """Return the codes of what a document lacks."""
    return {issue.code.removeprefix("sender.structure.") for issue in check_document_structure(document, DEFINITIONS)}


MINIMUM = {
    "informatieverzoek": {"b1": "item-missing", "q1": "item-missing", "p1": "item-missing"},
    "raadsrapport": {"b1": "item-missing", "m1": "item-missing", "p1": "item-missing"},
    "maatregel": {"m1": "item-missing"},
    "bepaling-jeugdhulp": {"b1": "item-missing", "h1": "item-missing", "p1": "item-missing"},
    "voortgang": {"b1": "item-missing", "u1": "item-missing", "p1": "item-missing"},
    "voornemen-beeindigen": {"b1": "item-missing", "m1": "item-missing", "d1": "item-missing", "p1": "item-missing"},
    "aanmelding-uitvoering": {"b1": "item-missing", "p1": "item-missing"},
    "overdracht-gi": {"b1": "item-missing", "m1": "item-missing", "p1": "item-missing"},
    "klacht": {"b1": "item-missing", "k1": "item-missing"},
    "correctie": {"w1": "item-missing"},
}


@pytest.mark.parametrize(
    ("name", "identity", "code"),
    [(name, identity, code) for name, items in MINIMUM.items() for identity, code in items.items()],
)
def test_without_what_the_table_prints_bold_a_message_is_refused(name: str, identity: str, code: str) -> None:
    assert refused(without_item(example_document(name), identity)) == {code}


@pytest.mark.parametrize(
    ("name", "identity", "elements"),
    [
        ("informatieverzoek", "q1", "categories question term"),
        ("maatregel", "m1", "type period court executor"),
        ("raadsrapport", "m1", "type"),
        ("bepaling-jeugdhulp", "h1", "product period"),
        ("voornemen-beeindigen", "m1", "type period"),
        ("aanmelding-uitvoering", "c1", "dates kind"),
        ("overdracht-gi", "m1", "type period"),
        ("klacht", "k1", "step theme received"),
        ("correctie", "w1", "corrects reason wrong-zorgen"),
    ],
)
def test_each_element_of_a_minimum_is_needed(name: str, identity: str, elements: str) -> None:
    for element in elements.split():
        assert refused(with_item(example_document(name), identity, **{element: None})) == {"element-missing"}


@pytest.mark.parametrize("name", ["informatieantwoord", "casusinformatie"])
def test_what_may_hold_anything_must_hold_something(name: str) -> None:
    document = example_document(name)
    assert refused(replace(document, items=document.items[:1])) == {"group-missing"}
    for each in document.items[1:]:
        assert refused(replace(document, items=(each,))) == set()


@pytest.mark.parametrize("name", ["raadsrapport", "overdracht-gi"])
def test_a_report_is_a_document_or_a_section_of_it(name: str) -> None:
    document = example_document(name)
    bare = replace(document, items=tuple(each for each in document.items if each.id in {"b1", "p1", "m1"}))
    assert refused(bare) == {"group-missing"}
    for identity in ("d1", "o1", "r1", "s1", "v1", "l1", "l2"):
        section = next(each for each in document.items if each.id == identity)
        assert refused(replace(bare, items=(*bare.items, section))) == set()


def test_an_answer_refuses_or_takes_on_where_it_holds_no_data() -> None:
    document = replace(example_document("informatieantwoord"), items=(question(refusal=None, accepted=None),))
    assert refused(document) == {"element-missing"}
    assert refused(replace(document, items=(question(accepted=(True,)),))) == set()
    assert refused(replace(document, items=(question(refusal=("x",)),))) == set()


def question(**elements: tuple[object, ...] | None) -> DocumentItem:
    """Return what an answer says of the question itself."""
    given = {"categories": ("zorgen",), **elements}
    kept = {name: values for name, values in given.items() if values is not None}
    return DocumentItem(profile="vraag", id="q1", about=(0,), elements=kept)  # type: ignore[arg-type]


STATEMENTS = sorted(name for name, profile in DEFINITIONS.profiles.items() if profile.findings)


def test_what_states_something_about_a_family_is_known() -> None:
    assert STATEMENTS == [
        "beschermende-factor",
        "leefgebied",
        "leefgebied-financien",
        "leefgebied-gezondheid",
        "leefgebied-justitie",
        "ontwikkelingsbedreiging",
        "opvoedvaardigheid",
        "risicofactor",
    ]


@pytest.mark.parametrize("profile", STATEMENTS)
@pytest.mark.parametrize("missing", ["statementType", "source", "reaction"])
def test_a_finding_without_its_kind_its_source_or_a_reaction_is_refused(profile: str, missing: str) -> None:
    """That no reaction was given is a reaction; that nothing is said of it is none."""
    definition = DEFINITIONS.profile(profile)
    for finding in sorted(definition.findings):
        names = {finding, "statementType", "source", "reaction"}
        whole = {name: (definition.elements[name].example,) for name in names}
        document = replace(
            example_document("informatieantwoord"),
            items=(DocumentItem(profile=profile, id="x1", about=(0,), elements=whole),),
        )
        assert refused(document) == set()
        assert refused(with_item(document, "x1", **{missing: None})) == {"element-missing"}
        assert refused(with_item(document, "x1", **{finding: None})) == {"element-missing"}


def known_types(row: Ground) -> list[MessageType]:
    return [DEFINITIONS.message_types[name] for name in sorted(row.message_types & DEFINITIONS.message_types.keys())]


ROWS = [
    pytest.param(row, kind, id=f"{row.name}-{kind.name}")
    for row in CATALOGUE.grounds
    if row.carries is Carries.ELEMENTS
    for kind in known_types(row)
]


def allowed(row: Ground, profile: str, elements: frozenset[str] | set[str]) -> bool:
    """Whether a row lets all of these elements go; that an item is marked necessary is the sender's to do."""
    return all(
        (category := DEFINITIONS.category(profile, element)) in row.categories
        and element in row.only.get(category, {element})
        for element in elements
    )


def can_meet(row: Ground, rule: ContentRule) -> bool:
    return all(
        any(allowed(row, rule.profile, alternative) for alternative in need.any_of) for need in rule.needs
    ) and any(allowed(row, rule.profile, {element}) for element in rule.elements)


@pytest.mark.parametrize(("row", "kind"), ROWS)
def test_the_minimum_of_a_message_type_never_needs_what_a_row_that_carries_it_does_not_allow(
    row: Ground, kind: MessageType
) -> None:
    for rule in kind.content.values():
        assert rule.min == 0 or can_meet(row, rule), rule.profile
    for group in kind.groups:
        possible = [
            member
            for member in group.members
            if can_meet(row, kind.content[member.profile]) and allowed(row, member.profile, member.elements)
        ]
        assert group.min == 0 or possible, group.name


@pytest.mark.parametrize(("row", "kind"), ROWS)
def test_a_message_type_can_carry_every_category_of_a_row_that_names_it(row: Ground, kind: MessageType) -> None:
    """A row that is off may name a type for what comes later; one in force may not."""
    if not row.in_force:
        return
    carried = {
        DEFINITIONS.category(rule.profile, element)
        for rule in kind.content.values()
        if not rule.off or kind.name == "verzoek-tot-onderzoek"
        for element in rule.elements
        if allowed(row, rule.profile, {element})
    }
    missing = {"VTO": {Category.HULPVERLENING, Category.BESLUIT}}.get(row.code, set())
    assert row.categories - missing <= carried


@pytest.mark.parametrize("name", MESSAGE_TYPES)
def test_a_message_type_has_no_place_for_what_no_row_lets_go(name: str) -> None:
    kind = DEFINITIONS.message_type(name)
    rows = [row for row in CATALOGUE.grounds if name in row.message_types]
    dead = {
        f"{rule.profile}/{element}"
        for rule in kind.content.values()
        for element in rule.elements
        if not any(allowed(row, rule.profile, {element}) for row in rows)
    }
    known = {"notificatie-onderzoek": {"bericht/senderUser"}}.get(name, set())
    assert dead == known


def test_every_code_of_the_lists_that_name_a_court_or_a_measure_holds_on_its_days() -> None:
    courts = DEFINITIONS.code_lists["rechtbank"]
    assert len([code for code in courts.codes if courts.find(code, on=DAY)]) == 11
    assert courts.find("RBGEL", on=date(2013, 3, 31)) is None
    assert courts.find("RBGEL", on=date(2013, 4, 1)) is not None


@pytest.mark.parametrize(
    ("name", "codes"),
    [("spoedreden", SpoedReason), ("intrekreden", RecallReason), ("categorie", Category)],
)
def test_what_stands_in_the_clear_as_a_code_has_a_name_in_its_list(name: str, codes: type[StrEnum]) -> None:
    assert set(DEFINITIONS.code_lists[name].codes) == {code.value for code in codes}


def test_a_measure_that_can_be_stated_is_on_the_list_of_measures() -> None:
    assert {kind.value for kind in MeasureType} <= set(DEFINITIONS.code_lists["maatregelsoort"].codes)


def test_a_reason_for_refusal_says_whether_it_holds_where_the_law_says_must() -> None:
    reasons = DEFINITIONS.code_lists["weigeringsgrond"]
    must = {code for code, (entry, *_) in reasons.codes.items() if "must" in entry.properties}
    assert "niet-bekend" in must
    assert must.isdisjoint({"beroepsgeheim", "belang-jeugdige", "geen-toestemming", "geen-grondslag"})
