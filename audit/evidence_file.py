"""Evidence files: one message with everything that an outsider needs to check it, as one JSON object.

    sd_jwt            the sender's signed message with the disclosures that the recipient got
    sender_jwk        the sender's signing key            ┐ for finding, not for trusting:
    sender_statement  in which the sender states it       │ each must be what the log and
    admission         of the sender by the registrar      │ the policy say
    log_vkey          the log's key                       ┘
    entry             exact text of the log's entry about this disclosure
    tlog_proof        that it is in the log
    shown             exact text of the record that both parties got; the entry commits to it
    shown_salt        its salt, base64url
    withheld          what was not disclosed: [{"label", "reasons"}]
    participants      PARTICIPANT entries from the one that the entry names back to the first of the log, newest
                      first: [{"entry", "tlog_proof"}], the sender's own with the "admission", "statement" and
                      "replaced" tokens that they commit to
    submission        {"entry", "tlog_proof"} of the acceptance, where the sender changed its key after it; else absent

What was disclosed can be dropped (`redact_evidence`): the rest stays as provable as before. Checking is
`audit.evidence`; nothing here is verified.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from audit.entries import Entry, parse_entry
from audit.errors import refused
from audit.records import Withheld, parse_withheld
from schemas.canonical import canonical_json, parse_json
from schemas.claims import ClaimsReader
from schemas.document import JSONValue
from schemas.identifiers import OIN
from schemas.sdjwt import parse_sd_jwt, present

EVIDENCE_BYTES_MAX: Final = 64 * 1024 * 1024
PARTICIPANTS_MAX: Final = 20_000
INVALID: Final = "hub.evidence.form"

_TEXTS: Final = frozenset(
    {"sd_jwt", "sender_statement", "admission", "log_vkey", "entry", "shown", "shown_salt", "tlog_proof"}
)
_MEMBERS: Final = _TEXTS | {"sender_jwk", "withheld", "participants"}
_TEXT: Final = re.compile(r"(?s).+")


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedEntry:
    """An entry's exact text and the proof that it is in the log."""

    entry: str
    tlog_proof: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ParticipantLink(LoggedEntry):
    """A PARTICIPANT entry, and for the sender's own the tokens that it commits to.

    Attributes:
        admission: Token of the registrar.
        statement: Token of the participant.
        replaced: Token with the statement's payload, signed by the key that it replaces.
    """

    admission: str | None = None
    statement: str | None = None
    replaced: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What an evidence file says; nothing of it is verified. The attributes are those of the module's list."""

    sd_jwt: str = field(repr=False)
    sender_jwk: Mapping[str, JSONValue]
    sender_statement: str = field(repr=False)
    admission: str = field(repr=False)
    log_vkey: str
    entry: str
    tlog_proof: str = field(repr=False)
    shown: str
    shown_salt: str
    withheld: tuple[Withheld, ...]
    participants: tuple[ParticipantLink, ...] = field(repr=False)
    submission: LoggedEntry | None = None

    def to_bytes(self) -> bytes:
        """Write the file's bytes: canonical JSON."""
        members: dict[str, JSONValue] = {
            "sd_jwt": self.sd_jwt,
            "sender_jwk": dict(self.sender_jwk),
            "sender_statement": self.sender_statement,
            "admission": self.admission,
            "log_vkey": self.log_vkey,
            "entry": self.entry,
            "tlog_proof": self.tlog_proof,
            "shown": self.shown,
            "shown_salt": self.shown_salt,
            "withheld": [{"label": item.label, "reasons": list(item.reasons)} for item in self.withheld],
            "participants": [_link_members(link) for link in self.participants],
        }
        if self.submission is not None:
            members["submission"] = {"entry": self.submission.entry, "tlog_proof": self.submission.tlog_proof}
        return canonical_json(members)


def parse_evidence(data: bytes) -> Evidence:
    """Read an evidence file; nothing of it is verified.

    Args:
        data: JSON, possibly laid out for people.

    Raises:
        DocumentError: It does not have the form of evidence.
    """
    if len(data) > EVIDENCE_BYTES_MAX:
        raise refused(INVALID, f"evidence has at most {EVIDENCE_BYTES_MAX} bytes")
    reader = ClaimsReader(parse_json(data), code=INVALID, members=_MEMBERS, optional={"submission"})
    sender_jwk, withheld = reader.raw("sender_jwk"), reader.raw("withheld")
    links = [
        ParticipantLink(
            entry=link.text("entry", _TEXT),
            tlog_proof=link.text("tlog_proof", _TEXT),
            admission=_optional_text(link, "admission"),
            statement=_optional_text(link, "statement"),
            replaced=_optional_text(link, "replaced"),
        )
        for link in reader.objects(
            "participants",
            members={"entry", "tlog_proof"},
            optional={"admission", "statement", "replaced"},
            at_most=PARTICIPANTS_MAX,
        )
    ]
    if not isinstance(sender_jwk, dict):
        reader.wrong("sender_jwk", "a public JWK is needed here")
        sender_jwk = {}
    if not isinstance(withheld, list):
        reader.wrong("withheld", "an array is needed here")
        withheld = []
    evidence = Evidence(
        sd_jwt=reader.text("sd_jwt", _TEXT),
        sender_jwk=sender_jwk,
        sender_statement=reader.text("sender_statement", _TEXT),
        admission=reader.text("admission", _TEXT),
        log_vkey=reader.text("log_vkey", _TEXT),
        entry=reader.text("entry", _TEXT),
        tlog_proof=reader.text("tlog_proof", _TEXT),
        shown=reader.text("shown", _TEXT),
        shown_salt=reader.text("shown_salt", _TEXT),
        withheld=parse_withheld(withheld, code=INVALID),
        participants=tuple(links),
        submission=_submission(reader) if "submission" in reader else None,
    )
    reader.finish("the evidence does not have its form")
    return evidence


def redact_evidence(evidence: Evidence) -> Evidence:
    """Drop every disclosure: the sender's signature, the entry and its proof still verify, and no value is left.

    Labels, reasons and what a message has in clear stay.

    Raises:
        DocumentError: Its `sd_jwt` is none.
    """
    return replace(evidence, sd_jwt=present(parse_sd_jwt(evidence.sd_jwt).token, ()))


def participant_links(*, newest: int, sender: OIN, known: Mapping[int, ParticipantLink]) -> tuple[ParticipantLink, ...]:
    """Choose the links that belong into evidence: back to the first PARTICIPANT entry of the log.

    Fewer would not do. An admission is there for everybody to read: logged once more, beside a fresh statement by the
    key that it names, it looks like a beginning, though that key was replaced or revoked since. Only what came before
    tells.

    Args:
        newest: Index of the PARTICIPANT entry that the evidence's entry names.
        sender: Who signed the message.
        known: Every PARTICIPANT entry by its index, as the connector's directory has it, tokens included.

    Returns:
        The links, newest first; the tokens of others left out.

    Raises:
        KeyError: An entry of the chain is not known: ask the hub for more.
        DocumentError: An entry has not its form.
    """
    links: list[ParticipantLink] = []
    index: int | None = newest
    while index is not None:
        link = known[index]
        entry: Entry = parse_entry(link.entry.encode())
        own = entry.oin == sender
        links.append(link if own else replace(link, admission=None, statement=None, replaced=None))
        index = entry.participants
    return tuple(links)


def _link_members(link: ParticipantLink) -> dict[str, JSONValue]:
    tokens = {"admission": link.admission, "statement": link.statement, "replaced": link.replaced}
    present_tokens: dict[str, JSONValue] = {name: token for name, token in tokens.items() if token is not None}
    return {"entry": link.entry, "tlog_proof": link.tlog_proof, **present_tokens}


def _optional_text(reader: ClaimsReader, name: str) -> str | None:
    return reader.text(name, _TEXT) if name in reader else None


def _submission(reader: ClaimsReader) -> LoggedEntry:
    logged = ClaimsReader(
        reader.raw("submission"),
        code=INVALID,
        members={"entry", "tlog_proof"},
        pointer="/submission",
        issues=reader.issues,
    )
    return LoggedEntry(entry=logged.text("entry", _TEXT), tlog_proof=logged.text("tlog_proof", _TEXT))
