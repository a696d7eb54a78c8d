"""A second evaluator of the grounds, naive on purpose: its own table, sets of words, one condition after the other.

It shares no code and no data with `consent`. The table is written from the description of the grounds, in the words of
that description: `gi` without a capacity is every capacity that has a ground, `?` is "only in an item that is marked
necessary", `only` limits a category to the elements after it, a tie in `CANNOT` is one that the software cannot check.

Everything goes in and comes out as words, so that nothing of the types of `consent` is believed.
"""

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

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
CANNOT: Final = {"asked", "measure", "measure-of-either", "consent", "prior", "raad-case"}
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
    category: str
    element: str
    necessary: bool
    persons: tuple[tuple[str, date | None], ...]
    spoed: bool
    answers_something: bool
    day: date


def evaluate(question: Question) -> tuple[bool, frozenset[str], frozenset[str]]:
    """Say whether it may go, with the reasons if not and the marks if so."""
    reasons = set(_persons(question)) | set(_capacities(question))
    if question.purpose not in TABLE:
        return False, frozenset(reasons | {"purpose-unknown"}), frozenset()
    directions, types, ties, categories, first_day, on = TABLE[question.purpose]
    if question.day < first_day:
        reasons.add("ground-not-yet-valid")
    if not on:
        reasons.add("ground-off")
    if question.purpose in NO_ELEMENTS:
        reasons.add("ground-carries-no-elements")
    reasons |= _parties(question, directions)
    if question.message_type not in words(types):
        reasons.add("message-type-not-in-ground")
    reasons |= _content(question, categories)
    reasons |= {f"tie-{tie}-not-checkable" for tie in words(ties) if tie in CANNOT}
    if reasons:
        return False, frozenset(reasons), frozenset()
    marks = {"unprompted"} if "reply" in words(ties) and not question.answers_something else set()
    return True, frozenset(), frozenset(marks | ({"spoed"} if question.spoed else set()))


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
    return ["age-contradictory" for age, turns in question.persons if turns is not None and age not in NEXT]


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


def _parties(question: Question, directions: list[tuple[str, str]]) -> set[str]:
    """Walk the directions: who of them can be the sender, and to whom may those send."""
    found: set[str] = set()
    ways = [way for way in directions if question.sender in side(way[0])]
    if not ways:
        found.add("sender-role-not-in-ground")
        ways = directions
    elif question.sender_capacity in WITH_GROUND and question.sender == "gi":
        fitting = [way for way in ways if question.sender_capacity in side(way[0])["gi"]]
        if not fitting:
            found.add("sender-capacity-not-in-ground")
        ways = fitting or ways
    ends = [way for way in ways if question.recipient in side(way[1])]
    if not ends:
        return found | {"recipient-role-not-in-ground"}
    if question.recipient != "gi" or question.recipient_capacity not in WITH_GROUND:
        return found
    if not any(question.recipient_capacity in side(way[1])["gi"] for way in ends):
        found.add("recipient-capacity-not-in-ground")
    return found


def _content(question: Question, categories: str) -> set[str]:
    for word in words(categories):
        name, _, elements = word.partition(" only ")
        if name.rstrip("?") != question.category:
            continue
        found = set()
        if elements and question.element not in elements.split():
            found.add("element-not-in-ground")
        if name.endswith("?") and not question.necessary:
            found.add("necessity-missing")
        return found
    return {"category-not-in-ground"}
