"""What the provisions of a Consent come to: which categories, for which ground, to whom, on which days.

    a recipient, a ground, a category and a day are      if
    ---------------------------------------------------  --------------------------------------------------
    denied                                               an exception that denies is about them
    else permitted                                       an exception that permits is about them
    else what the base rule says                         the base rule is about them
    else not permitted

An exception that denies and leaves a condition open is about all of it. One that permits takes what it leaves open from
the base rule, never lasts longer than that, and never names a recipient that the base rule leaves out.

Everything must be named: recipients, grounds, categories and both days. What is permitted and what is expressly denied
become *scopes*, each a product of categories, grounds, recipients and days, as a consent record has them.

Source: FHIR R4, Consent.provision ("exceptions"); IHE ITI PCF 1.1; architecture, section 5.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Final, TypeVar

from connectors.formats.fhir.provisions import Coded, Provision, Rule, consent_issue
from schemas.claims import read_date
from schemas.codes import Capacity, Category, Role
from schemas.consents import PURPOSES_MAX, RECIPIENTS_MAX, ConsentRecipient
from schemas.errors import DocumentError, Issue
from schemas.identifiers import OIN

CATEGORY_SYSTEM: Final = "https://ketenhub.nl/fhir/CodeSystem/categorie"
PURPOSE_SYSTEM: Final = "https://ketenhub.nl/fhir/CodeSystem/grond"
ROLE_SYSTEM: Final = "https://ketenhub.nl/fhir/NamingSystem/deelnemerrol"
"""Recipients by role: `gemeente`, or `gi/preventief` for a GI that receives in that capacity only."""
OIN_SYSTEM: Final = "urn:ietf:rfc:3986"

Pair = tuple[ConsentRecipient, str]
Cells = frozenset[tuple[ConsentRecipient, str, Category]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """A product of categories, grounds, recipients and days."""

    categories: frozenset[Category]
    purposes: frozenset[str]
    recipients: frozenset[ConsentRecipient]
    valid_from: date
    valid_until: date


@dataclass(frozen=True, slots=True, kw_only=True)
class Scopes:
    """What a consent comes to.

    Attributes:
        permitted: What may be disclosed; no cell stands in two of them on one day.
        denied: What is expressly denied: by the base rule where nothing is permitted, else by exceptions.
    """

    permitted: tuple[Scope, ...]
    denied: tuple[Scope, ...]


def find_scopes(base: Provision, *, issues: list[Issue]) -> Scopes | None:
    """Say what a base rule and its exceptions come to.

    Args:
        base: What `read_provision` read without a finding.
        issues: What cannot be expressed is added here.

    Returns:
        The scopes; None where something could not be expressed.
    """
    before = len(issues)
    named = [_name(each, issues) for each in (base, *base.exceptions)]
    root, exceptions = named[0], named[1:]
    permits = [each for each in (root, *exceptions) if each.rule is Rule.PERMIT]
    for each in permits:
        _check_bounded(each, root, issues)
    if not permits:
        _check_bounded(root, root, issues)
    _check_overlap(named, issues)
    _check_number(root, named, issues)
    if len(issues) > before:
        return None
    if not permits:
        if exceptions:
            text = "nothing is permitted, so there is nothing to make an exception to"
            issues.append(
                _issue(root, "/provision", "nesting", text, "er wordt niets toegestaan om van uit te zonderen")
            )
            return None
        return Scopes(permitted=(), denied=(_bounded_scope(root, root),))
    allowances = [_bounded_scope(each, root) for each in permits]
    denied = [_denied_scope(each, root, allowances) for each in exceptions if each.rule is Rule.DENY]
    return Scopes(permitted=tuple(_remaining(allowances, denied)), denied=tuple(denied))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Named:
    """A provision in our words; None where it leaves a condition open."""

    rule: Rule
    pointer: str
    start: date | None
    end: date | None
    recipients: frozenset[ConsentRecipient] | None
    purposes: frozenset[str] | None
    categories: frozenset[Category] | None


def _name(provision: Provision, issues: list[Issue]) -> _Named:
    place = provision.pointer
    if provision.data is not None or provision.data_period is not None:
        text = "a consent to single records, or to those of a time, cannot be recorded: a record is about categories"
        text_nl = "toestemming voor losse gegevens of een tijdvak kan niet worden vastgelegd, alleen voor categorieën"
        issues.append(consent_issue(place, "data", text, text_nl))
    return _Named(
        rule=provision.rule,
        pointer=place,
        start=_day(provision.start, place + "/period/start", issues),
        end=_day(provision.end, place + "/period/end", issues),
        recipients=_recipients(provision.actors, place + "/actor", issues),
        purposes=_purposes(provision.purposes, place + "/purpose", issues),
        categories=_categories(provision.labels, place + "/securityLabel", issues),
    )


def _day(text: str | None, pointer: str, issues: list[Issue]) -> date | None:
    try:
        return None if text is None else read_date(text)
    except ValueError:
        said, said_nl = (
            "a consent begins and ends with whole days",
            "een toestemming begint en eindigt met een hele dag",
        )
        issues.append(consent_issue(pointer, "period", said, said_nl))
        return None


def _recipients(
    actors: tuple[Coded, ...] | None, pointer: str, issues: list[Issue]
) -> frozenset[ConsentRecipient] | None:
    if actors is None:
        return None
    found = set()
    for number, (system, value) in enumerate(actors):
        recipient = _recipient(system, value)
        if recipient is None:
            text = f"a recipient is an OIN (`{OIN_SYSTEM}`) or a role (`{ROLE_SYSTEM}`)"
            text_nl = "een ontvanger is een OIN, of een rol in de keten"
            issues.append(consent_issue(f"{pointer}/{number}", "recipient", text, text_nl))
        else:
            found.add(recipient)
    return frozenset(found)


def _recipient(system: str, value: str) -> ConsentRecipient | None:
    role, _, capacity = value.partition("/")
    try:
        if system == OIN_SYSTEM:
            return ConsentRecipient(oin=OIN.from_urn(value))
        if system == ROLE_SYSTEM and (not capacity or role == Role.GI) and value == f"{role}/{capacity}".strip("/"):
            return ConsentRecipient(role=Role(role), capacity=Capacity(capacity) if capacity else None)
    except (DocumentError, ValueError):
        pass
    return None


def recipient_to_coded(recipient: ConsentRecipient) -> Coded:
    """Name a recipient as an actor does."""
    if recipient.oin is not None:
        return OIN_SYSTEM, recipient.oin.urn
    return ROLE_SYSTEM, "/".join(each.value for each in (recipient.role, recipient.capacity) if each is not None)


def _purposes(codings: tuple[Coded, ...] | None, pointer: str, issues: list[Issue]) -> frozenset[str] | None:
    if codings is None:
        return None
    for number, (system, _) in enumerate(codings):
        if system != PURPOSE_SYSTEM:
            text, text_nl = f"a purpose is a ground of `{PURPOSE_SYSTEM}`", "een doel is een code van een grond"
            issues.append(consent_issue(f"{pointer}/{number}", "purpose", text, text_nl))
    return frozenset(code for _, code in codings)


def _categories(codings: tuple[Coded, ...] | None, pointer: str, issues: list[Issue]) -> frozenset[Category] | None:
    if codings is None:
        return None
    found = set()
    for number, (system, code) in enumerate(codings):
        if system == CATEGORY_SYSTEM and code in list(Category):
            found.add(Category(code))
        else:
            text, text_nl = f"a label is a category of `{CATEGORY_SYSTEM}`", "dit is geen gegevenscategorie"
            issues.append(consent_issue(f"{pointer}/{number}", "category", text, text_nl))
    return frozenset(found)


def _check_bounded(permit: _Named, root: _Named, issues: list[Issue]) -> None:
    """Refuse what would permit without end: to everybody, of everything, for whatever, or for ever."""
    stated = {
        "/actor": permit.recipients or root.recipients,
        "/purpose": permit.purposes or root.purposes,
        "/securityLabel": permit.categories or root.categories,
        "/period/start": permit.start or root.start,
        "/period/end": permit.end or root.end,
    }
    for member, said in stated.items():
        if not said:
            text = f"`{member.strip('/')}` must be named: a consent to everything is none"
            text_nl = "ontvanger, doel, categorie, begin en eind moeten alle worden genoemd"
            issues.append(_issue(permit, member, "unbounded", text, text_nl))
    if (
        permit is not root
        and root.recipients is not None
        and not (permit.recipients or root.recipients) <= root.recipients
    ):
        text = "an exception permits to a recipient whom the base rule leaves out"
        issues.append(
            _issue(permit, "/actor", "wider", text, "de uitzondering noemt een ontvanger die de hoofdregel niet noemt")
        )
    start, end = _days(permit, root)
    if start is not None and end is not None and end < start:
        text, text_nl = "ends before it begins", "eindigt voor het begin"
        issues.append(_issue(permit, "/period", "period", text, text_nl))


def _check_overlap(named: list[_Named], issues: list[Issue]) -> None:
    """Refuse to deny a participant what its role is permitted, or a role what a participant is.

    A record names recipients and cannot except one of them: nobody here knows whether they are the same.
    """
    permitted = {each for one in named if one.rule is Rule.PERMIT for each in one.recipients or ()}
    permitted |= named[0].recipients or frozenset()
    for one in named[1:]:
        for recipient in one.recipients or () if one.rule is Rule.DENY else ():
            if any(recipient != each and _may_be_same(recipient, each) for each in permitted):
                text = "denies to a recipient that may be one of those permitted by another name"
                text_nl = "weigert aan een ontvanger die onder een andere naam is toegestaan"
                issues.append(_issue(one, "/actor", "overlap", text, text_nl))


def _check_number(root: _Named, named: list[_Named], issues: list[Issue]) -> None:
    if len(_union(each.recipients for each in named)) > RECIPIENTS_MAX:
        text, text_nl = f"more than {RECIPIENTS_MAX} recipients", f"meer dan {RECIPIENTS_MAX} ontvangers"
        issues.append(_issue(root, "/actor", "number", text, text_nl))
    if len(_union(each.purposes for each in named)) > PURPOSES_MAX:
        text, text_nl = f"more than {PURPOSES_MAX} purposes", f"meer dan {PURPOSES_MAX} doelen"
        issues.append(_issue(root, "/purpose", "number", text, text_nl))


def _may_be_same(one: ConsentRecipient, other: ConsentRecipient) -> bool:
    if one.oin is not None and other.oin is not None:
        return one.oin == other.oin
    if one.oin is not None or other.oin is not None:
        return True
    return one.role is other.role and (one.capacity is None or other.capacity is None or one.capacity is other.capacity)


def _days(one: _Named, root: _Named) -> tuple[date | None, date | None]:
    """The days of a provision: none before the base rule's, none after."""
    starts = [day for day in (one.start, root.start) if day is not None]
    ends = [day for day in (one.end, root.end) if day is not None]
    return max(starts, default=None), min(ends, default=None)


def _bounded_scope(one: _Named, root: _Named) -> Scope:
    """What a provision that is bounded is about: it takes what it leaves open from the base rule."""
    start, end = _days(one, root)
    assert start is not None, "was found to be bounded"
    assert end is not None, "was found to be bounded"
    return Scope(
        categories=one.categories or root.categories or frozenset(),
        purposes=one.purposes or root.purposes or frozenset(),
        recipients=one.recipients or root.recipients or frozenset(),
        valid_from=start,
        valid_until=end,
    )


def _denied_scope(one: _Named, root: _Named, allowances: list[Scope]) -> Scope:
    """What an exception that denies is about: a condition that it leaves open leaves out nothing that is allowed."""
    start, end = _days(one, root)
    return Scope(
        categories=one.categories or frozenset(Category),
        purposes=one.purposes or frozenset().union(*(each.purposes for each in allowances)),
        recipients=one.recipients or frozenset().union(*(each.recipients for each in allowances)),
        valid_from=start or min(each.valid_from for each in allowances),
        valid_until=end or max(each.valid_until for each in allowances),
    )


def _remaining(allowances: list[Scope], denied: list[Scope]) -> Iterator[Scope]:
    """Take from what is permitted what is denied, and put together what is the same for as long as it is."""
    found: list[tuple[date, date, Cells]] = []
    for start, end in _stretches([*allowances, *denied]):
        cells = _cells(allowances, start) - _cells(denied, start)
        if found and found[-1][2] == cells:
            found.append((found.pop()[0], end, cells))
        else:
            found.append((start, end, cells))
    for start, end, cells in found:
        yield from _products(cells, start, end)


def _stretches(scopes: Iterable[Scope]) -> Iterator[tuple[date, date]]:
    """Cut time where a scope begins or has ended: within a stretch every day is alike."""
    scopes = list(scopes)
    cuts = sorted({each.valid_from for each in scopes} | {each.valid_until + timedelta(days=1) for each in scopes})
    return ((start, after - timedelta(days=1)) for start, after in pairwise(cuts))


def _cells(scopes: list[Scope], day: date) -> Cells:
    return frozenset(
        (recipient, purpose, category)
        for each in scopes
        if each.valid_from <= day <= each.valid_until
        for recipient in each.recipients
        for purpose in each.purposes
        for category in each.categories
    )


def _products(cells: Cells, start: date, end: date) -> Iterator[Scope]:
    """Write cells as products: recipients and grounds with the same categories, then recipients with the same grounds.

    No product has a cell that was not there.
    """
    by_pair: dict[Pair, set[Category]] = {}
    for recipient, purpose, category in cells:
        by_pair.setdefault((recipient, purpose), set()).add(category)
    alike: dict[tuple[ConsentRecipient, frozenset[Category]], set[str]] = {}
    for (recipient, purpose), categories in by_pair.items():
        alike.setdefault((recipient, frozenset(categories)), set()).add(purpose)
    products: dict[tuple[frozenset[str], frozenset[Category]], set[ConsentRecipient]] = {}
    for (recipient, kinds), purposes in alike.items():
        products.setdefault((frozenset(purposes), kinds), set()).add(recipient)
    for (grounds, kinds), recipients in sorted(
        products.items(), key=lambda each: (sorted(each[0][0]), sorted(each[0][1]))
    ):
        yield Scope(
            categories=kinds, purposes=grounds, recipients=frozenset(recipients), valid_from=start, valid_until=end
        )


_T = TypeVar("_T")


def _union(sets: Iterable[frozenset[_T] | None]) -> frozenset[_T]:
    return frozenset().union(*(each for each in sets if each is not None))


def _issue(one: _Named, member: str, code: str, text: str, text_nl: str) -> Issue:
    return consent_issue(one.pointer + member, code, text, text_nl)
