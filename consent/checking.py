"""Is a catalogue sound: can every row be reached, is any row or part of a row dead, does a ground stop without a word?

That a file is well-formed, that rows do not contradict themselves and that no two rows of a code overlap, the loader
holds already: a catalogue that loads has passed that. Here it is held against the definitions and against `decide`:

- *dead*: a row that is switched on and carries elements, but no message there is could ever rest on it;
- *waiting*: it names no message type, or only such as no definition knows yet;
- *part*: a role, a category or an element that a row names and that no message of it can hold;
- *ends*: a ground that holds today and one day no row of it does.

A dead row is an error; the rest are remarks, for people to look at.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import product

from consent.decide import decide
from consent.decision import Permit
from consent.grounds import Carries, Catalogue, Ground, Text
from consent.request import DisclosureRequest, Facts, Party
from consent.situations import best_situation
from consent.space import HONEST, Days, Label
from schemas.codes import Category, Necessity, Role
from schemas.definitions import Definitions, MessageType


class Severity(StrEnum):
    """Whether a finding has to be mended before the catalogue is used, or looked at."""

    ERROR = "error"
    REMARK = "remark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found about one row, or about a message type.

    Attributes:
        severity: Whether it must be mended.
        code: Stable word for it.
        about: Name of the row, code of the ground or message type.
        text: For people.
    """

    severity: Severity
    code: str
    about: str
    text: Text


def check_catalogue(catalogue: Catalogue, *, definitions: Definitions) -> tuple[Finding, ...]:
    """Find what is wrong or worth a look, row by row in the order of the file, then what is about all of it.

    Args:
        catalogue: A catalogue that loaded.
        definitions: The messages that there are.
    """
    found: list[Finding] = []
    for row in catalogue.grounds:
        found += _about_row(row, catalogue, definitions)
    for code in dict.fromkeys(row.code for row in catalogue.grounds):
        found += _about_ends(catalogue.rows(code))
    found += _about_types(catalogue, definitions)
    return tuple(found)


def _about_row(row: Ground, catalogue: Catalogue, definitions: Definitions) -> Iterator[Finding]:
    if not row.in_force:
        yield _remark("off", row.name, "staat uit en laat niets toe", "is switched off and permits nothing")
    if row.carries is not Carries.ELEMENTS:
        return
    if not row.message_types:
        yield _remark("waits", row.name, "wacht: noemt nog geen soort bericht", "waits: names no message type yet")
        return
    known = [definitions.message_types[name] for name in sorted(row.message_types & definitions.message_types.keys())]
    for name in sorted(row.message_types - definitions.message_types.keys()):
        nl, en = (
            f"wacht op het soort bericht `{name}`, dat er niet is",
            f"waits for message type `{name}`, which is not there",
        )
        yield _remark("waits", row.name, nl, en)
    if known:
        yield from _about_reach(row, known, catalogue, definitions)


def _about_reach(
    row: Ground, known: list[MessageType], catalogue: Catalogue, definitions: Definitions
) -> Iterator[Finding]:
    """What of a row can be reached by a message of a type that there is."""
    reached = tuple(_reached(row, known, catalogue, definitions))
    if not reached:
        if row.in_force:
            text = Text(
                nl="dode rij: geen enkel bericht kan hierop rusten", en="dead row: no message could ever rest on it"
            )
            yield Finding(severity=Severity.ERROR, code="dead", about=row.name, text=text)
        return
    roles = {one.sender.role for one in reached}, {one.recipient.role for one in reached}
    for side, named, nl, en in (
        (roles[0], row.sender.roles, "zender", "sender"),
        (roles[1], row.recipient.roles, "ontvanger", "recipient"),
    ):
        for role in sorted(named - side):
            yield _remark(
                "part",
                row.name,
                f"`{role}` staat er als {nl}, maar geen bericht van deze rij kent die",
                f"`{role}` stands there as {en}, but no message of this row knows it",
            )
    categories = {one.category for one in reached}
    for category in (category for category in Category if category in row.categories - categories):
        yield _remark(
            "part",
            row.name,
            f"`{category}` kan in geen bericht van deze rij voorkomen",
            f"`{category}` cannot stand in any message of this row",
        )
    elements = {(one.category, one.element) for one in reached}
    for category, names in row.only.items():
        for name in sorted(names):
            if category in categories and (category, name) not in elements:
                yield _remark(
                    "part",
                    row.name,
                    f"`{name}` ({category}) kan in geen bericht van deze rij voorkomen",
                    f"`{name}` ({category}) cannot stand in any message of this row",
                )


def _reached(
    row: Ground, known: list[MessageType], catalogue: Catalogue, definitions: Definitions
) -> Iterator[DisclosureRequest]:
    """Questions within the definitions that the row permits when all its ties hold, asked of `decide`.

    Who may stand there and what may be in it are two things, so of each type every label is asked for one pair of
    parties, and every pair for one label. A row that is off is asked as if it were on: what is dead in it is dead when
    it is switched on.
    """
    on = catalogue if row.in_force else _switched_on(catalogue, row)
    at = Days(first=row.valid_from, last=row.valid_until).at

    def permitted(message_type: MessageType, label: Label, pair: tuple[Party, Party]) -> DisclosureRequest | None:
        request, facts = _question(row, message_type, label, sender=pair[0], recipient=pair[1], at=at)
        decision = decide(request, catalogue=on, facts=facts, at=at)
        return request if isinstance(decision, Permit) and decision.row == row.name else None

    for message_type in known:
        pairs = tuple(
            product(
                _parties(message_type.senders, row.sender.roles),
                _parties(message_type.recipients, row.recipient.roles),
            )
        )
        labels = tuple(_labels(message_type, definitions))
        first = next(
            ((label, pair) for pair, label in product(pairs, labels) if permitted(message_type, label, pair)), None
        )
        if first is not None:
            found = [permitted(message_type, label, first[1]) for label in labels]
            found += [permitted(message_type, first[0], pair) for pair in pairs]
            yield from (request for request in found if request is not None)


def _question(
    row: Ground, message_type: MessageType, label: Label, *, sender: Party, recipient: Party, at: datetime
) -> tuple[DisclosureRequest, Facts]:
    """A question that is as good as it can be for a row: every tie held, the item marked necessary."""
    situation = best_situation(row, label.category, sender=sender, recipient=recipient, at=at)
    request = DisclosureRequest(
        sender=sender,
        recipient=recipient,
        purpose=row.code,
        message_type=message_type.name,
        profile=label.profile,
        element=label.element,
        category=label.category,
        subjects=situation.subjects,
        necessary=Necessity.PROFESSIONAL,
    )
    return request, situation.facts


def _parties(one: frozenset[Role], other: frozenset[Role]) -> tuple[Party, ...]:
    return tuple(party for party in HONEST if party.role in one and party.role in other)


def _labels(message_type: MessageType, definitions: Definitions) -> Iterator[Label]:
    for profile, rule in message_type.content.items():
        for element in rule.elements:
            category = definitions.profile(profile).elements[element].category
            yield Label(profile=profile, element=element, category=category)


def _switched_on(catalogue: Catalogue, row: Ground) -> Catalogue:
    rows = tuple(replace(one, in_force=True) if one is row else one for one in catalogue.grounds)
    return replace(catalogue, grounds=rows)


def _about_ends(rows: tuple[Ground, ...]) -> Iterator[Finding]:
    """The days after which none of a ground's rows holds any more, though one did."""
    on = [row for row in rows if row.in_force and row.carries is Carries.ELEMENTS]
    for end in sorted({row.valid_until for row in on if row.valid_until and row.valid_until < date.max}):
        if not any(row.holds_on(end + timedelta(days=1)) for row in on):
            nl = f"na {end} geldt er geen rij meer van deze grondslag, of pas later weer"
            en = f"after {end} no row of this ground holds any more, or only later again"
            yield _remark("ends", rows[0].code, nl, en)


def _about_types(catalogue: Catalogue, definitions: Definitions) -> Iterator[Finding]:
    carried = {name for row in catalogue.grounds for name in row.message_types}
    for name in sorted(definitions.message_types.keys() - carried):
        yield _remark(
            "no-ground", name, "voor dit soort bericht is er geen grondslag", "this message type has no ground"
        )


def _remark(code: str, about: str, nl: str, en: str) -> Finding:
    return Finding(severity=Severity.REMARK, code=code, about=about, text=Text(nl=nl, en=en))
