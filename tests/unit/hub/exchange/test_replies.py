"""What may answer what: by its type, and how often."""

from dataclasses import replace

import pytest

from audit.records import parse_shown
from connectors.sdk.composing import Composed
from connectors.sdk.envelope import Thread
from consent.request import Facts, QuestionFact, ReplyFact
from hub.exchange.expiry import expire
from schemas.codes import Category
from schemas.document import DocumentItem
from schemas.errors import DocumentError, Issue
from tests.support.example_documents import concept, item, notification_document
from tests.support.example_messages import example_document
from tests.support.exchange_hub import GEMEENTE, RAAD, MemoryHub
from tests.support.statements import recalls, sign_recall

ASKED = frozenset({Category.HULPVERLENING, Category.ZORGEN})


def question(hub: MemoryHub) -> Composed:
    """The Raad asks the gemeente for two categories."""
    document = replace(example_document("informatieverzoek"), purpose="RVDK-INFO")
    return hub.world.compose(document, sender=RAAD, recipient=GEMEENTE)


def answer(hub: MemoryHub, asked: Composed, *, items: tuple[DocumentItem, ...] | None = None) -> Composed:
    """The gemeente answers."""
    facts = Facts(reply=ReplyFact(message_type="informatieverzoek"), question=QuestionFact(categories=ASKED))
    thread = Thread(case=asked.message.case, reply_to=asked.message.id, reply_facts=facts)
    document = replace(example_document("informatieantwoord"), purpose="RVDK-INFO-ANTW")
    document = replace(document, items=document.items if items is None else items)
    return hub.world.compose(document, sender=GEMEENTE, recipient=RAAD, thread=thread)


def refusal(hub: MemoryHub, asked: Composed) -> Composed:
    """The gemeente refuses, and says that the answer follows."""
    why = item("vraag", "q1", refusal=(concept("weigeringsgrond", "volgt-later"),))
    header = next(each for each in example_document("informatieantwoord").items if each.profile == "bericht")
    return answer(hub, asked, items=(header, why))


async def refused(hub: MemoryHub, composed: Composed) -> list[Issue]:
    with pytest.raises(DocumentError) as error:
        await hub.submit(composed)
    return list(error.value.issues)


async def test_a_notification_answers_a_request_and_nothing_else() -> None:
    """Else it would count as prompted, and nobody would look at it."""
    hub = await MemoryHub.opened()
    asked = question(hub)
    await hub.deliver(asked)
    answered = answer(hub, asked)
    await hub.deliver(answered)
    thread = Thread(case=asked.message.case, reply_to=answered.message.id)
    news = hub.compose(notification_document(), sender=RAAD, recipient=GEMEENTE, thread=thread)
    issues = await refused(hub, news)
    assert [(issue.pointer, issue.code) for issue in issues] == [("/reply_to", "sender.reply-to.type")]
    assert issues[0].text_nl


async def test_a_question_that_nobody_collected_is_not_answered() -> None:
    """Who lists it knows its id: what it asks is open to who was told it, and logged."""
    hub = await MemoryHub.opened()
    asked = question(hub)
    await hub.submit(asked)
    assert {issue.code for issue in await refused(hub, answer(hub, asked))} == {"sender.decision.not-asked"}


async def test_a_question_is_answered_once() -> None:
    """What it asked is open no longer when it has its answer: a question is no key to a family for ever."""
    hub = await MemoryHub.opened()
    asked = question(hub)
    await hub.deliver(asked)
    first = answer(hub, asked)
    await hub.submit(first)
    issues = await refused(hub, answer(hub, asked))
    assert [(issue.pointer, issue.code) for issue in issues] == [("/reply_to", "sender.reply-to.answered")]
    assert issues[0].text_nl
    # The first is what it was, also when it is collected.
    released = await hub.release(RAAD, first.message.id)
    assert [each.message.id for each in released.releases] == [first.message.id]


async def test_of_two_answers_at_once_one_goes_and_the_sender_of_the_other_is_told_why() -> None:
    hub = await MemoryHub.opened()
    asked = question(hub)
    await hub.deliver(asked)
    one, other = answer(hub, asked), answer(hub, asked)
    hub.meanwhile = lambda: hub.submit(other)
    await hub.submit(one)
    released = await hub.release(RAAD, one.message.id, other.message.id)
    (gone,) = released.releases
    ((held, error),) = released.refused
    assert {gone.message.id, held} == {one.message.id, other.message.id}
    assert (error.code, [issue.code for issue in error.issues]) == (
        "recipient.decision.denied",
        ["sender.reply-to.answered"],
    )
    notices = await hub.persons.notices(GEMEENTE, after=-1, limit=10)
    assert [(notice.kind, notice.message_id) for notice in notices] == [("release-denied", held)]


@pytest.mark.parametrize("how", ["recalled", "refused", "expired"])
async def test_an_answer_that_nobody_has_is_no_answer(how: str) -> None:
    hub = await MemoryHub.opened()
    asked = question(hub)
    await hub.deliver(asked)
    first = answer(hub, asked)
    await hub.submit(first)
    if how == "recalled":
        await recalls(hub, sign_recall(hub, first.message.id, by=GEMEENTE))
    elif how == "refused":
        await hub.release(RAAD, first.message.id)
        await hub.give_receipt(first.message.id, refused=True)
    else:
        hub.world.clock.advance(seconds=31 * 24 * 3600)
        await expire(arrival=hub.arrival, services=hub.services)
    assert (await hub.submit(answer(hub, asked))).index


async def test_that_the_answer_follows_is_not_yet_the_answer() -> None:
    """The hub sees that something is refused and not why: so what may follow is let through."""
    hub = await MemoryHub.opened()
    asked = question(hub)
    await hub.deliver(asked)
    await hub.submit(refusal(hub, asked))
    await hub.submit(answer(hub, asked))
    (issue,) = await refused(hub, refusal(hub, asked))
    assert issue.code == "sender.reply-to.answered"


async def test_a_request_is_answered_as_often_as_there_is_news() -> None:
    """A notification is the last one by what it says, which the hub cannot read."""
    hub = await MemoryHub.opened()
    asked = hub.compose()
    await hub.deliver(asked)
    thread = Thread(case=asked.message.case, reply_to=asked.message.id)
    for _ in range(2):
        news = hub.compose(notification_document(), sender=RAAD, recipient=GEMEENTE, thread=thread)
        assert parse_shown((await hub.submit(news)).shown.text).marks == ()
