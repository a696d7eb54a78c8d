"""Trust policy: whose signatures count. A C2SP tlog-policy file with one line more, for registrars.

    log hub.example.nl/log/1+f1d2d2f9+AQ…
    witness W1 witness.example+…
    witness W2 witness.other.example+…
    group both all W1 W2
    quorum both
    registrar {"alg":"EdDSA","crv":"Ed25519","kty":"OKP","x":"…"}

A checkpoint counts if a listed log signed it under its own origin and the quorum of witnesses cosigned it
(`quorum none`: no witness needed). An admission counts if a listed registrar signed it. Nothing that comes along with
evidence adds to this: a policy is what the reader trusts beforehand.

`registrar` is ours: the specification leaves keys for what stands *in* an entry out of its scope. Without those lines
the file is a plain tlog-policy.

Source: c2sp.org/tlog-policy.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self, TypeAlias

from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.note import Note, NoteKey, NoteKeyType, VerifiedSignature, parse_vkey, verify_note
from schemas.canonical import canonical_json, parse_json
from schemas.codes import SignatureAlgorithm
from schemas.errors import DocumentError, Issue, SignatureError
from schemas.identifiers import Thumbprint
from schemas.jwk import VerificationKey

POLICY_BYTES_MAX: Final = 64 * 1024
_INVALID: Final = "hub.policy.invalid"
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_BLANKS: Final = re.compile(r"[ \t]+")
_NONE: Final = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Witnesses and groups of which at least `threshold` must have cosigned."""

    threshold: int
    members: tuple["Quorum", ...]


Quorum: TypeAlias = NoteKey | Group
"""One witness, or a group."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifiedCheckpoint:
    """A checkpoint that the policy accepts.

    Attributes:
        checkpoint: The tree head.
        log: The log's key that signed it.
        cosignatures: Good signatures of witnesses that the policy names.
    """

    checkpoint: Checkpoint
    log: NoteKey
    cosignatures: tuple[VerifiedSignature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Whose signatures count.

    Attributes:
        logs: Keys of logs, named after their origins.
        witnesses: Keys of witnesses.
        quorum: Who must have cosigned; None if nobody must.
        registrars: Keys that may admit participants, by thumbprint.
        anchored: False for a policy that was made of keys which came along with the evidence itself.
    """

    logs: tuple[NoteKey, ...]
    witnesses: tuple[NoteKey, ...] = ()
    quorum: Quorum | None = None
    registrars: Mapping[Thumbprint, VerificationKey] = field(default_factory=dict)
    anchored: bool = True

    @classmethod
    def unanchored(cls, log: NoteKey) -> Self:
        """Make the policy that believes the key which came along: it shows consistency, not truth."""
        return cls(logs=(log,), anchored=False)

    def verify(self, note: Note) -> VerifiedCheckpoint:
        """Check that a note is a checkpoint which this policy accepts.

        Raises:
            DocumentError: The note is no checkpoint.
            SignatureError: No listed log signed it, a known signature is false, or the quorum is not reached.
        """
        checkpoint = parse_checkpoint(note.text)
        logs = [key for key in self.logs if key.name == checkpoint.origin]
        if not logs:
            raise SignatureError(f"no log of the policy is `{checkpoint.origin}`", code="hub.policy.unknown-log")
        verified = verify_note(note, [*logs, *self.witnesses])
        by_logs = [signature.key for signature in verified if signature.key in logs]
        if not by_logs:
            raise SignatureError(f"`{checkpoint.origin}` did not sign its checkpoint", code="hub.policy.unsigned")
        cosignatures = tuple(signature for signature in verified if signature.key not in logs)
        if self.quorum is not None and not _reached(self.quorum, {signature.key for signature in cosignatures}):
            raise SignatureError("too few witnesses of the policy cosigned the checkpoint", code="hub.policy.quorum")
        return VerifiedCheckpoint(checkpoint=checkpoint, log=by_logs[0], cosignatures=cosignatures)


def parse_policy(data: bytes) -> Policy:
    """Read a policy file.

    Args:
        data: Lines as in the module's example; empty lines and lines that start with `#` are ignored.

    Raises:
        DocumentError: It is no policy; every line that is wrong is listed.

    Source: c2sp.org/tlog-policy, policy file syntax and structure.
    """
    if len(data) > POLICY_BYTES_MAX:
        raise DocumentError(f"a policy has at most {POLICY_BYTES_MAX} bytes", code=_INVALID)
    # Names are opaque octets, whatever their encoding.
    text = data.decode("utf-8", "surrogateescape")
    reader = _Reader()
    if _CONTROL.search(text):
        reader.wrong(0, "a control character other than tab and newline")
    for number, line in enumerate(text.split("\n"), start=1):
        words = _BLANKS.split(line.strip(" \t"))
        if words[0] and not words[0].startswith("#"):
            reader.read(number, words)
    if reader.quorums != 1:
        reader.wrong(0, "exactly one line `quorum` is needed")
    if reader.issues:
        raise DocumentError("the policy file is not valid", issues=reader.issues)
    return Policy(
        logs=tuple(reader.logs),
        witnesses=tuple(reader.witnesses),
        quorum=reader.quorum,
        registrars=reader.registrars,
    )


def policy_text(*, logs: tuple[NoteKey, ...], registrars: tuple[VerificationKey, ...]) -> str:
    """Write a policy without witnesses: what a participant pins when it joins.

    Args:
        logs: The logs to accept.
        registrars: The registrars to accept.
    """
    lines = [f"log {key.vkey}" for key in logs]
    lines.extend(f"registrar {canonical_json(key.to_jwk()).decode()}" for key in registrars)
    return "\n".join([*lines, f"quorum {_NONE}", ""])


def _reached(quorum: Quorum, signed: set[NoteKey]) -> bool:
    if isinstance(quorum, NoteKey):
        return quorum in signed
    return sum(_reached(member, signed) for member in quorum.members) >= quorum.threshold


class _Reader:
    """Collects what the lines define, and every line that is wrong."""

    def __init__(self) -> None:
        self.issues: list[Issue] = []
        self.logs: list[NoteKey] = []
        self.witnesses: list[NoteKey] = []
        self.registrars: dict[Thumbprint, VerificationKey] = {}
        self.quorum: Quorum | None = None
        self.quorums = 0
        self._named: dict[str, Quorum] = {}
        self._used: set[str] = set()

    def wrong(self, line: int, text: str) -> None:
        where = f"line {line}: " if line else ""
        self.issues.append(Issue(pointer="", code=_INVALID, text=where + text))

    def read(self, line: int, words: list[str]) -> None:
        keyword, *arguments = words
        lines: dict[str, tuple[Callable[..., None], int, int]] = {
            "log": (self._log, 1, 2),
            "witness": (self._witness, 2, 3),
            "group": (self._group, 3, len(words)),
            "quorum": (self._quorum, 1, 1),
            "registrar": (self._registrar, 1, 1),
        }
        if keyword not in lines:
            self.wrong(line, "not one of `log`, `witness`, `group`, `quorum` and `registrar`")
            return
        take, at_least, at_most = lines[keyword]
        if not at_least <= len(arguments) <= at_most:
            self.wrong(line, f"the wrong number of words after `{keyword}`")
            return
        try:
            take(*arguments)
        except DocumentError as error:
            self.wrong(line, error.public_message)

    def _log(self, vkey: str, _url: str = "") -> None:
        self.logs.append(_key(vkey, NoteKeyType.ED25519, self.logs))

    def _witness(self, name: str, vkey: str, _url: str = "") -> None:
        key = _key(vkey, NoteKeyType.COSIGNATURE_V1, self.witnesses)
        self._define(name, key)
        self.witnesses.append(key)

    def _group(self, name: str, threshold: str, *members: str) -> None:
        found = tuple(self._find(member) for member in members)
        if self._used & set(members) or len(set(members)) != len(members):
            raise _wrong("a name stands in a group already")
        needed = {"all": len(members), "any": 1}.get(threshold, 0)
        if not needed and threshold.isascii() and threshold.isdecimal() and len(threshold) <= 4:
            needed = int(threshold)
        if not 1 <= needed <= len(members):
            raise _wrong("a threshold is `all`, `any` or a number from 1 to the number of members")
        self._define(name, Group(threshold=needed, members=found))
        self._used.update(members)

    def _quorum(self, name: str) -> None:
        self.quorums += 1
        self.quorum = None if name == _NONE else self._find(name)

    def _registrar(self, jwk: str) -> None:
        members = parse_json(jwk.encode("utf-8", "surrogateescape"))
        if not isinstance(members, dict):
            raise _wrong("a registrar's key is a JWK")
        key = VerificationKey.from_jwk(members)
        if key.alg != SignatureAlgorithm.EDDSA or key.thumbprint in self.registrars:
            raise _wrong("a registrar's key is an Ed25519 key that stands here once")
        self.registrars[key.thumbprint] = key

    def _define(self, name: str, quorum: Quorum) -> None:
        if name == _NONE or name in self._named:
            raise _wrong("the name is taken")
        self._named[name] = quorum

    def _find(self, name: str) -> Quorum:
        if name not in self._named:
            raise _wrong("a name that no line before this one defines")
        return self._named[name]


def _key(vkey: str, key_type: NoteKeyType, others: list[NoteKey]) -> NoteKey:
    key = parse_vkey(vkey)
    if key.type is not key_type:
        raise _wrong(f"the key is not of type 0x{key_type:02x}, as this line needs")
    if any(key.public_key == other.public_key for other in others):
        raise _wrong("the same public key stands here twice")
    return key


def _wrong(text: str) -> DocumentError:
    return DocumentError(text, code=_INVALID)
