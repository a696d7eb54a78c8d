"""From whom, to whom and in which thread a message goes: what stands beside its content when it is composed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from consent.facts import PersonFacts
from consent.request import NO_FACTS, CorrectedFact, Facts
from schemas.codes import Capacity
from schemas.document import DocumentSubject
from schemas.identifiers import BSN_SYSTEM, CaseId, HubName, MessageId, SubjectTag
from schemas.message import Responsible
from schemas.participants import Participant
from schemas.pseudonyms import ChainKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Thread:
    """What an earlier message between the same two gives to this one.

    Attributes:
        case: The case; None opens a new one.
        reply_to: The message of the recipient's that this one answers.
        reply_facts: What the decision may know of that message.
        reply_purpose: Code of the ground by which that message came.
        tags: Random pseudonyms of persons without a number, by their local key.
    """

    case: CaseId | None = None
    reply_to: MessageId | None = None
    reply_facts: Facts = NO_FACTS
    reply_purpose: str | None = None
    tags: Mapping[str, SubjectTag] = field(default_factory=dict, repr=False)


NO_THREAD: Final = Thread()


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """From whom, to whom, by which hub, and who answers for it.

    Attributes:
        sender: Ourselves, as the directory has us.
        capacity: In which capacity we send, if we are a GI.
        recipient: The recipient, as the directory has it.
        recipient_capacity: In which capacity it receives, if it is a GI.
        hub: Our hub.
        responsible: Who answers for the message.
        thread: What an earlier message gives.
        corrected: What the message that this one corrects told the recipient; None if it corrects none.
        people: What is known of persons, by their pseudonym for the hub.
    """

    sender: Participant
    capacity: Capacity | None
    recipient: Participant
    recipient_capacity: Capacity | None
    hub: HubName
    responsible: Responsible
    thread: Thread = NO_THREAD
    corrected: CorrectedFact | None = None
    people: Mapping[SubjectTag, PersonFacts] = field(default_factory=dict, repr=False)


def person_key(subject: DocumentSubject) -> str | None:
    """Return the local key of a person whose pseudonym is random, or None: it has a BSN, or nothing to go by."""
    if subject.identifier is not None:
        system, value = subject.identifier
        return None if system == BSN_SYSTEM else f"{system}|{value}"
    return subject.key


def number_of(subject: DocumentSubject) -> str | None:
    """Return a person's BSN; None of somebody who has none."""
    if subject.identifier is None or subject.identifier[0] != BSN_SYSTEM:
        return None
    return subject.identifier[1]


def known_tag(subject: DocumentSubject, *, thread: Thread, hub: HubName, chain: ChainKey) -> SubjectTag | None:
    """Return a person's pseudonym for the hub; None where a random one is still to be drawn.

    Args:
        subject: The person.
        thread: The random pseudonyms of the case.
        hub: Whose tag space.
        chain: The newest chain key.
    """
    if (number := number_of(subject)) is not None:
        return chain.tag(recipient=hub, system=BSN_SYSTEM, value=number)
    return thread.tags.get(person_key(subject) or "")
