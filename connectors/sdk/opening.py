"""From a release to verified content: what the recipient's connector checks before it believes anything.

1. proof       the DISCLOSURE entry is in the log, is about this message, and answers a request of ours
2. shown       what is said to be permitted and withheld is what the entry commits to
3. signature   the sender signed these bytes, with a key that was in force when the hub accepted them
4. message     its claims have their form and structure, it is for us and came by a hub of ours
5. cover       what came is exactly what is permitted, and the sealed parts are those that the sender signed
6. open        the key and each element, with its digest
7. values      every value has the form of its element

Whatever does not hold is a reason, with its label where it has one; then nothing is handed over, and the reasons go
back in a receipt. No reason repeats a value. Whether the log that proves it is the log that everybody sees takes an
answer of the hub, and is the caller's to check: see `connectors.agent.directory`.

    match open_release(release, view=view):
        case Opened() as opened: ...
        case Unopened(reasons=reasons): ...

Nothing is read or sent here. Source: the architecture, sections 1 (steps 8 to 11), 4 and 6.
"""

import hashlib
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, TypeAlias

from audit.checkpoint import Checkpoint
from audit.entries import Entry
from audit.note import NoteKey
from audit.records import ShownRecord, released_digest, token_digest
from connectors.sdk.projection import Withheld
from connectors.sdk.proving import ProvenEntry, prove_entry, prove_shown
from connectors.sdk.purposes import must_answer
from consent.grounds import Catalogue
from consent.request import civil_day
from schemas.canonical import b64url
from schemas.codes import AgeBand, EntryKind, TokenType
from schemas.definitions import Definitions
from schemas.document import DocumentItem, JSONValue
from schemas.errors import ExchangeError
from schemas.fhir import check_claims, check_values
from schemas.identifiers import OIN, HubName, SubjectTag, Thumbprint
from schemas.jws import parse_jws, verify_parsed_jws
from schemas.message import Label, Message, labels, parse_message
from schemas.participants import Directory, Participant
from schemas.requests import ReceiptReason
from schemas.sdjwt import parse_disclosure, present
from schemas.sealing import SealingAddress, SealingPrivateKey, digest_of_hashes, open_element, open_key
from schemas.structure import check_structure
from schemas.wire import Release

REASONS_MAX: Final = 100
CLOCK_SECONDS_MAX: Final = 120
"""How far ahead of the hub's clock a sender's may be."""
SUBMISSION_UNPROVEN: Final = "hub.submission.unproven"
"""The signing key was in force once: whether it was when the hub accepted the message is not shown yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientView:
    """What a recipient knows of its own, and believes.

    Attributes:
        oin: Who we are.
        hub: Our hub.
        log: Pinned key of its log.
        directory: Our own directory, built from the log.
        keys: Our sealing keys, the newest and those that were rotated, by name.
        requests: Digests of the release requests that we signed.
        definitions: What messages may hold.
        catalogue: The grounds: whether one by which a question is refused says that it must be answered.
    """

    oin: OIN
    hub: HubName
    log: NoteKey
    directory: Directory
    keys: Mapping[Thumbprint, SealingPrivateKey] = field(repr=False)
    requests: Container[str]
    definitions: Definitions
    catalogue: Catalogue


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A message whose every check holds.

    Attributes:
        message: Its claims.
        sender: Who sent it, as the directory had it where its key counts: at the release, or at the acceptance.
        newest_participant: Index of the newest PARTICIPANT entry there.
        items: What was disclosed; `about` are indices into the message's subjects.
        yours: Our own pseudonym of a subject, by the subject's index.
        withheld: What was not disclosed, with reasons.
        marks: What the decision asks to be shown, such as that it was sent as an emergency.
        sd_jwt: The sender's signed message with the disclosures that came.
        entry: The DISCLOSURE entry.
        index: Its place in the log.
        checkpoints: The signed tree heads that it was proven in, and the acceptance where that was needed: the caller
            holds them against the log that it knows before it hands anything over.
    """

    message: Message
    sender: Participant
    newest_participant: int
    items: tuple[DocumentItem, ...] = field(repr=False)
    yours: Mapping[int, SubjectTag] = field(repr=False)
    withheld: tuple[Withheld, ...]
    marks: tuple[str, ...]
    sd_jwt: str = field(repr=False)
    entry: Entry
    index: int
    checkpoints: tuple[Checkpoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unopened:
    """A message that is refused.

    Attributes:
        reasons: Everything that does not hold; never empty.
    """

    reasons: tuple[ReceiptReason, ...]


Opening: TypeAlias = Opened | Unopened


class _RefusedError(Exception):
    """A check failed on which the later ones depend."""


@dataclass(slots=True)
class _Findings:
    """Collects what does not hold."""

    reasons: list[ReceiptReason] = field(default_factory=list)

    def add(self, code: str, label: str = "") -> None:
        self.reasons.append(ReceiptReason(label=label, code=code))

    @contextmanager
    def step(self, label: str = "") -> Iterator[None]:
        """Turn an error of the block into a reason."""
        try:
            yield
        except ExchangeError as error:
            self.add(error.code, label)

    def stop_if_any(self) -> None:
        """End here: what follows would rest on what does not hold."""
        if self.reasons:
            raise _RefusedError


def open_release(release: Release, *, view: RecipientView, submission: ProvenEntry | None = None) -> Opening:
    """Check and open one released message.

    Args:
        release: As the hub answered.
        view: What we know and believe.
        submission: The proven SUBMISSION entry. It is needed only where the sender changed its signing key between
            acceptance and release: without it the reason is then `SUBMISSION_UNPROVEN`, and the caller fetches it.

    Returns:
        The content, or the reasons for refusing it. Never raises for what came.
    """
    findings = _Findings()
    try:
        return _open(release, findings, view=view, submission=submission)
    except _RefusedError:
        return Unopened(reasons=tuple(dict.fromkeys(findings.reasons))[:REASONS_MAX])


def _open(release: Release, findings: _Findings, *, view: RecipientView, submission: ProvenEntry | None) -> Opened:
    # 1. proof
    proven = _prove(release, findings, view=view)
    entry = proven.entry
    # 2. shown
    shown = _shown(release, entry, findings)
    # 3. signature
    message, sender, newest = _verify_sender(release, entry, findings, view=view, submission=submission)
    # 4. message
    _check_message(message, release, entry, findings, view=view)
    # 5. cover
    permitted = _check_cover(release, message, shown, entry, findings)
    # 6. open
    disclosed = _open_elements(release, message, permitted, findings, view=view)
    # 7. values
    items = _items(message, disclosed)
    _check_values(message, items, shown, findings, view=view)
    yours = _yours(disclosed, findings)
    findings.stop_if_any()
    texts = [text for label in permitted for text, _ in disclosed[label.text]]
    return Opened(
        message=message,
        sender=sender,
        newest_participant=newest,
        items=items,
        yours=yours,
        withheld=tuple(Withheld(label=each.label, reasons=each.reasons) for each in shown.withheld),
        marks=shown.marks,
        sd_jwt=present(release.message, texts),
        entry=entry,
        index=release.index,
        checkpoints=(proven.checkpoint, *((submission.checkpoint,) if submission else ())),
    )


def _check_values(
    message: Message,
    items: tuple[DocumentItem, ...],
    shown: ShownRecord,
    findings: _Findings,
    *,
    view: RecipientView,
) -> None:
    """Step 7, by the codes that hold on the day of the message; what stands in the clear says what was sealed."""
    try:
        day = civil_day(datetime.fromtimestamp(message.issued_at, UTC))
    except (ValueError, OverflowError):
        day = None
    if day is None:
        findings.add("sender.message.form")
        return
    withheld = tuple(each.label for each in shown.withheld)
    must = must_answer(message.recipient.purpose, message_type=message.type, catalogue=view.catalogue)
    issues = check_values(
        items,
        view.definitions,
        message_type=message.type,
        on=day,
        unborn=[place for place, each in enumerate(message.subjects) if each.age is AgeBand.UNBORN],
        withheld=withheld,
        must_answer=must,
    )
    issues += check_claims(items, asks=message.asks, corrects=message.corrects, withheld=withheld)
    for issue in issues:
        findings.add(issue.code, _label_of(issue.pointer, items))


def _prove(release: Release, findings: _Findings, *, view: RecipientView) -> ProvenEntry:
    with findings.step():
        proven = prove_entry(entry=release.entry, tlog_proof=release.tlog_proof, log=view.log)
        entry = proven.entry
        held = (
            (entry.kind is EntryKind.DISCLOSURE, "hub.entry.kind"),
            (proven.index == release.index, "hub.entry.index"),
            (entry.id == release.id.value, "hub.entry.message"),
            (entry.message == token_digest(release.message), "hub.entry.message"),
            (entry.recipient == view.oin, "hub.entry.recipient"),
            (entry.request in view.requests, "hub.entry.request"),
        )
        for holds, code in held:
            if not holds:
                findings.add(code)
        findings.stop_if_any()
        return proven
    raise _RefusedError


def _shown(release: Release, entry: Entry, findings: _Findings) -> ShownRecord:
    with findings.step():
        return prove_shown(shown=release.shown, salt=release.shown_salt, entry=entry, kind=EntryKind.DISCLOSURE)
    raise _RefusedError


def _verify_sender(
    release: Release, entry: Entry, findings: _Findings, *, view: RecipientView, submission: ProvenEntry | None
) -> tuple[Message, Participant, int]:
    """Step 3. A revoked key stops new messages only: what was accepted before stays good, and the log proves when.

    Source: the architecture, section 7, "Edge rules".
    """
    with findings.step():
        parsed = parse_jws(release.message, typ=TokenType.MESSAGE)
        message = parse_message(parsed.payload)
        places = [(release.index, entry)]
        if submission is not None:
            if not _is_acceptance(submission, release, entry):
                findings.add("hub.submission.other")
                raise _RefusedError
            places.append((submission.index, submission.entry))
        for index, at in places:
            newest = _newest_before(index, view.directory)
            if (-1 if at.participants is None else at.participants) != newest:
                findings.add("hub.entry.participants")
                raise _RefusedError
            sender, logged_at = view.directory.participant(message.sender, at_index=index), _moment(at)
            key = sender.signing_key(parsed.kid) if sender else None
            if sender is None or key is None or logged_at is None or not sender.in_force(logged_at):
                continue
            verify_parsed_jws(parsed, key=key)
            # Evidence with other times would convince nobody, and what has lapsed was perhaps sent again.
            latest = at.time // 1000 + CLOCK_SECONDS_MAX
            if message.issued_at > latest or entry.time >= message.pickup_by * 1000:
                findings.add("hub.entry.time")
                raise _RefusedError
            return message, sender, newest
        once = any(state.signing_key(parsed.kid) for state in view.directory.history(message.sender))
        findings.add(SUBMISSION_UNPROVEN if once and submission is None else "sender.key.unknown")
    raise _RefusedError


def _is_acceptance(submission: ProvenEntry, release: Release, entry: Entry) -> bool:
    """Whether an entry is the acceptance of this message: of the same parties, earlier in the log."""
    accepted = submission.entry
    said = (accepted.kind, accepted.message, accepted.sender, accepted.recipient)
    meant = (EntryKind.SUBMISSION, token_digest(release.message), entry.sender, entry.recipient)
    return said == meant and submission.index < release.index and accepted.time <= entry.time


def _newest_before(index: int, directory: Directory) -> int:
    """Return the index of the newest PARTICIPANT entry before a place; -1 if there is none."""
    found = (state.index for participant in directory for state in directory.history(participant.oin))
    return max((each for each in found if each < index), default=-1)


def _moment(entry: Entry) -> datetime | None:
    """Return when an entry was logged; None beyond the calendar."""
    try:
        return datetime.fromtimestamp(entry.time / 1000, UTC)
    except (ValueError, OverflowError):
        return None


def _check_message(
    message: Message, release: Release, entry: Entry, findings: _Findings, *, view: RecipientView
) -> None:
    """Step 4: what the sender signed is for us, came this way, and has the structure of its type."""
    held = (
        (message.id == release.id, "hub.release.id"),
        (message.recipient.oin == view.oin, "hub.release.recipient"),
        (view.hub in message.hubs, "hub.release.hub"),
        (entry.sender == message.sender, "hub.entry.sender"),
        (entry.purpose == message.recipient.purpose, "hub.entry.purpose"),
    )
    for holds, code in held:
        if not holds:
            findings.add(code)
    for issue in check_structure(message, view.definitions):
        findings.add(issue.code)
    findings.stop_if_any()


def _check_cover(
    release: Release, message: Message, shown: ShownRecord, entry: Entry, findings: _Findings
) -> tuple[Label, ...]:
    """Step 5: labels, elements, hashes and the `released` of the entry say one thing.

    Source: the architecture, section 4: a stripped element shows as withheld and must match the decision.
    """
    every = labels(message)
    by_text = {label.text: label for label in every}
    said = [*shown.permitted, *(withheld.label for withheld in shown.withheld)]
    if len(said) != len(every) or set(said) != by_text.keys():
        findings.add("hub.shown.labels")
        raise _RefusedError
    may_go = frozenset(shown.permitted)
    permitted = tuple(label for label in every if label.text in may_go)
    if entry.released != released_digest([digest for label in permitted for digest in label.digests]):
        findings.add("hub.entry.released")
    wanted = {number: label.text for label in permitted for number in _numbers(label)}
    for number in sorted(wanted.keys() | release.elements.keys()):
        if number not in release.elements:
            findings.add("hub.element.missing", wanted[number])
        elif number not in wanted:
            findings.add("hub.element.not-permitted")
    count = sum(len(label.digests) for label in every)
    with findings.step():
        if len(release.hashes) != count + 1 or digest_of_hashes(release.hashes) != message.sealed.digest:
            findings.add("hub.seal.digest")
            raise _RefusedError
    findings.stop_if_any()
    if b64url(hashlib.sha256(release.key).digest()) != release.hashes[0]:
        findings.add("hub.key.altered")
    for number, sealed in release.elements.items():
        if b64url(hashlib.sha256(sealed).digest()) != release.hashes[number + 1]:
            findings.add("hub.element.altered", wanted[number])
    findings.stop_if_any()
    return permitted


def _open_elements(
    release: Release,
    message: Message,
    permitted: tuple[Label, ...],
    findings: _Findings,
    *,
    view: RecipientView,
) -> dict[str, tuple[tuple[str, JSONValue], ...]]:
    """Step 6: each permitted label's disclosures, as text and value."""
    private = view.keys.get(message.sealed.kid)
    if private is None:
        findings.add("recipient.sealing-key.unknown")
        raise _RefusedError
    address = SealingAddress(
        hub=message.hubs[0],
        sender=message.sender,
        message_id=message.id,
        recipient=message.recipient.oin,
        kid=message.sealed.kid,
    )
    disclosed: dict[str, tuple[tuple[str, JSONValue], ...]] = {}
    with findings.step():
        content_key = open_key(release.key, private=private, address=address)
        for label in permitted:
            with findings.step(label.text):
                opened = []
                for number, digest in zip(_numbers(label), label.digests, strict=True):
                    text = open_element(content_key, index=number, digest=digest, sealed=release.elements[number])
                    opened.append((text, parse_disclosure(text).value))
                disclosed[label.text] = tuple(opened)
    findings.stop_if_any()
    return disclosed


def _items(message: Message, disclosed: Mapping[str, tuple[tuple[str, JSONValue], ...]]) -> tuple[DocumentItem, ...]:
    items = []
    for item in message.content:
        elements = {
            name: tuple(value for _, value in disclosed[text])
            for name in item.elements
            if (text := f"{item.profile}/{item.id}/{name}") in disclosed
        }
        if elements:
            items.append(
                DocumentItem(
                    profile=item.profile, id=item.id, about=item.about, elements=elements, necessary=item.necessary
                )
            )
    return tuple(items)


def _yours(disclosed: Mapping[str, tuple[tuple[str, JSONValue], ...]], findings: _Findings) -> dict[int, SubjectTag]:
    found: dict[int, SubjectTag] = {}
    for text, values in disclosed.items():
        profile, subject, _ = text.split("/")
        if profile == "subject":
            with findings.step(text):
                found[int(subject)] = SubjectTag(str(values[0][1]))
    return found


def _numbers(label: Label) -> range:
    return range(label.first, label.first + len(label.digests))


def _label_of(pointer: str, items: tuple[DocumentItem, ...]) -> str:
    """Turn a pointer into the checked items (`/items/0/elements/name/0/…`) into a label."""
    parts = pointer.split("/")
    if len(parts) < 5 or not parts[2].isdecimal() or int(parts[2]) >= len(items):
        return ""
    item = items[int(parts[2])]
    return f"{item.profile}/{item.id}/{parts[4]}"
