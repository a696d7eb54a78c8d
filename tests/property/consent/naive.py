"""A second evaluator of the grounds, naive on purpose: its own table, sets of words, one condition after the other.

It shares no code and no data with `consent`. The table is written from the description of the grounds, in the words of
that description: `gi` without a capacity is every capacity that has a ground, `?` is "only in an item that is marked
necessary", `only` limits a category to the elements after it. What binds a disclosure to the case is written from the
sentences below that table, in `tests.property.consent.naive_ties`.

Everything goes in and comes out as words, so that nothing of the types of `consent` is believed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

from tests.property.consent.naive_ties import Case, Person, bind

FULL: Final = (
    "identificatie, contact, adres, adres-geheim, gezag-relaties, zorgen, hulpverlening, besluit, proces, professional,"
    " document"
)
EVERYBODY: Final = "raad, gi, gemeente, veilig-thuis, toezichthouder, dashboard, inkooporganisatie"
EVERY_CATEGORY: Final = (
    FULL + ", melder, gezondheid, strafrecht, klacht, financien"  # what was released may have been anything
)
JEUGDWET, AVG = date(2015, 1, 1), date(2018, 5, 25)

# code: [(from, to), …] | message types | ties | categories | first day | switched on
TABLE: Final[dict[str, tuple[list[tuple[str, str]], str, str, str, date, bool]]] = {
    "VTO": (
        [("gemeente, veilig-thuis, gi", "raad")],
        "verzoek-tot-onderzoek",
        "",
        FULL + ", financien?, gezondheid?, strafrecht?, melder?",
        JEUGDWET,
        True,
    ),
    "VTO-AFSCHRIFT": ([("veilig-thuis, gi", "gemeente")], "", "", "identificatie, proces", JEUGDWET, True),
    "RVDK-NOT": (
        [("raad", "gemeente, veilig-thuis, gi")],
        "notificatie-onderzoek",
        "reply",
        "identificatie, gezag-relaties only relationship, proces, besluit",
        JEUGDWET,
        True,
    ),
    "RVDK-AANM": (
        [("raad", "gi(ots voogdij)")],
        "aanmelding-uitvoering",
        "",
        "identificatie, contact, adres, gezag-relaties, proces, professional",
        JEUGDWET,
        True,
    ),
    "RVDK-INFO": (
        [("raad", "gemeente, gi, veilig-thuis")],
        "informatieverzoek",
        "",
        "identificatie, proces, professional, zorgen only question",
        JEUGDWET,
        True,
    ),
    "RVDK-INFO-ANTW": (
        [("gemeente, gi, veilig-thuis", "raad")],
        "informatieantwoord",
        "asked",
        FULL + ", financien?, gezondheid?, strafrecht?, melder?",
        JEUGDWET,
        True,
    ),
    "RVDK-RAP": (
        [("raad", "gi(ots voogdij)")],
        "raadsrapport",
        "measure",
        FULL + ", financien?, gezondheid?, strafrecht?",
        JEUGDWET,
        True,
    ),
    "GI-OTS-VRAAG": (
        [("gi(ots)", "gemeente, raad, veilig-thuis, gi")],
        "informatieverzoek",
        "measure",
        "identificatie, besluit only type period, proces, professional, zorgen only question",
        JEUGDWET,
        True,
    ),
    "GI-OTS-ANTW": (
        [("gemeente, raad, veilig-thuis, gi", "gi(ots)")],
        "informatieantwoord",
        "measure, asked",
        FULL + ", financien?, gezondheid?, strafrecht?",
        JEUGDWET,
        True,
    ),
    "GI-OTS-SPONT": (
        [("gemeente, raad, veilig-thuis, gi", "gi(ots)")],
        "casusinformatie",
        "measure",
        (
            "identificatie, contact, adres, gezag-relaties, zorgen, hulpverlening, professional, document, gezondheid?,"
            " strafrecht?"
        ),
        JEUGDWET,
        True,
    ),
    "GI-OVERDRACHT": (
        [("gi(ots)", "gi(ots)"), ("gi(voogdij)", "gi(voogdij)")],
        "overdracht-gi",
        "measure-of-either",
        FULL + ", financien?, gezondheid?, strafrecht?",
        JEUGDWET,
        True,
    ),
    "GI-VOOGDIJ-IN": (
        [("gemeente, raad, veilig-thuis, gi", "gi(voogdij)")],
        "casusinformatie",
        "measure",
        (
            "identificatie, contact, adres, adres-geheim, gezag-relaties, zorgen, hulpverlening, besluit, professional,"
            " document, gezondheid?, financien?"
        ),
        JEUGDWET,
        True,
    ),
    "GI-VOOGDIJ-UIT": (
        [("gi(voogdij)", "gemeente, raad")],
        "casusinformatie",
        "measure",
        "identificatie, hulpverlening, besluit, proces, professional",
        JEUGDWET,
        True,
    ),
    "GI-MELD": (
        [("gi(ots)", "raad")],
        "voornemen-beeindigen",
        "measure",
        "identificatie, gezag-relaties, zorgen, hulpverlening, besluit, proces, professional, document, gezondheid?",
        JEUGDWET,
        True,
    ),
    "GI-BEPALING": (
        [("gi(ots voogdij)", "gemeente")],
        "bepaling-jeugdhulp",
        "measure",
        "identificatie, hulpverlening only product provider period, besluit only type period, proces, professional",
        JEUGDWET,
        True,
    ),
    "MAATREGEL": (
        [("gi(ots voogdij), raad", "gemeente")],
        "maatregel",
        "",
        "identificatie, besluit, professional",
        JEUGDWET,
        True,
    ),
    "VOORTGANG": (
        [("gi(ots voogdij)", "gemeente")],
        "voortgang",
        "measure",
        "identificatie, proces, professional",
        JEUGDWET,
        False,
    ),
    "VRIJW": (
        [("gemeente", "gi(preventief)"), ("gi(preventief)", "gemeente")],
        "casusinformatie",
        "consent",
        (
            "identificatie, contact, adres, gezag-relaties, zorgen, hulpverlening, gezondheid, proces, besluit,"
            " professional, document, financien"
        ),
        JEUGDWET,
        True,
    ),
    "MELD-VT": (
        [("gemeente, gi, raad", "veilig-thuis")],
        "",
        "",
        (
            "identificatie, contact, adres, gezag-relaties, zorgen, hulpverlening, professional, document, gezondheid?,"
            " strafrecht?, melder?"
        ),
        JEUGDWET,
        True,
    ),
    "CORRECTIE": ([(EVERYBODY, EVERYBODY)], "correctie", "prior", EVERY_CATEGORY, AVG, True),
    "KLACHT": (
        [("gi, gemeente, raad, veilig-thuis", "toezichthouder, dashboard")],
        "klacht",
        "",
        "klacht, proces",
        JEUGDWET,
        True,
    ),
    "DASH-ZAAK": (
        [("gi, gemeente", "dashboard")],
        "casusstand, maatregel",
        "raad-case",
        "proces, besluit, professional, zorgen only code level domain statementType observedOn",
        JEUGDWET,
        False,
    ),
    "BELEID": ([("", "dashboard, toezichthouder, inkooporganisatie")], "kengetal", "", "", JEUGDWET, True),
    "TOEZICHT": ([("", "toezichthouder")], "", "", "", AVG, True),
}
NO_ELEMENTS: Final = {"BELEID", "TOEZICHT"}
ACTING: Final = {"GI-OTS-VRAAG", "GI-VOOGDIJ-UIT", "GI-MELD", "GI-BEPALING", "VOORTGANG"}
"""Where the GI that carries out the measure sends; at every other ground with that tie it receives."""
SPOED: Final = {"GI-OTS-VRAAG", "GI-OTS-ANTW", "GI-OTS-SPONT", "RVDK-RAP"}
ITSELF: Final = {
    "bericht/reference",
    "bericht/sentAt",
    "bericht/senderSystem",
    "bericht/recipientSystem",
    "bericht/recipientUnit",
    "bericht/spoedNote",
    "vraag/categories",
    "vraag/term",
    "vraag/accepted",
    "vraag/refusal",
    "correctie/corrects",
    "correctie/reason",
    "correctie/requestedBy",
}
"""What a message says of itself: it is neither asked for nor corrected."""
ANSWERS: Final = {
    "RVDK-AANM": [("gi(ots voogdij)", "raad")],
    "GI-MELD": [("raad", "gi(ots)")],
    "GI-BEPALING": [("gemeente", "gi(ots voogdij)")],
}
"""Assignments that are answered: accepted, or why not."""
WITH_GROUND: Final = {"ots", "voogdij", "preventief"}
NEXT: Final = {"unborn": "0-11", "0-11": "12-15", "12-15": "16-17", "16-17": "18+"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, in words."""

    sender: str
    sender_capacity: str | None
    sender_admitted: frozenset[str]
    recipient: str
    recipient_capacity: str | None
    recipient_admitted: frozenset[str]
    purpose: str
    message_type: str
    profile: str
    category: str
    element: str
    necessary: bool
    persons: tuple[Person, ...]
    spoed: bool
    case: Case
    day: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table, for one direction."""

    sender: str
    recipient: str
    types: str
    ties: str
    categories: str
    first_day: date
    on: bool


def lines(purpose: str) -> list[Line]:
    """Take a ground apart into its directions; an answer to an assignment is one more."""
    directions, types, ties, categories, first_day, on = TABLE[purpose]
    found = [
        Line(
            sender=sender,
            recipient=recipient,
            types=types,
            ties=ties,
            categories=categories,
            first_day=first_day,
            on=on,
        )
        for sender, recipient in directions
    ]
    answers = [
        Line(
            sender=sender,
            recipient=recipient,
            types="informatieantwoord",
            ties="reply",
            categories="identificatie, proces, professional",
            first_day=first_day,
            on=on,
        )
        for sender, recipient in ANSWERS.get(purpose, [])
    ]
    return found + answers


def evaluate(question: Question) -> tuple[bool, frozenset[str], frozenset[str], frozenset[str]]:
    """Say whether it may go; the reasons if not; if so, the marks and the records that it rests on."""
    reasons = set(_persons(question)) | set(_capacities(question))
    if question.purpose not in TABLE:
        return False, frozenset(reasons | {"purpose-unknown"}), frozenset(), frozenset()
    left = lines(question.purpose)

    def narrow(left: list[Line], reason: str, fits: Callable[[Line], bool]) -> list[Line]:
        """Go on with the lines that fit; if none does, say so, and go on with all."""
        fitting = [line for line in left if fits(line)]
        if not fitting:
            reasons.add(reason)
        return fitting or left

    left = narrow(left, "ground-not-yet-valid", lambda line: question.day >= line.first_day)
    left = narrow(left, "ground-off", lambda line: line.on)
    if question.purpose in NO_ELEMENTS:
        reasons.add("ground-carries-no-elements")
    for who, role, capacity in (
        ("sender", question.sender, question.sender_capacity),
        ("recipient", question.recipient, question.recipient_capacity),
    ):
        named = [line for line in left if role in side(getattr(line, who))]
        if not named:
            reasons.add(f"{who}-role-not-in-ground")
            continue
        left = named
        if role == "gi" and capacity in WITH_GROUND:
            left = narrow(
                left,
                f"{who}-capacity-not-in-ground",
                lambda line, who=who, capacity=capacity: capacity in side(getattr(line, who))["gi"],  # type: ignore[misc]
            )
    left = narrow(left, "message-type-not-in-ground", lambda line: question.message_type in words(line.types))
    left = narrow(left, "category-not-in-ground", lambda line: _word(line, question) is not None)
    left = narrow(left, "element-not-in-ground", lambda line: _element(line, question))
    left = narrow(left, "necessity-missing", lambda line: _necessary(line, question))
    bound = [_bound(line, question) for line in left]
    if all(unbound for unbound, _, _ in bound):
        reasons |= {reason for unbound, _, _ in bound for reason in unbound}
    if reasons:
        return False, frozenset(reasons), frozenset(), frozenset()
    _, marks, rested = next(each for each in bound if not each[0])
    return True, frozenset(), frozenset(marks | ({"spoed"} if question.spoed else set())), frozenset(rested)


@cache
def words(text: str) -> tuple[str, ...]:
    """Take a list of words apart."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


@cache
def side(text: str) -> dict[str, frozenset[str]]:
    """Take `gemeente, gi(ots voogdij)` apart: each role with the capacities in which it counts."""
    found: dict[str, frozenset[str]] = {}
    for word in words(text):
        role, _, capacities = word.rstrip(")").partition("(")
        found[role] = frozenset(capacities.split()) or frozenset(WITH_GROUND)
    return found


def _persons(question: Question) -> list[str]:
    if not question.persons:
        return ["subject-missing"]
    return ["age-contradictory" for each in question.persons if each.turns is not None and each.age not in NEXT]


def _capacities(question: Question) -> list[str]:
    found = []
    for who, role, capacity, admitted in (
        ("sender", question.sender, question.sender_capacity, question.sender_admitted),
        ("recipient", question.recipient, question.recipient_capacity, question.recipient_admitted),
    ):
        if role == "gi" and capacity is None:
            found.append(f"{who}-capacity-missing")
        if role != "gi" and capacity is not None:
            found.append(f"{who}-capacity-not-for-role")
        if role == "gi" and capacity is not None and capacity not in admitted:
            found.append(f"{who}-capacity-not-held")
        if role == "gi" and capacity is not None and capacity not in WITH_GROUND:
            found.append("no-ground-for-capacity")
    return found


def _word(line: Line, question: Question) -> str | None:
    """The word of the line's list that is about the category."""
    for word in words(line.categories):
        if word.partition(" only ")[0].rstrip("?") == question.category:
            return word
    return None


def _element(line: Line, question: Question) -> bool:
    elements = (_word(line, question) or "").partition(" only ")[2]
    return not elements or question.element in elements.split()


def _necessary(line: Line, question: Question) -> bool:
    return question.necessary or not (_word(line, question) or "").partition(" only ")[0].endswith("?")


def _bound(line: Line, question: Question) -> tuple[set[str], set[str], set[str]]:
    """Reasons why the line's ties do not hold; marks; records that they rest on."""
    sends = question.purpose in ACTING
    return bind(
        words(line.ties),
        question.persons,
        question.case,
        purpose=question.purpose,
        category=question.category,
        of_the_message_itself=question.category == "proces" and f"{question.profile}/{question.element}" in ITSELF,
        acting="sender" if sends else "recipient",
        capacity=question.sender_capacity if sends or "measure-of-either" in line.ties else question.recipient_capacity,
        spoed=question.spoed and question.purpose in SPOED,
        day=question.day,
    )
