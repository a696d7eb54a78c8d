"""What a question, an answer and a correction say as a whole, and how sure a statement is: by value, at both ends."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest

from schemas.codes import Category, Interaction
from schemas.definitions import load_definitions
from schemas.document import DocumentItem, JSONValue
from schemas.fhir import (
    check_claims,
    check_resource,
    check_values,
    claimed_correction,
    claimed_question,
    item_to_resource,
    resource_to_item,
)
from schemas.fhir.exchange import corrected_message
from schemas.identifiers import MessageId
from schemas.message_claims import Asks, Corrects, asks_to_json, corrects_to_json
from tests.support.example_documents import DAY, concept, item
from tests.support.example_messages import QUESTION_ID, example_claims, example_document, reaction, wrong

DEFINITIONS = load_definitions()
ABSENT: JSONValue = {
    "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
}
REFUSAL = (concept("weigeringsgrond", "beroepsgeheim"),)


def check(
    message_type: str, *items: DocumentItem, on: date = DAY, withheld: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    """Return what was found and where, without the common prefix."""
    issues = check_values(items, DEFINITIONS, message_type=message_type, on=on, withheld=withheld)
    assert all(issue.text and issue.text_nl for issue in issues)
    return [(issue.code.removeprefix("sender.value."), issue.pointer) for issue in issues]


def parts(message_type: str, **changes: Mapping[str, tuple[JSONValue, ...] | None]) -> list[DocumentItem]:
    """Return the items of a complete message with elements of some set or taken away."""

    def changed(each: DocumentItem) -> DocumentItem:
        merged = {**each.elements, **changes.get(each.id, {})}
        return replace(each, elements={name: values for name, values in merged.items() if values is not None})

    return [changed(each) for each in example_document(message_type).items]


def place(identity: str) -> int:
    """Return where an item stands in the example of a report."""
    return [each.id for each in example_document("raadsrapport").items].index(identity)


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        (DAY.isoformat(), []),
        ((DAY + timedelta(days=1)).isoformat(), []),
        ((DAY - timedelta(days=1)).isoformat(), [("term-passed", "/items/1/elements/term")]),
        ("2026-11", []),
        ("2026-10", [("term-passed", "/items/1/elements/term")]),
        ("2026", []),
        ((DAY + timedelta(days=366)).isoformat(), []),
        ((DAY + timedelta(days=367)).isoformat(), [("term-far", "/items/1/elements/term")]),
        ("2999", [("term-far", "/items/1/elements/term")]),
    ],
)
def test_the_term_of_a_question_has_not_passed_and_is_not_years_away(
    term: str, expected: list[tuple[str, str]]
) -> None:
    assert check("informatieverzoek", *parts("informatieverzoek", q1={"term": (term,)})) == expected


def answer(*items: DocumentItem, withheld: tuple[str, ...] = (), **said: tuple[JSONValue, ...]) -> list[str]:
    """Check an answer with what it says of the question, and these items; return the codes."""
    found = check("informatieantwoord", item("vraag", "q1", **said), *items, withheld=withheld)
    return [code for code, _ in found]


HELP = item("hulpverlening", "h1", product=({"text": "ambulante jeugdhulp"},), period=({"start": "2026-01-01"},))
CHILD = item("jeugdige", "p1", name=({"family": "Voorbeeld"},))
WORKER = item("professional", "u1", name=({"family": "Medewerker"},))


def test_an_answer_refuses_with_a_reason_and_says_about_whom_and_from_whom() -> None:
    assert answer(refusal=REFUSAL) == []
    assert answer(CHILD, WORKER, refusal=REFUSAL) == []


def test_an_assignment_is_taken_on_or_refused_and_not_both() -> None:
    assert answer(accepted=(True,)) == []
    assert answer(accepted=(False,), refusal=REFUSAL) == []
    assert answer(accepted=(True,), refusal=REFUSAL) == ["answer-contradicts"]
    assert answer(accepted=(False,)) == ["refusal-missing"]
    assert answer(accepted=(False,), withheld=("vraag/q1/refusal",)) == []


def test_a_refusal_beside_data_names_what_it_refuses_and_gives_nothing_of_it() -> None:
    assert answer(HELP, refusal=REFUSAL) == ["refusal-categories"]
    assert answer(HELP, refusal=REFUSAL, categories=("zorgen",)) == []
    assert answer(HELP, refusal=REFUSAL, categories=("hulpverlening",)) == ["answer-contradicts"] * 2
    assert answer(HELP, refusal=REFUSAL, withheld=("vraag/q1/categories",)) == []


@pytest.mark.parametrize("code", sorted(DEFINITIONS.code_lists["weigeringsgrond"].codes))
def test_where_the_law_says_must_only_a_reason_that_leaves_nothing_to_answer_refuses(code: str) -> None:
    (reason,) = DEFINITIONS.code_lists["weigeringsgrond"].codes[code]
    refusing = [item("vraag", "q1", refusal=(concept("weigeringsgrond", code),))]
    found = check_values(refusing, DEFINITIONS, message_type="informatieantwoord", on=DAY, must_answer=True)
    expected = (
        [] if "must" in reason.properties else [("sender.value.refusal-not-allowed", "/items/0/elements/refusal")]
    )
    assert [(issue.code, issue.pointer) for issue in found] == expected
    assert answer(refusal=(concept("weigeringsgrond", code),)) == []


@pytest.mark.parametrize(
    ("answers", "items", "expected"),
    [
        (Interaction.OPDRACHT, [HELP], ["assignment-unanswered"]),
        (Interaction.OPDRACHT, [item("vraag", "q1", accepted=(True,))], []),
        (Interaction.OPDRACHT, [item("vraag", "q1", refusal=REFUSAL)], []),
        (Interaction.INZAGE, [HELP], []),
        (Interaction.INZAGE, [item("vraag", "q1", refusal=REFUSAL)], []),
        (Interaction.INZAGE, [item("vraag", "q1", accepted=(True,))], ["question-accepted"]),
        (Interaction.INZAGE, [item("vraag", "q1", accepted=(False,), refusal=REFUSAL)], []),
        (None, [HELP], []),
    ],
)
def test_an_assignment_is_taken_on_or_refused_and_a_question_is_answered(
    answers: Interaction | None, items: list[DocumentItem], expected: list[str]
) -> None:
    found = check_values(items, DEFINITIONS, message_type="informatieantwoord", on=DAY, answers=answers)
    assert [issue.code.removeprefix("sender.value.") for issue in found] == expected
    assert all(issue.text_nl for issue in found)


def test_what_an_answer_must_say_is_not_said_by_an_absent_value() -> None:
    assert answer(refusal=(ABSENT,)) == ["minimum-absent"]


CORRECTION = "correctie"


def test_a_correction_names_the_message_that_it_corrects() -> None:
    found = example_document(CORRECTION).items[1]
    assert corrected_message(found) == MessageId(QUESTION_ID)
    values: tuple[JSONValue, ...] = (
        {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:1"},
        {"system": "urn:ietf:rfc:3986", "value": QUESTION_ID},
        {"system": "urn:oid:1", "value": f"urn:uuid:{QUESTION_ID}"},
        {"value": f"urn:uuid:{QUESTION_ID}"},
    )
    for value in values:
        items = parts(CORRECTION, w1={"corrects": (value,)})
        assert corrected_message(items[1]) is None
        assert check(CORRECTION, *items) == [("corrects-message", "/items/1/elements/corrects/0")]
    assert corrected_message(item("correctie", "w1", requestedBy=("sender",))) is None


@pytest.mark.parametrize("category", list(Category))
def test_a_correction_names_what_was_wrong_under_the_category_that_it_has(category: Category) -> None:
    """Nobody learns from a correction that there was a finding which it was never given."""
    name = f"wrong-{category.value}"
    example = DEFINITIONS.profile("correctie").elements[name].example
    others: dict[str, tuple[JSONValue, ...]] = {"wrong-zorgen": (wrong("zorgen", "leefgebied/l1/finding"),)}
    assert check(CORRECTION, *parts(CORRECTION, w1={**others, name: (*others.get(name, ()), example)})) == []
    for label in ("jeugdige/p1/geen", "niets/p1", "niets/p1/name", "jeugdige/p1/extra"):
        if (category, label) == (Category.PROCES, "jeugdige/p1/extra"):
            continue
        values = (*others.get(name, ()), wrong(category.value, label))
        expected = [("wrong-label", f"/items/1/elements/{name}/{len(values) - 1}")]
        assert check(CORRECTION, *parts(CORRECTION, w1={**others, name: values})) == expected


def test_a_correction_may_name_a_whole_item_as_wrong() -> None:
    assert check(CORRECTION, *parts(CORRECTION, w1={"wrong-zorgen": (wrong("zorgen", "leefgebied/l1"),)})) == []
    health = {"wrong-gezondheid": (wrong("gezondheid", "leefgebied/l1"),)}
    assert ("wrong-label", "/items/1/elements/wrong-gezondheid/0") in check(CORRECTION, *parts(CORRECTION, w1=health))


def test_what_follows_in_a_correction_is_what_it_names_or_is_added() -> None:
    items = [*parts(CORRECTION), HELP]
    assert check(CORRECTION, *items) == [("correction-unnamed", "/items/3")]
    added = [*parts(CORRECTION, w1={"reason": (concept("correctiereden", "onvolledig"),)}), HELP]
    assert check(CORRECTION, *added) == []
    # What names it may have been withheld: then nobody can tell.
    assert check(CORRECTION, *items, withheld=("correctie/w1/wrong-hulpverlening",)) == []


def test_a_corrected_item_may_refer_to_items_of_the_message_that_it_corrects() -> None:
    parent = item("gezagsdrager", "g1", over=("p1",))
    named = {"wrong-gezag-relaties": (wrong("gezag-relaties", "gezagsdrager/g1/over"),)}
    assert check(CORRECTION, *parts(CORRECTION, w1=named), parent) == []


def test_a_reaction_names_a_person_who_is_in_the_message() -> None:
    by_parent = {"reaction": (reaction("eens", by="g1"), reaction("oneens", by="p1", text="zo was het niet"))}
    assert check("raadsrapport", *parts("raadsrapport", l1=by_parent)) == []
    by_nobody = {"reaction": (reaction("eens", by="g9"),)}
    expected = [("reference", f"/items/{place('l1')}/elements/reaction/0")]
    assert check("raadsrapport", *parts("raadsrapport", l1=by_nobody)) == expected


def test_who_disagrees_says_with_what_and_who_gave_no_reaction_need_not() -> None:
    def found(value: JSONValue) -> list[tuple[str, str]]:
        return check("raadsrapport", *parts("raadsrapport", l1={"reaction": (value,)}))

    assert found(reaction("geen")) == []
    assert found(reaction("eens")) == []
    assert found(reaction("oneens")) == [("reaction-text", f"/items/{place('l1')}/elements/reaction/0")]


def test_what_must_stand_with_a_finding_is_not_met_by_an_absent_value() -> None:
    for missing in ("finding", "statementType", "source"):
        items = parts("raadsrapport", l1={missing: (ABSENT,)})
        assert check("raadsrapport", *items) == [("minimum-absent", f"/items/{place('l1')}/elements")]


@pytest.mark.parametrize("kind", ["waarneming", "mening", "vermoeden"])
def test_only_a_fact_is_confirmed(kind: str) -> None:
    confirmed: tuple[JSONValue, ...] = (
        {"coding": [{"code": "confirmed", "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status"}]},
    )
    stated = {"statementType": (kind,), "verificationStatus": confirmed}
    expected = [("statement-certainty", f"/items/{place('o1')}/elements/verificationStatus")]
    assert check("raadsrapport", *parts("raadsrapport", o1=stated)) == expected
    assert check("raadsrapport", *parts("raadsrapport", o1={**stated, "statementType": ("feit",)})) == []


@pytest.mark.parametrize(
    ("message_type", "identity", "element", "code"),
    [
        ("raadsrapport", "o1", "observedOn", "date-in-future"),
        ("raadsrapport", "o1", "onset", "date-in-future"),
        ("klacht", "k1", "received", "date-in-future"),
    ],
)
def test_nothing_was_seen_or_received_after_the_day_of_the_message(
    message_type: str, identity: str, element: str, code: str
) -> None:
    tomorrow = (DAY + timedelta(days=1)).isoformat()
    for value in (tomorrow, f"{tomorrow[:4]}-12", "2027"):
        items = parts(message_type, **{identity: {element: (value,)}})
        index = [each.id for each in items].index(identity)
        assert check(message_type, *items) == [(code, f"/items/{index}/elements/{element}")]
    assert check(message_type, *parts(message_type, **{identity: {element: (DAY.isoformat(),)}})) == []


def test_a_measure_rests_on_items_of_the_same_message() -> None:
    items = parts("raadsrapport", m1={"basis": ("o1", "x9")})
    assert check("raadsrapport", *items) == [("reference", f"/items/{place('m1')}/elements/basis/1")]


def resource(profile: str, **elements: tuple[JSONValue, ...]) -> dict[str, JSONValue]:
    """Write an item as a resource that is right, and read it back unchanged."""
    before = item(profile, "x1", **elements)
    found = item_to_resource(before, DEFINITIONS)
    assert check_resource(found) == ()
    assert resource_to_item(found, DEFINITIONS) == before
    return found


@pytest.mark.parametrize(
    ("kind", "condition", "observation"),
    [
        ("feit", "confirmed", "final"),
        ("waarneming", "provisional", "final"),
        ("mening", "unconfirmed", "preliminary"),
        ("vermoeden", "unconfirmed", "preliminary"),
    ],
)
def test_a_fhir_reader_sees_what_is_a_fact_and_what_is_only_thought(
    kind: str, condition: str, observation: str
) -> None:
    threat = resource("ontwikkelingsbedreiging", description=("x",), statementType=(kind,))
    status = threat["verificationStatus"]
    assert isinstance(status, dict)
    assert status["coding"] == [
        {"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": condition}
    ]
    stated = {"url": DEFINITIONS.extension_base + "statementType", "valueCode": kind}
    for profile in ("leefgebied", "beschermende-factor", "opvoedvaardigheid"):
        found = resource(profile, finding=("x",), statementType=(kind,))
        assert found["status"] == observation
        extensions = found["extension"]
        assert isinstance(extensions, list)
        assert stated in extensions
    assert resource("risicofactor", basis=("x",), statementType=(kind,))["status"] == observation


def test_a_verification_status_that_the_sender_states_goes_before_the_one_of_the_statement() -> None:
    said: JSONValue = {
        "coding": [{"code": "refuted", "system": "http://terminology.hl7.org/CodeSystem/condition-ver-status"}]
    }
    found = resource("ontwikkelingsbedreiging", statementType=("vermoeden",), verificationStatus=(said,))
    assert found["verificationStatus"] == said


def test_a_kind_of_statement_with_something_beside_it_counts_and_an_absent_one_does_not() -> None:
    beside: JSONValue = {"value": "feit", "extension": [{"url": "x", "valueString": "x"}]}
    assert "verificationStatus" in resource("ontwikkelingsbedreiging", statementType=(beside,))
    assert "verificationStatus" not in resource("ontwikkelingsbedreiging", statementType=(ABSENT,))


def test_a_task_says_how_the_question_stands_and_a_meeting_whether_it_was() -> None:
    assert resource("vraag", question=("x",))["status"] == "requested"
    assert resource("vraag", accepted=(True,))["status"] == "accepted"
    assert resource("vraag", accepted=(False,), refusal=REFUSAL)["status"] == "rejected"
    assert resource("correctie", requestedBy=("sender",))["status"] == "completed"
    assert resource("contactmoment", dates=({"start": "2026-12-18"},))["status"] == "planned"
    assert resource("contactmoment", dates=({"start": "2026-11-20", "end": "2026-11-20"},))["status"] == "finished"


ASKS = Asks(categories=(Category.HULPVERLENING, Category.ZORGEN), term=date(2026, 12, 14))
CORRECTS = Corrects(message=MessageId(QUESTION_ID), items=("leefgebied/l1",))


def test_the_claims_of_a_question_and_a_correction_follow_from_their_items() -> None:
    assert claimed_question(example_document("informatieverzoek").items) == ASKS
    assert claimed_correction(example_document(CORRECTION).items) == CORRECTS
    assert asks_to_json(ASKS) == example_claims("informatieverzoek")["asks"]
    assert corrects_to_json(CORRECTS) == example_claims(CORRECTION)["corrects"]
    for name in ("informatieantwoord", "raadsrapport"):
        assert claimed_question(example_document(name).items) is None
        assert claimed_correction(example_document(name).items) is None


def test_categories_stand_in_one_order_in_the_clear() -> None:
    items = parts("informatieverzoek", q1={"categories": ("zorgen", "adres", "zorgen")})
    found = claimed_question(items)
    assert found is not None
    assert found.categories == (Category.ADRES, Category.ZORGEN)


def test_a_term_without_a_day_and_a_correction_of_nothing_have_no_claim() -> None:
    assert claimed_question(parts("informatieverzoek", q1={"term": ("2026-12",)})) is None
    assert claimed_correction(parts(CORRECTION, w1={"wrong-zorgen": None})) is None
    assert claimed_correction(parts(CORRECTION, w1={"corrects": None})) is None


def claims(
    items: Sequence[DocumentItem], *, withheld: tuple[str, ...] = (), **claimed: object
) -> list[tuple[str, str]]:
    """Hold the claims of a message against its items."""
    given: dict[str, Any] = {"asks": None, "corrects": None, **claimed}
    issues = check_claims(items, withheld=withheld, **given)
    assert all(issue.text and issue.text_nl for issue in issues)
    return [(issue.code.removeprefix("sender.value."), issue.pointer) for issue in issues]


def test_what_is_asked_in_the_clear_is_what_is_asked_sealed() -> None:
    """The hub lets an answer go by the claim; the person who answers reads the sealed question."""
    items = example_document("informatieverzoek").items
    differs = [("claim-differs", "/items/1")]
    assert claims(items, asks=ASKS) == []
    assert claims(items) == differs
    assert claims(items, asks=replace(ASKS, term=date(2026, 12, 15))) == differs
    assert claims(items, asks=replace(ASKS, categories=(*ASKS.categories, Category.ADRES))) == differs
    assert claims(items, withheld=("vraag/q1/categories",)) == []
    assert claims(example_document("raadsrapport").items, asks=ASKS) == [("claim-differs", "/items")]


def test_what_is_corrected_in_the_clear_is_what_is_corrected_sealed() -> None:
    items = example_document(CORRECTION).items
    differs = [("claim-differs", "/items/1")]
    assert claims(items, corrects=CORRECTS) == []
    assert claims(items, corrects=replace(CORRECTS, items=None)) == []
    assert claims(items) == differs
    assert claims(items, corrects=replace(CORRECTS, items=("leefgebied/l1", "document/d1"))) == differs
    assert claims(items, corrects=replace(CORRECTS, message=MessageId(QUESTION_ID[:-1] + "8"))) == differs
    assert claims(items, withheld=("correctie/w1/wrong-document",)) == []
    assert claims(example_document("klacht").items, corrects=CORRECTS) == [("claim-differs", "/items")]


def status(*parts: JSONValue, **more: JSONValue) -> list[str]:
    """Check the registration of a professional with these parts; return the codes."""
    value: JSONValue = {"url": DEFINITIONS.extension_base + "registerStatus", "extension": list(parts), **more}
    found = check("", item("professional", "u1", registerStatus=(value,)))
    assert all(pointer == "/items/0/elements/registerStatus/0" for _, pointer in found)
    return [code for code, _ in found]


def test_the_parts_of_an_extension_are_all_there_and_nothing_else() -> None:
    registered: JSONValue = {"url": "status", "valueCode": "geregistreerd"}
    checked: JSONValue = {"url": "checkedOn", "valueDate": "2026-11-01"}
    assert status(registered, checked) == status(checked, registered) == []
    assert status(registered) == status(checked) == ["part-missing"]
    assert status(registered, checked, checked) == ["parts"]
    assert status(registered, checked, valueString="x") == ["parts"]
    assert status(registered, {"url": "checkedOn", "valueDate": "2026-02-30"}) == ["parts"]
    assert status(registered, {"url": "checkedOn", "valueDate": "2026-11-24"}) == ["date-in-future"]
    assert status({"url": "status", "valueCode": "geschorst"}, checked) == ["code-unknown"]


def test_a_label_that_is_no_label_is_refused_before_it_is_looked_up() -> None:
    for label in ("leefgebied", "leefgebied/l1/", "Leefgebied/l1", "leefgebied/l1/finding/0", f"a{'-' * 64}/l1"):
        items = parts(CORRECTION, w1={"wrong-zorgen": (wrong("zorgen", label),)})
        assert check(CORRECTION, *items) == [("parts", "/items/1/elements/wrong-zorgen/0")]
