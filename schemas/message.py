"""The claims of a message: labels in the clear, values as digests.

`parse_message` takes the payload's bytes as the sender signed them and returns a `Message`, or one error that lists
every issue. It checks form only: what a message type requires and permits is `schemas.structure`, who may have what is
`consent`, and who signed it is `schemas.jws`.

The *sealed elements* are numbered from 0 in the order in which their digests stand in the signed bytes: the elements
of `content` (items in order, element names in the order of RFC 8785), then each subject's `yours`. The `tag` digests
are not sealed and not counted: their disclosures travel to their hub in the clear.

Source: RFC 9901, sections 4.2.4.2 and 4.2.5; the architecture, section 4.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, NamedTuple, cast

from schemas.canonical import canonical_json
from schemas.civil_day import civil_day_of_second
from schemas.claims import DIGEST, ClaimsReader, read_date
from schemas.codes import AgeBand, Capacity, Necessity, Register, SpoedReason, SubjectRole
from schemas.document import JSONValue
from schemas.errors import DocumentError, Issue
from schemas.identifiers import OIN, CaseId, HubName, MessageId, ProfessionalNumber, Thumbprint
from schemas.message_claims import (
    Asks,
    Corrects,
    asks_to_json,
    corrects_to_json,
    read_asks,
    read_corrects,
    read_spoed,
)

ELEMENTS_MAX: Final = 2000
SUBJECTS_MAX: Final = 16
ITEMS_MAX: Final = 500
HUBS_MAX: Final = 4
PAYLOAD_BYTES_MAX: Final = 1024 * 1024
PICKUP_SECONDS_MAX: Final = 30 * 24 * 3600
SD_ALGORITHM: Final = "sha-256"

_NAME = re.compile(r"[a-z][A-Za-z0-9-]{0,63}")
_ITEM_ID = re.compile(r"[a-z][a-z0-9-]{0,31}")
_CODE = re.compile(r"[A-Z][A-Z0-9-]{1,31}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """For whom a message is, for which purpose, and in which capacity a GI receives it.

    Attributes:
        oin: The one recipient.
        purpose: Code of a ground; only catalogue rows with that code can permit.
        capacity: In which capacity a GI receives; None for every other role.
    """

    oin: OIN
    purpose: str
    capacity: Capacity | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Responsible:
    """The professional who answers for the message; in the clear."""

    register: Register
    number: ProfessionalNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A person whom an item is about.

    Attributes:
        tag: Digest of the pseudonym's disclosure for each hub in `hubs`.
        yours: Digests of the recipient's own pseudonym, sealed; empty where the recipient gets an identification.
        role: What the person is in the message.
        age: Band on the day of `iat`.
        turns: The day on which the band changes, if before `pickup_by`.
    """

    tag: tuple[str, ...]
    yours: tuple[str, ...] = ()
    role: SubjectRole
    age: AgeBand
    turns: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """Which sealing key was used, and the digest over everything sealed."""

    kid: Thumbprint
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A profile with its labels; `elements` maps a name to the digests of its values, in RFC 8785 order of names."""

    profile: str
    id: str
    about: tuple[int, ...]
    necessary: Necessity | None
    elements: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The claims of one message; the meaning of each is in the architecture, section 4."""

    sender: OIN
    hubs: tuple[HubName, ...]
    id: MessageId
    issued_at: int
    pickup_by: int
    type: str
    version: int
    recipient: Recipient
    capacity: Capacity | None
    case: CaseId
    reply_to: MessageId | None
    responsible: Responsible
    subjects: tuple[Subject, ...]
    sealed: Sealed
    content: tuple[Item, ...]
    asks: Asks | None = None
    corrects: Corrects | None = None
    recalls: None = None
    spoed: SpoedReason | None = None


class Label(NamedTuple):
    """One element of one item, or a subject's `yours`: what a decision is taken about.

    A tuple, because there are dozens in a message: a frozen dataclass takes three times as long to make.

    Attributes:
        item: Index into `content`, or None for a subject's own tag.
        subject: Index into `subjects` for a `yours`, or None.
        name: Element name, or `yours`.
        text: How it is written for people and in evidence: `<profile>/<item id>/<element>` or `subject/<n>/yours`.
        first: Number of its first sealed element.
        digests: The digests of its values; sealed elements `first` to `first + len(digests) - 1`.
    """

    item: int | None
    subject: int | None
    name: str
    text: str
    first: int
    digests: tuple[str, ...]


def label_text(item: Item, element: str) -> str:
    """Write the label of an element of an item as people and evidence do: `<profile>/<item id>/<element>`."""
    return f"{item.profile}/{item.id}/{element}"


def labels(message: Message) -> tuple[Label, ...]:
    """List every label of a message in the order of its sealed elements."""
    found: list[Label] = []
    first = 0
    for index, item in enumerate(message.content):
        where = label_text(item, "")
        for name, digests in item.elements.items():
            found.append(Label(index, None, name, where + name, first, digests))
            first += len(digests)
    for index, subject in enumerate(message.subjects):
        if subject.yours:
            found.append(Label(None, index, "yours", f"subject/{index}/yours", first, subject.yours))
            first += len(subject.yours)
    return tuple(found)


def sealed_digests(message: Message) -> tuple[str, ...]:
    """List the digests of the sealed elements; the position is the element's number."""
    # In the order of `labels`, without making them: the hub asks this twice for every message.
    found: list[str] = []
    for item in message.content:
        for digests in item.elements.values():
            found += digests
    for subject in message.subjects:
        found += subject.yours
    return tuple(found)


def parse_message(payload: bytes) -> Message:
    """Read the claims of a message from the bytes that were signed.

    Nothing is checked about the signature, the time, the definitions or the parties.

    Args:
        payload: The JWS payload; canonical JSON of strings, integers, booleans and null.

    Raises:
        DocumentError: It is too large, not canonical, or has a member that is missing, unknown or of the wrong form;
            every issue is listed.

    Source: the architecture, section 4.
    """
    if len(payload) > PAYLOAD_BYTES_MAX:
        text = f"the payload is larger than {PAYLOAD_BYTES_MAX} bytes"
        raise DocumentError(text, issues=[Issue(pointer="", code="sender.message.too-large", text=text)])
    reader = ClaimsReader(payload, code="sender.message.form", members=_CLAIMS)
    message = _read_claims(reader)
    reader.finish("the message does not have the form of a case message")
    _check_whole(reader, message)
    reader.finish("the message contradicts itself")
    return message


def message_to_payload(message: Message) -> bytes:
    """Write the claims of a message as the canonical bytes to sign."""
    return canonical_json(
        {
            "iss": message.sender.urn,
            "hubs": [hub.value for hub in message.hubs],
            "jti": message.id.value,
            "iat": message.issued_at,
            "pickup_by": message.pickup_by,
            "type": message.type,
            "ver": message.version,
            "recipient": {
                "oin": message.recipient.oin.value,
                "purpose": message.recipient.purpose,
                "capacity": message.recipient.capacity,
            },
            "capacity": message.capacity,
            "case": message.case.value,
            "reply_to": message.reply_to.value if message.reply_to else None,
            "asks": asks_to_json(message.asks),
            "corrects": corrects_to_json(message.corrects),
            "recalls": message.recalls,
            "spoed": None if message.spoed is None else {"reason": message.spoed},
            "responsible": {
                "register": message.responsible.register,
                "number": message.responsible.number.value,
            },
            "subjects": [
                {
                    "tag": _placeholders(subject.tag),
                    "yours": _placeholders(subject.yours) if subject.yours else None,
                    "role": subject.role,
                    "age": subject.age,
                    "turns": subject.turns.isoformat() if subject.turns else None,
                }
                for subject in message.subjects
            ],
            "sealed": {"kid": message.sealed.kid.value, "digest": message.sealed.digest},
            "_sd_alg": SD_ALGORITHM,
            "content": [
                {
                    "profile": item.profile,
                    "id": item.id,
                    "about": list(item.about),
                    "necessary": item.necessary,
                    "elements": {name: _placeholders(digests) for name, digests in item.elements.items()},
                }
                for item in message.content
            ],
        }
    )


def _placeholders(digests: Sequence[str]) -> list[JSONValue]:
    return [{"...": digest} for digest in digests]


_CLAIMS: Final = frozenset(
    [
        "iss",
        "hubs",
        "jti",
        "iat",
        "pickup_by",
        "type",
        "ver",
        "recipient",
        "capacity",
        "case",
        "reply_to",
        "asks",
        "corrects",
        "recalls",
        "spoed",
        "responsible",
        "subjects",
        "sealed",
        "_sd_alg",
        "content",
    ]
)
_RECIPIENT: Final = frozenset({"oin", "purpose", "capacity"})
_RESPONSIBLE: Final = frozenset({"register", "number"})
_SUBJECT: Final = frozenset({"tag", "yours", "role", "age", "turns"})
_SEALED: Final = frozenset({"kid", "digest"})
_ITEM: Final = frozenset({"profile", "id", "about", "necessary", "elements"})


def _read_claims(reader: ClaimsReader) -> Message:
    """Read every claim; the result is used only if there is no finding in the end."""
    if reader.raw("_sd_alg") != SD_ALGORITHM:
        reader.wrong("_sd_alg", f"only `{SD_ALGORITHM}` is known")
    if reader.raw("recalls") is not None:
        reader.wrong("recalls", "is null in every message: a recall is a request of its own")
    return Message(
        sender=reader.convert("iss", OIN.from_urn),
        hubs=reader.array("hubs", HubName, at_least=1, at_most=HUBS_MAX),
        id=reader.convert("jti", MessageId),
        issued_at=reader.moment("iat"),
        pickup_by=reader.moment("pickup_by"),
        type=reader.text("type", _NAME),
        version=reader.integer("ver", at_most=999),
        recipient=_read_recipient(reader),
        capacity=reader.optional("capacity", Capacity),
        case=reader.convert("case", CaseId),
        reply_to=reader.optional("reply_to", MessageId),
        responsible=_read_responsible(reader),
        subjects=tuple(
            map(_read_subject, reader.objects("subjects", members=_SUBJECT, at_least=1, at_most=SUBJECTS_MAX))
        ),
        sealed=_read_sealed(reader),
        content=tuple(map(_read_item, reader.objects("content", members=_ITEM, at_least=1, at_most=ITEMS_MAX))),
        asks=read_asks(reader),
        corrects=read_corrects(reader),
        spoed=read_spoed(reader),
    )


def _read_recipient(reader: ClaimsReader) -> Recipient:
    recipient = reader.object("recipient", members=_RECIPIENT)
    if recipient is None:
        return cast("Recipient", None)
    return Recipient(
        oin=recipient.convert("oin", OIN),
        purpose=recipient.text("purpose", _CODE),
        capacity=recipient.optional("capacity", Capacity),
    )


def _read_responsible(reader: ClaimsReader) -> Responsible:
    responsible = reader.object("responsible", members=_RESPONSIBLE)
    if responsible is None:
        return cast("Responsible", None)
    return Responsible(
        register=responsible.convert("register", Register),
        number=responsible.convert("number", ProfessionalNumber),
    )


def _read_sealed(reader: ClaimsReader) -> Sealed:
    sealed = reader.object("sealed", members=_SEALED)
    if sealed is None:
        return cast("Sealed", None)
    return Sealed(kid=sealed.convert("kid", Thumbprint), digest=sealed.text("digest", DIGEST))


def _read_subject(reader: ClaimsReader) -> Subject:
    yours = reader.raw("yours")
    return Subject(
        tag=_digests(reader, reader.raw("tag"), "tag", at_most=HUBS_MAX),
        yours=() if yours is None else _digests(reader, yours, "yours", at_most=1),
        role=reader.convert("role", SubjectRole),
        age=reader.convert("age", AgeBand),
        turns=reader.optional("turns", read_date),
    )


def _read_item(reader: ClaimsReader) -> Item:
    return Item(
        profile=reader.text("profile", _NAME),
        id=reader.text("id", _ITEM_ID),
        about=_read_about(reader),
        necessary=reader.optional("necessary", Necessity),
        elements=_read_elements(reader),
    )


def _read_about(reader: ClaimsReader) -> tuple[int, ...]:
    value = reader.raw("about")
    if isinstance(value, list) and 1 <= len(value) <= SUBJECTS_MAX:
        found = tuple(index for index in value if type(index) is int and 0 <= index < SUBJECTS_MAX)
        if len(found) == len(value):
            return found
    reader.wrong("about", f"an array of 1 to {SUBJECTS_MAX} indices of subjects is needed here")
    return ()


def _read_elements(reader: ClaimsReader) -> dict[str, tuple[str, ...]]:
    value = reader.raw("elements")
    if not isinstance(value, dict) or not value:
        reader.wrong("elements", "an object with at least one element is needed here")
        return {}
    elements: dict[str, tuple[str, ...]] = {}
    for number, (name, digests) in enumerate(value.items()):
        if _NAME.fullmatch(name):
            elements[name] = _digests(reader, digests, ("elements", name), at_most=ELEMENTS_MAX)
        else:
            reader.wrong("elements", f"the name of element {number} is not of the form of a name")
    return elements


def _digests(reader: ClaimsReader, value: JSONValue, place: str | tuple[str, str], *, at_most: int) -> tuple[str, ...]:
    """Read an array of `{"...": digest}`: never empty, nothing else in it."""
    if type(value) is list and 1 <= len(value) <= at_most:
        found: list[str] = []
        for entry in value:
            digest = entry.get("...") if type(entry) is dict and len(entry) == 1 else None
            if type(digest) is str and DIGEST.fullmatch(digest):
                found.append(digest)
        if len(found) == len(value):
            return tuple(found)
    reader.wrong(place, f"an array of 1 to {at_most} digests is needed here")
    return ()


def _check_whole(reader: ClaimsReader, message: Message) -> None:
    """Check what no single member shows: references, uniqueness and limits."""
    if not message.issued_at < message.pickup_by <= message.issued_at + PICKUP_SECONDS_MAX:
        reader.wrong("pickup_by", "must lie after `iat` and at most 30 days after it", code="sender.message.pickup-by")
    if message.recipient.oin == message.sender:
        reader.wrong(("recipient", "oin"), "a message goes to another than its sender", code="sender.message.to-itself")
    if message.reply_to == message.id:
        reader.wrong("reply_to", "a message does not answer itself", code="sender.message.reply-to-itself")
    _check_items(reader, message)
    _check_subjects(reader, message)
    sealed = sealed_digests(message)
    if len(sealed) > ELEMENTS_MAX:
        reader.wrong("content", f"more than {ELEMENTS_MAX} elements", code="sender.message.too-many-elements")
    every = [*sealed, *(digest for subject in message.subjects for digest in subject.tag)]
    if len(set(every)) != len(every):
        reader.wrong("", "the same digest stands in the message twice", code="sender.message.digest-twice")


def _check_items(reader: ClaimsReader, message: Message) -> None:
    seen_ids: set[str] = set()
    for number, item in enumerate(message.content):
        if item.id in seen_ids:
            reader.wrong(("content", number, "id"), "the same item id stands here twice")
        seen_ids.add(item.id)
        if list(item.about) != sorted(set(item.about)) or item.about[-1] >= len(message.subjects):
            reader.wrong(("content", number, "about"), "indices of subjects, ascending and each once, are needed")


def _check_subjects(reader: ClaimsReader, message: Message) -> None:
    mentioned = {index for item in message.content for index in item.about}
    for number, subject in enumerate(message.subjects):
        if len(subject.tag) != len(message.hubs):
            reader.wrong(("subjects", number, "tag"), "one tag for each hub is needed")
        if number not in mentioned:
            # Its tag would count among what is known of somebody of whom the message says nothing.
            text = "no item is about this subject"
            reader.wrong(("subjects", number), text, code="sender.message.subject-unmentioned")
        if subject.turns is not None:
            _check_turns(reader, message, number, age=subject.age, turns=subject.turns)


def _check_turns(reader: ClaimsReader, message: Message, number: int, *, age: AgeBand, turns: date) -> None:
    """Check that a band can change on a day: else whoever says the day chooses the band that decides."""
    if age.following is None:
        text = "no band follows the one on the day of `iat`"
    elif not civil_day_of_second(message.issued_at) < turns <= civil_day_of_second(message.pickup_by):
        text = "must lie after the day of `iat`, and not after that of `pickup_by`"
    else:
        return
    reader.wrong(("subjects", number, "turns"), text, code="sender.message.turns")
