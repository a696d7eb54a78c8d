"""Evidence of one disclosure, made the way hub and connectors make it, with every step open to change."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from audit.entries import EntryDraft
from audit.evidence_file import Evidence, LoggedEntry, ParticipantLink, participant_links
from audit.policy import policy_text
from audit.records import ShownRecord, Withheld, commit, released_digest, token_digest
from schemas.admissions import Admission, Statement, admission_to_payload, statement_to_payload
from schemas.canonical import b64url
from schemas.codes import AgeBand, EntryKind, Register, Role, SubjectRole, TokenType
from schemas.document import JSONValue
from schemas.identifiers import OIN, CaseId, HubName, MessageId, ProfessionalNumber, Thumbprint
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.message import Item, Message, Recipient, Responsible, Sealed, Subject, labels, message_to_payload
from schemas.randomness import UnsafeSeededRandomness, new_message_id
from schemas.sdjwt import Disclosure, conceal, present
from schemas.sealing import SealingPrivateKey
from tests.support.log_files import GEMEENTE, RAAD, SIGNER, MemoryLog, digest, participant

AT = datetime(2026, 11, 23, 11, 16, tzinfo=UTC)
SECONDS = int(AT.timestamp())
GI = OIN("00000099000000003000")
RANDOMNESS = UnsafeSeededRandomness("evidence")
REGISTRAR = SigningKey.generate(randomness=RANDOMNESS)
KEYS = [SigningKey.generate(randomness=RANDOMNESS) for _ in range(4)]
SEALING = SealingPrivateKey.generate(randomness=RANDOMNESS)
SALT = bytes(range(32))
POLICY_TEXT = policy_text(logs=(SIGNER.public,), registrars=(REGISTRAR.public,))

VALUES: dict[str, dict[str, list[JSONValue]]] = {
    "p1": {"birthDate": ["2014-03-02"], "identifier": [{"value": "999911120"}, {"value": "999911121"}]},
    "m1": {"name": ["Voorbeeld"]},
}
PROFILES = {"p1": "jeugdige", "m1": "melder"}
WITHHELD = (Withheld(label="melder/m1/name", reasons=("not-necessary",)),)


def new_id() -> MessageId:
    return new_message_id(at=AT, randomness=RANDOMNESS)


def admit(key: SigningKey, *, oin: OIN = GEMEENTE, by: SigningKey = REGISTRAR, **changes: object) -> str:
    """An admission by the registrar that names a first key."""
    admission = Admission(
        oin=oin,
        id=new_id(),
        issued_at=SECONDS - 1000,
        name="gemeente Voorbeeldstad",
        role=Role.GEMEENTE,
        capacities=frozenset(),
        valid_from=SECONDS - 1000,
        valid_until=None,
        first_key=key.public.thumbprint,
    )
    admission = dataclasses.replace(admission, **changes)  # type: ignore[arg-type]  # a test names members
    return sign_jws(admission_to_payload(admission), typ=TokenType.ADMISSION, key=by)


def state(key: SigningKey, *, oin: OIN = GEMEENTE, later: int = 0, revoked: Sequence[Thumbprint] = ()) -> bytes:
    """The payload of a statement."""
    return statement_to_payload(
        Statement(
            oin=oin,
            id=new_id(),
            issued_at=SECONDS - 1000 + later,
            signing_key=key.public,
            sealing_key=SEALING.public,
            revoked=tuple(revoked),
        )
    )


def sign_statement(payload: bytes, key: SigningKey) -> str:
    return sign_jws(payload, typ=TokenType.PARTICIPANT, key=key)


@dataclass(slots=True)
class World:
    """A log with its participants' tokens, from which evidence is taken."""

    log: MemoryLog = field(default_factory=MemoryLog)
    tokens: dict[int, dict[str, str]] = field(default_factory=dict)

    def join(
        self,
        *,
        oin: OIN = GEMEENTE,
        admission: str | None = None,
        statement: str | None = None,
        replaced: str | None = None,
    ) -> int:
        """Append a PARTICIPANT entry with its tokens."""
        number = len(self.log.texts)
        index = self.log.append(
            EntryDraft(
                kind=EntryKind.PARTICIPANT,
                id=f"participant-{number}",
                oin=oin,
                admission=None if admission is None else token_digest(admission),
                statement=None if statement is None else token_digest(statement),
                pad=number.to_bytes(16, "big"),
            )
        )
        named = {"admission": admission, "statement": statement, "replaced": replaced}
        self.tokens[index] = {name: token for name, token in named.items() if token is not None}
        return index

    def join_sender(self, key: SigningKey = KEYS[0]) -> int:
        """The sender joins in the usual way."""
        return self.join(admission=admit(key), statement=sign_statement(state(key), key))

    def logged(self, index: int) -> LoggedEntry:
        return LoggedEntry(entry=self.log.texts[index].decode(), tlog_proof=self.log.proof(index))

    def links(self) -> dict[int, ParticipantLink]:
        """Every PARTICIPANT entry by its index, as a connector's directory has it."""
        return {
            index: ParticipantLink(
                entry=self.log.texts[index].decode(), tlog_proof=self.log.proof(index), **self.tokens[index]
            )
            for index in self.tokens
        }


def usual_world() -> World:
    """Raad, sender and GI have joined, in this order."""
    world = World()
    world.tokens[world.log.append(participant(0, RAAD))] = {}
    world.join_sender()
    world.tokens[world.log.append(participant(2, GI))] = {}
    return world


@dataclass(slots=True)
class Sent:
    """A signed message with its disclosures by label."""

    message: Message
    token: str
    disclosures: dict[str, list[Disclosure]]

    def sd_jwt(self, *names: str) -> str:
        return present(self.token, [item.text for name in names for item in self.disclosures[name]])


def send(key: SigningKey = KEYS[0], *, change: Callable[[Message], Message] = lambda message: message) -> Sent:
    """Sign a message of three labels."""
    disclosures = {
        f"{PROFILES[item]}/{item}/{name}": [conceal(value, randomness=RANDOMNESS) for value in values]
        for item, elements in VALUES.items()
        for name, values in elements.items()
    }
    message = change(
        Message(
            sender=GEMEENTE,
            hubs=(HubName("hub.ketenhub.test"),),
            id=new_id(),
            issued_at=SECONDS,
            pickup_by=SECONDS + 86_400,
            type="verzoek-tot-onderzoek",
            version=1,
            recipient=Recipient(oin=RAAD, purpose="VTO", capacity=None),
            capacity=None,
            case=CaseId("0" * 32),
            reply_to=None,
            responsible=Responsible(register=Register.SKJ, number=ProfessionalNumber("110000001")),
            subjects=(Subject(tag=(b64url(RANDOMNESS.bytes(32)),), role=SubjectRole.JEUGDIGE, age=AgeBand.UNDER_12),),
            sealed=Sealed(kid=SEALING.public.kid, digest=digest("sealed")),
            content=tuple(
                Item(
                    profile=PROFILES[item],
                    id=item,
                    about=(0,),
                    necessary=None,
                    elements={
                        name: tuple(found.digest for found in disclosures[f"{PROFILES[item]}/{item}/{name}"])
                        for name in elements
                    },
                )
                for item, elements in VALUES.items()
            ),
        )
    )
    token = sign_jws(message_to_payload(message), typ=TokenType.MESSAGE, key=key)
    return Sent(message=message, token=token, disclosures=disclosures)


PERMITTED = ("jeugdige/p1/birthDate", "jeugdige/p1/identifier")


def shown_of(kind: EntryKind, **changes: object) -> ShownRecord:
    shown = ShownRecord(
        entry_kind=kind,
        ground="VTO",
        permitted=PERMITTED,
        withheld=WITHHELD,
        catalogue=digest("catalogue"),
        marks=("unprompted",),
    )
    return dataclasses.replace(shown, **changes)  # type: ignore[arg-type]  # a test names members


def draft_of(sent: Sent, kind: EntryKind, shown: ShownRecord, **changes: object) -> EntryDraft:
    """The draft of the entry about a message."""
    by_label = {label.text: label.digests for label in labels(sent.message)}
    released = [found for text in shown.permitted for found in by_label.get(text, ())]
    disclosure = kind is EntryKind.DISCLOSURE
    draft = EntryDraft(
        kind=kind,
        id=sent.message.id.value,
        sender=sent.message.sender,
        recipient=sent.message.recipient.oin,
        purpose=sent.message.recipient.purpose,
        catalogue=digest("catalogue"),
        as_of=0,
        message=token_digest(sent.token),
        released=released_digest(released) if disclosure else None,
        request=digest("request") if disclosure else None,
        shown=commit(salt=SALT, record=shown.text),
    )
    return dataclasses.replace(draft, **changes)  # type: ignore[arg-type]  # a test names members


def evidence_of(
    world: World,
    sent: Sent,
    *,
    kind: EntryKind = EntryKind.DISCLOSURE,
    key: SigningKey = KEYS[0],
    shown: ShownRecord | None = None,
    submission: int | None = None,
    **changes: object,
) -> Evidence:
    """Log a disclosure of a message, and take its evidence."""
    shown = shown or shown_of(kind)
    newest = world.log.newest_participant or 0
    if submission is not None:
        newest = max(index for index in world.tokens if index < submission)
    index = world.log.append(draft_of(sent, kind, shown, **changes))
    logged = world.logged(index)
    links = participant_links(newest=newest, sender=GEMEENTE, known=world.links())
    return Evidence(
        sd_jwt=sent.sd_jwt(*PERMITTED),
        sender_jwk=key.public.to_jwk(),
        sender_statement=next(link.statement for link in links if link.statement),
        admission=next(link.admission for link in links if link.admission),
        log_vkey=SIGNER.public.vkey,
        entry=logged.entry,
        tlog_proof=logged.tlog_proof,
        shown=shown.text,
        shown_salt=b64url(SALT),
        withheld=shown.withheld,
        participants=links,
        submission=None if submission is None else world.logged(submission),
    )
