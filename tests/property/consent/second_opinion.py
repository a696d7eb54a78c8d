"""The questions that `decide` and Cedar are both asked, and the comparison."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from consent.decide import decide
from consent.decision import Permit
from consent.grounds import Catalogue
from consent.situations import best_situation, situations
from consent.space import Days, Frame, Space
from schemas.definitions import load_definitions
from tests.property.consent.cedar import Asked, answers
from tests.support.catalogue_files import PACKAGED

TOGETHER: Final = 5000
"""Questions in one batch: all at once would take hundreds of megabytes."""
SPACE: Final = Space(PACKAGED, definitions=load_definitions())


def decided(asked: Asked, catalogue: Catalogue = PACKAGED) -> str | None:
    """The row by which `decide` permits, or None."""
    request, facts, at = asked
    decision = decide(request, catalogue=catalogue, facts=facts, at=at)
    return decision.row if isinstance(decision, Permit) else None


def at_best(frame: Frame) -> list[Asked]:
    """The frame with every tie of each of its rows held."""
    at, category = frame.days.at, frame.label.example.category
    found = dict.fromkeys(
        best_situation(row, category, sender=frame.sender.example, recipient=frame.recipient.example, at=at)
        for row in SPACE.rows(frame.purpose)
    )
    return [(frame.request(subjects=one.subjects, spoed=one.spoed), one.facts, at) for one in found]


def around(purpose: str) -> Iterator[Asked]:
    """Every situation of every frame that can permit."""
    rows = SPACE.rows(purpose)
    hours = frozenset(row.spoed_hours for row in rows if row.spoed_hours is not None)
    seen: set[tuple[str, Days]] = set()
    for frame in SPACE.frames(purpose):
        row = next((row for asked in at_best(frame) if (row := decided(asked))), None)
        if row is None:
            continue
        at, category = frame.days.at, frame.label.example.category
        full = (row, frame.days) not in seen
        seen.add((row, frame.days))
        for one in situations(SPACE.ties(purpose), category=category, purpose=purpose, hours=hours, at=at, full=full):
            yield frame.request(subjects=one.subjects, spoed=one.spoed), one.facts, at


def assert_agree(purpose: str, questions: Iterable[Asked]) -> None:
    """Both permit, by the same row, or both deny; asked some thousands at a time."""
    rest = iter(questions)
    while together := list(islice(rest, TOGETHER)):
        for asked, row in zip(together, answers(PACKAGED, purpose, together), strict=True):
            assert (decided(asked), asked) == (row, asked)
