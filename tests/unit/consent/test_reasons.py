"""Reasons and marks are a closed list with texts for people."""

import re

import pytest

from consent.reasons import Mark, Reason


@pytest.mark.parametrize("told", [*Reason, *Mark])
def test_every_code_has_a_sentence_in_both_languages(told: Reason | Mark) -> None:
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", told.value)
    for sentence in (told.nl, told.en):
        assert re.fullmatch(r"[A-Z].{10,}\.", sentence)
    assert told.nl != told.en


def test_no_two_codes_say_the_same() -> None:
    told = [*Reason, *Mark]
    assert len(told) == len({each.nl for each in told}) == len({each.en for each in told})
    assert len(told) == len({each.value for each in told})


def test_a_code_from_a_record_finds_its_reason() -> None:
    assert Reason("category-not-in-ground") is Reason.CATEGORY_NOT_IN_GROUND


def test_an_unknown_code_is_refused() -> None:
    with pytest.raises(ValueError, match="not a valid Reason"):
        Reason("because")
