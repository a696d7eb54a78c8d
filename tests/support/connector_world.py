"""Two organisations, a registrar and a log, without a hub: what connectors compose, open and check."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from audit.entries import EntryDraft
from audit.evidence_file import ParticipantLink
from audit.note import NoteKey
from audit.records import ShownRecord, Withheld, commit, released_digest, token_digest
from connectors.sdk.composing import Composed, Policy, SenderKeys, compose
from connectors.sdk.envelope import Envelope, Thread
from connectors.sdk.opening import RecipientView
from consent.grounds import packaged_catalogue
from schemas.admissions import Admission, Statement, admission_to_payload, statement_to_payload
from schemas.clock import FrozenClock
from schemas.codes import Capacity, EntryKind, Register, Role, TokenType
from schemas.definitions import load_definitions
from schemas.document import Document
from schemas.identifiers import OIN, HubName, MessageId, ProfessionalNumber, Thumbprint
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.message import Responsible, labels
from schemas.participants import Directory, Participant
from schemas.pseudonyms import ChainKey
from schemas.randomness import UnsafeSeededRandomness, new_message_id
from schemas.sealing import SealingPrivateKey, element_hashes, hash_list
from schemas.wire import Release, Submission
from tests.support.log_files import MemoryLog

HUB = HubName("hub.ketenhub.test")
GEMEENTE = OIN("00000099000000001000")
RAAD = OIN("00000099000000002000")
GI = OIN("00000099000000003000")
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
RESPONSIBLE = Responsible(register=Register.SKJ, number=ProfessionalNumber("110012345"))
REQUEST = "r" * 42 + "A"


@dataclass(frozen=True, slots=True, kw_only=True)
class Documents:
    """What one PARTICIPANT entry commits to."""

    index: int
    oin: OIN
    admission: str | None
    statement: str | None
    replaced: str | None


@dataclass(slots=True)
class Organisation:
    """A participant with its keys."""

    oin: OIN
    role: Role
    signing: SigningKey
    sealing: SealingPrivateKey
    capacities: frozenset[Capacity] = frozenset()
    canary: bool = False


def no_canary(participant: Participant) -> Participant:
    """Return a participant as somebody sees it who does not look whether it is a canary."""
    return replace(participant, admission=replace(participant.admission, canary=False))


@dataclass
class World:
    """A registrar, organisations and a log; everything repeatable from one seed."""

    seed: str = "world"
    at: datetime = AT
    log: MemoryLog = field(default_factory=MemoryLog)
    records: list[Documents] = field(default_factory=list)
    organisations: dict[OIN, Organisation] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.randomness = UnsafeSeededRandomness(self.seed)
        self.clock = FrozenClock(self.at)
        self.registrar = SigningKey.generate(randomness=self.randomness)
        self.chain = ChainKey.generate(epoch=1, randomness=self.randomness)
        self.policy = Policy.of(definitions=load_definitions(), catalogue=packaged_catalogue())
        self.log.time = int(self.at.timestamp() * 1000)
        self.admit(GEMEENTE, Role.GEMEENTE)
        self.admit(RAAD, Role.RAAD)
        self.admit(GI, Role.GI, capacities=frozenset({Capacity.OTS, Capacity.PREVENTIEF}))

    @property
    def log_key(self) -> NoteKey:
        return self.log.signer.public

    @property
    def directory(self) -> Directory:
        return Directory.empty(registrar=self.registrar.public).extended(self.records)

    @property
    def links(self) -> dict[int, ParticipantLink]:
        """Every PARTICIPANT entry as evidence carries it."""
        return {
            record.index: ParticipantLink(
                entry=self.log.texts[record.index].decode(),
                tlog_proof=self.log.proof(record.index),
                admission=record.admission,
                statement=record.statement,
                replaced=record.replaced,
            )
            for record in self.records
        }

    def admit(
        self,
        oin: OIN,
        role: Role,
        *,
        capacities: frozenset[Capacity] = frozenset(),
        at_once: bool = True,
        canary: bool = False,
    ) -> Organisation:
        """Let an organisation join, with new keys; the admission alone first where it is not at once."""
        organisation = Organisation(
            oin=oin,
            role=role,
            signing=SigningKey.generate(randomness=self.randomness),
            sealing=SealingPrivateKey.generate(randomness=self.randomness),
            capacities=capacities,
            canary=canary,
        )
        self.organisations[oin] = organisation
        token = self._admission(organisation, first_key=organisation.signing.public.thumbprint)
        if at_once:
            self._state(organisation, admission=token, replaced_by=None)
        else:
            self.take_statement(oin, admission=token, statement=None, replaced=None)
            self._state(organisation, admission=None, replaced_by=None)
        return organisation

    def readmit(self, oin: OIN, *, first_key: Thumbprint) -> None:
        """Let the registrar renew an admission, beside a new statement of the keys that are held."""
        organisation = self.organisations[oin]
        token = self._admission(organisation, first_key=first_key)
        self._state(organisation, admission=token, replaced_by=None)

    def _admission(self, organisation: Organisation, *, first_key: Thumbprint) -> str:
        admission = Admission(
            oin=organisation.oin,
            id=self._id(),
            issued_at=self._seconds(),
            name=f"Organisatie {organisation.oin.value[-4:]}",
            role=organisation.role,
            capacities=organisation.capacities,
            valid_from=0,
            valid_until=None,
            first_key=first_key,
            canary=organisation.canary,
        )
        return sign_jws(admission_to_payload(admission), typ=TokenType.ADMISSION, key=self.registrar)

    def rotate(self, oin: OIN, *, revoke: bool = False) -> None:
        """Let a participant replace its signing and its sealing key."""
        organisation = self.organisations[oin]
        before = organisation.signing
        revoked = (before.public.thumbprint,) if revoke else ()
        organisation.signing = SigningKey.generate(randomness=self.randomness)
        organisation.sealing = SealingPrivateKey.generate(randomness=self.randomness)
        self._state(organisation, admission=None, replaced_by=before, revoked=revoked)

    def state_keys(
        self,
        organisation: Organisation,
        *,
        revoked: tuple[Thumbprint, ...] = (),
        replaced_by: SigningKey | None = None,
    ) -> None:
        """Let a participant state the keys that it holds now; `replaced_by`: the signing key that they replace."""
        self._seconds()
        self._state(organisation, admission=None, replaced_by=replaced_by, revoked=revoked)

    def participant(self, oin: OIN) -> Participant:
        found = self.directory.participant(oin)
        assert found is not None
        return found

    def compose(
        self, document: Document, *, sender: OIN = GEMEENTE, recipient: OIN = RAAD, **changes: object
    ) -> Composed:
        """Compose a document as its sender's connector does, or one that does not look whether somebody is a canary."""
        envelope: dict[str, object] = {
            "sender": no_canary(self.participant(sender)),
            "capacity": None,
            "recipient": no_canary(self.participant(recipient)),
            "recipient_capacity": None,
            "hub": HUB,
            "responsible": RESPONSIBLE,
            "thread": Thread(),
            **changes,
        }
        return compose(
            document,
            envelope=Envelope(**envelope),  # type: ignore[arg-type]  # a test changes one of them by name
            policy=self.policy,
            keys=SenderKeys(signing=self.organisations[sender].signing, chain=self.chain),
            at=self.clock.now(),
            randomness=self.randomness,
        )

    def accept(self, composed: Composed) -> int:
        """Log the acceptance of a message that is permitted as a whole; return its index."""
        return self.log.append(
            self._draft(EntryKind.SUBMISSION, composed, self._shown(EntryKind.SUBMISSION, composed, {}))
        )

    def release(self, composed: Composed, *, withheld: Mapping[str, tuple[str, ...]] | None = None) -> Release:
        """Log the disclosure of a message and hand it out, as a hub does."""
        denied = withheld or {}
        shown = self._shown(EntryKind.DISCLOSURE, composed, denied)
        permitted = [label for label in labels(composed.message) if label.text not in denied]
        digests = [digest for label in permitted for digest in label.digests]
        draft = self._draft(EntryKind.DISCLOSURE, composed, shown, released=released_digest(digests), request=REQUEST)
        index = self.log.append(draft)
        numbers = [number for label in permitted for number in range(label.first, label.first + len(label.digests))]
        submission: Submission = composed.submission
        return Release(
            id=composed.message.id,
            message=submission.message,
            key=submission.key,
            elements={number: submission.elements[number] for number in numbers},
            hashes=hash_list(element_hashes(submission.key, submission.elements)),
            shown=shown[0],
            shown_salt=shown[1],
            entry=self.log.texts[index].decode(),
            index=index,
            tlog_proof=self.log.proof(index),
        )

    def view(self, oin: OIN = RAAD) -> RecipientView:
        """What a recipient knows and believes."""
        private = self.organisations[oin].sealing
        return RecipientView(
            oin=oin,
            hub=HUB,
            log=self.log_key,
            directory=self.directory,
            keys={private.public.kid: private},
            requests={REQUEST},
            definitions=self.policy.definitions,
            catalogue=self.policy.catalogue,
        )

    def _shown(self, kind: EntryKind, composed: Composed, denied: Mapping[str, tuple[str, ...]]) -> tuple[str, bytes]:
        every = [label.text for label in labels(composed.message)]
        record = ShownRecord(
            entry_kind=kind,
            ground=composed.message.recipient.purpose,
            permitted=tuple(text for text in every if text not in denied),
            withheld=tuple(Withheld(label=text, reasons=denied[text]) for text in every if text in denied),
            catalogue=self.policy.catalogue.digest,
        )
        return record.text, self.randomness.bytes(32)

    def _draft(self, kind: EntryKind, composed: Composed, shown: tuple[str, bytes], **members: str) -> EntryDraft:
        message = composed.message
        return EntryDraft(
            kind=kind,
            id=message.id.value,
            as_of=len(self.log.texts),
            catalogue=self.policy.catalogue.digest,
            sender=message.sender,
            recipient=message.recipient.oin,
            purpose=message.recipient.purpose,
            message=token_digest(composed.submission.message),
            shown=commit(salt=shown[1], record=shown[0]),
            **members,  # type: ignore[arg-type]  # digests, by name
        )

    def _state(
        self,
        organisation: Organisation,
        *,
        admission: str | None,
        replaced_by: SigningKey | None,
        revoked: tuple[Thumbprint, ...] = (),
    ) -> None:
        statement = Statement(
            oin=organisation.oin,
            id=self._id(),
            issued_at=self._seconds(),
            signing_key=organisation.signing.public,
            sealing_key=organisation.sealing.public,
            revoked=revoked,
        )
        payload = statement_to_payload(statement)
        token = sign_jws(payload, typ=TokenType.PARTICIPANT, key=organisation.signing)
        replaced = sign_jws(payload, typ=TokenType.PARTICIPANT, key=replaced_by) if replaced_by else None
        self.take_statement(organisation.oin, admission=admission, statement=token, replaced=replaced)

    def take_statement(self, oin: OIN, *, admission: str | None, statement: str | None, replaced: str | None) -> int:
        """Log a participant's documents; return the entry's index."""
        index = self.log.append(
            EntryDraft(
                kind=EntryKind.PARTICIPANT,
                id=oin.value,
                oin=oin,
                statement=token_digest(statement) if statement else None,
                admission=token_digest(admission) if admission else None,
                pad=hashlib.sha256((statement or admission or "").encode()).digest()[:16],
            )
        )
        self.records.append(
            Documents(index=index, oin=oin, admission=admission, statement=statement, replaced=replaced)
        )
        return index

    def _id(self) -> MessageId:
        return new_message_id(at=self.clock.now(), randomness=self.randomness)

    def _seconds(self) -> int:
        self.clock.advance(seconds=1)
        return int(self.clock.now().timestamp())
