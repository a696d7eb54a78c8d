"""Check one message's evidence, without trusting the hub or whoever hands it over.

1. place        the entry is in a log of the policy, under a checkpoint that the policy accepts
2. acceptance   where there is one beside it: the same message, earlier in the same log; else the entry is the place
3. sender       the chain of PARTICIPANT entries from that place back to the first of the log: a registrar of the policy
                admitted the sender, every key was vouched for by the one before it, and which one was valid at the
                place; an old admission, or a key that was revoked, does not come back
4. signature    that key signed the message, and the entry is about this message
5. shown        the record is the one the entry commits to; permitted and withheld together are the message's labels
6. released     what the entry says was released is what was permitted; every disclosure belongs to it

Without a policy the log's key is taken from the evidence itself and the registrar's signature cannot be checked: then
it is only shown that nothing contradicts itself, and the result is *unanchored*.

What does not hold is raised with its step's error; what holds is returned as a report. No error repeats a value.

Source: the architecture, sections 3, 4 and 6.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from audit.checkpoint import Checkpoint
from audit.entries import Entry, parse_entry
from audit.evidence_file import Evidence, ParticipantLink
from audit.note import parse_vkey
from audit.policy import Policy
from audit.proof_file import parse_proof_file
from audit.records import ShownRecord, Withheld, parse_shown, released_digest, token_digest, verify_commitment
from schemas.admissions import Admission, parse_admission, verify_statement
from schemas.canonical import b64url_decode
from schemas.codes import EntryKind, TokenType
from schemas.document import JSONValue
from schemas.errors import EvidenceError, SignatureError
from schemas.identifiers import OIN
from schemas.jwk import VerificationKey
from schemas.jws import parse_jws, verify_parsed_jws
from schemas.message import Label, Message, labels, parse_message
from schemas.participants import Participant, next_participant
from schemas.sdjwt import SDJWT, parse_disclosure, parse_sd_jwt

CLOCK_SECONDS_MAX: Final = 120
"""How far ahead of the hub's clock a sender's may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceReport:
    """What holds.

    Attributes:
        anchored: Whether a policy said whose signatures count.
        message: The message's claims.
        sender: Who sent it, as the registrar admitted it.
        key: The key that signed it.
        entry: The entry about it.
        index: The entry's place.
        checkpoint: The tree head that proves it.
        cosigned_by: Names of the policy's witnesses that cosigned it.
        disclosed: Labels of which every value stands in the evidence.
        redacted: Permitted labels of which values were dropped from it.
        withheld: What was not disclosed, with reasons.
        marks: What the decision asked to be looked at.
    """

    anchored: bool
    message: Message
    sender: Admission
    key: VerificationKey
    entry: Entry
    index: int
    checkpoint: Checkpoint
    cosigned_by: tuple[str, ...]
    disclosed: tuple[str, ...]
    redacted: tuple[str, ...]
    withheld: tuple[Withheld, ...]
    marks: tuple[str, ...]

    def as_json(self) -> dict[str, JSONValue]:
        """Return the report for machines."""
        return {
            "result": "ok" if self.anchored else "unanchored",
            "message": self.message.id.value,
            "type": self.message.type,
            "sender": {"oin": self.sender.oin.value, "name": self.sender.name, "role": self.sender.role.value},
            "key": self.key.thumbprint.value,
            "recipient": self.message.recipient.oin.value,
            "purpose": self.message.recipient.purpose,
            "kind": self.entry.kind.value,
            "origin": self.checkpoint.origin,
            "index": self.index,
            "size": self.checkpoint.size,
            "time": self._time,
            "cosigned_by": list(self.cosigned_by),
            "disclosed": list(self.disclosed),
            "redacted": list(self.redacted),
            "withheld": [{"label": item.label, "reasons": list(item.reasons)} for item in self.withheld],
            "marks": list(self.marks),
        }

    def lines(self) -> Iterator[tuple[str, str]]:
        """Return the report for people, a name and a value for each line."""
        yield "message", f"{self.message.id.value}, {self.message.type}"
        yield "sender", f"{self.sender.name} ({self.sender.role.value}), OIN {self.sender.oin.value}"
        yield "signed by", self.key.thumbprint.value
        yield "recipient", f"OIN {self.message.recipient.oin.value}, purpose {self.message.recipient.purpose}"
        yield "logged", f"{self.entry.kind.value} at index {self.index} of {self.checkpoint.origin}, {self._time}"
        yield "proven in", f"a tree of {self.checkpoint.size} entries"
        for name in self.cosigned_by:
            yield "cosigned", name
        yield "disclosed", f"{len(self.disclosed)} labels"
        if self.redacted:
            yield "redacted", f"{len(self.redacted)} labels were permitted, their values are not in this file"
        for item in self.withheld:
            yield "withheld", f"{item.label}: {', '.join(item.reasons)}"
        for mark in self.marks:
            yield "marked", mark

    @property
    def _time(self) -> str:
        return datetime.fromtimestamp(self.entry.time / 1000, UTC).isoformat(timespec="milliseconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Placed:
    """An entry that is in a log that the policy accepts."""

    entry: Entry
    index: int
    checkpoint: Checkpoint
    vkey: str
    cosigned_by: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sender:
    """Who the sender was at the place, and with which key."""

    admission: Admission
    admission_token: str
    statement_token: str
    key: VerificationKey


@dataclass(frozen=True, slots=True, kw_only=True)
class _Documents:
    """The sender's tokens of one PARTICIPANT entry, as `schemas.participants` reads them."""

    index: int
    oin: OIN
    admission: str | None
    statement: str | None
    replaced: str | None


def check_evidence(evidence: Evidence, *, policy: Policy | None) -> EvidenceReport:
    """Check one message's evidence.

    Args:
        evidence: From `parse_evidence`.
        policy: Whose signatures count; None gives an unanchored report.

    Returns:
        What holds.

    Raises:
        DocumentError: A part of it does not have its form.
        SignatureError: A signature is missing, false, or by a key that does not count.
        EvidenceError: Its parts contradict each other, or an entry is not in the log.
    """
    trusted = policy if policy is not None else Policy.unanchored(parse_vkey(evidence.log_vkey))
    # 1. place
    placed = _place(evidence.entry, evidence.tlog_proof, trusted)
    _hold(placed.entry.kind in _KINDS, "the entry is not about a message that was accepted or disclosed")
    _hold(evidence.log_vkey == placed.vkey, "`log_vkey` is not the key of the log that signed")
    # 2. acceptance
    acceptance = _acceptance(evidence, placed, trusted)
    # 3. sender
    sender = _sender_at(acceptance, evidence.participants, trusted)
    _hold(evidence.sender_statement == sender.statement_token, "`sender_statement` is not the one that was in force")
    _hold(evidence.admission == sender.admission_token, "`admission` is not the one that was in force")
    _hold(dict(evidence.sender_jwk) == sender.key.to_jwk(), "`sender_jwk` is not the key that was in force")
    # 4. signature
    sd_jwt = parse_sd_jwt(evidence.sd_jwt)
    _hold(sd_jwt.key_binding is None, "a message has no key binding")
    message = _message(sd_jwt.token, placed.entry, sender)
    _hold(
        message.issued_at <= acceptance.entry.time // 1000 + CLOCK_SECONDS_MAX,
        "the message is dated after the log says it came",
    )
    # 5. shown
    shown, permitted = _shown(evidence, placed.entry, message)
    # 6. released
    disclosed = _disclosed(sd_jwt, permitted, placed.entry)
    return EvidenceReport(
        anchored=trusted.anchored,
        message=message,
        sender=sender.admission,
        key=sender.key,
        entry=placed.entry,
        index=placed.index,
        checkpoint=placed.checkpoint,
        cosigned_by=placed.cosigned_by,
        disclosed=tuple(label.text for label in permitted if disclosed.issuperset(label.digests)),
        redacted=tuple(label.text for label in permitted if not disclosed.issuperset(label.digests)),
        withheld=shown.withheld,
        marks=shown.marks,
    )


_KINDS: Final = frozenset({EntryKind.SUBMISSION, EntryKind.DISCLOSURE})


def _place(entry: str, tlog_proof: str, policy: Policy) -> _Placed:
    proof = parse_proof_file(tlog_proof.encode())
    verified = policy.verify(proof.note)
    text = entry.encode()
    proof.verify_entry(text)
    return _Placed(
        entry=parse_entry(text),
        index=proof.index,
        checkpoint=verified.checkpoint,
        vkey=verified.log.vkey,
        cosigned_by=tuple(signature.key.name for signature in verified.cosignatures),
    )


def _acceptance(evidence: Evidence, placed: _Placed, policy: Policy) -> _Placed:
    """Return the place at which the sender's key had to be valid."""
    if evidence.submission is None:
        return placed
    acceptance = _place(evidence.submission.entry, evidence.submission.tlog_proof, policy)
    before, after = acceptance.entry, placed.entry
    _hold(before.kind is EntryKind.SUBMISSION, "`submission` is no acceptance")
    _hold(
        acceptance.vkey == placed.vkey and acceptance.index < placed.index and before.time <= after.time,
        "`submission` does not lie before the entry in the same log",
    )
    _hold(
        (before.message, before.sender, before.recipient) == (after.message, after.sender, after.recipient),
        "`submission` is about another message",
    )
    return acceptance


def _sender_at(place: _Placed, links: Sequence[ParticipantLink], policy: Policy) -> _Sender:
    """Walk the PARTICIPANT entries from a place back to the first, and say who the sender was there."""
    documents: list[_Documents] = []
    expected = place.entry.participants
    for link in links:
        found = _place(link.entry, link.tlog_proof, policy)
        entry = found.entry
        _hold(
            found.vkey == place.vkey and found.index == expected and entry.kind is EntryKind.PARTICIPANT,
            "the chain of PARTICIPANT entries has a gap",
        )
        own = entry.oin == place.entry.sender
        said = (_digest(link.admission), _digest(link.statement))
        _hold(
            said == ((entry.admission, entry.statement) if own else (None, None)),
            "the tokens beside a PARTICIPANT entry are not those that it commits to",
        )
        _hold(own or link.replaced is None, "a token stands beside another participant's entry")
        if own:
            assert entry.oin is not None  # a PARTICIPANT entry has one
            documents.append(
                _Documents(
                    index=found.index,
                    oin=entry.oin,
                    admission=link.admission,
                    statement=link.statement,
                    replaced=link.replaced,
                )
            )
        expected = entry.participants
    _hold(expected is None, "the chain of PARTICIPANT entries does not reach the beginning of the log")
    documents.reverse()
    return _anchored_sender(documents, place, policy) if policy.anchored else _unanchored_sender(documents)


def _anchored_sender(documents: Sequence[_Documents], place: _Placed, policy: Policy) -> _Sender:
    """Let each of the sender's tokens follow from the one before it, the first from a registrar of the policy."""
    participant: Participant | None = None
    for record in documents:
        participant = next_participant(participant, record, registrar=_registrar(record, policy))
    key = participant.verification_key if participant else None
    if participant is None or participant.statement_token is None or key is None:
        raise EvidenceError("no statement of the sender stands in the chain of PARTICIPANT entries")
    at = datetime.fromtimestamp(place.entry.time / 1000, UTC)
    _hold(participant.in_force(at), "the sender was not admitted at that time")
    return _Sender(
        admission=participant.admission,
        admission_token=participant.admission_token,
        statement_token=participant.statement_token,
        key=key,
    )


def _registrar(record: _Documents, policy: Policy) -> VerificationKey:
    """Find the registrar that an admission names; where there is no admission, no signature of one is asked for."""
    if record.admission is None:
        found = next(iter(policy.registrars.values()), None)
    else:
        found = policy.registrars.get(parse_jws(record.admission, typ=TokenType.ADMISSION).kid)
    if found is None:
        raise SignatureError("no registrar of the policy admitted the sender", code="hub.policy.unknown-registrar")
    return found


def _unanchored_sender(documents: Sequence[_Documents]) -> _Sender:
    """Take the newest tokens at their word: without a registrar's key nobody vouches for them."""
    admission = next((record.admission for record in reversed(documents) if record.admission), None)
    statement = next((record.statement for record in reversed(documents) if record.statement), None)
    if admission is None or statement is None:
        raise EvidenceError("no admission and statement of the sender stand in the chain of PARTICIPANT entries")
    return _Sender(
        admission=parse_admission(parse_jws(admission, typ=TokenType.ADMISSION).payload),
        admission_token=admission,
        statement_token=statement,
        key=verify_statement(statement).signing_key,
    )


def _message(token: str, entry: Entry, sender: _Sender) -> Message:
    parsed = parse_jws(token, typ=TokenType.MESSAGE)
    message = parse_message(verify_parsed_jws(parsed, key=sender.key).payload)
    _hold(entry.message == token_digest(token), "the entry is about another message")
    said = (entry.id, entry.sender, entry.recipient, entry.purpose)
    signed = (message.id.value, message.sender, message.recipient.oin, message.recipient.purpose)
    _hold(said == signed, "the entry says another id, sender, recipient or purpose than the message")
    _hold(sender.admission.oin == message.sender, "the message is of another sender than the key")
    return message


def _shown(evidence: Evidence, entry: Entry, message: Message) -> tuple[ShownRecord, tuple[Label, ...]]:
    """Check what was shown; return it with the permitted labels in the message's order."""
    verify_commitment(commitment=entry.shown or "", salt=b64url_decode(evidence.shown_salt), record=evidence.shown)
    shown = parse_shown(evidence.shown)
    _hold(
        (shown.entry_kind, shown.ground, shown.catalogue) == (entry.kind, entry.purpose, entry.catalogue),
        "what was shown and the entry say different things",
    )
    _hold(evidence.withheld == shown.withheld, "`withheld` is not what was shown")
    every = labels(message)
    said = [*shown.permitted, *(item.label for item in shown.withheld)]
    _hold(sorted(said) == sorted(label.text for label in every), "what was shown are not the labels of the message")
    permitted = frozenset(shown.permitted)
    return shown, tuple(label for label in every if label.text in permitted)


def _disclosed(sd_jwt: SDJWT, permitted: Sequence[Label], entry: Entry) -> frozenset[str]:
    """Return the digests of which the disclosure stands in the evidence."""
    digests = [digest for label in permitted for digest in label.digests]
    if entry.kind is EntryKind.DISCLOSURE:
        _hold(entry.released == released_digest(digests), "the entry says that something else was released")
    found = [parse_disclosure(text).digest for text in sd_jwt.disclosures]
    _hold(
        len(set(found)) == len(found) and set(found) <= set(digests),
        "a disclosure does not belong to what was permitted, or stands there twice",
    )
    return frozenset(found)


def _digest(token: str | None) -> str | None:
    return None if token is None else token_digest(token)


def _hold(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as the sentence it is
    """Refuse evidence of which something does not hold."""
    if not holds:
        raise EvidenceError(otherwise)
