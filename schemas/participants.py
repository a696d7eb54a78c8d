"""The directory: who takes part, with which keys, since when; built from the log and from nothing else.

Each `PARTICIPANT` entry of the log brings an admission, a statement or both. `next_participant` says whether such
documents may follow what was there, and `Directory` is what comes out after each of them:

1. An admission is signed by the registrar; a later one replaces an earlier one, never the other way round.
2. The first statement is signed by the key whose thumbprint the admission beside it names.
3. Every further statement is later than the one before it. If it states a new signing key, the key that it replaces
   signs the same payload too.
4. Who lost its key gets a new admission; the statement that comes with it begins as in 2.
5. A revoked key never comes back.
6. Who was admitted as a canary stays one, and nobody becomes one: else what waits for it could be handed out, or what
   must be refused be sent in another's name.

The directory remembers every state with the log index at which it began, so that "was this key in force when that
entry was made" has an answer in twenty years.

    directory = Directory.empty(registrar=registrar_key).extended(records)
    gemeente = directory.participant(OIN("00000099000000001000"))
    then = directory.participant(OIN("00000099000000001000"), at_index=4711)

Source: the architecture, sections 3 and 7 ("Edge rules").
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Protocol, Self

from schemas.admissions import Admission, Statement, verify_admission, verify_statement
from schemas.codes import Capacity, Role, TokenType
from schemas.errors import DocumentError, Issue, SignatureError
from schemas.identifiers import OIN, Thumbprint
from schemas.jwk import VerificationKey
from schemas.jws import parse_jws, verify_parsed_jws
from schemas.sealing import SealingPublicKey


class ParticipantDocuments(Protocol):
    """What a `PARTICIPANT` entry of the log commits to: an admission, a statement or both, and the entry's place."""

    @property
    def index(self) -> int:
        """Log index of the entry."""

    @property
    def oin(self) -> OIN:
        """Whose documents these are."""

    @property
    def admission(self) -> str | None:
        """Token of the registrar."""

    @property
    def statement(self) -> str | None:
        """Token of the participant, signed by the key that it states."""

    @property
    def replaced(self) -> str | None:
        """Token with the statement's payload, signed by the key that it replaces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Participant:
    """A participant as it stands after one entry of the log.

    Attributes:
        admission: The newest admission.
        statement: The newest statement; None between an admission and the first statement.
        revoked: Every key that was ever revoked.
        index: Log index of the newest entry about this participant.
        admission_token: The admission as it was signed, for evidence.
        statement_token: The statement as it was signed, for evidence.
    """

    admission: Admission
    statement: Statement | None
    revoked: frozenset[Thumbprint]
    index: int
    admission_token: str = field(repr=False)
    statement_token: str | None = field(repr=False)

    @property
    def oin(self) -> OIN:
        """The organisation."""
        return self.admission.oin

    @property
    def name(self) -> str:
        """Its name, as people know it."""
        return self.admission.name

    @property
    def role(self) -> Role:
        """What it is in the chain."""
        return self.admission.role

    @property
    def capacities(self) -> frozenset[Capacity]:
        """In which it may act."""
        return self.admission.capacities

    @property
    def canary(self) -> bool:
        """Whether everything it sends must be refused; nothing goes to it either."""
        return self.admission.canary

    @property
    def sealing_key(self) -> SealingPublicKey | None:
        """The newest key to seal for; None before the first statement."""
        return self.statement.sealing_key if self.statement else None

    @property
    def verification_key(self) -> VerificationKey | None:
        """The newest signing key; None before the first statement."""
        return self.statement.signing_key if self.statement else None

    def in_force(self, at: datetime) -> bool:
        """Whether the admission's period holds this moment; a suspended participant's does not."""
        until = self.admission.valid_until
        return self.admission.valid_from <= at.timestamp() and (until is None or at.timestamp() < until)

    def signing_key(self, kid: Thumbprint) -> VerificationKey | None:
        """Return the key of this name if it is the one that signs now; None if it is unknown, replaced or revoked."""
        key = self.verification_key
        return key if key is not None and key.thumbprint == kid else None

    def has_revoked_sealing_key(self, kid: Thumbprint) -> bool:
        """Whether what was sealed for this key must not be handed out any more."""
        return kid in self.revoked


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Every participant, now and at any earlier place in the log. Immutable: `extended` gives a new one.

    Attributes:
        registrar: The pinned key that admits.
        newest: Log index of the newest entry it has read; -1 if none.
    """

    registrar: VerificationKey
    newest: int
    _now: Mapping[OIN, Participant] = field(repr=False)
    _history: Mapping[OIN, tuple[Participant, ...]] = field(repr=False)

    @classmethod
    def empty(cls, *, registrar: VerificationKey) -> Self:
        """Return the directory of an empty log."""
        return cls(registrar=registrar, newest=-1, _now=MappingProxyType({}), _history=MappingProxyType({}))

    def __iter__(self) -> Iterator[Participant]:
        return iter(self._now.values())

    def __len__(self) -> int:
        return len(self._now)

    def participant(self, oin: OIN, *, at_index: int | None = None) -> Participant | None:
        """Return a participant as it stands, or as it stood when a log entry was made.

        Args:
            oin: Whose.
            at_index: Log index of that entry: what counts are the entries before it. None for the newest state.
        """
        if at_index is None:
            return self._now.get(oin)
        states = self._history.get(oin, ())
        place = bisect_left(states, at_index, key=lambda state: state.index)
        return states[place - 1] if place else None

    def history(self, oin: OIN) -> tuple[Participant, ...]:
        """Return every state of a participant, oldest first."""
        return self._history.get(oin, ())

    def extended(self, records: Iterable[ParticipantDocuments]) -> Self:
        """Return the directory after further entries of the log, in their order.

        Raises:
            DocumentError: Documents do not follow from what was there, or are out of order.
            SignatureError: A signature does not hold.
        """
        now, history, newest = dict(self._now), dict(self._history), self.newest
        for record in records:
            if record.index <= newest:
                raise _refused("hub.directory.order", "entries of participants out of order")
            participant = next_participant(now.get(record.oin), record, registrar=self.registrar)
            now[record.oin] = participant
            history[record.oin] = (*history.get(record.oin, ()), participant)
            newest = record.index
        return type(self)(
            registrar=self.registrar,
            newest=newest,
            _now=MappingProxyType(now),
            _history=MappingProxyType(history),
        )


def next_participant(
    before: Participant | None, record: ParticipantDocuments, *, registrar: VerificationKey
) -> Participant:
    """Say what a participant is after further documents, or why these cannot follow.

    1. There is something to read, and it is about this participant.
    2. The admission is the registrar's, later than the one before, and a canary's only if that one was.
    3. The statement is signed by the key that it states, is later than the one before, and states no revoked key.
    4. The key is vouched for: by the admission that came with it, by being the same as before, or by the signature of
       the key that it replaces.

    Args:
        before: The participant as it stands, or None.
        record: New documents and the log index of their entry (for a participant that is about to join: any).
        registrar: The pinned key that admits.

    Raises:
        DocumentError: The documents do not follow.
        SignatureError: A signature does not hold.
    """
    # 1.
    if record.admission is None and record.statement is None:
        raise _refused("sender.participant.empty", "neither an admission nor a statement")
    if record.statement is None and record.replaced is not None:
        raise _refused("sender.statement.replaced", "a replaced key signs a statement, and there is none", "/replaced")
    # 2.
    admission, admission_token = _next_admission(before, record, registrar)
    statement = before.statement if before else None
    statement_token = before.statement_token if before else None
    revoked = before.revoked if before else frozenset()
    if record.statement is not None:
        # 3.
        statement, statement_token = verify_statement(record.statement), record.statement
        _check_statement(before, statement, record.oin)
        # 4.
        _check_vouched(before, statement, record, admission)
        revoked |= frozenset(statement.revoked)
    return Participant(
        admission=admission,
        statement=statement,
        revoked=revoked,
        index=record.index,
        admission_token=admission_token,
        statement_token=statement_token,
    )


def _next_admission(
    before: Participant | None, record: ParticipantDocuments, registrar: VerificationKey
) -> tuple[Admission, str]:
    if record.admission is None:
        if before is None:
            raise _refused("sender.participant.unknown", "nobody joins without an admission", "/admission")
        return before.admission, before.admission_token
    admission = verify_admission(record.admission, registrar=registrar)
    if admission.oin != record.oin:
        raise _refused("sender.admission.oin", "an admission of another participant", "/admission")
    # An old admission, which everybody can read, must not bring back what it said, its first key least of all.
    if before is not None and admission.issued_at <= before.admission.issued_at:
        raise _refused("sender.admission.old", "not later than the admission in force", "/admission")
    if before is not None and admission.canary != before.canary:
        raise _refused("sender.admission.canary", "a canary stays one, and nobody becomes one", "/admission")
    return admission, record.admission


def _check_statement(before: Participant | None, statement: Statement, oin: OIN) -> None:
    if statement.oin != oin:
        raise _refused("sender.statement.oin", "a statement of another participant", "/statement")
    if before is None:
        return
    # The same for an old statement: with it would come back the sealing key of then.
    if before.statement is not None and statement.issued_at <= before.statement.issued_at:
        raise _refused("sender.statement.old", "not later than the statement in force", "/statement")
    if {statement.signing_key.thumbprint, statement.sealing_key.kid} & before.revoked:
        raise _refused("sender.statement.revoked", "a key that was revoked", "/statement")


def _check_vouched(
    before: Participant | None, statement: Statement, record: ParticipantDocuments, admission: Admission
) -> None:
    kid = statement.signing_key.thumbprint
    earlier = before.verification_key if before else None
    if record.replaced is None:
        same = earlier is not None and kid == earlier.thumbprint
        # Only an admission that comes now, or whose statement never came, lets a key begin: not one that was used.
        begins = kid == admission.first_key and (record.admission is not None or earlier is None)
        if not same and not begins:
            raise _refused(
                "sender.statement.key",
                "a new signing key needs the signature of the key it replaces, or an admission that names it",
                "/statement",
            )
        return
    if earlier is None or kid == earlier.thumbprint:
        raise _refused("sender.statement.replaced", "there is no other key that this statement replaces", "/replaced")
    parsed = parse_jws(record.replaced, typ=TokenType.PARTICIPANT)
    verify_parsed_jws(parsed, key=earlier)
    stated = parse_jws(record.statement or "", typ=TokenType.PARTICIPANT)
    if parsed.payload != stated.payload:
        raise SignatureError("the replaced key signed another statement", code="sender.statement.replaced")


def _refused(code: str, text: str, pointer: str = "") -> DocumentError:
    return DocumentError(text, code=code, issues=[Issue(pointer=pointer, code=code, text=text)])
