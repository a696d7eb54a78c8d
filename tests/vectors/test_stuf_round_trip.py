"""What goes through the format is valid by the published schemas and says the same thing."""

from collections.abc import Callable
from datetime import date
from functools import partial

import pytest

from connectors.formats.stuf import read_stuf, write_document
from schemas.definitions import load_definitions
from schemas.fhir import check_values
from tests.support.stuf_scenarios import (
    NOTIFICATION_SCENARIOS,
    VTO_SCENARIOS,
    notification_example,
    notification_scenario,
    vto_example,
    vto_scenario,
)
from tests.support.stuf_xsd import what_it_says, xsd_errors

MESSAGES: dict[str, Callable[[], bytes]] = {
    "request": vto_example,
    "notification": notification_example,
    **{f"request-{number}": partial(vto_scenario, number) for number in range(1, VTO_SCENARIOS + 1)},
    **{
        f"notification-{number}": partial(notification_scenario, number)
        for number in range(1, NOTIFICATION_SCENARIOS + 1)
    },
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_scenario_is_valid_and_comes_back_saying_the_same(name: str) -> None:
    """Both files are valid by the schema, and the sets of what they say are equal."""
    sent = MESSAGES[name]()
    written = write_document(read_stuf(sent))

    assert xsd_errors(sent) == []
    assert xsd_errors(written.data) == []
    assert what_it_says(sent) == what_it_says(written.data)
    assert written.omitted == ()


@pytest.mark.parametrize("name", MESSAGES)
def test_a_scenarios_values_are_of_the_definitions(name: str) -> None:
    """What the format makes is what the definitions want: datatypes, codes, and what belongs together."""
    document = read_stuf(MESSAGES[name]())
    day = date(2026, 11, 24)
    issues = check_values(
        document.items, load_definitions(), message_type=document.type, on=day, unborn=document.unborn
    )

    assert issues == ()
