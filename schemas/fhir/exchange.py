"""What a question, its answer and a correction say, beyond their single values.

1. the term of a question has not passed, and is not more than a year away
2. an answer gives data, takes an assignment on, or refuses with a reason. A refusal of everything stands alone; beside
   data it names the categories that it refuses, and nothing of these is there. Where the law says that one must answer,
   the reason is one of those that say there is nothing to answer. What answers an assignment takes it on or refuses
   it; a question is not taken on, but answered
3. a correction names each wrong label under the category that it has, and what follows is what it names
4. what a message asks or corrects in the clear, by which the hub decides, is what it says sealed (`check_claims`)

What was withheld on the way cannot be judged: a rule that would need it is left out.

Source: DOMAIN 3; AVG 16 and 19.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from typing import Final

from schemas.codes import Category, Interaction
from schemas.definitions import Definitions, MessageType, ReplyValue
from schemas.document import DocumentItem, JSONValue
from schemas.errors import DocumentError, Issue
from schemas.fhir.parts import read_parts
from schemas.fhir.primitives import is_date, lies_after
from schemas.fhir.values import concept_code, plain
from schemas.identifiers import MessageId
from schemas.message_claims import TERM_DAYS_MAX, Asks, Corrects

MESSAGE_SYSTEM: Final = "urn:ietf:rfc:3986"
"""Naming system of the message that a correction corrects; its value is `urn:uuid:<jti>`."""
WRONG: Final = "wrong-"
"""What the elements of a correction that name wrong labels begin with; the rest is the category."""

_URN: Final = "urn:uuid:"
_DAY: Final = len("2026-12-14")
_FRAME: Final = frozenset({"bericht", "vraag", "jeugdige", "professional"})
"""Profiles that say whom an answer is about and who gives it, also where it refuses everything."""
_ADDS: Final = "onvolledig"
"""The reason of a correction that may bring items that were not there."""


def check_exchange(
    items: Sequence[tuple[int, DocumentItem]],
    definitions: Definitions,
    *,
    message_type: str,
    on: date,
    answers: Interaction | None,
    must_answer: bool,
    withheld: frozenset[str],
    root: str,
) -> tuple[Issue, ...]:
    """Check what belongs together in a question, an answer or a correction; nothing in another message.

    Args:
        items: Items whose single values are right, each with its index.
        definitions: The definitions in force.
        message_type: Name of the message type.
        on: The day of the message.
        answers: What kind of message an answer is to; None where that is not known.
        must_answer: Whether the ground of an answer says that one must give it.
        withheld: Labels that did not arrive.
        root: Where the items stand, for the pointers.
    """
    rules = _Rules(definitions, items, on, withheld, root)
    match message_type:
        case "informatieverzoek":
            rules.check_term()
        case "informatieantwoord":
            rules.check_answer(must=must_answer)
            rules.check_answered(answers)
        case "correctie":
            rules.check_correction()
        case _:
            pass
    return tuple(rules.issues)


def corrected_message(item: DocumentItem) -> MessageId | None:
    """Return the message that a correction says it corrects; None if it is not there, or names none."""
    for value in item.elements.get("corrects", ()):
        number = value.get("value") if isinstance(value, dict) and value.get("system") == MESSAGE_SYSTEM else None
        if isinstance(number, str) and number.startswith(_URN):
            try:
                return MessageId(number.removeprefix(_URN))
            except DocumentError:
                return None
    return None


def claimed_question(items: Iterable[DocumentItem]) -> Asks | None:
    """Return what the items ask, as it stands in the clear; None if they do not ask for categories by a day.

    Nothing is checked about the values: `check_values` does.
    """
    for item in items:
        if item.profile == "vraag":
            categories = set(map(plain, item.elements.get("categories", ())))
            term = next(map(plain, item.elements.get("term", ())), None)
            if categories and isinstance(term, str) and is_date(term) and len(term) == _DAY:
                asked = tuple(each for each in sorted(Category) if each.value in categories)
                return Asks(categories=asked, term=date.fromisoformat(term))
    return None


def claimed_correction(items: Iterable[DocumentItem]) -> Corrects | None:
    """Return what the items correct, as it stands in the clear; None if they name no message or nothing wrong in it."""
    for item in items:
        if item.profile == "correctie" and (message := corrected_message(item)) is not None:
            named = sorted({_item_of(label) for _, _, _, label in wrong_labels(item)})
            return Corrects(message=message, items=tuple(named)) if named else None
    return None


def is_last_reply(items: Iterable[DocumentItem], *, answered: MessageType) -> bool:
    """Say whether no further reply is awaited after one with these items.

    Args:
        items: What the reply says, as far as it is here.
        answered: The type of the message that it answers.
    """
    said = tuple(items)
    if answered.interim_reply is not None and _says(said, answered.interim_reply):
        return False
    return answered.final_reply is None or _says(said, answered.final_reply)


def _says(items: Iterable[DocumentItem], value: ReplyValue) -> bool:
    return any(
        concept_code(each) == value.code
        for item in items
        if item.profile == value.profile
        for each in item.elements.get(value.element, ())
    )


def check_claims(
    items: Sequence[DocumentItem],
    *,
    asks: Asks | None,
    corrects: Corrects | None,
    withheld: Collection[str],
    root: str = "/items",
) -> tuple[Issue, ...]:
    """Check that what stands in the clear says what stands sealed.

    Args:
        items: The items, their values checked before.
        asks: The claim `asks`.
        corrects: The claim `corrects`; without items it corrects the whole message.
        withheld: Labels that did not arrive; with one of these the claim cannot be judged.
        root: Where the items stand, for the pointers.

    Returns:
        `sender.value.claim-differs` for each claim that differs.

    Source: the architecture, section 4.
    """
    found = []
    hidden = {label.partition("/")[0] for label in withheld}
    question = claimed_question(items)
    if "vraag" not in hidden and question != asks:
        found.append(_differs(root, items, "vraag", "`asks`", "wat openlijk wordt gevraagd"))
    correction = claimed_correction(items)
    if corrects is not None and corrects.items is None and correction is not None:
        correction = replace(correction, items=None)
    if "correctie" not in hidden and correction != corrects:
        found.append(_differs(root, items, "correctie", "`corrects`", "wat openlijk wordt gecorrigeerd"))
    return tuple(found)


def _differs(root: str, items: Sequence[DocumentItem], profile: str, claim: str, claim_nl: str) -> Issue:
    index = next((index for index, item in enumerate(items) if item.profile == profile), None)
    return Issue(
        pointer=root if index is None else f"{root}/{index}",
        code="sender.value.claim-differs",
        text=f"`{profile}` says something else than {claim}",
        text_nl=f"{claim_nl}, is iets anders dan wat er versleuteld staat",
    )


def wrong_labels(item: DocumentItem) -> Iterator[tuple[str, int, Category, str]]:
    """List what a correction names as wrong: element, number of its value, category, and the label that was wrong."""
    for name, values in item.elements.items():
        if name.startswith(WRONG):
            for number, value in enumerate(values):
                label = read_parts(value).get("label")
                if isinstance(label, str):
                    yield name, number, Category(name.removeprefix(WRONG)), label


def _item_of(label: str) -> str:
    """Return the item of a label: `<profile>/<id>`."""
    return "/".join(label.split("/")[:2])


@dataclass(slots=True)
class _Rules:
    definitions: Definitions
    items: Sequence[tuple[int, DocumentItem]]
    on: date
    withheld: frozenset[str]
    root: str
    issues: list[Issue] = field(default_factory=list)

    def check_term(self) -> None:
        """Check rule 1."""
        for index, item in self._of("vraag"):
            term = next(map(plain, item.elements.get("term", ())), None)
            if isinstance(term, str) and not lies_after(term, self.on) and term != self.on.isoformat()[: len(term)]:
                text, text_nl = "the term of the question has passed", "de termijn van de vraag is voorbij"
                self._add(f"/{index}/elements/term", "term-passed", text, text_nl)
            elif isinstance(term, str) and lies_after(term, self.on + timedelta(days=TERM_DAYS_MAX)):
                text = f"the term of the question is more than {TERM_DAYS_MAX} days away"
                text_nl = f"de termijn van de vraag ligt meer dan {TERM_DAYS_MAX} dagen vooruit"
                self._add(f"/{index}/elements/term", "term-far", text, text_nl)

    def check_answer(self, *, must: bool) -> None:
        """Check rule 2."""
        content = [(index, item) for index, item in self.items if item.profile not in _FRAME]
        for index, item in self._of("vraag"):
            accepted = next(map(plain, item.elements.get("accepted", ())), None)
            refuses = bool(item.elements.get("refusal"))
            if accepted is True and refuses:
                text, text_nl = "an answer accepts and refuses at once", "aanvaardt en weigert tegelijk"
                self._add(f"/{index}/elements/accepted", "answer-contradicts", text, text_nl)
            elif accepted is False and not refuses and f"vraag/{item.id}/refusal" not in self.withheld:
                text, text_nl = "what is not accepted is refused with a reason", "niet aanvaard, en de reden ontbreekt"
                self._add(f"/{index}/elements", "refusal-missing", text, text_nl)
            if must and not all(map(self._refuses_what_must_be, item.elements.get("refusal", ()))):
                text, text_nl = "the law says that one must answer", "op deze vraag moet worden geantwoord"
                self._add(f"/{index}/elements/refusal", "refusal-not-allowed", text, text_nl)
            if refuses and content and f"vraag/{item.id}/categories" not in self.withheld:
                self._check_partial(item, index, content)

    def check_answered(self, answers: Interaction | None) -> None:
        """Check rule 2, as far as it depends on what is answered."""
        said = {name for _, item in self._of("vraag") for name in item.elements}
        if answers is Interaction.OPDRACHT and said.isdisjoint({"accepted", "refusal"}):
            text = "what answers an assignment takes it on, or refuses it with a reason"
            text_nl = "een antwoord op een opdracht aanvaardt die, of weigert met een reden"
            self._add("", "assignment-unanswered", text, text_nl)
        taken_on = any(
            plain(value) is True for _, item in self._of("vraag") for value in item.elements.get("accepted", ())
        )
        if answers is Interaction.INZAGE and taken_on:
            text = "a question is answered or refused, and not taken on"
            text_nl = "een vraag wordt beantwoord of geweigerd, en niet aanvaard"
            self._add("", "question-accepted", text, text_nl)

    def _check_partial(self, item: DocumentItem, index: int, content: Sequence[tuple[int, DocumentItem]]) -> None:
        refused = set(map(plain, item.elements.get("categories", ())))
        if not refused:
            text = "a refusal beside data names the categories that it refuses"
            text_nl = "een weigering naast gegevens noemt de geweigerde categorieën"
            self._add(f"/{index}/elements", "refusal-categories", text, text_nl)
        for number, each in content:
            for name in each.elements:
                if self.definitions.category(each.profile, name).value in refused:
                    text, text_nl = "a category is refused and given at once", "wordt geweigerd en toch gegeven"
                    self._add(f"/{number}/elements/{name}", "answer-contradicts", text, text_nl)

    def _refuses_what_must_be(self, refusal: JSONValue) -> bool:
        reason = self.definitions.code_lists["weigeringsgrond"].find(concept_code(refusal) or "", on=self.on)
        return reason is not None and "must" in reason.properties

    def check_correction(self) -> None:
        """Check rule 3."""
        named: set[str] = set()
        adds = complete = False
        for index, item in self._of("correctie"):
            complete = not any(label.startswith("correctie/") for label in self.withheld)
            adds = any(concept_code(value) == _ADDS for value in item.elements.get("reason", ()))
            if item.elements.get("corrects") and corrected_message(item) is None:
                text, text_nl = "names no message that it corrects", "noemt geen bericht dat wordt gecorrigeerd"
                self._add(f"/{index}/elements/corrects/0", "corrects-message", text, text_nl)
            for name, number, category, label in wrong_labels(item):
                named.add(_item_of(label))
                if not self._has_category(label, category):
                    text = f"`{name}` names a label that is not in its category"
                    text_nl = "noemt een gegeven van een andere categorie"
                    self._add(f"/{index}/elements/{name}/{number}", "wrong-label", text, text_nl)
        for index, item in self.items:
            known = item.profile in {"bericht", "correctie"} or f"{item.profile}/{item.id}" in named
            if complete and not adds and not known:
                text = f"`{item.profile}` corrects nothing that is named as wrong"
                text_nl = "hoort bij niets dat als onjuist wordt genoemd"
                self._add(f"/{index}", "correction-unnamed", text, text_nl)

    def _has_category(self, label: str, category: Category) -> bool:
        """Whether the element, or any element of the whole item that the label names, has the category."""
        profile, _, *element = label.split("/")
        known = self.definitions.profiles.get(profile)
        elements = {} if known is None else known.elements
        named = [elements[name] for name in element if name in elements] if element else list(elements.values())
        return any(each.category is category for each in named)

    def _of(self, profile: str) -> Iterator[tuple[int, DocumentItem]]:
        return ((index, item) for index, item in self.items if item.profile == profile)

    def _add(self, place: str, code: str, text: str, text_nl: str) -> None:
        self.issues.append(Issue(pointer=self.root + place, code=f"sender.value.{code}", text=text, text_nl=text_nl))
