"""Accept a message: step 6 of the way of one message.

`accept` reads as the numbered steps of the architecture. Before step 1 has held, nothing is stored, logged or awaited.

Source: the architecture, sections 1, 4, 6 and 7 (`POST /v1/messages`).
"""

from dataclasses import dataclass, replace
from typing import Final

from audit.entries import GROUNDS, PAD_BYTES, EntryDraft
from audit.records import token_digest
from hub.changes import LogMember, RefusalRecorded, Shown, SubmissionAccepted
from hub.exchange.authenticate import FUTURE_SECONDS_MAX, verify_former_signer, verify_signer
from hub.exchange.canaries import about_recipient, check_enforced, form_of, proved_by, stop
from hub.exchange.decide import decide_labels, keep, make_shown, marks_to_review, pointer, watches
from hub.exchange.facts import emergencies_of, find_facts
from hub.exchange.outline import Outline, outline_of
from hub.exchange.services import Services, World, policy_in_force
from hub.exchange.stages import Arrival, Decided, Structured, Verified
from hub.exchange.terms import check_term
from hub.ports import DecisionOutdatedError, MemberLostError
from schemas.codes import EntryKind, TokenType
from schemas.definitions import Definitions
from schemas.errors import (
    AuthenticationError,
    DocumentError,
    Issue,
    RejectedMessageError,
    ReplayError,
    UnavailableError,
)
from schemas.identifiers import OIN, MessageId, SubjectTag
from schemas.jws import parse_jws
from schemas.message import Message, label_text, labels, parse_message, sealed_digests
from schemas.sdjwt import disclosure_digest, parse_disclosure
from schemas.sealing import digest_of_hashes, element_hashes
from schemas.structure import check_structure
from schemas.wire import Submission

DECISIONS_MAX: Final = 3
"""How often a decision is taken anew because its inputs changed under it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The answer to a submission: a message counts as sent only when these verify at the sender.

    Attributes:
        id: The message.
        index: Place of its SUBMISSION entry in the log.
        entry: Exact text of that entry.
        shown: What was permitted and withheld; the entry commits to it.
        tlog_proof: Proof of the entry.
        repeated: Whether this is the old answer to a known message.
    """

    id: MessageId
    index: int
    entry: str
    shown: Shown
    tlog_proof: str
    repeated: bool


async def accept(submission: Submission, *, arrival: Arrival, services: Services) -> Accepted:
    """Accept one submission, or refuse it with every issue.

    1. signature: the sender is admitted, in force, and signed these bytes
    2. known: an id that is here already gets the old answer, or a conflict
    3. by what is decided: a catalogue is in force; times: not from the future, not past its time
    4. structure: labels against definitions, seal over what came, tags signed by the sender
    5. recipient: admitted, in force, sealed to its newest key
    6. decision: every label, for this recipient, unless the hub is stopped; what a canary sends must not pass
    7. log and store, in one transaction; anew from 1 if what the decision read has changed

    Step 2 costs no reading: storing a known id loses, and a refusal in 1 or 3 to 6 looks first whether the id is known.
    Whoever changed its key or was suspended since gets the old answer too: without it the same content would come
    again, as another message.

    Raises:
        RejectedMessageError: The sender must change the message; the refusal of a verified sender is logged.
        UnavailableError: It may succeed later; nothing was changed.
        EvidenceError: The log contradicts itself.
    """
    # 1. signature
    world = services.worlds.current()
    try:
        verified = verify_sender(submission, world=world, arrival=arrival)
    except AuthenticationError:
        # 2. known
        known = await _answer_to_former_key(submission, world=world, services=services)
        if known is None:
            raise
        return known
    try:
        # 3. to 7.; losing in 7 leads to 2.
        return await _accept_verified(verified, world=world, arrival=arrival, services=services)
    except MemberLostError:
        return await _known_answer(verified.message, submission, services=services)
    except RejectedMessageError as error:
        # 2. known
        if await services.store.message(verified.message.id) is not None:
            return await _known_answer(verified.message, submission, services=services)
        if not isinstance(error, AuthenticationError):
            proves = proved_by(error, sender=verified.sender)
            form = form_of(verified, world=world) if proves else None
            change = RefusalRecorded(
                message_digest=token_digest(submission.message), sender=verified.sender.oin, proves=proves, form=form
            )
            await _log_refusal(verified, change, catalogue=world.in_force[GROUNDS], services=services)
        raise


def verify_sender(submission: Submission, *, world: World, arrival: Arrival) -> Verified:
    """Find out who signed a message, and that these are the bytes.

    Raises:
        AuthenticationError: The sender is unknown, suspended, or the key is not one of its keys in force.
        SignatureError: The signature does not fit.
        DocumentError: The message is not of the form of a message.
    """
    parsed = parse_jws(submission.message, typ=TokenType.MESSAGE)
    message = parse_message(parsed.payload)
    sender = verify_signer(parsed, oin=message.sender, world=world, at=arrival.at)
    return Verified(submission=submission, message=message, sender=sender)


def check_times(verified: Verified, *, arrival: Arrival) -> None:
    """Refuse what is dated ahead, or past its time, and a question whose term is none.

    Raises:
        DocumentError: With an issue for each.
    """
    message = verified.message
    issues = list(check_term(message))
    if message.issued_at > arrival.seconds + FUTURE_SECONDS_MAX:
        text = f"dated more than {FUTURE_SECONDS_MAX} s ahead of the hub's clock; check the clock of the sender"
        issues.append(Issue(pointer="/iat", code="sender.message.future", text=text))
    if message.pickup_by <= arrival.seconds:
        text = "its time to be collected has passed; send it as a new message"
        issues.append(Issue(pointer="/pickup_by", code="sender.message.expired", text=text))
    if issues:
        raise DocumentError("the message is not of this time", issues=issues)


def structure(verified: Verified, *, world: World, arrival: Arrival, services: Services) -> Structured:
    """Check everything that the labels, the seal and the tags show.

    Raises:
        DocumentError: With every issue.
    """
    message, submission = verified.message, verified.submission
    outline = outline_of(message)
    issues = list(_check_structure(message, outline, services=services))
    if services.hub != message.hubs[0]:
        text = "the first hub that the message names is not this hub"
        issues.append(Issue(pointer="/hubs/0", code="sender.hub.other", text=text))
    recipient = world.directory.participant(message.recipient.oin)
    if recipient is None or not recipient.in_force(arrival.at):
        text = "the recipient is not a participant in force"
        issues.append(Issue(pointer="/recipient/oin", code="sender.recipient.unknown", text=text))
    elif recipient.sealing_key is None or recipient.sealing_key.kid != message.sealed.kid:
        text = "sealed to a key that is not the recipient's newest; read the directory and seal anew"
        issues.append(Issue(pointer="/sealed/kid", code="sender.sealing-key.outdated", text=text))
    issues += about_recipient(recipient, sender=verified.sender)
    hashes, seal_issues = _check_seal(verified)
    tags, tag_issues = _check_tags(submission, verified)
    issues += seal_issues + tag_issues
    if issues or recipient is None:
        raise DocumentError("the message does not fit its definition", issues=issues)
    return Structured(
        message=message,
        sender=verified.sender,
        recipient=recipient,
        outline=outline,
        labels=labels(message),
        tags=tags,
        hashes=hashes,
    )


def _check_structure(message: Message, outline: Outline, *, services: Services) -> tuple[Issue, ...]:
    """Check the labels against the definitions, once for each outline."""
    key = (outline, services.definitions.digest)
    issues = services.structures.get(key)
    if issues is None:
        issues = check_structure(message, services.definitions)
        services.structures.put(key, issues, outline=outline)
    return issues


def _check_seal(verified: Verified) -> tuple[bytes, list[Issue]]:
    """Hash what came and compare with what the sender signed."""
    submission, message = verified.submission, verified.message
    count = len(sealed_digests(message))
    if len(submission.elements) != count:
        text = f"{count} sealed elements are signed, {len(submission.elements)} came"
        return b"", [Issue(pointer="/elements", code="sender.sealed.count", text=text)]
    hashes = element_hashes(submission.key, submission.elements)
    if digest_of_hashes(hashes) != message.sealed.digest:
        text = "the sealed elements are not those that the sender signed"
        return b"", [Issue(pointer="/elements", code="sender.sealed.digest", text=text)]
    return hashes, []


def _check_tags(submission: Submission, verified: Verified) -> tuple[tuple[SubjectTag, ...], list[Issue]]:
    """Read this hub's tag of every subject from its disclosure."""
    subjects = verified.message.subjects
    if len(submission.tags) != len(subjects):
        text = "one tag disclosure for each subject is needed"
        return (), [Issue(pointer="/tags", code="sender.tag.count", text=text)]
    tags: list[SubjectTag] = []
    issues: list[Issue] = []
    for number, (text_, subject) in enumerate(zip(submission.tags, subjects, strict=True)):
        try:
            if disclosure_digest(text_) != subject.tag[0]:
                raise DocumentError(code="sender.tag.digest")
            value = parse_disclosure(text_).value
            tags.append(SubjectTag(value if isinstance(value, str) else ""))
        except DocumentError as error:
            issues.append(Issue(pointer=f"/tags/{number}", code=error.code, text="not the tag that the sender signed"))
    return tuple(tags), issues


async def _accept_verified(verified: Verified, *, world: World, arrival: Arrival, services: Services) -> Accepted:
    # 3. by what is decided, and times
    policy_in_force(world)
    check_times(verified, arrival=arrival)
    for _ in range(DECISIONS_MAX):
        # 4. structure, 5. recipient
        structured = structure(verified, world=world, arrival=arrival, services=services)
        # 6. decision
        check_enforced(world, sender=structured.sender)
        policy = policy_in_force(world)
        facts = await find_facts(structured, world=world, policy=policy, services=services)
        decided = decide_labels(structured, facts=facts, world=world, at=arrival.at, policy=policy)
        _refuse_incomplete(decided, definitions=policy.definitions)
        # 7. log and store
        shown = make_shown(decided, kind=EntryKind.SUBMISSION, randomness=services.randomness)
        member = _submission_member(
            verified.submission,
            decided,
            emergencies=emergencies_of(structured, policy.catalogue),
            shown=shown,
            arrival=arrival,
            services=services,
        )
        try:
            if structured.sender.canary:
                # It has passed every check, and must not: nothing of it is stored.
                raise await stop(verified, decided, world=world, arrival=arrival, services=services)
            appended = await services.log.append(member)
        except DecisionOutdatedError:
            world = await services.worlds.refresh()
            # Perhaps it is the sender that has changed: suspended, or with another key.
            verified = verify_sender(verified.submission, world=world, arrival=arrival)
            continue
        recipient = verified.message.recipient.oin
        await services.outbox.message_waits(recipient, verified.message.id)
        await services.wake_ups.wake(recipient)
        return Accepted(
            id=verified.message.id,
            index=appended.index,
            entry=appended.entry,
            shown=shown,
            tlog_proof=appended.tlog_proof,
            repeated=False,
        )
    raise UnavailableError("what this message depends on keeps changing; send it again", code="hub.decision.outdated")


def _refuse_incomplete(decided: Decided, *, definitions: Definitions) -> None:
    """Refuse a message of which nothing, or not all that its type requires, is permitted.

    Raises:
        DocumentError: With an issue for each withheld label.
    """
    if decided.outcome.permitted and not decided.outcome.withheld:
        return
    permitted = frozenset(label.text for label in decided.permitted)
    if permitted and not check_structure(_what_is_left(decided, permitted), definitions):
        return
    issues = [
        Issue(pointer=pointer(label), code=f"sender.decision.{reason}", text=reason.en, text_nl=reason.nl)
        for label, reasons in decided.withheld
        for reason in reasons
    ]
    nothing = "nothing of the message may go to this recipient for this purpose"
    required = "an element that this message type requires may not go to this recipient for this purpose"
    raise DocumentError(required if permitted else nothing, code="sender.decision.denied", issues=issues)


def _what_is_left(decided: Decided, permitted: frozenset[str]) -> Message:
    """The message with only the permitted labels: what its recipient would see of it."""
    message = decided.structured.message
    items = []
    for item in message.content:
        kept = {name: each for name, each in item.elements.items() if label_text(item, name) in permitted}
        if kept:
            items.append(replace(item, elements=kept))
    return replace(message, content=tuple(items))


def _submission_member(
    submission: Submission,
    decided: Decided,
    *,
    emergencies: tuple[tuple[SubjectTag, OIN], ...],
    shown: Shown,
    arrival: Arrival,
    services: Services,
) -> LogMember:
    structured = decided.structured
    message = structured.message
    draft = EntryDraft(
        kind=EntryKind.SUBMISSION,
        id=message.id.value,
        sender=message.sender,
        recipient=message.recipient.oin,
        purpose=message.recipient.purpose,
        catalogue=decided.catalogue,
        as_of=decided.as_of,
        message=token_digest(submission.message),
    )
    return LogMember(
        draft=draft,
        shown=shown,
        kept=keep(decided, arrival=arrival, randomness=services.randomness),
        watches=watches(decided),
        touches=frozenset(),
        change=SubmissionAccepted(
            id=message.id,
            jws=submission.message,
            sender=message.sender,
            recipient=message.recipient.oin,
            type=message.type,
            purpose=message.recipient.purpose,
            case=message.case,
            reply_to=message.reply_to,
            issued_at=message.issued_at,
            pickup_by=message.pickup_by,
            sealing_kid=message.sealed.kid,
            sealed_key=submission.key,
            elements={number: submission.elements[number] for number in decided.outcome.numbers},
            hashes=structured.hashes,
            tags=submission.tags,
            trace_id=arrival.trace_id,
            asks_until=message.asks.term if message.asks is not None else None,
            emergencies=emergencies,
            marks=marks_to_review(decided),
        ),
    )


async def _answer_to_former_key(submission: Submission, *, world: World, services: Services) -> Accepted | None:
    """Give the old answer to what was accepted before its sender changed its key or was suspended; None: there is none.

    Nothing is looked up before the signature holds.
    """
    parsed = parse_jws(submission.message, typ=TokenType.MESSAGE)
    message = parse_message(parsed.payload)
    try:
        verify_former_signer(parsed, oin=message.sender, world=world)
        return await _known_answer(message, submission, services=services)
    except RejectedMessageError:
        return None


async def _known_answer(message: Message, submission: Submission, *, services: Services) -> Accepted:
    """Give the old answer to its own sender's same message.

    Raises:
        ReplayError: The id stands for another message, or for none.
    """
    known = await services.store.message(message.id)
    if known is None or known.sender != message.sender or known.jws != submission.message:
        raise ReplayError("this message id was used for another message; draw a new one", code="sender.jti.used")
    return Accepted(
        id=known.id,
        index=known.index,
        entry=known.entry,
        shown=known.shown,
        tlog_proof=await services.log.proof(known.index, entry=known.entry),
        repeated=True,
    )


async def _log_refusal(verified: Verified, change: RefusalRecorded, *, catalogue: str, services: Services) -> None:
    """Log that a verified sender's message was refused: once for each message, and not without bound.

    Whom a canary names was never meant to get anything: it is not told of each proof by its records.
    """
    message = verified.message
    draft = EntryDraft(
        kind=EntryKind.REFUSAL,
        id=message.id.value,
        sender=message.sender,
        recipient=None if verified.sender.canary else message.recipient.oin,
        purpose=message.recipient.purpose,
        catalogue=catalogue,
        message=change.message_digest,
        pad=services.randomness.bytes(PAD_BYTES),
    )
    member = LogMember(draft=draft, shown=None, kept=(), watches=frozenset(), touches=frozenset(), change=change)
    try:
        await services.log.append(member)
    except MemberLostError:
        return
