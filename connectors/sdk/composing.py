"""From a document to a finished submission: what the sender's connector does, in order.

1. purpose     the ground by which this recipient may have it
2. complete    the document has what its type must have, and every value its form, before any decision
3. project     keep what this recipient may have; if something required may not go, nothing is signed
4. pseudonyms  one for the hub, and the recipient's own where it gets no number by which to know the person
5. conceal     each value becomes a disclosure and a digest
6. seal        each disclosure, for the one recipient
7. sign        the labels and digests

Everything that the sender may have to say to its own people stands in the result or in the one error.

    composed = compose(document, envelope=…, policy=…, keys=…, at=at, randomness=…)
    composed.submission   # what travels; write it to the journal before the first attempt

Nothing is read or sent here. Source: the architecture, sections 1 and 4.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Self

from connectors.sdk.envelope import Envelope, known_tag, person_key
from connectors.sdk.projection import (
    Projection,
    Withheld,
    element_order,
    leave_out_beyond_maximum,
    project,
    reason_texts,
)
from connectors.sdk.purposes import must_answer, purpose_of
from connectors.sdk.refusals import refused_for
from consent.facts import NOBODY_KNOWN
from consent.grounds import Catalogue
from consent.memo import DecisionMemo
from consent.reasons import Mark
from consent.request import Exchange, Facts, Party, civil_day
from schemas.canonical import json_pointer
from schemas.codes import Capacity, Category, TokenType
from schemas.definitions import Definitions
from schemas.document import Document, DocumentItem
from schemas.errors import DocumentError, Issue
from schemas.fhir import check_values, claimed_correction, claimed_question
from schemas.identifiers import BSN_SYSTEM, CaseId, MessageId, SubjectTag
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.message import (
    PICKUP_SECONDS_MAX,
    Item,
    Message,
    Recipient,
    Sealed,
    Subject,
    labels,
    message_to_payload,
)
from schemas.participants import Participant
from schemas.pseudonyms import ChainKey, random_tag
from schemas.randomness import Randomness, new_message_id
from schemas.sdjwt import Disclosure, conceal
from schemas.sealing import SealedContent, SealingAddress, seal_submission
from schemas.structure import check_document_structure, check_structure
from schemas.wire import Submission

CASE_BYTES: Final = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """By what the connector decides: the same data as the hub, and the decisions already taken by them."""

    definitions: Definitions
    decisions: DecisionMemo

    @property
    def catalogue(self) -> Catalogue:
        """The grounds."""
        return self.decisions.catalogue

    @classmethod
    def of(cls, *, definitions: Definitions, catalogue: Catalogue) -> Self:
        """Decide by these."""
        return cls(definitions=definitions, decisions=DecisionMemo(catalogue))


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderKeys:
    """What a sender holds: its signing key, and the newest chain key."""

    signing: SigningKey
    chain: ChainKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """A finished message.

    Attributes:
        message: Its claims.
        submission: What travels to the hub.
        permitted: Labels that go.
        withheld: Labels of the document that do not, with reasons.
        marks: What must be shown with the permits.
        tags: Random pseudonyms used, by the persons' local key: remember them for this case.
    """

    message: Message
    submission: Submission = field(repr=False)
    permitted: tuple[str, ...]
    withheld: tuple[Withheld, ...]
    marks: tuple[Mark, ...]
    tags: Mapping[str, SubjectTag] = field(repr=False)


def compose(
    document: Document,
    *,
    envelope: Envelope,
    policy: Policy,
    keys: SenderKeys,
    at: datetime,
    randomness: Randomness,
) -> Composed:
    """Make a document into a finished submission.

    Args:
        document: What the native file says.
        envelope: From whom to whom.
        policy: Definitions and grounds.
        keys: The sender's keys.
        at: The moment of sending; becomes `iat`.
        randomness: For identifiers, salts, pseudonyms and the content key.

    Raises:
        DocumentError: The document is incomplete, a value has not its form, or something that its type requires may
            not go to this recipient; every issue is listed, none repeats a value.
    """
    issued_at = int(at.timestamp())
    pickup_by = issued_at + PICKUP_SECONDS_MAX
    until = datetime.fromtimestamp(pickup_by, UTC)
    # 1.
    _check_no_canary(envelope)
    purpose = purpose_of(document, envelope=envelope, catalogue=policy.catalogue, at=at)
    # 2.
    possible, beyond = _complete(document, purpose=purpose, envelope=envelope, policy=policy, at=at)
    # 3.
    facts = _facts(possible, envelope=envelope, chain=keys.chain)
    projection = _project(possible, purpose=purpose, envelope=envelope, facts=facts, policy=policy, at=at, until=until)
    # 4.
    tags = _find_tags(projection, envelope=envelope, keys=keys, randomness=randomness)
    # 5.
    content, item_disclosures = _conceal_items(projection.items, randomness=randomness)
    subjects, tag_disclosures, own_disclosures = _conceal_subjects(
        projection, tags=tags, envelope=envelope, policy=policy, keys=keys, randomness=randomness
    )
    # 6.
    message_id = new_message_id(at=at, randomness=randomness)
    texts = [disclosure.text for disclosure in (*item_disclosures, *own_disclosures)]
    sealed = _seal(texts, message_id=message_id, envelope=envelope, randomness=randomness)
    # 7.
    message = Message(
        sender=envelope.sender.oin,
        hubs=(envelope.hub,),
        id=message_id,
        issued_at=issued_at,
        pickup_by=pickup_by,
        type=document.type,
        version=policy.definitions.message_type(document.type).version,
        recipient=Recipient(oin=envelope.recipient.oin, purpose=purpose, capacity=envelope.recipient_capacity),
        capacity=envelope.capacity,
        case=envelope.thread.case or CaseId(randomness.bytes(CASE_BYTES).hex()),
        reply_to=envelope.thread.reply_to,
        responsible=envelope.responsible,
        subjects=subjects,
        sealed=Sealed(kid=sealed.kid, digest=sealed.digest),
        content=content,
        asks=claimed_question(projection.items),
        corrects=claimed_correction(projection.items),
        spoed=document.spoed,
    )
    tag_texts = tuple(disclosure.text for disclosure in tag_disclosures)
    submission = _sign(message, sealed, tags=tag_texts, policy=policy, keys=keys)
    withheld = (*beyond, *projection.withheld)
    return _composed(message, submission, projection=projection, withheld=withheld, tags=tags)


def _check_no_canary(envelope: Envelope) -> None:
    """Refuse to send a canary's messages by this way, and to send anything to one.

    Raises:
        DocumentError: One of the two is a canary.
    """
    if envelope.sender.canary:
        text = "a canary sends what must be refused (`canary run`), and nothing else"
        raise refused_for("sender.canary", text, pointer="")
    if envelope.recipient.canary:
        text = "the recipient is a canary: nothing is disclosed to it"
        raise refused_for("sender.recipient.canary", text, pointer="/ontvanger")


def _seal(texts: Sequence[str], *, message_id: MessageId, envelope: Envelope, randomness: Randomness) -> SealedContent:
    recipient_key = envelope.recipient.sealing_key
    if recipient_key is None:
        text = "the recipient has not stated a sealing key yet"
        raise refused_for("sender.recipient.no-key", text, pointer="/ontvanger")
    address = SealingAddress(
        hub=envelope.hub,
        sender=envelope.sender.oin,
        message_id=message_id,
        recipient=envelope.recipient.oin,
        kid=recipient_key.kid,
    )
    return seal_submission(texts, address=address, recipient_key=recipient_key, randomness=randomness)


def _sign(
    message: Message, sealed: SealedContent, *, tags: tuple[str, ...], policy: Policy, keys: SenderKeys
) -> Submission:
    """Step 7: sign what the hub will find right, and put the parts together."""
    issues = check_structure(message, policy.definitions)
    if issues:
        raise DocumentError("the message does not state what its type must state", issues=issues)
    return Submission(
        message=sign_jws(message_to_payload(message), typ=TokenType.MESSAGE, key=keys.signing),
        tags=tags,
        key=sealed.sealed_key,
        elements=sealed.elements,
    )


def _composed(
    message: Message,
    submission: Submission,
    *,
    projection: Projection,
    withheld: tuple[Withheld, ...],
    tags: Sequence[SubjectTag],
) -> Composed:
    return Composed(
        message=message,
        submission=submission,
        permitted=tuple(label.text for label in labels(message) if label.item is not None),
        withheld=withheld,
        marks=projection.marks,
        tags={
            key: tag for each, tag in zip(projection.subjects, tags, strict=True) if (key := person_key(each.subject))
        },
    )


def _facts(document: Document, *, envelope: Envelope, chain: ChainKey) -> Facts:
    """What the decision may know: of the message that is answered or corrected, and of each person in their order."""
    tags = [known_tag(subject, thread=envelope.thread, hub=envelope.hub, chain=chain) for subject in document.subjects]
    people = tuple(NOBODY_KNOWN if tag is None else envelope.people.get(tag, NOBODY_KNOWN) for tag in tags)
    return replace(envelope.thread.reply_facts, corrected=envelope.corrected, people=people)


def _complete(
    document: Document, *, purpose: str, envelope: Envelope, policy: Policy, at: datetime
) -> tuple[Document, tuple[Withheld, ...]]:
    """Step 2: a document that is complete and well-formed, without what its type has no place for."""
    definitions = policy.definitions
    possible, beyond = leave_out_beyond_maximum(document, definitions=definitions)
    issues = check_document_structure(possible, definitions)
    if issues:
        raise DocumentError("the document lacks what its message type must have", issues=issues)
    day = civil_day(at)
    assert day is not None, "the clock gives aware moments"
    reply = envelope.thread.reply_facts.reply
    answered = definitions.message_types.get(reply.message_type) if reply else None
    must = must_answer(purpose, message_type=document.type, catalogue=policy.catalogue)
    issues = check_values(
        possible.items,
        definitions,
        message_type=document.type,
        on=day,
        unborn=document.unborn,
        answers=answered.interaction if answered else None,
        must_answer=must,
    )
    if issues:
        raise DocumentError("a value does not have the form of its element", issues=issues)
    return possible, beyond


def _project(
    document: Document,
    *,
    purpose: str,
    envelope: Envelope,
    facts: Facts,
    policy: Policy,
    at: datetime,
    until: datetime,
) -> Projection:
    """Step 3: what may go, if it is still complete."""
    projection = project(
        document,
        exchange=Exchange(
            sender=party_of(envelope.sender, envelope.capacity),
            recipient=party_of(envelope.recipient, envelope.recipient_capacity),
            purpose=purpose,
            message_type=document.type,
            spoed=document.spoed is not None,
        ),
        definitions=policy.definitions,
        decisions=policy.decisions,
        facts=facts,
        at=at,
        until=until,
    )
    kept = replace(document, subjects=tuple(subject.subject for subject in projection.subjects), items=projection.items)
    if not projection.items or check_document_structure(kept, policy.definitions):
        raise _denied(document, projection)
    return projection


def party_of(participant: Participant, capacity: Capacity | None) -> Party:
    """Say of a participant what the decision asks: role, and the capacity it acts in and those it may act in."""
    return Party(role=participant.role, capacity=capacity, admitted=participant.capacities)


def _denied(document: Document, projection: Projection) -> DocumentError:
    places = {item.id: number for number, item in enumerate(document.items)}
    issues = []
    for withheld in projection.withheld:
        _, item_id, element = withheld.label.split("/")
        pointer = json_pointer("items", places[item_id], "elements", element)
        for reason in withheld.reasons:
            text_nl, text = reason_texts(reason)
            issues.append(Issue(pointer=pointer, code=f"sender.decision.{reason}", text=text, text_nl=text_nl))
    some = "something that the message type requires may not go to this recipient for this purpose"
    nothing = "nothing of the document may go to this recipient for this purpose"
    return DocumentError(some if projection.items else nothing, code="sender.decision.denied", issues=issues)


def _find_tags(
    projection: Projection, *, envelope: Envelope, keys: SenderKeys, randomness: Randomness
) -> tuple[SubjectTag, ...]:
    """Step 4: each person in the hub's tag space; who has no BSN keeps the random tag of the case."""
    tags = []
    for subject in projection.subjects:
        known = known_tag(subject.subject, thread=envelope.thread, hub=envelope.hub, chain=keys.chain)
        tags.append(known or random_tag(epoch=keys.chain.epoch, randomness=randomness))
    return tuple(tags)


def _conceal_items(
    items: Sequence[DocumentItem], *, randomness: Randomness
) -> tuple[tuple[Item, ...], tuple[Disclosure, ...]]:
    content: list[Item] = []
    disclosures: list[Disclosure] = []
    for item in items:
        elements: dict[str, tuple[str, ...]] = {}
        for name in sorted(item.elements, key=element_order):
            concealed = [conceal(value, randomness=randomness) for value in item.elements[name]]
            elements[name] = tuple(disclosure.digest for disclosure in concealed)
            disclosures += concealed
        content.append(
            Item(profile=item.profile, id=item.id, about=item.about, necessary=item.necessary, elements=elements)
        )
    return tuple(content), tuple(disclosures)


def _conceal_subjects(
    projection: Projection,
    *,
    tags: Sequence[SubjectTag],
    envelope: Envelope,
    policy: Policy,
    keys: SenderKeys,
    randomness: Randomness,
) -> tuple[tuple[Subject, ...], tuple[Disclosure, ...], tuple[Disclosure, ...]]:
    subjects: list[Subject] = []
    for_hub: list[Disclosure] = []
    for_recipient: list[Disclosure] = []
    for index, (subject, tag) in enumerate(zip(projection.subjects, tags, strict=True)):
        tag_disclosure = conceal(tag.value, randomness=randomness)
        for_hub.append(tag_disclosure)
        yours: tuple[Disclosure, ...] = ()
        identifier = subject.subject.identifier
        if identifier is None or identifier[0] != BSN_SYSTEM:
            # Nobody can compute a random tag: the recipient needs it to write about the same person in its reply.
            yours = (conceal(tag.value, randomness=randomness),)
        elif not _is_identified(index, projection.items, policy.definitions):
            own = keys.chain.tag(recipient=envelope.recipient.oin, system=identifier[0], value=identifier[1])
            yours = (conceal(own.value, randomness=randomness),)
        for_recipient += yours
        subjects.append(
            Subject(
                tag=(tag_disclosure.digest,),
                yours=tuple(disclosure.digest for disclosure in yours),
                role=subject.subject.role,
                age=subject.age.band,
                turns=subject.age.turns,
            )
        )
    return tuple(subjects), tuple(for_hub), tuple(for_recipient)


def _is_identified(subject: int, items: Sequence[DocumentItem], definitions: Definitions) -> bool:
    return any(
        definitions.category(item.profile, name) is Category.IDENTIFICATIE
        for item in items
        if subject in item.about
        for name in item.elements
    )
