"""What a decision knows of a question, of what is corrected, and of linked pseudonyms; and reminders of terms."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from audit.records import parse_shown
from connectors.sdk.composing import Composed
from connectors.sdk.envelope import Thread
from consent.request import CorrectedFact, Facts, QuestionFact, ReplyFact
from hub.exchange.accept import Accepted, accept
from hub.exchange.earlier import question_answered
from hub.exchange.terms import remind
from schemas.codes import Category, EntryKind, SubjectRole, TokenType
from schemas.document import Document
from schemas.errors import DocumentError
from schemas.identifiers import BSN_SYSTEM, OIN, MessageId, SubjectTag
from schemas.jws import sign_jws
from schemas.links import Link
from schemas.message import message_to_payload
from tests.support.example_documents import concept, item
from tests.support.example_messages import example_document
from tests.support.exchange_hub import GEMEENTE, GI, HUB, RAAD, MemoryHub
from tests.support.law_records import link as link_claims
from tests.support.parties import message_id
from tests.support.statements import (
    CHILD_BSN,
    PARENT_BSN,
    casusinformatie,
    consents,
    links,
    of_child,
    of_parent,
    recalls,
    sign_recall,
    tag_of,
)

OTHER_BSN = "999911144"
ASKED = frozenset({Category.HULPVERLENING, Category.ZORGEN})


def question(hub: MemoryHub) -> Composed:
    """The Raad asks the gemeente for two categories, until 14 December."""
    document = replace(example_document("informatieverzoek"), purpose="RVDK-INFO")
    return hub.world.compose(document, sender=RAAD, recipient=GEMEENTE)


def answer(
    hub: MemoryHub,
    asked: Composed,
    *,
    believed: frozenset[Category] = ASKED,
    bsn: str = CHILD_BSN,
    area: str = "l1",
) -> Composed:
    """The gemeente answers what it believes to have been asked."""
    document = _about(replace(example_document("informatieantwoord"), purpose="RVDK-INFO-ANTW"), bsn)
    items = tuple(replace(each, id=area) if each.profile == "leefgebied" else each for each in document.items)
    document = replace(document, items=items)
    return hub.world.compose(document, sender=GEMEENTE, recipient=RAAD, thread=answer_thread(asked, believed=believed))


def answer_thread(asked: Composed, *, believed: frozenset[Category]) -> Thread:
    """What the gemeente knows of the question."""
    facts = Facts(reply=ReplyFact(message_type="informatieverzoek"), question=QuestionFact(categories=believed))
    return Thread(case=asked.message.case, reply_to=asked.message.id, reply_facts=facts)


async def test_an_answer_holds_what_was_asked_and_says_which_question_it_answers() -> None:
    hub = await MemoryHub.opened()
    asked = question(hub)
    await hub.deliver(asked)
    accepted = await hub.submit(answer(hub, asked))
    permitted = parse_shown(accepted.shown.text).permitted
    assert {label.split("/")[0] for label in permitted} >= {"hulpverlening", "leefgebied"}
    (reply,) = await hub.persons.replies(asked.message.id)
    assert (reply.id, reply.type) == (accepted.id, "informatieantwoord")


async def test_what_was_not_asked_is_withheld_whatever_the_sender_believes() -> None:
    hub = await MemoryHub.opened()
    asked = question(hub)
    await hub.deliver(asked)
    everything = frozenset(Category)
    accepted = await hub.submit(answer(hub, asked, believed=everything))
    withheld = parse_shown(accepted.shown.text).withheld
    assert {each.label.split("/")[0] for each in withheld} == {"jeugdige"}
    assert {each.reasons for each in withheld} == {("category-not-asked",)}


async def test_an_answer_to_no_question_is_refused() -> None:
    hub = await MemoryHub.opened()
    with pytest.raises(DocumentError) as refused:
        await hub.submit(answer(hub, question(hub)))
    assert {issue.code for issue in refused.value.issues} == {"sender.decision.not-asked"}


def _about(document: Document, bsn: str) -> Document:
    """Let an example be about another child."""
    subjects = tuple(
        replace(each, identifier=(BSN_SYSTEM, bsn)) if each.role is SubjectRole.JEUGDIGE else each
        for each in document.subjects
    )
    return replace(document, subjects=subjects)


async def test_an_answer_is_about_nobody_but_whom_was_asked_about() -> None:
    """A question about one child opens nothing about another."""
    hub = await MemoryHub.opened()
    asked = question(hub)
    await hub.deliver(asked)
    with pytest.raises(DocumentError) as refused:
        await hub.submit(answer(hub, asked, bsn=OTHER_BSN))
    (issue,) = refused.value.issues
    assert (issue.pointer, issue.code) == ("/subjects/0", "sender.reply-to.other-person")
    assert issue.text_nl


async def test_an_answer_under_another_pseudonym_is_about_the_same_person_once_it_is_linked() -> None:
    hub = await MemoryHub.opened()
    asked = question(hub)
    await hub.deliver(asked)
    await _link(hub, known=tag_of(hub.world, OTHER_BSN))
    assert (await hub.submit(answer(hub, asked, bsn=OTHER_BSN))).index


@pytest.mark.parametrize(
    ("days", "takes"),
    [(-1, False), (0, True), (366, True), (367, False)],
    ids=["the day before", "the same day", "a year on", "more than a year on"],
)
async def test_the_term_of_a_question_is_a_day_on_which_somebody_can_be_reminded(days: int, *, takes: bool) -> None:
    """The connector of another may sign any day: the day is the one in the Netherlands, half an hour after midnight."""
    hub = await MemoryHub.opened()
    hub.world.clock.advance(seconds=int((datetime(2026, 11, 30, 23, 30, tzinfo=UTC) - hub.arrival.at).total_seconds()))
    asked = question(hub)
    assert asked.message.asks is not None
    term = date(2026, 12, 1) + timedelta(days=days)
    message = replace(asked.message, asks=replace(asked.message.asks, term=term))
    key = hub.world.organisations[RAAD].signing
    token = sign_jws(message_to_payload(message), typ=TokenType.MESSAGE, key=key)
    submission = replace(asked.submission, message=token)
    if takes:
        assert (await accept(submission, arrival=hub.arrival, services=hub.services)).index
        return
    with pytest.raises(DocumentError) as refused:
        await accept(submission, arrival=hub.arrival, services=hub.services)
    (issue,) = refused.value.issues
    assert (issue.pointer, issue.code, bool(issue.text_nl)) == ("/asks/term", "sender.asks.term", True)


async def _remind(hub: MemoryHub, day: date) -> list[tuple[OIN, str]]:
    """Remind on a day; who is told what, in order."""
    at = hub.world.clock.now()
    hub.world.clock.advance(seconds=(day - at.date()).days * 24 * 3600)
    before = len(hub.noticed)
    await remind(arrival=hub.arrival, services=hub.services)
    found = []
    for oin, number in hub.noticed[before:]:
        (notice,) = await hub.persons.notices(oin, after=number - 1, limit=1)
        found.append((oin, notice.kind))
    return found


async def test_both_sides_are_reminded_three_days_before_the_term_and_on_it_once_each() -> None:
    hub = await MemoryHub.opened()
    await hub.submit(question(hub))
    assert await _remind(hub, date(2026, 12, 10)) == []
    assert await _remind(hub, date(2026, 12, 11)) == [(RAAD, "question-soon"), (GEMEENTE, "question-soon")]
    assert await _remind(hub, date(2026, 12, 13)) == []
    assert await _remind(hub, date(2026, 12, 14)) == [(RAAD, "question-due"), (GEMEENTE, "question-due")]
    assert await _remind(hub, date(2026, 12, 20)) == []


async def _answered(hub: MemoryHub, asked: Composed) -> None:
    await hub.give_receipt((await hub.deliver(answer(hub, asked))).id)


async def _answer_waits(hub: MemoryHub, asked: Composed) -> None:
    await hub.submit(answer(hub, asked))


async def _answer_recalled(hub: MemoryHub, asked: Composed) -> None:
    accepted = await hub.submit(answer(hub, asked))
    await recalls(hub, sign_recall(hub, accepted.id, by=GEMEENTE))


async def _answer_refused(hub: MemoryHub, asked: Composed) -> None:
    await hub.give_receipt((await hub.deliver(answer(hub, asked))).id, refused=True)


async def _answer_follows(hub: MemoryHub, asked: Composed) -> None:
    """What it refuses with is sealed: that the answer follows is known to the two organisations only."""
    document = replace(example_document("informatieantwoord"), purpose="RVDK-INFO-ANTW")
    header = next(each for each in document.items if each.profile == "bericht")
    why = item("vraag", "q1", refusal=(concept("weigeringsgrond", "volgt-later"),))
    thread = answer_thread(asked, believed=ASKED)
    later = hub.world.compose(replace(document, items=(header, why)), sender=GEMEENTE, recipient=RAAD, thread=thread)
    await hub.give_receipt((await hub.deliver(later)).id)


async def _question_recalled(hub: MemoryHub, asked: Composed) -> None:
    await recalls(hub, sign_recall(hub, asked.message.id, by=RAAD))


async def _question_refused(hub: MemoryHub, asked: Composed) -> None:
    await hub.give_receipt(asked.message.id, by=GEMEENTE, refused=True)


@pytest.mark.parametrize(
    ("then", "reminds"),
    [
        (_answered, False),
        (_answer_waits, True),
        (_answer_recalled, True),
        (_answer_refused, True),
        (_answer_follows, True),
        (_question_recalled, False),
        (_question_refused, False),
    ],
)
async def test_of_a_question_is_reminded_until_who_asked_has_the_last_answer(
    then: Callable[[MemoryHub, Composed], Awaitable[None]], *, reminds: bool
) -> None:
    hub = await MemoryHub.opened()
    asked = question(hub)
    if then is _question_recalled:
        await hub.submit(asked)
    else:
        await hub.deliver(asked)
    await then(hub, asked)
    told = [(RAAD, "question-due"), (GEMEENTE, "question-due")]
    assert await _remind(hub, date(2026, 12, 14)) == (told if reminds else [])


async def test_a_question_is_not_answered_by_what_another_organisation_sends() -> None:
    """Whoever learns its id could else end the reminders of it."""
    hub = await MemoryHub.opened()
    asked = question(hub)
    await hub.deliver(asked)
    accepted = await hub.submit(answer(hub, asked))
    stored = await hub.message(accepted.id)
    assert stored is not None
    assert await question_answered(stored, services=hub.services) == asked.message.id
    for other in (replace(stored, sender=GI), replace(stored, recipient=GI)):
        assert await question_answered(other, services=hub.services) is None


async def _with_consent(hub: MemoryHub) -> Accepted:
    await consents(hub, of_child(hub.world), of_parent(hub.world))
    return await hub.submit(casusinformatie(hub.world, of_child(hub.world), of_parent(hub.world)))


def correction(hub: MemoryHub, original: Composed, *, believed: frozenset[Category], bsn: str = CHILD_BSN) -> Composed:
    """The gemeente corrects a living area of an earlier message, in the same case."""
    corrected = original.message.id
    text = example_document("correctie")
    document = _about(_renamed(replace(text, purpose="CORRECTIE"), corrected), bsn)
    return hub.world.compose(
        document,
        sender=GEMEENTE,
        recipient=RAAD,
        thread=Thread(case=original.message.case),
        corrected=CorrectedFact(categories=believed),
    )


def _renamed(document: Document, corrected: MessageId) -> Document:
    """Let the example correct another message than the one it names."""
    items = tuple(
        replace(
            item,
            elements={
                **item.elements,
                "corrects": ({"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{corrected.value}"},),
            },
        )
        if item.profile == "correctie"
        else item
        for item in document.items
    )
    return replace(document, items=items)


async def test_a_correction_of_what_was_never_released_is_refused() -> None:
    hub = await MemoryHub.opened()
    original = hub.compose()
    await hub.submit(original)
    with pytest.raises(DocumentError) as refused:
        await hub.submit(correction(hub, original, believed=frozenset(Category)))
    assert {issue.code for issue in refused.value.issues} == {"sender.decision.not-corrected"}


async def test_a_correction_holds_the_categories_that_were_released_then() -> None:
    """Also when the corrected message was received, and its content is gone."""
    hub = await MemoryHub.opened()
    original = await _received(hub)
    corrected = await hub.submit(correction(hub, original, believed=frozenset(Category)))
    reasons = {reason for each in parse_shown(corrected.shown.text).withheld for reason in each.reasons}
    assert reasons <= {"category-not-released-then"}
    (released,) = (await hub.release(RAAD, corrected.id)).releases
    permitted = {label.split("/")[0] for label in parse_shown(released.shown.text).permitted}
    assert {"correctie", "leefgebied"} <= permitted


async def _received(hub: MemoryHub, *, area: str = "l1") -> Composed:
    """An answer that the Raad has, with a living area of this name."""
    asked = question(hub)
    await hub.deliver(asked)
    original = answer(hub, asked, area=area)
    accepted = await hub.submit(original)
    await hub.release(RAAD, accepted.id)
    await hub.give_receipt(accepted.id)
    return original


@pytest.mark.parametrize(
    ("bsn", "area", "pointer"),
    [("999911144", "l1", "/subjects/0"), (CHILD_BSN, "l9", "/content/2")],
    ids=["another child", "another item"],
)
async def test_a_correction_holds_nothing_but_what_the_corrected_message_held(
    bsn: str, area: str, pointer: str
) -> None:
    """Else an old message would open its categories for ever, about anybody."""
    hub = await MemoryHub.opened()
    original = await _received(hub, area=area)
    with pytest.raises(DocumentError) as refused:
        await hub.submit(correction(hub, original, believed=frozenset(Category), bsn=bsn))
    (issue,) = refused.value.issues
    assert (issue.pointer, issue.code) == (pointer, "sender.corrects.other")
    assert issue.text_nl


# ---- links ----


DRAWN = SubjectTag("1.AAECAwQFBgcICQoLDA0ODw")
OTHER = SubjectTag("1.EBESExQVFhcYGRobHB0eHw")


async def _link(hub: MemoryHub, **change: object) -> Link:
    """Link the child's pseudonym, about which there is a message, as if it had been drawn, to another."""
    claims = link_claims(**{"id": message_id(20), "random": tag_of(hub.world), "known": DRAWN, "hub": HUB, **change})
    await links(hub, claims)
    return claims


async def test_what_is_stated_under_a_linked_pseudonym_counts_both_ways() -> None:
    hub = await MemoryHub.opened()
    accepted = await _with_consent(hub)
    claims = await _link(hub)
    (entry,) = hub.entries_of(EntryKind.LINK)
    assert (entry.id, entry.sender, len(entry.kept)) == (claims.id.value, GEMEENTE, 2)
    person = (await hub.persons.of([DRAWN]))[DRAWN]
    assert {record.kind for record in person.records} == {EntryKind.CONSENT, EntryKind.LINK}
    # A withdrawal under the other pseudonym ends what was given under the first.
    taken_back = of_child(hub.world, id=message_id(7), replaces=message_id(1), status="withdrawn", tag=DRAWN)
    await consents(hub, replace(taken_back, status=type(of_child(hub.world).status)("withdrawn")))
    assert tag_of(hub.world).value in hub.members[-1].touches
    (released,) = (await hub.release(GI, accepted.id)).releases
    assert {label.split("/")[0] for label in parse_shown(released.shown.text).permitted} == {"gezagsdrager"}


async def test_a_link_while_a_consent_is_compared_has_it_compared_anew() -> None:
    hub = await MemoryHub.opened()
    await _with_consent(hub)
    hub.meanwhile = lambda: _link(hub)
    await consents(hub, of_child(hub.world, id=message_id(9)))
    assert hub.members[-1].touches == {tag_of(hub.world).value, DRAWN.value}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"issuer": RAAD}, "sender.link.stranger"),
        ({"known": OTHER}, "sender.link.other"),
        ({}, "sender.link.both"),
    ],
)
async def test_a_link_that_cannot_be_is_refused_in_two_languages(change: dict[str, object], code: str) -> None:
    hub = await MemoryHub.opened()
    await _with_consent(hub)
    await _link(hub)
    if code == "sender.link.both":
        change = {"random": tag_of(hub.world, PARENT_BSN), "known": tag_of(hub.world)}
    with pytest.raises(DocumentError) as refused:
        await _link(hub, id=message_id(21), **change)
    assert code in {issue.code for issue in refused.value.issues}
    assert all(issue.text_nl for issue in refused.value.issues)
