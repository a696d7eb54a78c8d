"""FHIR Consents in and out: what each comes to, and what is refused because a record cannot say it."""

import base64
import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any, Final

import pytest
from fhir.resources.R4B.consent import Consent

from connectors.formats.fhir import read_consent
from schemas.canonical import b64url
from schemas.codes import AgeBand, Capacity, Category, Role
from schemas.consents import Answer, ConsentRecipient, ConsentStatus, GivenAnswer, Giver, WithoutParents
from schemas.errors import DocumentError
from schemas.fhir import check_resource
from schemas.identifiers import OIN, CaseId, SubjectTag
from tests.support.fhir_consents import JSON, PERSON, consent, drafts, provision
from tests.support.law_records import (
    OTHER_GI,
    PARENT_NO,
    PARENT_YES,
    RANDOM_TAG,
    REPRESENTATIVE_YES,
    SELF_NO,
    SELF_YES,
    consent_record,
)
from tests.support.parties import GEMEENTE, GI, message_id

BASE: Final = "https://ketenhub.nl/fhir/StructureDefinition/"
BY_ROLE: Final = ConsentRecipient(role=Role.GEMEENTE)
BY_CAPACITY: Final = ConsentRecipient(role=Role.GI, capacity=Capacity.PREVENTIEF)
WITHDRAWN: Final[dict[str, Any]] = {"status": ConsentStatus.WITHDRAWN, "replaces": message_id(7)}
RECORDS: Final = {
    "two parents": consent_record(),
    "one of two parents yet": consent_record(givers=(PARENT_YES,)),
    "one parent refuses": consent_record(givers=(PARENT_YES, PARENT_NO)),
    "a young person without the parents": consent_record(
        age=AgeBand.FROM_12, givers=(SELF_YES,), without_parents=WithoutParents.SERIOUS_DISADVANTAGE
    ),
    "from 16": consent_record(age=AgeBand.FROM_16, givers=(SELF_YES,)),
    "a representative": consent_record(age=AgeBand.ADULT, holders=0, incapable=True, givers=(REPRESENTATIVE_YES,)),
    "by role": consent_record(recipients=frozenset({BY_ROLE, BY_CAPACITY})),
    "withdrawn": consent_record(**WITHDRAWN),
    "a refusal withdrawn": consent_record(age=AgeBand.FROM_16, givers=(SELF_NO,), **WITHDRAWN),
    "confirms": consent_record(confirms=message_id(8), case=CaseId("7d0c" * 8)),
    "age unknown": consent_record(age=AgeBand.UNKNOWN),
}


@pytest.mark.parametrize("name", RECORDS)
def test_a_record_goes_out_and_its_draft_comes_back(name: str) -> None:
    record = RECORDS[name]
    written = consent(record)
    assert check_resource(written) == ()
    Consent.model_validate(written)
    (draft,) = drafts(written)
    again = draft.record(issuer=record.issuer, id=record.id, issued_at=record.issued_at, hub=record.hub, tag=record.tag)
    assert again == record
    assert (draft.person, draft.organisation) == (PERSON, GEMEENTE)


@pytest.mark.parametrize(
    ("name", "status", "rule"),
    [
        ("two parents", "active", "permit"),
        ("one of two parents yet", "proposed", "permit"),
        ("one parent refuses", "active", "deny"),
        ("withdrawn", "inactive", "permit"),
        ("age unknown", "proposed", "permit"),
    ],
)
def test_who_does_not_know_our_extensions_reads_no_more_than_there_is(name: str, status: str, rule: str) -> None:
    written = consent(RECORDS[name])
    assert (written["status"], written["provision"]["type"]) == (status, rule)


def test_the_pseudonym_stays_out_of_fhir_and_the_number_out_of_the_record() -> None:
    assert RANDOM_TAG.value not in json.dumps(consent(consent_record(tag=RANDOM_TAG)))
    (draft,) = drafts(consent())
    assert PERSON[1] not in repr(draft)
    record = draft.record(issuer=GEMEENTE, id=message_id(1), issued_at=1, hub=consent_record().hub, tag=RANDOM_TAG)
    assert record.tag == SubjectTag(RANDOM_TAG.value)


def test_the_form_itself_may_be_enclosed() -> None:
    changed = consent()
    form = b"ik geef toestemming"
    changed["sourceAttachment"] = {"contentType": "text/plain", "data": base64.b64encode(form).decode()}
    (draft,) = drafts(changed)
    assert draft.form == b64url(hashlib.sha256(form).digest())
    changed["sourceAttachment"] |= consent()["sourceAttachment"]
    assert refused(changed) == [("form", "/sourceAttachment")]


def test_the_age_is_reckoned_on_the_first_day_where_only_the_birth_date_is_said() -> None:
    """Sixteen on the first day: the young person alone."""
    changed = consent(consent_record(age=AgeBand.FROM_16, givers=(SELF_YES,)))
    changed["extension"][0] = {"url": BASE + "birthDate", "valueDate": "2010-10-01"}
    (draft,) = drafts(changed)
    assert (draft.age, draft.birth_date) == (AgeBand.FROM_16, "2010-10-01")
    changed["extension"][0]["valueDate"] = "2010-10-02"
    (younger,) = drafts(changed)
    assert younger.age is AgeBand.FROM_12
    changed["extension"].append({"url": BASE + "age", "valueCode": "16-17"})
    assert refused(changed) == [("contradiction", "/extension")]


def test_names_of_those_who_answered_stay_in_the_file() -> None:
    changed = consent()
    changed["performer"][0]["display"] = "Robin Voorbeeld"
    changed["patient"]["display"] = "Sam Voorbeeld"
    assert drafts(changed) == drafts(consent())


# ---- exceptions ----

ROOT: Final[dict[str, Any]] = {
    "categories": ("zorgen", "hulpverlening", "gezondheid"),
    "purposes": ("VRIJW",),
    "recipients": (GI, OTHER_GI),
    "start": "2026-10-01",
    "end": "2027-09-30",
}


def said(rule: str, *exceptions: JSON, **change: Any) -> JSON:
    """Return a Consent with a base rule and exceptions (`Any`: what `provision` takes)."""
    return {**consent(), "provision": provision(rule, **{**ROOT, **change}, exceptions=exceptions)}


def come_to(changed: JSON) -> list[tuple[str, set[str], set[str], str, str]]:
    """Say what a Consent comes to: yes or no, categories, recipients, first and last day."""
    return [
        (
            "no" if any(each.answer is Answer.NO for each in draft.givers) else "yes",
            {each.value for each in draft.categories},
            {each.oin.value[-4:] for each in draft.recipients if each.oin is not None},
            draft.valid_from.isoformat(),
            draft.valid_until.isoformat(),
        )
        for draft in drafts(changed)
    ]


YEAR: Final = ("2026-10-01", "2027-09-30")
BOTH: Final = {"3000", "4000"}


def test_what_is_excepted_is_not_permitted_and_is_recorded_as_refused() -> None:
    assert come_to(said("permit", provision("deny", categories=("gezondheid",)))) == [
        ("yes", {"zorgen", "hulpverlening"}, BOTH, *YEAR),
        ("no", {"gezondheid"}, BOTH, *YEAR),
    ]


def test_an_exception_for_one_recipient_leaves_the_other() -> None:
    denied = provision("deny", categories=("gezondheid",), recipients=(GI,))
    assert come_to(said("permit", denied)) == [
        ("yes", {"gezondheid", "hulpverlening", "zorgen"}, {"4000"}, *YEAR),
        ("yes", {"hulpverlening", "zorgen"}, {"3000"}, *YEAR),
        ("no", {"gezondheid"}, {"3000"}, *YEAR),
    ]


def test_an_exception_that_permits_adds_for_whom_it_names() -> None:
    more = provision("permit", categories=("document",), recipients=(GI,))
    assert come_to(said("permit", more, categories=("zorgen",))) == [
        ("yes", {"document", "zorgen"}, {"3000"}, *YEAR),
        ("yes", {"zorgen"}, {"4000"}, *YEAR),
    ]


def test_nothing_but_what_exceptions_permit() -> None:
    changed = {**consent(), "provision": {"type": "deny", "provision": [provision("permit", **ROOT)]}}
    assert come_to(changed) == [("yes", {"zorgen", "hulpverlening", "gezondheid"}, BOTH, *YEAR)]


def test_an_exception_for_a_time_cuts_the_time() -> None:
    pause = provision("deny", start="2027-01-01", end="2027-01-31")
    assert come_to(said("permit", pause, categories=("zorgen",), recipients=(GI,))) == [
        ("yes", {"zorgen"}, {"3000"}, "2026-10-01", "2026-12-31"),
        ("yes", {"zorgen"}, {"3000"}, "2027-02-01", "2027-09-30"),
        ("no", {each.value for each in Category}, {"3000"}, "2027-01-01", "2027-01-31"),
    ]


def test_a_denial_of_what_was_not_permitted_cuts_nothing() -> None:
    other = provision("deny", categories=("document",), start="2027-01-01", end="2027-01-31")
    assert come_to(said("permit", other, categories=("zorgen",)))[0] == ("yes", {"zorgen"}, BOTH, *YEAR)


def test_an_exception_never_lasts_longer_than_the_base_rule() -> None:
    more = provision("permit", categories=("document",), start="2020-01-01", end="2040-01-01")
    assert {each[3:] for each in come_to(said("permit", more))} == {YEAR}


def test_a_denial_goes_before_a_permission() -> None:
    both = (provision("permit", categories=("document",)), provision("deny", categories=("document",)))
    assert ("yes", {"document"}) not in [each[:2] for each in come_to(said("permit", *both))]
    assert come_to(said("permit", *both, categories=("zorgen",)))[0][1] == {"zorgen"}


def test_where_everything_permitted_is_denied_only_the_refusal_is_left() -> None:
    assert [each[0] for each in come_to(said("permit", provision("deny")))] == ["no"]
    closed = provision("deny", exceptions=(provision("permit", **ROOT), provision("deny")))
    assert [each[0] for each in come_to({**consent(), "provision": closed})] == ["no"]


OPEN_DENIAL_AMONG_PERMITS: Final[dict[str, list[JSON]]] = {
    "each permit names another condition": [
        provision("permit", recipients=(GI,)),
        provision("permit", purposes=("VRIJW",)),
        provision("deny"),
    ],
    "the same is permitted again after the denial": [
        provision("permit"),
        provision("deny"),
        provision("permit", recipients=(GI,), purposes=("VRIJW",)),
    ],
}


@pytest.mark.parametrize("base", ["permit", "deny"])
@pytest.mark.parametrize("exceptions", OPEN_DENIAL_AMONG_PERMITS.values(), ids=OPEN_DENIAL_AMONG_PERMITS.keys())
def test_a_denial_that_names_nobody_denies_also_what_permits_take_from_the_base_rule(
    exceptions: list[JSON], base: str
) -> None:
    """The other recipient and the other ground are named by the base rule only, and permitted by an exception."""
    changed = said(base, *exceptions, purposes=("VRIJW", "TWEEDE"))
    assert come_to(changed) == [("no", {each.value for each in Category}, BOTH, *YEAR)]


# ---- refusals ----


def refused(changed: JSON) -> list[tuple[str, str]]:
    """Return what is found wrong: code without its prefix, and place; no text repeats the number."""
    with pytest.raises(DocumentError) as caught:
        drafts(changed)
    assert all(PERSON[1] not in each.text + each.text_nl and each.text_nl for each in caught.value.issues)
    return [(each.code.split(".", 2)[2], each.pointer) for each in caught.value.issues]


def _set(member: str, value: Any) -> Callable[[JSON], None]:
    def change(changed: JSON) -> None:
        *path, last = member.split(".")
        node: Any = changed
        for step in path:
            node = node[int(step) if step.isdecimal() else step]
        node[int(last) if last.isdecimal() else last] = value

    return change


def _drop(member: str) -> Callable[[JSON], None]:
    def change(changed: JSON) -> None:
        *path, last = member.split(".")
        node: Any = changed
        for step in path:
            node = node[int(step) if step.isdecimal() else step]
        del node[last]

    return change


def _drop_extension(name: str) -> Callable[[JSON], None]:
    def change(changed: JSON) -> None:
        changed["extension"] = [each for each in changed["extension"] if each["url"] != BASE + name]

    return change


def _add_extension(name: str, member: str, value: Any) -> Callable[[JSON], None]:
    return lambda changed: changed["extension"].append({"url": BASE + name, member: value})


EXTENSION: Final = {"url": "https://example.nl/ongeveer", "valueBoolean": True}
CODING: Final = {"system": "https://example.nl/x", "code": "y"}
REFUSALS: Final[tuple[tuple[str, Callable[[JSON], None], str, str], ...]] = (
    ("drawn up, not given", _set("status", "draft"), "status", "/status"),
    ("open though everybody answered", _set("status", "proposed"), "status", "/status"),
    ("of research", _set("scope.coding.0.code", "research"), "frame", "/scope"),
    ("of another kind", _set("category.0.coding.0.code", "1-1"), "frame", "/category"),
    ("to another policy", _set("policy.0.uri", "https://example.nl/regels"), "frame", "/policy"),
    ("to a rule of a policy", _set("policyRule", {"text": "x"}), "not-read", "/policyRule"),
    ("verified or not", _set("verification", [{"verified": False}]), "not-read", "/verification"),
    ("modified", _set("modifierExtension", [{"url": "u", "valueBoolean": True}]), "not-read", "/modifierExtension"),
    ("by rules elsewhere", _set("implicitRules", "https://example.nl/r"), "not-read", "/implicitRules"),
    ("with a text of its own", _set("text", {"status": "additional", "div": "<div>niet</div>"}), "not-read", "/text"),
    ("with an extension of others", _set("extension.0.url", "https://example.nl/e"), "not-read", "/extension/0"),
    ("about somebody elsewhere", _set("patient", {"reference": "Patient/1"}), "person", "/patient/identifier"),
    ("about no BSN", _set("patient.identifier.value", "999911121"), "person", "/patient/identifier"),
    ("recorded by nobody", _set("organization.0.identifier.value", "urn:x"), "organisation", "/organization"),
    ("of somebody unknown", _set("performer.0", {"display": "Robin"}), "giver", "/performer/0"),
    ("with half an answer", _drop("performer.0.extension.0.extension"), "giver", "/performer/0"),
    ("resting on nothing", _drop("sourceAttachment"), "form", "/sourceAttachment"),
    ("of how many parents", _drop("extension"), "holders", "/extension"),
    (
        "permitted though refused",
        _set("performer.0.extension.0.extension.1.valueCode", "nee"),
        "contradiction",
        "/provision/type",
    ),
    ("denied though nobody did", _set("provision.type", "deny"), "contradiction", "/provision/type"),
    ("without a rule", _drop("provision.type"), "rule", "/provision/type"),
    ("recorded by two", _set("organization", [{"reference": "Organization/1"}] * 2), "organisation", "/organization"),
    ("on half a form", _set("sourceAttachment.extension.0.valueBase64Binary", "AAAA"), "form", "/sourceAttachment"),
    ("on a form in code", _set("sourceAttachment", {"data": "%%%"}), "form", "/sourceAttachment"),
    ("of somebody of no age", _drop_extension("age"), "extension", "/extension"),
    ("of somebody of no role", _drop_extension("subjectRole"), "extension", "/extension"),
    ("of an age that is none", _set("extension.0.valueCode", "12-14"), "extension", "/extension/0"),
    ("of two ages", _set("extension.1.url", BASE + "age"), "extension", "/extension/0"),
    ("born on no day", _add_extension("birthDate", "valueDate", "2018-02-30"), "form", "/extension/3/valueDate"),
    ("in place of what", _add_extension("replaces", "valueUri", "https://example.nl/1"), "extension", "/extension/3"),
    ("for a time with a remark", _set("provision.period.extension", [EXTENSION]), "not-read", "/provision/period"),
    (
        "of nothing named",
        _set("provision.data", [{"meaning": "related", "reference": {"display": "x"}}]),
        "data",
        "/provision/data/0",
    ),
    ("to everybody", _drop("provision.actor"), "unbounded", "/provision/actor"),
    ("of everything", _drop("provision.securityLabel"), "unbounded", "/provision/securityLabel"),
    ("for whatever", _drop("provision.purpose"), "unbounded", "/provision/purpose"),
    ("for ever", _drop("provision.period.end"), "unbounded", "/provision/period/end"),
    ("for a year, some day", _set("provision.period.start", "2026"), "period", "/provision/period/start"),
    ("until before it began", _set("provision.period.end", "2026-09-30"), "period", "/provision/period"),
    ("for longer than two years", _set("provision.period.end", "2029-10-01"), "record", "/provision/period/end"),
    ("of data of a time", _set("provision.dataPeriod", {"start": "2026"}), "data", "/provision"),
    (
        "of single data",
        _set("provision.data", [{"meaning": "instance", "reference": {"reference": "X/1"}}]),
        "data",
        "/provision",
    ),
    ("of a class", _set("provision.class", [CODING]), "not-read", "/provision/class"),
    ("of a code", _set("provision.code", [{"coding": [CODING]}]), "not-read", "/provision/code"),
    ("for an act", _set("provision.action", [{"coding": [CODING]}]), "not-read", "/provision/action"),
    ("of a category of others", _set("provision.securityLabel.0", CODING), "category", "/provision/securityLabel/0"),
    ("of a version", _set("provision.securityLabel.0.version", "2"), "coding", "/provision/securityLabel/0"),
    ("for treatment", _set("provision.purpose.0", CODING), "purpose", "/provision/purpose/0"),
    (
        "to an address",
        _set("provision.actor.0.reference", {"reference": "Organization/1"}),
        "recipient",
        "/provision/actor/0",
    ),
    ("to a custodian", _set("provision.actor.0.role.coding.0.code", "CST"), "recipient", "/provision/actor/0"),
    ("with more answers than parents", _set("extension.2.valueUnsignedInt", 1), "record", "/performer"),
)


@pytest.mark.parametrize(("name", "change", "code", "place"), REFUSALS, ids=[each[0] for each in REFUSALS])
def test_what_a_record_cannot_say_is_refused(name: str, change: Callable[[JSON], None], code: str, place: str) -> None:
    changed = consent()
    change(changed)
    assert (code, place) in refused(changed), name


@pytest.mark.parametrize(
    ("changed", "code", "place"),
    [
        (
            said("permit", provision("deny", exceptions=(provision("permit"),))),
            "nesting",
            "/provision/provision/0/provision",
        ),
        (said("deny", provision("deny")), "nesting", "/provision/provision"),
        (said("permit", provision("deny", recipients=("gi",))), "overlap", "/provision/provision/0/actor"),
        (
            said("permit", provision("deny", recipients=(GI,)), recipients=("gi",)),
            "overlap",
            "/provision/provision/0/actor",
        ),
        (
            said("permit", provision("deny", recipients=("gi/ots",)), recipients=("gi",)),
            "overlap",
            "/provision/provision/0/actor",
        ),
        (said("permit", provision("permit", recipients=("raad",))), "wider", "/provision/provision/0/actor"),
        (said("permit", recipients=("raad/ots",)), "recipient", "/provision/actor/0"),
        (said("permit", recipients=("koning",)), "recipient", "/provision/actor/0"),
        (said("permit", purposes=("geen grond",)), "record", "/provision/purpose"),
        (said("permit", *[provision("deny")] * 17), "nesting", "/provision/provision"),
        (
            said(
                "permit",
                provision("deny", recipients=tuple(OIN(f"000000990000000{n:05}") for n in range(16))),
            ),
            "number",
            "/provision/actor",
        ),
        (
            said("permit", *(provision("permit", purposes=(f"P{n}",)) for n in range(16))),
            "number",
            "/provision/purpose",
        ),
        (
            said("permit", *(provision("deny", start=f"2027-{n:02}-01", end=f"2027-{n:02}-02") for n in range(1, 10))),
            "number",
            "/provision",
        ),
    ],
)
def test_exceptions_that_cannot_be_recorded_are_refused(changed: JSON, code: str, place: str) -> None:
    assert (code, place) in refused(changed)


def test_one_record_is_withdrawn_at_a_time() -> None:
    changed = said("permit", provision("deny", categories=("gezondheid",)))
    changed["status"] = "inactive"
    changed["extension"].append({"url": BASE + "replaces", "valueUri": f"urn:uuid:{message_id(7).value}"})
    assert refused(changed) == [("several", "/provision")]


def test_every_finding_is_listed() -> None:
    changed = consent()
    for _, change, _, _ in (REFUSALS[0], REFUSALS[4], REFUSALS[11], REFUSALS[14]):
        change(changed)
    assert len(refused(changed)) == 4


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"{", "sender.json.invalid"),
        (b'{"resourceType": "Patient"}', "sender.consent.frame"),
        (b'{"resourceType": "Consent"}', "sender.fhir.member-missing"),
        (b" " * (4 * 1024 * 1024 + 1), "sender.consent.too-large"),
    ],
)
def test_what_is_no_consent_is_refused(data: bytes, code: str) -> None:
    with pytest.raises(DocumentError) as caught:
        read_consent(data)
    assert code in {each.code for each in caught.value.issues}


def test_a_guardian_institution_answers_as_guardian() -> None:
    guardian = (GivenAnswer(who=Giver.GUARDIAN, answer=Answer.YES),)
    (draft,) = drafts(consent(consent_record(holders=1, givers=guardian)))
    assert draft.givers == guardian
    assert draft == replace(draft, valid_from=date(2026, 10, 1))
