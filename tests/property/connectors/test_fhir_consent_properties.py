"""A Consent that says less than it seems never becomes records that say more.

What the records allow is compared, cell by cell, with a reading of the JSON that follows the table in
`connectors.formats.fhir.scopes` word by word, and with what IHE PCF reads in the same provisions.
"""

import copy
from datetime import date, timedelta
from typing import Any, Final

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.formats.fhir import ConsentDraft
from connectors.formats.fhir.provisions import read_provision
from connectors.formats.fhir.scopes import CATEGORY_SYSTEM
from schemas.codes import AgeBand, Category, SubjectRole
from schemas.consents import Answer, ConsentRecipient, ConsentRecord, ConsentStatus, GivenAnswer, Giver
from schemas.errors import DocumentError
from schemas.identifiers import OIN, CaseId
from tests.support.fhir_consents import JSON, consent, drafts, provision
from tests.support.law_records import OTHER_GI, consent_record
from tests.support.parties import GEMEENTE, GI, message_id
from tests.support.pcf import evaluate

CATEGORIES: Final = ("zorgen", "hulpverlening", "gezondheid")
PURPOSES: Final = ("VRIJW", "TWEEDE")
OINS: Final = (GI, OTHER_GI)
FIRST: Final = date(2026, 10, 1)
DAYS: Final = [FIRST + timedelta(days=number) for number in range(6)]


def stated(values: tuple[Any, ...]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Some of the values, at least one (`Any`: categories, purposes, recipients)."""
    return st.lists(st.sampled_from(values), min_size=1, unique=True).map(tuple)


def some(values: tuple[Any, ...]) -> st.SearchStrategy[tuple[Any, ...] | None]:
    """Some of the values, or nothing stated."""
    return st.none() | stated(values)


@st.composite
def exceptions(draw: st.DrawFn) -> JSON:
    """Return an exception: any condition stated or left open."""
    start, end = sorted(draw(st.lists(st.sampled_from(DAYS), min_size=2, max_size=2)))
    return provision(
        draw(st.sampled_from(["permit", "deny"])),
        categories=draw(some(CATEGORIES)),
        purposes=draw(some(PURPOSES)),
        recipients=draw(some(OINS)),
        start=draw(st.sampled_from([None, start.isoformat()])),
        end=draw(st.sampled_from([None, end.isoformat()])),
    )


@st.composite
def consents(draw: st.DrawFn) -> JSON:
    """Return a Consent with a bounded base rule and up to four exceptions."""
    base = provision(
        draw(st.sampled_from(["permit", "permit", "deny"])),
        categories=draw(stated(CATEGORIES)),
        purposes=draw(stated(PURPOSES)),
        recipients=draw(stated(OINS)),
        start=DAYS[1].isoformat(),
        end=DAYS[4].isoformat(),
        exceptions=tuple(draw(st.lists(exceptions(), max_size=4))),
    )
    return {**consent(), "provision": base}


def allows(read: tuple[ConsentDraft, ...], answer: Answer, cell: tuple[str, str, OIN, date]) -> bool:
    """Whether one of the drafts with this answer is about a category, purpose, recipient and day."""
    category, purpose, oin, day = cell
    return any(
        {each.answer for each in draft.givers} == {answer}
        and Category(category) in draft.categories
        and purpose in draft.purposes
        and ConsentRecipient(oin=oin) in draft.recipients
        and draft.valid_from <= day <= draft.valid_until
        for draft in read
    )


CELLS: Final = [(c, p, oin, day) for c in CATEGORIES for p in PURPOSES for oin in OINS for day in DAYS]


def is_about(rule: JSON, base: JSON, cell: tuple[str, str, OIN, date]) -> bool:
    """Read the JSON: whether a provision is about a cell, by the words of the table."""
    category, purpose, oin, day = cell
    for member, value in (
        ("securityLabel", category),
        ("purpose", purpose),
    ):
        stated = rule.get(member) or (base.get(member) if rule["type"] == "permit" else None)
        if stated is not None and value not in [each["code"] for each in stated]:
            return False
    actors = rule.get("actor") or (base.get("actor") if rule["type"] == "permit" else None)
    if actors is not None and oin.urn not in [each["reference"]["identifier"]["value"] for each in actors]:
        return False
    periods = [rule.get("period", {}), base["period"]]
    text = day.isoformat()
    return all(each.get("start", text) <= text <= each.get("end", text) for each in periods)


def permitted(changed: JSON, cell: tuple[str, str, OIN, date]) -> bool:
    """Read the JSON: whether a cell is permitted."""
    base = changed["provision"]
    about = [each["type"] for each in base.get("provision", []) if is_about(each, base, cell)]
    if about:
        return "deny" not in about
    # The base rule's own conditions limit it, also where it denies: nothing beyond it is permitted either way.
    return base["type"] == "permit" and is_about(base, base, cell)


def read_or_none(changed: JSON) -> tuple[ConsentDraft, ...] | None:
    """Read a Consent; None where it is refused."""
    try:
        return drafts(changed)
    except DocumentError:
        return None


@settings(max_examples=150, deadline=None)
@given(changed=consents())
def test_records_allow_what_the_provisions_allow_and_nothing_more(changed: JSON) -> None:
    read = read_or_none(changed)
    if read is None:
        return
    for cell in CELLS:
        assert allows(read, Answer.YES, cell) is permitted(changed, cell), cell
        assert not (allows(read, Answer.YES, cell) and allows(read, Answer.NO, cell))


@settings(max_examples=100, deadline=None)
@given(changed=consents())
def test_what_is_expressly_denied_to_somebody_named_is_recorded_as_refused(changed: JSON) -> None:
    read = read_or_none(changed)
    if read is None:
        return
    base = changed["provision"]
    for cell in CELLS:
        denials = [each for each in base.get("provision", []) if each["type"] == "deny" and is_about(each, base, cell)]
        if any("actor" in each and "purpose" in each for each in denials):
            assert allows(read, Answer.NO, cell), cell


@settings(max_examples=100, deadline=None)
@given(changed=consents())
def test_no_record_allows_what_ihe_pcf_does_not(changed: JSON) -> None:
    read = read_or_none(changed)
    base = read_provision(changed["provision"], pointer="/provision", issues=[])
    if read is None or base is None:
        return
    for category, purpose, oin, day in CELLS:
        if allows(read, Answer.YES, (category, purpose, oin, day)):
            token = evaluate(base, user=frozenset({oin.urn}), purposes=[purpose], day=day.isoformat())
            assert token is not None
            assert token.lets_go((CATEGORY_SYSTEM, category))


@settings(max_examples=100, deadline=None)
@given(changed=consents(), denial=exceptions())
def test_one_more_denial_never_allows_more(changed: JSON, denial: JSON) -> None:
    more = copy.deepcopy(changed)
    more["provision"].setdefault("provision", []).append({**denial, "type": "deny"})
    before, after = read_or_none(changed), read_or_none(more)
    if before is not None and after is not None:
        assert all(allows(before, Answer.YES, cell) for cell in CELLS if allows(after, Answer.YES, cell))


LIMITS: Final[dict[str, Any]] = {
    "dataPeriod": {"end": "2020-01-01"},
    "data": [{"meaning": "instance", "reference": {"reference": "Observation/1"}}],
    "class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Observation"}],
    "code": [{"text": "slaapproblemen"}],
    "action": [{"text": "inzien"}],
    "extension": [{"url": "https://example.nl/alleen-mondeling", "valueBoolean": True}],
    "modifierExtension": [{"url": "https://example.nl/niet", "valueBoolean": True}],
    "provision": [{"type": "deny"}],
}


@settings(max_examples=60, deadline=None)
@given(changed=consents(), limit=st.sampled_from(sorted(LIMITS)), where=st.integers(0, 4))
def test_a_condition_that_cannot_be_recorded_is_never_left_out(changed: JSON, limit: str, where: int) -> None:
    nested = changed["provision"].get("provision", [])
    place = changed["provision"] if limit != "provision" and (where == 0 or not nested) else None
    if place is None and not nested:
        return
    place = nested[where % len(nested)] if place is None else place
    place[limit] = LIMITS[limit]
    assert read_or_none(changed) is None


@st.composite
def records(draw: st.DrawFn) -> ConsentRecord:
    """Return a consent record that contradicts itself in nothing."""
    age = draw(st.sampled_from([AgeBand.UNDER_12, AgeBand.FROM_12, AgeBand.FROM_16, AgeBand.UNKNOWN]))
    answers = st.sampled_from([Answer.YES, Answer.YES, Answer.NO])
    holders = draw(st.lists(answers, max_size=3))
    own = draw(st.lists(answers, min_size=0 if holders else 1, max_size=1))
    start = date(2026, 1, 1) + timedelta(days=draw(st.integers(0, 1000)))
    withdrawn = draw(st.booleans())
    oins = st.sampled_from([GI, OTHER_GI, GEMEENTE]).map(lambda oin: ConsentRecipient(oin=oin))
    return consent_record(
        age=age,
        role=draw(st.sampled_from(list(SubjectRole))),
        holders=max(2, len(holders)),
        givers=(
            *(GivenAnswer(who=Giver.PARENT, answer=each) for each in holders),
            *(GivenAnswer(who=Giver.SELF, answer=each) for each in own),
        ),
        categories=draw(st.frozensets(st.sampled_from(list(Category)), min_size=1)),
        purposes=draw(st.frozensets(st.sampled_from(["VRIJW", "TWEEDE", "DERDE"]), min_size=1)),
        recipients=draw(st.frozensets(oins, min_size=1)),
        valid_from=start,
        valid_until=start + timedelta(days=draw(st.integers(0, 700))),
        status=ConsentStatus.WITHDRAWN if withdrawn else ConsentStatus.GIVEN,
        replaces=message_id(7) if withdrawn else draw(st.sampled_from([None, message_id(7)])),
        confirms=draw(st.sampled_from([None, message_id(8)])),
        case=draw(st.sampled_from([None, CaseId("7d0c" * 8)])),
    )


@settings(max_examples=100, deadline=None)
@given(record=records())
def test_every_record_comes_back_from_fhir_as_it_was(record: ConsentRecord) -> None:
    (draft,) = drafts(consent(record))
    made = draft.record(issuer=record.issuer, id=record.id, issued_at=record.issued_at, hub=record.hub, tag=record.tag)
    assert made == record
