"""Consent: what follows from the records about a person, and who has to consent at which age.

Records refer to each other: one *replaces* an earlier one of the same issuer, one *confirms* another issuer's. What
hangs together so is a *family*: one consent, known at several places. Three rules hold for it:

- A later record never says more. What says more is another consent, rests on another form and begins another family.
- What a person takes back at one of them is taken back at all: a withdrawal, a category, a recipient, days at the end.
  A refusal is not taken back: it counts until its last day, or until a newer yes.
- Each recorder stands for itself: a consent counts only for a sender that recorded or confirmed it.

Who has to consent follows from the age on the day of the decision, not from that on which the form was signed:

    unborn, 0-11   everybody who holds authority: each parent, or the guardian
    12-15          the young person and all of those; without the parents only with a recorded reason
    16-17          the young person alone
    18+            the person
    not capable    from 12 to 17 all who hold authority, from 18 the representative
    unknown        nobody can

Nothing here reads a store: the rim hands over records whose signatures were verified, all about one person.

Source: the domain page, section 5, "Who consents"; Jeugdwet 7.3.4, 7.3.5, 7.3.11(1) and 7.3.15.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import takewhile
from typing import Final

from consent.facts import ConsentFact
from consent.reasons import Mark, Reason
from consent.weighing import Weighed, keep
from schemas.codes import AgeBand, Capacity, Category, Role
from schemas.consents import HOLDERS, Answer, ConsentRecipient, ConsentRecord, ConsentStatus, GivenAnswer, Giver
from schemas.errors import Issue
from schemas.identifiers import OIN, MessageId

OF_ONE_ISSUER_MAX: Final = 100
"""Records of one issuer about one person. Each decision reads them all, so nobody may make them too many to read."""

_SELF: Final = frozenset({Giver.SELF})
_SELF_AND_HOLDERS: Final = _SELF | HOLDERS
_REPRESENTATIVE: Final = frozenset({Giver.REPRESENTATIVE})
_ORDER: Final = (AgeBand.UNBORN, AgeBand.UNDER_12, AgeBand.FROM_12, AgeBand.FROM_16, AgeBand.ADULT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """The recipient of a message: who it is, and as what it receives."""

    oin: OIN
    role: Role
    capacity: Capacity | None


# ---- who has to consent ----


def has_to_answer(fact: ConsentFact | ConsentRecord, band: AgeBand) -> frozenset[Giver]:
    """Say whose yes it takes at an age; empty where nobody can consent.

    Args:
        fact: The consent: whether the person is capable, and why the parents are left out.
        band: The age on the day of the decision.
    """
    match band:
        case AgeBand.UNBORN | AgeBand.UNDER_12:
            return HOLDERS
        case AgeBand.FROM_12:
            if fact.incapable:
                return HOLDERS
            return _SELF_AND_HOLDERS if fact.without_parents is None else _SELF
        case AgeBand.FROM_16:
            return HOLDERS if fact.incapable else _SELF
        case AgeBand.ADULT:
            return _REPRESENTATIVE if fact.incapable else _SELF
        case _:
            return frozenset()


def is_refused(fact: ConsentFact | ConsentRecord, band: AgeBand) -> bool:
    """Say whether somebody who has to consent said no."""
    no = [giver.who for giver in fact.givers if giver.answer is Answer.NO]
    return bool(no) and not has_to_answer(fact, band).isdisjoint(no)


def is_complete(fact: ConsentFact, band: AgeBand) -> bool:
    """Say whether everybody who has to consent said yes: of those who hold authority, all there are."""
    asked = has_to_answer(fact, band)
    yes = [giver.who for giver in fact.givers if giver.answer is Answer.YES]
    alone = asked - HOLDERS
    if not asked or is_refused(fact, band) or not alone <= {*yes}:
        return False
    return not asked & HOLDERS or 0 < fact.holders <= sum(who in HOLDERS for who in yes)


def weigh_consents(
    consents: tuple[ConsentFact, ...], *, band: AgeBand, purpose: str, category: Category, day: date
) -> Weighed:
    """Look for the newest consent of a person that allows a category for a purpose on a day; if there is none, say why.

    A refusal by somebody who has to consent counts against every older consent to the same, whoever recorded it; also
    when its record was withdrawn, because a withdrawal never permits.

    Args:
        consents: The person's, newest first.
        band: His age on the day.
        purpose: Code of the ground.
        category: What would be disclosed.
        day: The day of the decision.
    """
    for fact in consents:
        if purpose not in fact.purposes or not fact.for_recipient or category not in fact.categories:
            continue
        if _refuses(fact, band, day):
            break
        if (
            not fact.withdrawn
            and fact.valid_from <= day <= fact.valid_until
            and fact.by_sender
            and is_complete(fact, band)
            and not _was_older(fact, band)
        ):
            alone = band is AgeBand.FROM_12 and has_to_answer(fact, band) is _SELF
            return Weighed(relied_on=(fact.id,), marks=(Mark.WITHOUT_PARENTS,) if alone else ())
    return Weighed(reasons=_why_not(consents, band=band, purpose=purpose, category=category, day=day))


def _why_not(
    consents: tuple[ConsentFact, ...], *, band: AgeBand, purpose: str, category: Category, day: date
) -> tuple[Reason, ...]:
    """Say of each check that no consent passed, in the order of `Reason`; where all pass, one passes them all."""
    known = band is not AgeBand.UNKNOWN
    reasons = [] if known else [Reason.CONSENT_AGE_UNKNOWN]
    if not consents:
        return (*reasons, Reason.CONSENT_MISSING)
    kept = keep(consents, lambda fact: purpose in fact.purposes, Reason.CONSENT_NOT_FOR_PURPOSE, reasons)
    kept = keep(kept, lambda fact: fact.for_recipient, Reason.CONSENT_NOT_FOR_RECIPIENT, reasons)
    kept = keep(kept, lambda fact: category in fact.categories, Reason.CONSENT_NOT_FOR_CATEGORY, reasons)
    newer = tuple(takewhile(lambda fact: not _refuses(fact, band, day), kept))
    if not newer:
        reasons.append(Reason.CONSENT_REFUSED)
    kept = keep(newer or kept, lambda fact: not fact.withdrawn, Reason.CONSENT_WITHDRAWN, reasons)
    kept = keep(kept, lambda fact: fact.valid_from <= day, Reason.CONSENT_NOT_BEGUN, reasons)
    kept = keep(kept, lambda fact: day <= fact.valid_until, Reason.CONSENT_EXPIRED, reasons)
    kept = keep(kept, lambda fact: fact.by_sender, Reason.CONSENT_NOT_OF_SENDER, reasons)
    if known:
        kept = keep(kept, lambda fact: not _was_older(fact, band), Reason.CONSENT_AGE_CONTRADICTORY, reasons)
        if newer:
            keep(kept, lambda fact: is_complete(fact, band), Reason.CONSENT_GIVERS_INCOMPLETE, reasons)
    return tuple(reasons)


def _refuses(fact: ConsentFact, band: AgeBand, day: date) -> bool:
    """Whether a no stands on a day; most consents hold none, so that is looked at first."""
    return is_refused(fact, band) and fact.valid_from <= day <= fact.valid_until


def _was_older(fact: ConsentFact, band: AgeBand) -> bool:
    """Whether the person was in a later band when consenting than the message says he is: one of both is wrong."""
    return fact.age in _ORDER and _ORDER.index(fact.age) > _ORDER.index(band)


# ---- what follows from several records ----


def consent_facts(records: Sequence[ConsentRecord], *, sender: OIN, recipient: Addressee) -> tuple[ConsentFact, ...]:
    """Say what the records about one person come to, for one message.

    Args:
        records: Every record about the person that is known, under each of his pseudonyms; verified.
        sender: Who would disclose.
        recipient: Who would receive.

    Returns:
        A fact for each record that none replaces, newest first by when its answers were given.
    """
    by_id = {record.id: record for record in records}
    facts: list[tuple[tuple[int, str], str, ConsentFact]] = []
    for family in _families(by_id):
        replaced = {earlier.id for each in family if (earlier := _replaced(each, by_id))}
        lost = _Lost.of(family, by_id)
        for head in family:
            if head.id not in replaced:
                fact = _fact(head, lost, sender=sender, recipient=recipient)
                facts.append((_said_at(head, by_id), head.id.value, fact))
    return tuple(fact for _, _, fact in sorted(facts, key=lambda each: each[:2], reverse=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lost:
    """What was taken back anywhere in a family."""

    withdrawn: bool
    categories: frozenset[Category]
    purposes: frozenset[str]
    recipients: frozenset[ConsentRecipient]
    last_day: date

    @classmethod
    def of(cls, family: Sequence[ConsentRecord], by_id: Mapping[MessageId, ConsentRecord]) -> "_Lost":
        steps = [(earlier, each) for each in family if (earlier := _replaced(each, by_id))]
        ends = [later.valid_until for earlier, later in steps if later.valid_until < earlier.valid_until]
        return cls(
            withdrawn=any(later.status is ConsentStatus.WITHDRAWN for _, later in steps),
            categories=frozenset().union(*(earlier.categories - later.categories for earlier, later in steps)),
            purposes=frozenset().union(*(earlier.purposes - later.purposes for earlier, later in steps)),
            recipients=frozenset().union(*(earlier.recipients - later.recipients for earlier, later in steps)),
            last_day=min(ends, default=date.max),
        )


def _fact(head: ConsentRecord, lost: _Lost, *, sender: OIN, recipient: Addressee) -> ConsentFact:
    if _says_no(head):
        # What is taken back from a refusal would be given: its scope stays.
        lost = replace(lost, categories=frozenset(), purposes=frozenset(), recipients=frozenset(), last_day=date.max)
    return ConsentFact(
        id=head.id.value,
        by_sender=head.issuer == sender,
        for_recipient=any(
            each.includes(oin=recipient.oin, role=recipient.role, capacity=recipient.capacity)
            for each in head.recipients - lost.recipients
        ),
        categories=head.categories - lost.categories,
        purposes=head.purposes - lost.purposes,
        valid_from=head.valid_from,
        valid_until=min(head.valid_until, lost.last_day),
        withdrawn=lost.withdrawn,
        age=head.age,
        incapable=head.incapable,
        holders=head.holders,
        givers=head.givers,
        without_parents=head.without_parents,
    )


def _says_no(record: ConsentRecord) -> bool:
    return any(giver.answer is Answer.NO for giver in record.givers)


def _replaced(record: ConsentRecord, by_id: Mapping[MessageId, ConsentRecord]) -> ConsentRecord | None:
    """The record that this one replaces: known, and of the same issuer; nobody replaces another's."""
    earlier = by_id.get(record.replaces) if record.replaces else None
    return earlier if earlier is not None and earlier.issuer == record.issuer else None


def _confirmed(record: ConsentRecord, by_id: Mapping[MessageId, ConsentRecord]) -> ConsentRecord | None:
    """The record that this one confirms: known, and of another issuer."""
    other = by_id.get(record.confirms) if record.confirms else None
    return other if other is not None and other.issuer != record.issuer else None


def _families(by_id: Mapping[MessageId, ConsentRecord]) -> list[list[ConsentRecord]]:
    """Put records that refer to each other together."""
    family_of: dict[MessageId, list[ConsentRecord]] = {each: [record] for each, record in by_id.items()}
    for record in by_id.values():
        for other in (_replaced(record, by_id), _confirmed(record, by_id)):
            if other is not None and family_of[other.id] is not family_of[record.id]:
                # The smaller moves into the larger: anybody can make a family long.
                into, moved = sorted((family_of[other.id], family_of[record.id]), key=len, reverse=True)
                into += moved
                family_of.update((each.id, into) for each in moved)
    return list({id(family): family for family in family_of.values()}.values())


def _said_at(record: ConsentRecord, by_id: Mapping[MessageId, ConsentRecord]) -> tuple[int, str]:
    """When the answers were first recorded: signing or confirming them again makes them no newer, a no among them does.

    In which order they stand says nothing, and a yes that is left out makes the others no newer. Of what was recorded
    in one second the id says which came first.
    """
    seen: set[MessageId] = set()
    said_at = record.issued_at, record.id.value
    while record.id not in seen:
        seen.add(record.id)
        before = _replaced(record, by_id) or _confirmed(record, by_id)
        if before is None or _noes(record) - _noes(before):
            break
        record, said_at = before, min(said_at, (before.issued_at, before.id.value))
    return said_at


def _noes(record: ConsentRecord) -> Counter[GivenAnswer]:
    return Counter(giver for giver in record.givers if giver.answer is Answer.NO)


# ---- what a new record takes back ----


def taken_back(record: ConsentRecord, *, known: Sequence[ConsentRecord]) -> tuple[MessageId, ...]:
    """Name the records of which a new one takes something back: who has what rests on one of them is to be told.

    A withdrawal, and a replacement that allows less, take back from the whole family. A refusal that was not given
    before takes back from every older consent to something of the same.

    Args:
        record: The new one, as it is taken in.
        known: Every other record about the person, under each of his pseudonyms.
    """
    by_id = {each.id: each for each in (*known, record)}
    found: set[MessageId] = set()
    if _Lost.of((record,), by_id) != _Lost.of((), by_id):
        found |= next({each.id for each in family} for family in _families(by_id) if record in family)
    before = _replaced(record, by_id) or _confirmed(record, by_id)
    if _noes(record) - (_noes(before) if before else Counter()) and _may_refuse(record):
        found |= {each.id for each in known if _is_of_the_same(each, record)}
    return tuple(sorted(found, key=lambda each: each.value))


def _may_refuse(record: ConsentRecord) -> bool:
    """Whether somebody who has to consent says no; where the age is not known it may be anybody."""
    given = record.status is ConsentStatus.GIVEN
    return given and (record.age is AgeBand.UNKNOWN or is_refused(record, record.age))


def _is_of_the_same(one: ConsentRecord, other: ConsentRecord) -> bool:
    """Whether two records have a category and a purpose in common; whom a role means is not known here."""
    return not one.categories.isdisjoint(other.categories) and not one.purposes.isdisjoint(other.purposes)


# ---- what a new record may say ----


def check_record(record: ConsentRecord, *, known: Sequence[ConsentRecord]) -> tuple[Issue, ...]:
    """Say what keeps a new record from being taken beside those that are known about the person.

    Args:
        record: The new one, verified.
        known: Every record about the person, under each of his pseudonyms; without the new one.

    Returns:
        Every finding; empty if it can be taken. Nothing is checked about the issuer's role.
    """
    by_id = {each.id: each for each in known}
    issues: list[Issue] = []
    if _is_too_many(record, known):
        issues.append(_TOO_MANY)
    for name, other in (
        ("replaces", _replaced(record, by_id)),
        ("confirms", _confirmed(record, by_id)),
    ):
        if getattr(record, name) is None:
            continue
        if other is None:
            issues.append(_NAMED[name])
            continue
        family = next(each for each in _families(by_id) if other in each)
        if _Lost.of(family, by_id).withdrawn:
            issues.append(_WITHDRAWN[name])
        elif any(_replaced(each, by_id) == other for each in known):
            issues.append(_OUTDATED[name])
        elif record.status is ConsentStatus.GIVEN or _says_no(other):
            issues += (_more(name, member) for member in _says_more(record, other))
    return tuple(issues)


def _is_too_many(record: ConsentRecord, known: Sequence[ConsentRecord]) -> bool:
    """Whether an issuer has recorded enough: what is taken back always finds a place, and a refusal longer."""
    if record.status is ConsentStatus.WITHDRAWN:
        return False
    own = sum(each.issuer == record.issuer for each in known)
    return own >= OF_ONE_ISSUER_MAX * (2 if _says_no(record) else 1)


def _issue(name: str, text: str, text_nl: str) -> Issue:
    return Issue(pointer=f"/{name}", code=f"sender.consent.{name}", text=text, text_nl=text_nl)


_TOO_MANY: Final = _issue(
    "iss",
    f"an organisation records at most {OF_ONE_ISSUER_MAX} consents about one person, and as many refusals besides",
    f"een organisatie legt per persoon ten hoogste {OF_ONE_ISSUER_MAX} toestemmingen vast, en evenveel weigeringen",
)
_NAMED: Final = {
    "replaces": _issue(
        "replaces",
        "names no record of the same issuer about this person",
        "noemt geen vastlegging van dezelfde organisatie over deze persoon",
    ),
    "confirms": _issue(
        "confirms",
        "names no record of another issuer about this person",
        "noemt geen vastlegging van een andere organisatie over deze persoon",
    ),
}
_WITHDRAWN: Final = {
    name: _issue(
        name,
        "names a consent that was withdrawn; what is given anew is a new record",
        "noemt een toestemming die is ingetrokken; wie opnieuw toestemt, krijgt een nieuwe vastlegging",
    )
    for name in _NAMED
}
_OUTDATED: Final = {
    name: _issue(
        name,
        "names a record that another one replaced already",
        "noemt een vastlegging die al door een andere is vervangen",
    )
    for name in _NAMED
}


def _more(name: str, member: str) -> Issue:
    return Issue(
        pointer=f"/{member}",
        code="sender.consent.more",
        text=f"says more than the record in `{name}`; what says more is a new record and rests on a new form",
        text_nl=f"zegt meer dan de vastlegging in `{name}`; wat meer zegt, is nieuw en staat op een nieuw formulier",
    )


def _says_more(record: ConsentRecord, than: ConsentRecord) -> list[str]:
    """Name the members in which a record says more than another."""
    said, before = (Counter(giver for giver in each.givers) for each in (record, than))
    yes = Counter({giver: count for giver, count in said.items() if giver.answer is Answer.YES})
    no_before = Counter({giver: count for giver, count in before.items() if giver.answer is Answer.NO})
    found = {
        "age": record.age is not than.age,
        "incapable": record.incapable is not than.incapable,
        "holders": record.holders < than.holders,
        "givers": not (yes <= before and no_before <= said),
        "without_parents": record.without_parents not in (None, than.without_parents),
        "categories": not record.categories <= than.categories,
        "purposes": not record.purposes <= than.purposes,
        "recipients": not record.recipients <= than.recipients,
        "from": record.valid_from < than.valid_from,
        "until": record.valid_until > than.valid_until,
    }
    if _says_no(than):
        # Less of a refusal is more: it is repeated for all that it was about.
        found |= {
            "categories": record.categories != than.categories,
            "purposes": record.purposes != than.purposes,
            "recipients": record.recipients != than.recipients,
            "from": record.valid_from != than.valid_from,
            "until": record.valid_until != than.valid_until,
        }
    return [member for member, more in found.items() if more]
