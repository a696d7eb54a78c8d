"""Log entries: what a leaf of the log says, as one canonical JSON object of strings and integers.

    {"as_of":41,"catalogue":"q0…","id":"0194…","kept_0":"Zm…","kind":"SUBMISSION","message":"9c…","participants":3,
     "purpose":"VTO","recipient":"00000099000000002000","sender":"00000099000000001000","shown":"Kd…",
     "time":1795432568123}

A member that has nothing to say is absent; there is no null. An entry is everywhere its exact text: its leaf hash is
over these bytes, so whoever keeps it keeps the string, not a parsed form. It holds no label, no value and no pseudonym:
what was shown and kept stands in records that it *commits* to (`audit.records`).

No leaf hash can be guessed: an entry has a commitment, whose salt is secret, or else a random `pad`.

The order of work: a use case makes an `EntryDraft`; under the tree lock `finalise_entry` adds what only the place in
the log tells (time, newest participant, commitments of the records that count their predecessors) and gives the bytes.

Source: the architecture, section 6.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from typing import Final

from schemas.canonical import INTEGER_MAX, b64url, b64url_decode, canonical_json, parse_canonical
from schemas.claims import MOMENT_MAX
from schemas.codes import EntryKind
from schemas.document import JSONValue
from schemas.errors import DocumentError, Issue
from schemas.identifiers import OIN

ENTRY_BYTES_MAX: Final = 4096
KEPT_MAX: Final = 16
"""Data subjects of one message, and so kept records of one entry."""
PAD_BYTES: Final = 16

GROUNDS: Final = "grounds"
DEFINITIONS: Final = "definitions"
BOARD: Final = "board"
NAMED: Final = frozenset({GROUNDS, DEFINITIONS, BOARD})
"""Ids of CATALOGUE entries that are names: a document that decides came into force, or a board was appointed. Any other
is the id of a step of the board."""

_INVALID: Final = "hub.entry.invalid"
_DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
_PAD: Final = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]")
_ID: Final = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_CODE: Final = re.compile(r"[A-Z][A-Z0-9-]{1,31}")
_VERSION: Final = re.compile(r"[!-~]{1,64}")
_OIN: Final = re.compile(r"[0-9]{20}")
_ORIGIN: Final = re.compile(r"[!-~]{1,255}")

_TEXTS: Final = {
    "id": _ID,
    "sender": _OIN,
    "recipient": _OIN,
    "oin": _OIN,
    "purpose": _CODE,
    "catalogue": _DIGEST,
    "message": _DIGEST,
    "released": _DIGEST,
    "request": _DIGEST,
    "shown": _DIGEST,
    "statement": _DIGEST,
    "admission": _DIGEST,
    "fingerprint": _DIGEST,
    "signed": _DIGEST,
    "version": _VERSION,
    "predecessor": _ORIGIN,
    "root": _DIGEST,
    "pad": _PAD,
    **{f"kept_{n}": _DIGEST for n in range(KEPT_MAX)},
}
_TIME_MAX: Final = MOMENT_MAX * 1000
_INTEGERS: Final = frozenset({"time", "participants", "as_of", "epoch", "provable", "published"})

_KEPT: Final = tuple(f"kept_{n}" for n in range(KEPT_MAX))
_EVERY: Final = frozenset({"kind", "id", "time", "participants", "as_of", "catalogue", "pad"})
_EXCHANGE: Final = _EVERY | {"sender", "recipient", "purpose", "message", "released", "request", "shown", *_KEPT}
_STATED: Final = _EVERY | {"sender", "request", *_KEPT}
"""Of what a participant states about persons, or asks about them: no recipient, purpose or message."""
_ALLOWED: Final = {
    EntryKind.CONSENT: _STATED,
    EntryKind.MEASURE: _STATED,
    EntryKind.LINK: _STATED,
    EntryKind.ACCESS: _STATED - {"request"},
    EntryKind.REVIEW: _EVERY | {"sender", "request"},
    EntryKind.PARTICIPANT: _EVERY | {"oin", "statement", "admission"},
    EntryKind.CHAIN: _EVERY | {"epoch", "fingerprint", "signed"},
    EntryKind.CATALOGUE: _EVERY | {"version", "request"},
    EntryKind.STOP: _EVERY | {"sender", "purpose", "message"},
    EntryKind.RESUMPTION: _EVERY | {"request"},
    EntryKind.CONTINUATION: _EVERY | {"predecessor", "root", "provable", "published"},
}
_ALWAYS: Final = frozenset({"kind", "id", "time"})
_REQUIRED: Final = {
    EntryKind.PARTICIPANT: _ALWAYS | {"oin"},
    EntryKind.CHAIN: _ALWAYS | {"epoch", "fingerprint", "signed"},
    EntryKind.CATALOGUE: _ALWAYS | {"catalogue", "version"},
    EntryKind.SUBMISSION: _ALWAYS | {"sender", "recipient", "purpose", "catalogue", "as_of", "message", "shown"},
    EntryKind.REFUSAL: _ALWAYS | {"sender", "message"},
    EntryKind.DISCLOSURE: _ALWAYS
    | {"sender", "recipient", "purpose", "catalogue", "as_of", "message", "shown", "released", "request"},
    EntryKind.RECEIPT: _ALWAYS | {"sender", "recipient", "message", "request"},
    EntryKind.EXPIRY: _ALWAYS | {"sender", "recipient", "message"},
    EntryKind.RECALL: _ALWAYS | {"sender", "recipient", "message", "request"},
    EntryKind.CONSENT: _ALWAYS | {"sender", "request", "kept_0"},
    EntryKind.MEASURE: _ALWAYS | {"sender", "request", "kept_0"},
    EntryKind.LINK: _ALWAYS | {"sender", "request", "kept_0", "kept_1"},
    EntryKind.ACCESS: _ALWAYS | {"sender", "kept_0"},
    EntryKind.REVIEW: _ALWAYS | {"sender", "request"},
    EntryKind.STOP: _ALWAYS | {"sender", "message"},
    EntryKind.RESUMPTION: _ALWAYS | {"request"},
    EntryKind.CONTINUATION: _ALWAYS | {"predecessor", "root", "provable", "published"},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryDraft:
    """What an entry says before it has its place in the log.

    Every digest is SHA-256 in base64url, 43 characters. None means that the member will be absent.

    Attributes:
        kind: What happened.
        id: Identifier of the thing it is about: a message's `jti`, that of a signed record or request, or one drawn for
            the entry.
        as_of: Log size at which the inputs of the decision were read.
        catalogue: Digest of the ground catalogue that decided; for CATALOGUE the one that comes into force.
        pad: 16 random bytes, where there is neither `shown` nor a kept record.
        sender: Who sent the message (of STOP: the canary); who signed the record (CONSENT, MEASURE, LINK, REVIEW) or
            searched (ACCESS).
        recipient: For whom it is.
        purpose: Code of the ground that the message names.
        message: Digest of the message's JWS in ASCII.
        released: `released_digest` of what was handed out.
        request: Digest of the signed request that this entry answers; for CATALOGUE of what the registrar or a member
            of the board signed, and of the proposal where a catalogue comes into force; for RESUMPTION of the record of
            the operator's reason.
        shown: Commitment to the record that both parties get.
        oin: PARTICIPANT: whose statement or admission it is.
        statement: PARTICIPANT: digest of the statement's JWS.
        admission: PARTICIPANT: digest of the admission's JWS.
        epoch: CHAIN: number of the chain-key epoch.
        fingerprint: CHAIN: fingerprint of the epoch's key.
        signed: CHAIN: digest of the registrar's JWS.
        version: CATALOGUE: its version.
        predecessor: CONTINUATION: origin of the log that this one continues.
        root: CONTINUATION: root hash of the predecessor's last provable checkpoint.
        provable: CONTINUATION: size of that checkpoint.
        published: CONTINUATION: the largest size that the predecessor is known to have had; what lies between the two
            is lost.
    """

    kind: EntryKind
    id: str
    as_of: int | None = None
    catalogue: str | None = None
    pad: bytes | None = None
    sender: OIN | None = None
    recipient: OIN | None = None
    purpose: str | None = None
    message: str | None = None
    released: str | None = None
    request: str | None = None
    shown: str | None = None
    oin: OIN | None = None
    statement: str | None = None
    admission: str | None = None
    epoch: int | None = None
    fingerprint: str | None = None
    signed: str | None = None
    version: str | None = None
    predecessor: str | None = None
    root: str | None = None
    provable: int | None = None
    published: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry(EntryDraft):
    """An entry as it stands in the log.

    Attributes:
        text: Its exact bytes: what the leaf hash is over.
        time: Milliseconds since the epoch; never before that of the entry before it.
        participants: Index of the newest PARTICIPANT entry before this one; None if there is none.
        kept: Commitments to the record of each data subject.
    """

    text: bytes
    time: int
    participants: int | None
    kept: tuple[str, ...]


_CONVERT: Final[dict[str, Callable[[str], object]]] = {
    "kind": EntryKind,
    "sender": OIN,
    "recipient": OIN,
    "oin": OIN,
    "pad": b64url_decode,
}
_KINDS: Final = {kind.value: kind for kind in EntryKind}
_DRAFT_MEMBERS: Final = tuple(field.name for field in fields(EntryDraft))


def finalise_entry(
    draft: EntryDraft, *, index: int, time: int, newest_participant: int | None, kept: Sequence[str] = ()
) -> Entry:
    """Give an entry its place: add what only the place in the log tells, and write its bytes.

    Args:
        draft: What it says.
        index: Where it will stand, from 0.
        time: Milliseconds since the epoch; the caller takes the later of now and the time of the entry before.
        newest_participant: Index of the newest PARTICIPANT entry before `index`; None if there is none.
        kept: The commitment to each data subject's record, whose `nth` and `previous` are now known.

    Raises:
        DocumentError: The entry is larger than 4 KiB or does not have the members of its kind. Our own mistake, but one
            that must not poison the log: whoever asked is refused.
        ValueError: `as_of` or `newest_participant` does not lie before the entry.

    Source: the architecture, section 6.
    """
    if (draft.as_of or 0) > index or (newest_participant is not None and newest_participant >= index):
        raise ValueError(f"what entry {index} refers to does not lie before it")
    values = {name: getattr(draft, name) for name in _DRAFT_MEMBERS}
    members: dict[str, JSONValue] = {name: _plain(value) for name, value in values.items() if value is not None}
    members["time"] = time
    if newest_participant is not None:
        members["participants"] = newest_participant
    for number, commitment in enumerate(kept):
        members[f"kept_{number}"] = commitment
    text = canonical_json(members)
    _check(text, members)
    # Made of the draft's own values: reading them back from the text would take a third of the time of an append.
    return Entry(text=text, time=time, participants=newest_participant, kept=tuple(kept), **values)


def parse_entry(text: bytes) -> Entry:
    """Read an entry strictly.

    Nothing is checked about its place in the log: `audit.verify` and the proofs do that.

    Args:
        text: The entry's exact bytes.

    Raises:
        DocumentError: Larger than 4 KiB, not canonical JSON, or not the members that its kind has; all are listed.
    """
    members = parse_canonical(text)
    if not isinstance(members, dict):
        raise DocumentError("an entry is an object", code=_INVALID)
    return _read(text, members)


def _plain(value: EntryKind | OIN | bytes | str | int) -> JSONValue:
    if isinstance(value, OIN):
        return value.value
    if isinstance(value, bytes):
        return b64url(value)
    return value


def _findings(members: dict[str, JSONValue], kind: EntryKind) -> list[Issue]:
    issues = [_issue(f"/{name}", "is missing") for name in sorted(_REQUIRED.get(kind, _ALWAYS) - members.keys())]
    allowed = _ALLOWED.get(kind, _EXCHANGE)
    for name, value in members.items():
        if name not in allowed:
            issues.append(_issue("", "a member that this kind does not have"))
        elif name in _INTEGERS:
            if type(value) is not int or not 0 <= value <= (_TIME_MAX if name == "time" else INTEGER_MAX):
                issues.append(_issue(f"/{name}", "not an index, number or time"))
        elif name != "kind" and not (isinstance(value, str) and _TEXTS[name].fullmatch(value)):
            issues.append(_issue(f"/{name}", "not of the form that this member has"))
    kept = sum(name.startswith("kept_") for name in members)
    if any(name not in members for name in _KEPT[:kept]):
        issues.append(_issue("", "the kept records are numbered from 0 without gaps"))
    if ("pad" in members) == (kept > 0 or "shown" in members):
        issues.append(_issue("/pad", "an entry has a commitment or else a pad"))
    if kind is EntryKind.PARTICIPANT and not members.keys() & {"statement", "admission"}:
        issues.append(_issue("", "a PARTICIPANT entry has a statement, an admission or both"))
    return issues


def _read(text: bytes, members: dict[str, JSONValue]) -> Entry:
    """Check the members of an entry by its kind, and make the value."""
    _check(text, members)
    values = {name: _CONVERT[name](str(value)) if name in _CONVERT else value for name, value in members.items()}
    kept = tuple(str(values.pop(name)) for name in _KEPT if name in values)
    values.setdefault("participants", None)
    return Entry(text=text, kept=kept, **values)  # type: ignore[arg-type]  # each member's form was checked by name


def _check(text: bytes, members: dict[str, JSONValue]) -> None:
    """Check the members of an entry by its kind.

    Raises:
        DocumentError: They are not those of an entry; all findings are listed.
    """
    if len(text) > ENTRY_BYTES_MAX:
        raise DocumentError(f"an entry has at most {ENTRY_BYTES_MAX} bytes", code="hub.entry.too-large")
    name = members.get("kind")
    kind = _KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise DocumentError("no known kind of entry", issues=[_issue("/kind", "not a known kind")])
    issues = _findings(members, kind)
    if issues:
        raise DocumentError(f"the entry is no {kind} entry", issues=issues)


def _issue(pointer: str, text: str) -> Issue:
    return Issue(pointer=pointer, code=_INVALID, text=text)
