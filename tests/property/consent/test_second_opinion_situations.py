"""The decision agrees with Cedar in every situation: persons, ages, consents, measures, questions, emergencies."""

import pytest

from tests.property.consent.second_opinion import SPACE, around, assert_agree


@pytest.mark.parametrize("purpose", [code for code in SPACE.purposes if SPACE.rows(code)])
def test_they_agree_in_every_situation(purpose: str) -> None:
    """Of every frame that can permit."""
    assert_agree(purpose, around(purpose))
