"""What end users see is Dutch first, English second."""

import pytest

from consent.lifecycle import Obstacle, Unheeded
from consent.reasons import Mark, Reason

TOLD = [*Reason, *Mark, *Obstacle, *Unheeded]


@pytest.mark.parametrize("told", TOLD, ids=lambda told: told.value)
def test_every_reason_and_mark_is_told_in_two_languages(told: Reason | Mark | Obstacle | Unheeded) -> None:
    """A sentence each, not the same one twice, and no place for a value in it."""
    for text in (told.nl, told.en):
        assert text == text.strip()
        assert text[:1].isupper()
        assert text.endswith(".")
        assert "{" not in text
        assert "%" not in text
    assert told.nl != told.en


def test_no_two_reasons_say_the_same() -> None:
    """Who reads a reason can tell which one it is."""
    assert len({told.nl for told in TOLD}) == len({told.en for told in TOLD}) == len(TOLD)


def test_dutch_stands_first() -> None:
    """The texts did not change places: Dutch articles stand in the one, English ones in the other."""
    dutch, english = (" ".join(texts).split() for texts in ([t.nl for t in TOLD], [t.en for t in TOLD]))
    assert {"De", "niet", "deze"} <= set(dutch)
    assert {"The", "not", "this"} <= set(english)
    assert not {"de", "het", "niet"} & set(english)
    assert not {"the", "not", "this"} & set(dutch)
