"""Disclosure records: what an entry commits to without saying it.

    commitment = base64url(SHA-256("ketenhub/record/1" ‖ 0x00 ‖ salt ‖ record)),  salt = 32 random bytes

Two records belong to an entry. `shown` goes to both parties with its salt: which labels were permitted, which were
withheld and why. `kept` stays at the hub, one for each data subject: the pseudonym, the responsible professional, the
consents relied on, and the place in the subject's own chain (`nth`, `previous`), by which an accounting is complete or
visibly not. Each is canonical JSON and travels as its exact text.

When a record is erased with its salt, the commitment in the log says nothing any more, and every proof stays valid.

Source: the architecture, section 6.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from hmac import compare_digest
from typing import Final

from audit.errors import CommitmentError, refused
from schemas.canonical import b64url, canonical_json, parse_canonical
from schemas.codes import EntryKind
from schemas.document import JSONValue
from schemas.identifiers import SubjectTag

SALT_BYTES: Final = 32
RECORD_BYTES_MAX: Final = 1024 * 1024
_DOMAIN: Final = b"ketenhub/record/1\x00"
_SHOWN: Final = "hub.record.shown"
_CODE: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
"""Reasons and marks are codes: what a hub writes there is shown to people, and is no text of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A label that was not disclosed, and every reason why."""

    label: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRecord:
    """What both parties are shown of a decision.

    Attributes:
        entry_kind: Kind of the entry that commits to it.
        ground: Code of the ground.
        permitted: Labels, in the message's order.
        withheld: The other labels, in the message's order.
        catalogue: Digest of the catalogue that decided.
        marks: What a permit asks to be shown and looked at afterwards, such as `unprompted`.
    """

    entry_kind: EntryKind
    ground: str
    permitted: tuple[str, ...]
    withheld: tuple[Withheld, ...]
    catalogue: str
    marks: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The record's exact text, under its commitment."""
        return canonical_json(
            {
                "entry_kind": self.entry_kind,
                "ground": self.ground,
                "permitted": list(self.permitted),
                "withheld": [{"label": item.label, "reasons": list(item.reasons)} for item in self.withheld],
                "catalogue": self.catalogue,
                "marks": list(self.marks),
            }
        ).decode()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRecord:
    """What the hub keeps about one data subject with one entry.

    Attributes:
        tag: The subject in the hub's own tag space.
        responsible: Who answers for the message: `<register>:<number>`.
        relied_on: Consents and measures that the decision relied on.
        trace_id: W3C trace id, 32 hex digits.
        span_id: W3C span id, 16 hex digits.
        nth: The how-manieth record of this subject this is, from 1.
        previous: Index of the entry with the one before; None for the first.
    """

    tag: SubjectTag
    responsible: str
    relied_on: tuple[str, ...]
    trace_id: str
    span_id: str
    nth: int
    previous: int | None

    def __post_init__(self) -> None:
        if self.nth < 1 or (self.previous is None) != (self.nth == 1):
            raise ValueError("the first record of a subject has no predecessor, every other has one")

    @property
    def text(self) -> str:
        """The record's exact text, under its commitment."""
        members: dict[str, JSONValue] = {
            "tag": self.tag.value,
            "responsible": self.responsible,
            "relied_on": list(self.relied_on),
            "trace": {"trace_id": self.trace_id, "span_id": self.span_id},
            "nth": self.nth,
        }
        if self.previous is not None:
            members["previous"] = self.previous
        return canonical_json(members).decode()


def commit(*, salt: bytes, record: str) -> str:
    """Return the commitment to a record, base64url.

    Args:
        salt: 32 random bytes that nobody else knows.
        record: The record's exact text.

    Raises:
        ValueError: The salt has another length. Our own mistake.
    """
    if len(salt) != SALT_BYTES:
        raise ValueError("a salt has 32 bytes")
    return b64url(sha256(_DOMAIN + salt + record.encode()).digest())


def verify_commitment(*, commitment: str, salt: bytes, record: str) -> None:
    """Check that a record is the one that was committed to.

    Raises:
        CommitmentError: It is not.
    """
    if len(salt) != SALT_BYTES or not compare_digest(commit(salt=salt, record=record), commitment):
        raise CommitmentError("the record is not the one that the entry commits to")


def text_digest(text: bytes) -> str:
    """Return the digest of a text as entries and steps about the catalogue name it: SHA-256 of its bytes, base64url."""
    return b64url(sha256(text).digest())


def token_digest(token: str) -> str:
    """Return the digest of a signed token as entries hold it: SHA-256 over its ASCII, base64url.

    Raises:
        DocumentError: The text is not ASCII, and so no token.
    """
    if not token.isascii():
        raise refused("sender.token.form", "a token is ASCII")
    return b64url(sha256(token.encode("ascii")).digest())


def released_digest(digests: Sequence[str]) -> str:
    """Return the digest over what was released: SHA-256 over the disclosures' digests, ascending, base64url.

    Args:
        digests: Digest of each released disclosure as it stands in the message, 43 characters, in any order.
    """
    return b64url(sha256("".join(sorted(digests)).encode("ascii")).digest())


def parse_shown(text: str) -> ShownRecord:
    """Read a shown record strictly; nothing is checked about what it says.

    Raises:
        DocumentError: It does not have the form of a shown record.
    """
    members = _object(text, code=_SHOWN)
    if members.keys() != {"entry_kind", "ground", "permitted", "withheld", "catalogue", "marks"}:
        raise refused(_SHOWN, "not the members of a shown record")
    kind, withheld = _text(members["entry_kind"], code=_SHOWN), members["withheld"]
    if kind not in EntryKind.__members__ or not isinstance(withheld, list):
        raise refused(_SHOWN, "not a known kind, or no list of what was withheld")
    return ShownRecord(
        entry_kind=EntryKind(kind),
        ground=_text(members["ground"], code=_SHOWN),
        permitted=_texts(members["permitted"], code=_SHOWN),
        withheld=parse_withheld(withheld, code=_SHOWN),
        catalogue=_text(members["catalogue"], code=_SHOWN),
        marks=_codes(members["marks"], code=_SHOWN),
    )


def parse_withheld(items: Sequence[JSONValue], *, code: str) -> tuple[Withheld, ...]:
    """Read a list of `{"label": …, "reasons": […]}`, each with at least one reason, which is a code.

    Raises:
        DocumentError: With `code`: an item does not have this form.
    """
    found = []
    for item in items:
        if not isinstance(item, dict) or item.keys() != {"label", "reasons"} or not item["reasons"]:
            raise refused(code, "what was withheld has a label and reasons")
        found.append(Withheld(label=_text(item["label"], code=code), reasons=_codes(item["reasons"], code=code)))
    return tuple(found)


def _object(text: str, *, code: str) -> dict[str, JSONValue]:
    data = text.encode()
    if len(data) > RECORD_BYTES_MAX:
        raise refused(code, f"a record has at most {RECORD_BYTES_MAX} bytes")
    members = parse_canonical(data)
    if not isinstance(members, dict):
        raise refused(code, "a record is an object")
    return members


def _text(value: JSONValue, *, code: str) -> str:
    if not isinstance(value, str) or not value:
        raise refused(code, "a text is needed here")
    return value


def _texts(value: JSONValue, *, code: str) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise refused(code, "a list of texts is needed here")
    return tuple(_text(item, code=code) for item in value)


def _codes(value: JSONValue, *, code: str) -> tuple[str, ...]:
    found = _texts(value, code=code)
    if not all(map(_CODE.fullmatch, found)):
        raise refused(code, "reasons and marks are codes of small letters, digits and hyphens")
    return found
