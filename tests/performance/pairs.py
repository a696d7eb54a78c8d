"""The participants of the load, in pairs, and the messages that they send: made before anything is measured.

Sender and recipient of a pair are a gemeente and a Raad with keys of their own, from published seeds, so every process
of a run has them by their number. A message has 40 sealed elements; it is composed once by the connector's own code,
and then made again for each pair with another id, case, salts, digests, seal and signature, which is what differs
between messages. A file of messages is read by the load client:

    pair (2 bytes)  message id (36)  length of the body (4)  body

The body is the finished `POST /v1/messages`.
"""

import base64
import mmap
import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from struct import Struct
from typing import Final

from schemas.admissions import Admission, Statement, admission_to_payload, statement_to_payload
from schemas.clock import SystemClock
from schemas.codes import Role, TokenType
from schemas.document import Document, DocumentItem, DocumentSubject
from schemas.identifiers import BSN_SYSTEM, OIN, CaseId, HubName, MessageId
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.message import Item, Message, Sealed, message_to_payload
from schemas.pseudonyms import random_tag
from schemas.randomness import Randomness, SystemRandomness, UnsafeSeededRandomness, new_message_id
from schemas.sdjwt import Disclosure, conceal
from schemas.sealing import SealingAddress, SealingPrivateKey, seal_submission
from schemas.wire import Submission, encode_submission
from tests.support.connector_world import World
from tests.support.example_documents import item, request_document

ELEMENTS: Final = 40
PAIRS: Final = 16
HUB: Final = HubName("hub.ketenhub.test")
_RECORD: Final = Struct(">H36sI")


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """One end of a pair."""

    oin: OIN
    role: Role
    signing: SigningKey
    sealing: SealingPrivateKey

    def join_body(self, *, registrar: SigningKey, at: datetime) -> dict[str, str | None]:
        """Return the body of `POST /v1/participants`."""
        seconds, randomness = int(at.timestamp()), SystemRandomness()
        admission = Admission(
            oin=self.oin,
            id=new_message_id(at=at, randomness=randomness),
            issued_at=seconds,
            name=f"Organisatie {self.oin.value[-6:]}",
            role=self.role,
            capacities=frozenset(),
            valid_from=seconds - 60,
            valid_until=None,
            first_key=self.signing.public.thumbprint,
        )
        statement = Statement(
            oin=self.oin,
            id=new_message_id(at=at, randomness=randomness),
            issued_at=seconds,
            signing_key=self.signing.public,
            sealing_key=self.sealing.public,
        )
        return {
            "admission": sign_jws(admission_to_payload(admission), typ=TokenType.ADMISSION, key=registrar),
            "statement": sign_jws(statement_to_payload(statement), typ=TokenType.PARTICIPANT, key=self.signing),
            "replaced": None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Who sends to whom."""

    sender: Party
    recipient: Party


@cache
def pair(number: int) -> Pair:
    """Return a pair by its number, from 0."""
    return Pair(sender=_party(number, Role.GEMEENTE, "1"), recipient=_party(number, Role.RAAD, "2"))


def _party(number: int, role: Role, kind: str) -> Party:
    seed = UnsafeSeededRandomness(f"bench/{role}/{number}")
    return Party(
        oin=OIN(f"00000099{kind}{number:08d}000"),
        role=role,
        signing=SigningKey.generate(randomness=seed),
        sealing=SealingPrivateKey.generate(randomness=seed),
    )


def bench_document() -> Document:
    """Return a request with 40 elements that are all permitted: two children, two with authority, three attachments."""
    document = request_document()
    bericht, verzoek, first, parent, professional, attachment = document.items
    second = item(
        "jeugdige",
        "p2",
        2,
        identifier=({"system": BSN_SYSTEM, "value": "999911132"},),
        name=({"family": "Voorbeeld", "given": ["Noor"]},),
        gender=("male",),
        birthDate=("2017-06-12",),
    )
    other = replace(parent, id="g2", about=(3,), elements={**parent.elements, "gender": ("male",)})
    others = tuple(replace(attachment, id=f"d{number}") for number in (2, 3))
    items = (bericht, verzoek, first, second, parent, other, professional, attachment, *others)
    subjects = (
        *document.subjects,
        replace(document.subjects[0], identifier=(BSN_SYSTEM, "999911132"), birth_date="2017-06-12"),
        DocumentSubject(role=document.subjects[1].role, key="g2"),
    )
    return replace(document, subjects=subjects, items=items)


def with_attachment(document: Document, *, size: int) -> Document:
    """Return the request with a last attachment of this many bytes."""
    *others, last = document.items
    data = base64.b64encode(bytes(size)).decode()
    return replace(document, items=(*others, replace(last, elements={**last.elements, "data": (data,)})))


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """One message as the connector composed it, and the values that it seals."""

    message: Message
    items: tuple[DocumentItem, ...]


def make_template(document: Document, *, at: datetime) -> Template:
    """Compose the message that all messages of the load are made after."""
    composed = World(at=at).compose(document)
    sealed = len(composed.submission.elements)
    if composed.withheld or sealed != ELEMENTS:
        raise AssertionError(f"the message of the load has {sealed} elements, {len(composed.withheld)} withheld")
    return Template(message=composed.message, items=document.items)


def reissue(template: Template, *, between: Pair, at: datetime, randomness: Randomness) -> tuple[MessageId, Submission]:
    """Make a message like the template between a pair: its own id, case, pseudonyms, salts, seal and signature."""
    message, disclosures = template.message, list[Disclosure]()
    content: list[Item] = []
    for made, given in zip(message.content, template.items, strict=True):
        elements: dict[str, tuple[str, ...]] = {}
        for name in made.elements:
            concealed = [conceal(value, randomness=randomness) for value in given.elements[name]]
            elements[name] = tuple(each.digest for each in concealed)
            disclosures += concealed
        content.append(replace(made, elements=elements))
    tags = [conceal(random_tag(epoch=0, randomness=randomness).value, randomness=randomness) for _ in message.subjects]
    subjects = []
    for subject, tag in zip(message.subjects, tags, strict=True):
        yours = tuple(conceal(tag.text[:20], randomness=randomness) for _ in subject.yours)
        disclosures += yours
        subjects.append(replace(subject, tag=(tag.digest,), yours=tuple(each.digest for each in yours)))
    message_id = new_message_id(at=at, randomness=randomness)
    key = between.recipient.sealing.public
    sealed = seal_submission(
        [each.text for each in disclosures],
        address=SealingAddress(
            hub=HUB, sender=between.sender.oin, message_id=message_id, recipient=between.recipient.oin, kid=key.kid
        ),
        recipient_key=key,
        randomness=randomness,
    )
    seconds = int(at.timestamp())
    message = replace(
        message,
        sender=between.sender.oin,
        hubs=(HUB,),
        id=message_id,
        issued_at=seconds,
        pickup_by=seconds + message.pickup_by - message.issued_at,
        recipient=replace(message.recipient, oin=between.recipient.oin),
        case=CaseId(randomness.bytes(16).hex()),
        subjects=tuple(subjects),
        sealed=Sealed(kid=sealed.kid, digest=sealed.digest),
        content=tuple(content),
    )
    return message_id, Submission(
        message=sign_jws(message_to_payload(message), typ=TokenType.MESSAGE, key=between.sender.signing),
        tags=tuple(tag.text for tag in tags),
        key=sealed.sealed_key,
        elements=sealed.elements,
    )


def write_messages(path: Path, *, count: int, pairs: int, workers: int = 2) -> None:
    """Write a file of messages between the first pairs, each pair in its turn.

    Args:
        path: The file.
        count: Messages.
        pairs: Pairs that take turns.
        workers: Processes that make them.
    """
    shares = [range(number * count // workers, (number + 1) * count // workers) for number in range(workers)]
    parts = [path.with_suffix(f".{number}") for number in range(workers)]
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        for done in [pool.submit(_write_part, *each, pairs) for each in zip(parts, shares, strict=True)]:
            done.result()
    with path.open("wb") as file:
        for part in parts:
            file.write(part.read_bytes())
            part.unlink()


def _write_part(path: Path, share: range, pairs: int) -> None:
    at, randomness = SystemClock().now(), SystemRandomness()
    template = make_template(bench_document(), at=at)
    with path.open("wb") as file:
        for turn in share:
            number = turn % pairs
            message_id, submission = reissue(template, between=pair(number), at=at, randomness=randomness)
            _, body = encode_submission(submission)
            file.write(_RECORD.pack(number, message_id.value.encode(), len(body)))
            file.write(body)


@dataclass(frozen=True, slots=True)
class Prepared:
    """One message of a file."""

    pair: int
    id: str
    body: memoryview


def read_messages(path: Path) -> tuple[Prepared, ...]:
    """Read a file of messages; the bodies stay in the file until they are sent."""
    with path.open("rb") as file:
        view = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    found: list[Prepared] = []
    place = 0
    while place < len(view):
        number, message_id, size = _RECORD.unpack_from(view, place)
        place += _RECORD.size
        found.append(Prepared(number, message_id.decode(), view[place : place + size]))
        place += size
    return tuple(found)
