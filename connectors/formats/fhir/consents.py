"""A FHIR R4 Consent as drafts of consent records, and a consent record as a Consent.

A record is about one product of categories, grounds, recipients and days; a Consent with exceptions takes several. Each
draft is what one record says, without who signs it, when, and under which pseudonym: those the caller adds. The person
stays here, at the edge: the record knows only a pseudonym.

    drafts = read_consent(data)
    records = [draft.record(issuer=…, id=…, issued_at=…, hub=…, tag=…) for draft in drafts]  # in this order

What the person expressly denies comes last, as a record in which those who answered said no: it counts against older
consents to the same.

Source: FHIR R4, Consent; IHE ITI PCF 1.1, profile `IHE.PCF.consentAdvanced`; the architecture, section 5.
"""

import base64
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Final

from connectors.formats.fhir.consent_members import BASE, CATEGORY, POLICY, SCOPE, URN, Said, State, read_members
from connectors.formats.fhir.provisions import RECIPIENT_ROLE, Coded, Rule, consent_issue, read_provision
from connectors.formats.fhir.reading import load
from connectors.formats.fhir.scopes import (
    CATEGORY_SYSTEM,
    OIN_SYSTEM,
    PURPOSE_SYSTEM,
    Scope,
    find_scopes,
    recipient_to_coded,
)
from connectors.sdk.ages import age_of
from consent.consents import is_complete
from consent.facts import ConsentFact
from schemas.canonical import b64url_decode
from schemas.codes import AgeBand, Category, SubjectRole
from schemas.consents import (
    Answer,
    ConsentRecipient,
    ConsentRecord,
    ConsentStatus,
    GivenAnswer,
    WithoutParents,
    consent_to_payload,
    parse_consent,
)
from schemas.document import JSONValue
from schemas.errors import DocumentError, Issue
from schemas.fhir import check_resource
from schemas.fhir.places import JSONObject
from schemas.identifiers import OIN, CaseId, HubName, MessageId, SubjectTag

BYTES_MAX: Final = 4 * 1024 * 1024
DRAFTS_MAX: Final = 16
PCF_PROFILE: Final = "https://profiles.ihe.net/ITI/PCF/StructureDefinition/IHE.PCF.consentAdvanced"


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentDraft:
    """What one consent record is to say; the meaning of each member is that of `ConsentRecord`.

    Attributes:
        person: Naming system and number of the person whom the data is about; makes the pseudonym, never sent.
        birth_date: The day of birth, where the Consent says it; never sent.
        organisation: Who says that it recorded the consent: must be who signs; None where the Consent names nobody.
    """

    person: tuple[str, str] = field(repr=False)
    birth_date: str | None = field(default=None, repr=False)
    organisation: OIN | None
    case: CaseId | None
    age: AgeBand
    role: SubjectRole
    incapable: bool
    holders: int
    givers: tuple[GivenAnswer, ...]
    without_parents: WithoutParents | None
    categories: frozenset[Category]
    purposes: frozenset[str]
    recipients: frozenset[ConsentRecipient]
    valid_from: date
    valid_until: date
    status: ConsentStatus
    form: str
    replaces: MessageId | None
    confirms: MessageId | None

    def record(self, *, issuer: OIN, id: MessageId, issued_at: int, hub: HubName, tag: SubjectTag) -> ConsentRecord:  # noqa: A002 - the record's own name for it
        """Make the record, to be signed."""
        return ConsentRecord(
            issuer=issuer,
            id=id,
            issued_at=issued_at,
            hub=hub,
            tag=tag,
            case=self.case,
            age=self.age,
            role=self.role,
            incapable=self.incapable,
            holders=self.holders,
            givers=self.givers,
            without_parents=self.without_parents,
            categories=self.categories,
            purposes=self.purposes,
            recipients=self.recipients,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            status=self.status,
            form=self.form,
            replaces=self.replaces,
            confirms=self.confirms,
        )


# ---- in ----


def read_consent(data: bytes) -> tuple[ConsentDraft, ...]:
    """Read a FHIR R4 Consent (JSON) as drafts of consent records.

    Args:
        data: The file, at most 4 MiB.

    Returns:
        One draft or more: what is permitted first, what is expressly denied last; sign them in this order.

    Raises:
        DocumentError: It is none, contradicts itself, or says what a record cannot say; every finding is listed.
    """
    if len(data) > BYTES_MAX:
        issues = [consent_issue("", "too-large", "the file is larger than 4 MiB", "het bestand is groter dan 4 MiB")]
        raise _refused(issues)
    consent = load(data)
    issues = [*check_resource(consent)]
    if not issues and consent.get("resourceType") != "Consent":
        issues.append(consent_issue("/resourceType", "frame", "a Consent is needed", "dit is geen toestemming"))
    if issues:
        raise _refused(issues)
    said = read_members(consent, issues=issues)
    provision = consent.get("provision")
    base = read_provision(provision if isinstance(provision, dict) else {}, pointer="/provision", issues=issues)
    if base is None or issues:
        raise _refused(issues)
    scopes = find_scopes(base, issues=issues)
    if scopes is None:
        raise _refused(issues)
    refusals = [_draft(said, each, _refusing(said)) for each in scopes.denied]
    drafts = [*(_draft(said, each, said.givers) for each in scopes.permitted), *refusals]
    permits = any(each.rule is Rule.PERMIT for each in (base, *base.exceptions))
    _check_whole(said, drafts, permits=permits, issues=issues)
    for each in drafts:
        issues += _check_record(each)
    if issues:
        raise _refused(list(dict.fromkeys(issues)))
    return tuple(drafts)


def _refusing(said: Said) -> tuple[GivenAnswer, ...]:
    """Say who said no to what is denied: as they answered where somebody did, else each, to what he excepts."""
    if any(each.answer is Answer.NO for each in said.givers):
        return said.givers
    return tuple(replace(each, answer=Answer.NO) for each in said.givers)


def _draft(said: Said, scope: Scope, givers: tuple[GivenAnswer, ...]) -> ConsentDraft:
    return ConsentDraft(
        person=said.person,
        birth_date=said.birth_date,
        organisation=said.organisation,
        case=said.case,
        age=said.age
        or age_of(birth_date=said.birth_date, unborn=False, day=scope.valid_from, until=scope.valid_from).band,
        role=said.role,
        incapable=said.incapable,
        holders=said.holders,
        givers=givers,
        without_parents=said.without_parents,
        categories=scope.categories,
        purposes=scope.purposes,
        recipients=scope.recipients,
        valid_from=scope.valid_from,
        valid_until=scope.valid_until,
        status=said.status,
        form=said.form,
        replaces=said.replaces,
        confirms=said.confirms,
    )


def _check_whole(said: Said, drafts: list[ConsentDraft], *, permits: bool, issues: list[Issue]) -> None:
    """Refuse a Consent whose rule, status and answers do not say one thing."""
    refused = any(each.answer is Answer.NO for each in said.givers)
    if permits is refused:
        text = "permits though somebody said no, or denies though nobody did"
        issues.append(
            consent_issue("/provision/type", "contradiction", text, "toestaan of weigeren klopt niet met de antwoorden")
        )
    if len(drafts) > DRAFTS_MAX:
        text, text_nl = f"takes more than {DRAFTS_MAX} records", f"vraagt meer dan {DRAFTS_MAX} vastleggingen"
        issues.append(consent_issue("/provision", "number", text, text_nl))
    if len(drafts) > 1 and (said.replaces or said.confirms or said.status is ConsentStatus.WITHDRAWN):
        text = "takes several records, and so cannot replace, confirm or withdraw one"
        text_nl = "vraagt meer vastleggingen, en kan er dus niet één vervangen, bevestigen of intrekken"
        issues.append(consent_issue("/provision", "several", text, text_nl))
    if said.age is None and said.birth_date is None:
        text, text_nl = "`age` or `birthDate` is needed", "de leeftijdsgroep of geboortedatum ontbreekt"
        issues.append(consent_issue("/extension", "extension", text, text_nl))
    if said.state is State.PROPOSED and any(not _is_open(each) for each in drafts):
        text = "is `proposed` though everybody answered: it is not known whether it was given"
        issues.append(consent_issue("/status", "status", text, "staat als voorstel, terwijl iedereen heeft geantwoord"))
    for each in drafts:
        reckoned = age_of(birth_date=each.birth_date, unborn=False, day=each.valid_from, until=each.valid_from).band
        if said.birth_date is not None and said.age not in (None, reckoned):
            text, text_nl = (
                "`age` and `birthDate` contradict each other",
                "leeftijdsgroep en geboortedatum spreken elkaar tegen",
            )
            issues.append(consent_issue("/extension", "contradiction", text, text_nl))
            break


def _is_open(draft: ConsentDraft) -> bool:
    """Whether nobody said no, and not everybody who has to consent at this age has answered."""
    fact = ConsentFact(
        id="",
        by_sender=True,
        for_recipient=True,
        categories=draft.categories,
        purposes=draft.purposes,
        valid_from=draft.valid_from,
        valid_until=draft.valid_until,
        withdrawn=False,
        age=draft.age,
        incapable=draft.incapable,
        holders=draft.holders,
        givers=draft.givers,
        without_parents=draft.without_parents,
    )
    return all(each.answer is Answer.YES for each in draft.givers) and not is_complete(fact, draft.age)


_PLACES: Final = {
    "givers": "/performer",
    "until": "/provision/period/end",
    "purposes": "/provision/purpose",
    "categories": "/provision/securityLabel",
    "recipients": "/provision/actor",
}


def _check_record(draft: ConsentDraft) -> list[Issue]:
    """Ask the rules of a consent record, and say where in the Consent what they find stands."""
    record = draft.record(  # what a draft does not say is filled with stand-ins, so that the rules can be asked
        issuer=OIN("00000099000000000000"),
        id=MessageId("00000000-0000-7000-8000-000000000000"),
        issued_at=0,
        hub=HubName("hub.invalid"),
        tag=SubjectTag("0.AAAAAAAAAAAAAAAAAAAAAA"),
    )
    try:
        parse_consent(consent_to_payload(record))
    except DocumentError as error:
        text_nl = "voldoet niet aan de regels voor een vastlegging van toestemming"
        return [
            consent_issue(_PLACES.get(each.pointer.split("/")[1], "/extension"), "record", each.text, text_nl)
            for each in error.issues
        ]
    return []


def _refused(issues: list[Issue]) -> DocumentError:
    return DocumentError("the file is not a FHIR Consent that can be recorded", issues=issues)


# ---- out ----


def write_consent(record: ConsentRecord, *, person: tuple[str, str]) -> JSONObject:
    """Write a consent record as a FHIR R4 Consent.

    Who reads it without knowing our extensions sees no more than the record says: `deny` where anybody said no,
    `proposed` until everybody who has to consent has answered, `inactive` when it was withdrawn.

    Args:
        record: The record.
        person: Naming system and number of the person whom the data is about.

    Returns:
        The resource; read again it gives the one draft of this record.
    """
    draft = _draft_of(record, person)
    refused = any(each.answer is Answer.NO for each in record.givers)
    withdrawn = record.status is ConsentStatus.WITHDRAWN
    state = State.INACTIVE if withdrawn else State.PROPOSED if _is_open(draft) else State.ACTIVE
    digest = base64.b64encode(b64url_decode(record.form)).decode("ascii")
    recipients = sorted(map(recipient_to_coded, record.recipients))
    return {
        "resourceType": "Consent",
        "meta": {"profile": [PCF_PROFILE]},
        "extension": _extensions(record),
        "identifier": [{"system": "urn:ietf:rfc:3986", "value": URN + record.id.value}],
        "status": state.value,
        "scope": _concept(SCOPE),
        "category": [_concept(CATEGORY)],
        "patient": _reference(person),
        "dateTime": datetime.fromtimestamp(record.issued_at, UTC).isoformat(),
        "performer": [_giver(each) for each in record.givers],
        "organization": [_reference((OIN_SYSTEM, record.issuer.urn))],
        "sourceAttachment": {"extension": [{"url": BASE + "sha256", "valueBase64Binary": digest}]},
        "policy": [{"uri": POLICY}],
        "provision": {
            "type": Rule.DENY.value if refused else Rule.PERMIT.value,
            "period": {"start": record.valid_from.isoformat(), "end": record.valid_until.isoformat()},
            "actor": [{"role": _concept(RECIPIENT_ROLE), "reference": _reference(each)} for each in recipients],
            "securityLabel": [_coding((CATEGORY_SYSTEM, each)) for each in sorted(record.categories)],
            "purpose": [_coding((PURPOSE_SYSTEM, each)) for each in sorted(record.purposes)],
        },
    }


def _draft_of(record: ConsentRecord, person: tuple[str, str]) -> ConsentDraft:
    return ConsentDraft(
        person=person,
        organisation=record.issuer,
        case=record.case,
        age=record.age,
        role=record.role,
        incapable=record.incapable,
        holders=record.holders,
        givers=record.givers,
        without_parents=record.without_parents,
        categories=record.categories,
        purposes=record.purposes,
        recipients=record.recipients,
        valid_from=record.valid_from,
        valid_until=record.valid_until,
        status=record.status,
        form=record.form,
        replaces=record.replaces,
        confirms=record.confirms,
    )


def _extensions(record: ConsentRecord) -> list[JSONValue]:
    found: list[JSONValue] = [
        {"url": BASE + "age", "valueCode": record.age.value},
        {"url": BASE + "subjectRole", "valueCode": record.role.value},
        {"url": BASE + "holders", "valueUnsignedInt": record.holders},
    ]
    if record.incapable:
        found.append({"url": BASE + "incapable", "valueBoolean": True})
    if record.without_parents is not None:
        found.append({"url": BASE + "withoutParents", "valueCode": record.without_parents.value})
    if record.case is not None:
        found.append({"url": BASE + "case", "valueString": record.case.value})
    for name, other in (("replaces", record.replaces), ("confirms", record.confirms)):
        if other is not None:
            found.append({"url": BASE + name, "valueUri": URN + other.value})
    return found


def _giver(giver: GivenAnswer) -> JSONObject:
    parts: list[JSONValue] = [
        {"url": "who", "valueCode": giver.who.value},
        {"url": "answer", "valueCode": giver.answer.value},
    ]
    return {"extension": [{"url": BASE + "giver", "extension": parts}]}


def _coding(coded: Coded) -> JSONObject:
    return {"system": coded[0], "code": coded[1]}


def _concept(coded: Coded) -> JSONObject:
    return {"coding": [_coding(coded)]}


def _reference(coded: Coded) -> JSONObject:
    return {"identifier": {"system": coded[0], "value": coded[1]}}
