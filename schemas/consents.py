"""Consent records: what a person allowed, without any name.

A `consent+jwt` is about one person, named by the hub's pseudonym. It says who answered in which capacity (the person
self, who holds authority, a guardian, a representative) and what; how many hold authority; which categories, for which
purposes, to whom and until when; and the digest of the form or note that it rests on, which stays in the recorder's
file. Each person consents for himself: two parents are two records.

A record is never changed. A later one of the same issuer *replaces* it: signed again under a new pseudonym, with less
than before, or *withdrawn*. A record of another issuer can *confirm* it: the duty of secrecy is the discloser's own, so
a consent counts only for who recorded it or confirmed it.

    record = verify_consent(token, key=…)

Here is the form only. What follows from several records, and who has to consent, is `consent.consents`.

Source: the architecture, section 5; Jeugdwet 7.3.4, 7.3.5 and 7.3.11(1).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final

from schemas.canonical import canonical_json
from schemas.claims import DIGEST, ClaimsReader, read_date
from schemas.codes import AgeBand, Capacity, Category, Role, SubjectRole, TokenType
from schemas.document import JSONValue
from schemas.identifiers import OIN, CaseId, HubName, MessageId, SubjectTag
from schemas.jwk import VerificationKey
from schemas.jws import verify_jws
from schemas.requests import stated

HOLDERS_MAX: Final = 8
GIVERS_MAX: Final = 9
PURPOSES_MAX: Final = 16
RECIPIENTS_MAX: Final = 16
YEARS_MAX: Final = 2
"""What somebody allowed longer ago is asked again."""

_PURPOSE: Final = re.compile(r"[A-Z][A-Z0-9-]{1,31}")
_MEMBERS: Final = (
    "iss",
    "jti",
    "iat",
    "hub",
    "tag",
    "case",
    "age",
    "role",
    "incapable",
    "holders",
    "givers",
    "without_parents",
    "categories",
    "purposes",
    "recipients",
    "from",
    "until",
    "status",
    "form",
    "replaces",
    "confirms",
)


class Giver(StrEnum):
    """In which capacity somebody answers for the person whom the data is about."""

    SELF = "zelf"
    PARENT = "gezagsdrager"
    GUARDIAN = "voogd"
    REPRESENTATIVE = "vertegenwoordiger"


HOLDERS: Final = frozenset({Giver.PARENT, Giver.GUARDIAN})
"""Who answers as a holder of authority."""


class Answer(StrEnum):
    """What somebody who was asked said."""

    YES = "ja"
    NO = "nee"


class WithoutParents(StrEnum):
    """Why a person of 12 to 15 consents without the parents; the note stands in the recorder's file."""

    SERIOUS_DISADVANTAGE = "ernstig-nadeel"
    CONSIDERED = "weloverwogen"


class ConsentStatus(StrEnum):
    """Whether the record says that consent was given, or that it was withdrawn."""

    GIVEN = "given"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenAnswer:
    """One answer.

    Attributes:
        who: In which capacity.
        answer: Yes or no.
    """

    who: Giver
    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRecipient:
    """To whom may be disclosed: one participant, or all in a role.

    Attributes:
        oin: The participant; None where a role is named.
        role: The role; None where a participant is named.
        capacity: Of the role GI, the capacity in which it must receive; None is every one.
    """

    oin: OIN | None = None
    role: Role | None = None
    capacity: Capacity | None = None

    def includes(self, *, oin: OIN, role: Role, capacity: Capacity | None) -> bool:
        """Say whether a recipient, in the capacity in which it receives, is meant."""
        if self.oin is not None:
            return self.oin == oin
        return self.role is role and self.capacity in (None, capacity)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentRecord:
    """The claims of a `consent+jwt`.

    Attributes:
        issuer: Who recorded or confirms it.
        id: Unique; what later records and decisions refer to.
        issued_at: Seconds since the epoch.
        hub: The hub in whose tag space the person stands.
        tag: The person whom the data is about.
        case: The case that it is limited to for whoever keeps the record; it limits no decision.
        age: Age band on the day on which it was given.
        role: What the person is in the case.
        incapable: Whether the person cannot weigh this, so that others consent for him.
        holders: How many persons or institutions hold authority over the person; 0 for an adult.
        givers: Who answered what.
        without_parents: Why the parents are left out, at 12 to 15.
        categories: Data categories that may be disclosed.
        purposes: Codes of grounds.
        recipients: To whom.
        valid_from: First day.
        valid_until: Last day; at most two years after the first.
        status: Given or withdrawn.
        form: SHA-256 of the form or note in the recorder's file, base64url.
        replaces: An earlier record of the same issuer that this one replaces; None for a first.
        confirms: Another issuer's record that this one confirms; None if it stands alone.
    """

    issuer: OIN
    id: MessageId
    issued_at: int
    hub: HubName
    tag: SubjectTag
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
    replaces: MessageId | None = None
    confirms: MessageId | None = None


def consent_to_payload(record: ConsentRecord) -> bytes:
    """Write the claims of a consent record as the canonical bytes to sign."""
    givers: list[JSONValue] = [{"who": each.who.value, "answer": each.answer.value} for each in record.givers]
    categories: list[JSONValue] = [each.value for each in Category if each in record.categories]
    purposes: list[JSONValue] = [*sorted(record.purposes)]
    recipients: list[JSONValue] = sorted(map(_recipient_to_json, record.recipients), key=canonical_json)
    return canonical_json(
        {
            **stated(record),
            "tag": record.tag.value,
            "case": record.case.value if record.case else None,
            "age": record.age.value,
            "role": record.role.value,
            "incapable": record.incapable,
            "holders": record.holders,
            "givers": givers,
            "without_parents": record.without_parents.value if record.without_parents else None,
            "categories": categories,
            "purposes": purposes,
            "recipients": recipients,
            "from": record.valid_from.isoformat(),
            "until": record.valid_until.isoformat(),
            "status": record.status.value,
            "form": record.form,
            "replaces": record.replaces.value if record.replaces else None,
            "confirms": record.confirms.value if record.confirms else None,
        }
    )


def parse_consent(payload: bytes) -> ConsentRecord:
    """Read the claims of a consent record.

    Raises:
        DocumentError: Not canonical, a member missing, unknown or of the wrong form, or members that contradict each
            other; every finding is listed.
    """
    reader = ClaimsReader(payload, code="sender.consent.form", members=_MEMBERS)
    record = ConsentRecord(
        issuer=reader.convert("iss", OIN.from_urn),
        id=reader.convert("jti", MessageId),
        issued_at=reader.moment("iat"),
        hub=reader.convert("hub", HubName),
        tag=reader.convert("tag", SubjectTag),
        case=reader.optional("case", CaseId),
        age=reader.convert("age", AgeBand),
        role=reader.convert("role", SubjectRole),
        incapable=reader.flag("incapable"),
        holders=reader.integer("holders", at_most=HOLDERS_MAX),
        givers=tuple(
            GivenAnswer(who=giver.convert("who", Giver), answer=giver.convert("answer", Answer))
            for giver in reader.objects("givers", members=("who", "answer"), at_least=1, at_most=GIVERS_MAX)
        ),
        without_parents=reader.optional("without_parents", WithoutParents),
        categories=frozenset(reader.array("categories", Category, at_least=1, at_most=len(Category))),
        purposes=frozenset(reader.array("purposes", _read_purpose, at_least=1, at_most=PURPOSES_MAX)),
        recipients=frozenset(_read_recipients(reader)),
        valid_from=reader.convert("from", read_date),
        valid_until=reader.convert("until", read_date),
        status=reader.convert("status", ConsentStatus),
        form=reader.text("form", DIGEST),
        replaces=reader.optional("replaces", MessageId),
        confirms=reader.optional("confirms", MessageId),
    )
    reader.finish("the consent record does not have its form")
    _check_givers(reader, record)
    _check_whole(reader, record)
    reader.finish("the consent record contradicts itself")
    return record


def verify_consent(token: str, *, key: VerificationKey) -> ConsentRecord:
    """Verify with its issuer's key what was recorded about a consent.

    Nothing is checked about whose key it is, or whether its holder may record this.

    Raises:
        DocumentError: Wrong form.
        SignatureError: Another type or key, or the signature does not hold.
    """
    return parse_consent(verify_jws(token, typ=TokenType.CONSENT, key=key).payload)


def _recipient_to_json(recipient: ConsentRecipient) -> JSONValue:
    if recipient.oin is not None:
        return {"oin": recipient.oin.value}
    return {"role": recipient.role, "capacity": recipient.capacity}


def _read_purpose(text: str) -> str:
    if not _PURPOSE.fullmatch(text):
        raise ValueError
    return text


def _read_recipients(reader: ClaimsReader) -> Sequence[ConsentRecipient]:
    found: list[ConsentRecipient] = []
    each: ClaimsReader
    for each in reader.objects(
        "recipients", members=(), optional=("oin", "role", "capacity"), at_least=1, at_most=RECIPIENTS_MAX
    ):
        if "oin" in each and ("role" in each or "capacity" in each):
            each.wrong("", "a participant or a role is named here, not both")
        elif "oin" in each:
            found.append(ConsentRecipient(oin=each.convert("oin", OIN)))
        else:
            role, capacity = each.convert("role", Role), each.optional("capacity", Capacity)
            if "capacity" not in each or (capacity is not None and role is not Role.GI):
                each.wrong("capacity", "null, or the capacity of a GI, is needed here")
            found.append(ConsentRecipient(role=role, capacity=capacity))
    if len(set(found)) != len(found):
        reader.wrong("recipients", "the same recipient stands here twice")
    return found


def _check_givers(reader: ClaimsReader, record: ConsentRecord) -> None:
    """Refuse answers that cannot all be of this person and of those who answer for him."""
    who = [giver.who for giver in record.givers]
    adult = record.age is AgeBand.ADULT
    for single in (Giver.SELF, Giver.REPRESENTATIVE):
        if who.count(single) > 1:
            reader.wrong("givers", f"`{single}` answers once")
    if sum(each in HOLDERS for each in who) > record.holders:
        reader.wrong("givers", "more holders of authority answer than `holders` says that there are")
    if adult and record.holders:
        reader.wrong("holders", "nobody holds authority over an adult")
    if Giver.REPRESENTATIVE in who and not record.incapable:
        reader.wrong("givers", "a representative answers only for somebody who is `incapable`")
    if Giver.SELF in who and record.incapable:
        reader.wrong("givers", "somebody who is `incapable` does not answer for himself")
    if record.without_parents is not None and (record.age is not AgeBand.FROM_12 or record.incapable):
        reader.wrong("without_parents", "only at 12 to 15, and only for somebody who is capable")


def _check_whole(reader: ClaimsReader, record: ConsentRecord) -> None:
    if not record.valid_from <= record.valid_until <= _years_later(record.valid_from, YEARS_MAX):
        reader.wrong("until", f"must not lie before `from`, and at most {YEARS_MAX} years after it")
    if record.status is ConsentStatus.WITHDRAWN and record.replaces is None:
        reader.wrong("status", "withdraws a record that it does not name in `replaces`")
    for name, named in (("replaces", record.replaces), ("confirms", record.confirms)):
        if named == record.id:
            reader.wrong(name, "a record cannot refer to itself")
    if record.replaces is not None and record.replaces == record.confirms:
        reader.wrong("confirms", "nobody confirms what it replaces")


def _years_later(day: date, years: int) -> date:
    """The same day some years on; 1 March where that year has no 29 February."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1) if day.year + years <= date.max.year else date.max
