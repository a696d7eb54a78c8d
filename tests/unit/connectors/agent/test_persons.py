"""Whom a record is about, as people and systems say it."""

import pytest

from connectors.agent.persons import person_of
from schemas.document import JSONValue
from schemas.errors import DocumentError

PSEUDONYM = "1.EBESExQVFhcYGRobHB0eHw"


@pytest.mark.parametrize("unborn", [1, 0, "true", []])
def test_whether_a_child_is_born_is_said_by_true_or_false_and_by_nothing_else(unborn: JSONValue) -> None:
    """1 equals True and is not it: it would be read as born."""
    with pytest.raises(DocumentError):
        person_of({"pseudonym": PSEUDONYM, "unborn": unborn})


@pytest.mark.parametrize(("said", "unborn"), [({}, False), ({"unborn": False}, False), ({"unborn": True}, True)])
def test_a_child_is_unborn_where_that_is_said(said: dict[str, JSONValue], unborn: bool) -> None:  # noqa: FBT001 - expected
    assert person_of({"pseudonym": PSEUDONYM, **said}).unborn is unborn
