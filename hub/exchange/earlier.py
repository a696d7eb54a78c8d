"""Hold an answer and a correction to the message that they name: it opens nothing about anybody or anything else, once.

And say which question is answered for good, so that nobody is reminded of it.

A pseudonym that is linked is of the same person. Where the chain key has a new epoch, who sends states that by a link
before he answers or corrects a message of the epoch before.

Source: the domain page, section 5, `asked` and `prior`; AVG 16 and 19; hub/decisions/0016 and 0019.
"""

from collections.abc import Sequence
from typing import Final

from consent.request import QUESTION_TYPE
from hub.exchange.known import read_stored, tags_of
from hub.exchange.services import Services
from hub.exchange.stages import Structured
from hub.ports import MessageState, StoredMessage
from schemas.definitions import Definitions, ReplyValue
from schemas.errors import DocumentError, Issue
from schemas.identifiers import MessageId, SubjectTag
from schemas.message import Item, Message, labels
from schemas.replies import ANSWERED

_NOBODY_HAS_IT: Final = frozenset({MessageState.RECALLED, MessageState.REFUSED, MessageState.EXPIRED})
_OF_THE_CORRECTION: Final = frozenset({"bericht", "correctie"})
"""What every correction has of its own: its header, and what was wrong."""


async def check_answered_people(
    tags: Sequence[SubjectTag], *, structured: Structured, asked: StoredMessage, services: Services
) -> None:
    """Check that an answer is about nobody but whom the question is about.

    Args:
        tags: Whom the answer is about; whoever else it names is named beside them.
        structured: The answer.
        asked: The question.
        services: What use cases work with.

    Raises:
        DocumentError: It names somebody else.
        UnavailableError: The store could not be reached.
    """
    others = await _others(tags, earlier=asked, services=services)
    _refuse(_issues_of_people(structured, others, code="sender.reply-to.other-person", text=_NOT_ASKED))


async def check_not_answered(
    message: Message, answered: StoredMessage, *, definitions: Definitions, services: Services
) -> None:
    """Check that what a message answers has not got its last answer yet, as far as labels show which that is.

    What was taken back, refused or never collected was no answer: nobody has it. What may say that the answer follows
    is not the last one. Of a message that is stored already, those that were stored before it count.

    Raises:
        DocumentError: It was answered.
        UnavailableError: The store could not be reached.
    """
    kind = definitions.message_types.get(answered.type)
    if kind is None or kind.final_reply is not None:
        return  # which reply is the last one says by a value
    replies = await services.attention.replies(answered.id)
    own = next((each.index for each in replies if each.id == message.id), None)
    earlier = [each.id for each in replies if each.id != message.id and (own is None or each.index < own)]
    known = await services.store.messages(earlier) if earlier else {}
    last = (each for each in known.values() if each.state not in _NOBODY_HAS_IT)
    if any(not _may_say(kind.interim_reply, each) for each in last):
        raise DocumentError(ANSWERED.text, issues=[ANSWERED])


async def question_answered(received: StoredMessage, *, services: Services) -> MessageId | None:
    """Name the question to which a received message is the last answer, as far as its labels show; None: there is none.

    What may say that the answer follows leaves the question open, also where it refuses for good: to be reminded of
    what is settled does no harm.

    Raises:
        UnavailableError: The store could not be reached.
    """
    types = services.definitions.message_types
    kind = types.get(received.type)
    if kind is None or QUESTION_TYPE not in kind.answers or _may_say(types[QUESTION_TYPE].interim_reply, received):
        return None
    named = read_stored(received).reply_to
    asked = await services.store.message(named) if named is not None else None
    if asked is None or (asked.type, asked.sender, asked.recipient) != (
        QUESTION_TYPE,
        received.recipient,
        received.sender,
    ):
        return None
    return asked.id


def _may_say(value: ReplyValue | None, reply: StoredMessage) -> bool:
    """Whether a reply has the label under which that value would stand."""
    content = read_stored(reply).content if value is not None else ()
    return any(
        value is not None and item.profile == value.profile and value.element in item.elements for item in content
    )


async def check_corrected(
    structured: Structured, *, corrected: StoredMessage, original: Message, released: frozenset[int], services: Services
) -> None:
    """Check that a correction is about the persons of the corrected message, and holds only items that were released.

    Args:
        structured: The correction.
        corrected: The message that it corrects.
        original: Its claims.
        released: The numbers of its sealed elements that were ever released.
        services: What use cases work with.

    Raises:
        DocumentError: With everything else that it holds.
        UnavailableError: The store could not be reached.
    """
    others = await _others(structured.tags, earlier=corrected, services=services)
    issues = _issues_of_people(structured, others, code=_OTHER, text=_NOT_NAMED)
    had = {
        _name(original.content[label.item])
        for label in labels(original)
        if label.item is not None and not released.isdisjoint(range(label.first, label.first + len(label.digests)))
    }
    issues += [
        _issue(f"/content/{number}", _OTHER, _NOT_RELEASED)
        for number, item in enumerate(structured.message.content)
        if item.profile not in _OF_THE_CORRECTION and _name(item) not in had
    ]
    _refuse(issues)


async def _others(tags: Sequence[SubjectTag], *, earlier: StoredMessage, services: Services) -> frozenset[SubjectTag]:
    """Those pseudonyms that are of nobody in an earlier message."""
    named = frozenset(tags_of(earlier))
    unknown = tuple(dict.fromkeys(tag for tag in tags if tag not in named))
    if not unknown:
        return frozenset()
    persons = await services.persons.of(unknown)
    return frozenset(tag for tag in unknown if persons[tag].tags.isdisjoint(named))


def _name(item: Item) -> tuple[str, str]:
    return item.profile, item.id


def _issues_of_people(
    structured: Structured, others: frozenset[SubjectTag], *, code: str, text: tuple[str, str]
) -> list[Issue]:
    return [_issue(f"/subjects/{number}", code, text) for number, tag in enumerate(structured.tags) if tag in others]


def _issue(pointer: str, code: str, text: tuple[str, str]) -> Issue:
    return Issue(pointer=pointer, code=code, text=text[0], text_nl=text[1])


def _refuse(issues: Sequence[Issue]) -> None:
    if issues:
        raise DocumentError(issues[0].text, code=issues[0].code, issues=issues)


_OTHER: Final = "sender.corrects.other"
_NOT_ASKED: Final = (
    "the question is not about this person; if it is under another pseudonym, link the two first",
    "de vraag gaat niet over deze persoon; is het dezelfde onder een ander pseudoniem, leg dan eerst de koppeling vast",
)
_NOT_NAMED: Final = (
    "the corrected message is not about this person; if it is under another pseudonym, link the two first",
    "het bericht gaat niet over deze persoon; leg bij een ander pseudoniem van dezelfde eerst de koppeling vast",
)
_NOT_RELEASED: Final = (
    "the corrected message told the recipient no item of this name",
    "het gecorrigeerde bericht gaf de ontvanger geen onderdeel met deze naam",
)
