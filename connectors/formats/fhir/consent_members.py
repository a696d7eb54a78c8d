"""What a Consent says beside its provisions: about whom, who answered what, on which form it rests.

FHIR has no place for most of what Dutch youth law wants to know of a consent: who answered in which capacity, how many
hold authority, whether the parents were left out and why. That stands in extensions of ours. Names of those who
answered may stand beside it and are not read: they stay in the recorder's file, with the form.
"""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from connectors.formats.fhir.provisions import consent_issue, read_reference
from connectors.formats.fhir.scopes import OIN_SYSTEM
from schemas.canonical import b64url, json_pointer
from schemas.codes import AgeBand, SubjectRole
from schemas.consents import HOLDERS_MAX, Answer, ConsentStatus, GivenAnswer, Giver, WithoutParents
from schemas.document import JSONValue
from schemas.errors import DocumentError, Issue
from schemas.fhir.identifying import check_identifier
from schemas.fhir.places import JSONObject
from schemas.identifiers import OIN, CaseId, MessageId

BASE: Final = "https://ketenhub.nl/fhir/StructureDefinition/"
POLICY: Final = "https://ketenhub.nl/fhir/policy/toestemming"
"""The policy that is consented to: to disclose what is named, and nothing else of it. Jeugdwet 7.3.11(1)."""
SCOPE: Final = ("http://terminology.hl7.org/CodeSystem/consentscope", "patient-privacy")
CATEGORY: Final = ("http://loinc.org", "59284-0")
URN: Final = "urn:uuid:"

_SHA256_BYTES: Final = 32
_PARTS: Final = 2
"""Of an answer: who, and what."""
_MEMBERS: Final = frozenset(
    {
        "resourceType",
        "id",
        "meta",
        "text",
        "extension",
        "identifier",
        "status",
        "scope",
        "category",
        "patient",
        "dateTime",
        "performer",
        "organization",
        "sourceAttachment",
        "policy",
        "provision",
    }
)
_PATIENT: Final = frozenset({"identifier", "type", "display"})
_NAMES: Final = frozenset(
    {
        "age",
        "birthDate",
        "subjectRole",
        "incapable",
        "holders",
        "withoutParents",
        "case",
        "replaces",
        "confirms",
    }
)

_T = TypeVar("_T")


class State(StrEnum):
    """How a Consent stands: of the statuses of FHIR, those that a record can say."""

    PROPOSED = "proposed"
    ACTIVE = "active"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a Consent says beside its provisions; the meaning of each is that of `ConsentRecord`.

    Attributes:
        person: Naming system and number of the person whom the data is about.
        birth_date: The day of birth, where the Consent says it; the age is then reckoned from it.
        organisation: Who says that it recorded the consent; None where nobody is named.
        state: How it stands.
    """

    person: tuple[str, str] = field(repr=False)
    birth_date: str | None = field(repr=False)
    organisation: OIN | None
    state: State
    age: AgeBand | None
    role: SubjectRole
    incapable: bool
    holders: int
    givers: tuple[GivenAnswer, ...]
    without_parents: WithoutParents | None
    case: CaseId | None
    form: str
    replaces: MessageId | None
    confirms: MessageId | None

    @property
    def status(self) -> ConsentStatus:
        """Whether a record says that it was given, or withdrawn."""
        return ConsentStatus.WITHDRAWN if self.state is State.INACTIVE else ConsentStatus.GIVEN


def read_members(consent: JSONObject, *, issues: list[Issue]) -> Said:
    """Read the members of a Consent that has the shape of FHIR R4, without its provisions.

    Args:
        consent: The resource.
        issues: What is wrong is added here.

    Returns:
        What it says; it counts only if nothing was wrong.
    """
    reader = _Reader(consent, issues)
    reader.check_frame()
    return Said(
        person=reader.person(),
        birth_date=reader.extension("birthDate", "valueDate", str),
        organisation=reader.organisation(),
        state=reader.state(),
        age=reader.extension("age", "valueCode", AgeBand),
        role=reader.extension("subjectRole", "valueCode", SubjectRole)
        or reader.missing("subjectRole", SubjectRole.ANDER),
        incapable=reader.extension("incapable", "valueBoolean", bool) or False,
        holders=reader.holders(),
        givers=tuple(reader.givers()),
        without_parents=reader.extension("withoutParents", "valueCode", WithoutParents),
        case=reader.extension("case", "valueString", CaseId),
        form=reader.form(),
        replaces=reader.extension("replaces", "valueUri", _message),
        confirms=reader.extension("confirms", "valueUri", _message),
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    consent: JSONObject
    issues: list[Issue]

    def check_frame(self) -> None:
        """Check what is the same in every Consent, and that nothing else is there."""
        for name in sorted(self.consent.keys() - _MEMBERS):
            text = f"`{name}` would limit or change what is consented to, and is not read here"
            self._add(json_pointer(name), "not-read", text, "dit gegeven kan niet worden vastgelegd")
        if _concept(self.consent.get("scope")) != SCOPE:
            self._add(
                "/scope", "frame", f"the scope is `{SCOPE[1]}`", "dit is geen toestemming voor gegevensverstrekking"
            )
        category = _list(self.consent.get("category"))
        if len(category) != 1 or _concept(category[0]) != CATEGORY:
            self._add("/category", "frame", f"the category is `{CATEGORY[1]}` of LOINC", "dit is geen toestemming")
        if self.consent.get("policy") != [{"uri": POLICY}]:
            text, text_nl = (
                f"the one policy that is read is `{POLICY}`",
                "een andere regeling kan niet worden vastgelegd",
            )
            self._add("/policy", "frame", text, text_nl)
        if _object(self.consent.get("text")).get("status", "generated") != "generated":
            said, said_nl = "a text of its own is not read", "eigen tekst kan niet worden vastgelegd"
            self._add("/text", "not-read", said, said_nl)
        for number, each in enumerate(_list(self.consent.get("extension"))):
            url = _object(each).get("url")
            if not isinstance(url, str) or not url.startswith(BASE) or url.removeprefix(BASE) not in _NAMES:
                said, said_nl = "this extension is not read here", "deze uitbreiding kan niet worden vastgelegd"
                self._add(f"/extension/{number}", "not-read", said, said_nl)

    def state(self) -> State:
        found = self.consent.get("status")
        if found in list(State):
            return State(str(found))
        text = "a consent is `active`, or `proposed` until everybody answered, or `inactive` when it was withdrawn"
        self._add("/status", "status", text, "deze status kan niet worden vastgelegd")
        return State.INACTIVE

    def person(self) -> tuple[str, str]:
        patient = _object(self.consent.get("patient"))
        identifier = _object(patient.get("identifier"))
        if patient.keys() - _PATIENT or check_identifier(identifier, personal=True) is not None:
            text = "the person is named by a number in `patient.identifier`, with its system, and not by a reference"
            self._add("/patient/identifier", "person", text, "de persoon staat met een nummer en het stelsel daarvan")
            return "", ""
        return str(identifier["system"]), str(identifier["value"])

    def organisation(self) -> OIN | None:
        found = _list(self.consent.get("organization"))
        if not found:
            return None
        named = read_reference(found[0])
        try:
            if len(found) == 1 and named is not None and named[0] == OIN_SYSTEM:
                return OIN.from_urn(named[1])
        except DocumentError:
            pass
        text, text_nl = "one organisation recorded it, named by its OIN", "één organisatie legt vast, met haar OIN"
        self._add("/organization", "organisation", text, text_nl)
        return None

    def holders(self) -> int:
        found = self.extension("holders", "valueUnsignedInt", int)
        if found is None or not 0 <= found <= HOLDERS_MAX:
            text = f"`holders` says how many hold authority, 0 to {HOLDERS_MAX}"
            self._add("/extension", "holders", text, "hoeveel personen het gezag hebben, ontbreekt of klopt niet")
            return 0
        return found

    def givers(self) -> Iterator[GivenAnswer]:
        """List who answered; one of whom nobody can say in which capacity is refused."""
        for number, each in enumerate(_list(self.consent.get("performer"))):
            found = [part for part in _list(_object(each).get("extension")) if isinstance(part, dict)]
            parts = {
                str(part.get("url")): part.get("valueCode")
                for extension in found
                for part in _list(extension.get("extension"))
                if isinstance(part, dict)
            }
            who, answer = parts.get("who"), parts.get("answer")
            known = len(found) == 1 and found[0].get("url") == BASE + "giver"
            if (
                known
                and len(_list(found[0].get("extension"))) == len(parts) == _PARTS
                and who in list(Giver)
                and answer in list(Answer)
            ):
                yield GivenAnswer(who=Giver(str(who)), answer=Answer(str(answer)))
            else:
                text = (
                    "who consents says in which capacity, and yes or no: one extension `giver` with `who` and `answer`"
                )
                text_nl = "van wie toestemt, staat niet vast in welke hoedanigheid, en of het ja of nee is"
                self._add(f"/performer/{number}", "giver", text, text_nl)

    def form(self) -> str:
        """Return the digest of the form: as it is said, or of the form itself where it is enclosed; or both alike."""
        attachment = _object(self.consent.get("sourceAttachment"))
        stated = [
            each.get("valueBase64Binary")
            for each in _list(attachment.get("extension"))
            if isinstance(each, dict) and each.get("url") == BASE + "sha256"
        ]
        found = {_digest(each) for each in stated}
        if "data" in attachment:
            data = _bytes(attachment["data"])
            found.add(None if data is None else hashlib.sha256(data).digest())
        digest = found.pop() if len(found) == 1 else None
        if digest is None:
            text = "the form or note that it rests on is enclosed, or named by its SHA-256: extension `sha256`"
            self._add(
                "/sourceAttachment", "form", text, "het formulier, of het controlegetal ervan, ontbreekt of klopt niet"
            )
            return ""
        return b64url(digest)

    def extension(self, name: str, member: str, convert: Callable[..., _T]) -> _T | None:
        """Read an extension of ours that stands there once at most."""
        extensions = enumerate(_list(self.consent.get("extension")))
        found = [(number, each) for number, each in extensions if _object(each).get("url") == BASE + name]
        if not found:
            return None
        number, each = found[0]
        try:
            value = _object(each).get(member)
            if len(found) == 1 and value is not None:
                return convert(value)
        except (ValueError, DocumentError):
            pass
        text = f"`{name}` stands here once, as `{member}` of the form that it has"
        self._add(f"/extension/{number}", "extension", text, "deze aanduiding heeft niet de juiste vorm")
        return None

    def missing(self, name: str, stand_in: _T) -> _T:
        """Note that an extension must be there; what is returned is not used."""
        self._add("/extension", "extension", f"`{name}` is needed", "een verplichte aanduiding ontbreekt")
        return stand_in

    def _add(self, place: str, code: str, text: str, text_nl: str) -> None:
        self.issues.append(consent_issue(place, code, text, text_nl))


def _concept(value: JSONValue) -> tuple[JSONValue, JSONValue] | None:
    codings = _list(_object(value).get("coding"))
    first = _object(codings[0]) if len(codings) == 1 else {}
    return (first.get("system"), first.get("code")) if first else None


def _message(uri: str) -> MessageId:
    if not uri.startswith(URN):
        raise ValueError
    return MessageId(uri.removeprefix(URN))


def _digest(value: JSONValue) -> bytes | None:
    digest = _bytes(value)
    return digest if digest is not None and len(digest) == _SHA256_BYTES else None


def _bytes(value: JSONValue) -> bytes | None:
    try:
        return base64.b64decode(value, validate=True) if isinstance(value, str) else None
    except (ValueError, binascii.Error):
        return None


def _object(value: JSONValue) -> JSONObject:
    return value if isinstance(value, dict) else {}


def _list(value: JSONValue) -> list[JSONValue]:
    return value if isinstance(value, list) else []
