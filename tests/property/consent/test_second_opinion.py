"""The decision agrees with Cedar on every frame of the decision space.

The policies are made from the data of the same catalogue (`cedar.py`); Cedar's validator checks them against a schema,
and Cedar evaluates them. What is compared is whether it is permitted, and by which row. The situations, the other half
of the space, stand in `test_second_opinion_situations.py`, so that two processes share the work.
"""

import pytest

from tests.property.consent.cedar import answers
from tests.property.consent.second_opinion import SPACE, assert_agree, at_best, decided
from tests.support.catalogue_files import edited


@pytest.mark.parametrize("purpose", SPACE.purposes)
def test_they_agree_on_every_frame(purpose: str) -> None:
    assert_agree(purpose, (asked for frame in SPACE.frames(purpose) for asked in at_best(frame)))


def test_a_disagreement_is_found() -> None:
    """Cedar reads another catalogue than `decide`: one in which a row names a category less."""
    other = edited("KLACHT", '["klacht", "proces"]', '["klacht"]')
    questions = [asked for frame in SPACE.frames("KLACHT") for asked in at_best(frame)]
    assert [decided(asked) for asked in questions] != list(answers(other, "KLACHT", questions))
