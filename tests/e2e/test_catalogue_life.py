"""A catalogue comes into force by the board's steps, and every connector of the running stack decides by it."""

import json
import stat
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from consent.grounds import Catalogue, load_catalogue, packaged_catalogue
from deploy.local.processes import wait_until
from tests.support.stack import Office, StackUnderTest, run, stack_under_test, unique
from tests.support.stack_board import bring_into_force
from tests.support.stuf_scenarios import Header, vto_scenario

pytestmark = pytest.mark.stack

FOLLOWED_SECONDS = 120.0
"""A connector that sends nothing looks at the log once a minute."""
PACKAGED = packaged_catalogue()
NEXT = load_catalogue(PACKAGED.data.replace(b'version = "2026-1"', b'version = "2026-2"'))


@pytest.fixture(scope="module")
def office() -> Iterator[StackUnderTest]:
    """A stack of these tests' own: its catalogue changes."""
    with stack_under_test() as running:
        yield running


def doctor(office: Office) -> str:
    """What the connector says of itself, also where it finds a fault."""
    return office.command("doctor", check=False).stdout


def vto(office: StackUnderTest) -> str:
    data = vto_scenario(1, header=Header(reference=unique("VTO")), case_number=unique("ZAAK"))
    return office.gemeente.drop(data)


def kinds(office: StackUnderTest, *, of: Catalogue) -> list[str]:
    """The ids of the entries about a catalogue, where it is one of the names that are no id of a step."""
    found = [entry for entry in office.entries() if entry["kind"] == "CATALOGUE"]
    return [entry["id"] if entry["id"] == "grounds" else "step" for entry in found if entry["catalogue"] == of.digest]


def test_the_first_catalogue_is_in_force_by_the_steps_of_a_board(office: StackUnderTest) -> None:
    """Proposed, proved and approved twice, each an entry of the log before the one that says that it is in force."""
    assert kinds(office, of=PACKAGED) == ["step"] * 4 + ["grounds"]
    for each in (office.gemeente, office.raad, office.gi):
        assert "Catalogus 2026-1 geldt: bestuur " in doctor(each)


def test_the_keys_of_the_board_are_for_their_owners_alone(office: StackUnderTest) -> None:
    keys = sorted((office.stack.home / "board").glob("*/member.pem"))
    assert [key.parent.name for key in keys] == ["fg", "goedkeurder-1", "goedkeurder-2", "indiener"]
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}


@pytest.mark.timeout(300)
def test_a_normal_change_is_followed_by_every_connector_also_by_one_that_sends_nothing(office: StackUnderTest) -> None:
    first = office.gemeente.sent(vto(office), state="received")
    assert first.recipient["catalogue"] == "2026-1"
    bring_into_force(office.stack, NEXT, replaces=PACKAGED)
    assert kinds(office, of=NEXT) == ["step"] * 5 + ["grounds"]
    second = office.gemeente.sent(vto(office), state="received")
    assert second.recipient["catalogue"] == "2026-2"
    for each in (office.gemeente, office.raad, office.gi):
        followed = each.home / "catalogue.toml"
        what = f"{each.organisation.name} to follow"
        wait_until(partial(_holds, followed, NEXT.data), what=what, seconds=FOLLOWED_SECONDS)
        (notice,) = each.notices_about("catalogue")
        assert (notice["kind"], "Catalogus 2026-2 geldt" in notice["nl"]) == ("catalogue", True)
        assert "Catalogus 2026-2 geldt: bestuur " in doctor(each)
    for message in (first.message, second.message):
        evidence = office.raad.received(message).evidence_path
        assert run("ketenhub-log", "check", evidence, "--policy", office.policy).returncode == 0


def _holds(path: Path, data: bytes) -> bool:
    return path.exists() and path.read_bytes() == data


def test_people_see_at_the_hub_by_whose_steps_it_is_in_force(office: StackUnderTest) -> None:
    """Exit code 1: nothing is about to come into force."""
    registrar = office.stack.home / "registrar" / "registrar.jwk.json"
    words = ("status", "--hub", office.stack.url, "--registrar", registrar)
    asked = run("ketenhub-policy", *words, "--json", check=False)
    found = json.loads(asked.stdout)
    (proposal,) = (each for each in found["proposals"] if each["digest"] == found["in_force"]["digest"])
    assert (asked.returncode, len(proposal["approvals"])) == (1, 2)
    assert "volgens de hub geldt catalogus " in run("ketenhub-policy", *words, check=False).stdout
