"""What a system hands in is done once, whatever crashes and however often it asks."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.agent.handing_in import KEPT_SECONDS, Claim, find_first, forget_claims
from connectors.agent.outbox import outbox_round
from connectors.agent.recording import record_round
from connectors.api import consents, corrections, messages, questions
from connectors.api.calls import FHIR_JSON, JSON, XML, Answer, Api, Call
from connectors.api.problems import UnderWayError
from connectors.formats.stuf.examples import vto_example
from schemas.codes import Capacity
from schemas.errors import RejectedMessageError, ReplayError, UnavailableError
from tests.support.connector_agents import Agent, Crash, Fuse
from tests.support.connector_world import GEMEENTE, GI, RAAD, World
from tests.support.fhir_consents import consent
from tests.support.memory_hub import MemoryHub
from tests.unit.connectors.agent.test_lawful_flows import CHILD, state_measure

FORM = "LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564"


@pytest.fixture
def hub() -> MemoryHub:
    return MemoryHub(world=World())


@pytest.fixture
def agent(hub: MemoryHub, tmp_path: Path) -> Agent:
    return Agent(world=hub.world, hub=hub, oin=GEMEENTE, home=tmp_path, fuse=Fuse())


def call(body: bytes | Any, *, key: str | None = None, media: str = "", **places: str) -> Call:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    media = media or (XML if isinstance(body, bytes) else JSON)
    claim = Claim.of(f"POST /{sorted(places.values())}", data, key=key)
    return Call(places=places, after=-1, media_type=media, body=data, claim=claim)


def api(agent: Agent) -> Api:
    return Api(services=agent.services, hosts=frozenset())


ASK = {
    "to": GEMEENTE.value,
    "person": {"bsn": CHILD, "born": "2018-03-02"},
    "categories": ["hulpverlening"],
    "term": "2026-12-14",
    "purpose": "GI-OTS-VRAAG",
    "capacity": "ots",
}


async def hand_in(agent: Agent, body: bytes, *, key: str | None = None) -> Any:
    return (await messages.hand_in(call(body, key=key), api(agent))).value


async def give(agent: Agent, value: Any, *, key: str | None = None) -> Answer:
    return await consents.give(call(value, key=key, media=FHIR_JSON), api(agent))


def count(agent: Agent, table: str) -> int:
    return len(agent.journal.rows({"files": "SELECT 1 FROM files", "records": "SELECT 1 FROM records"}[table]))


async def test_what_was_handed_in_is_sent_by_the_round(agent: Agent, hub: MemoryHub) -> None:
    said = await hand_in(agent, vto_example())
    assert (said["state"], said["recipients"], said["problem"]) == ("taken", [], None)
    await agent.rounds()
    again = await hand_in(agent, vto_example())
    (recipient,) = again["recipients"]
    assert (again["number"], again["state"]) == (said["number"], "accepted")
    assert recipient["message"] in hub.messages
    assert (agent.home / "sent" / said["name"]).read_bytes() == vto_example()


@pytest.mark.parametrize("key", [None, "key-1"])
async def test_a_repeat_gets_the_first_answer(agent: Agent, hub: MemoryHub, key: str | None) -> None:
    numbers = {(await hand_in(agent, vto_example(), key=key))["number"] for _ in range(3)}
    await agent.rounds()
    numbers.add((await hand_in(agent, vto_example(), key=key))["number"])
    await agent.rounds()
    assert (len(numbers), count(agent, "files"), len(hub.messages)) == (1, 1, 1)


async def test_a_key_is_of_one_request(agent: Agent) -> None:
    first = await hand_in(agent, b"<one/>", key="key-1")
    with pytest.raises(ReplayError) as caught:
        await hand_in(agent, b"<other/>", key="key-1")
    assert caught.value.code == "sender.idempotency-key.used"
    assert (await hand_in(agent, b"<one/>", key="key-2"))["number"] != first["number"]
    assert (await hand_in(agent, b"<one/>"))["number"] != first["number"]


async def test_what_was_refused_leaves_key_and_content_free(agent: Agent) -> None:
    """Its system mends it and hands it in again; or nothing was wrong with it but where it came."""
    for key in (None, "key-1"):
        first = await hand_in(agent, b"<none/>", key=key)
        await agent.rounds()
        again = await hand_in(agent, b"<none/>", key=key)
        assert again["number"] != first["number"]
    await agent.rounds()
    assert (await hand_in(agent, vto_example(), key="key-1"))["state"] == "taken"


async def test_why_something_was_refused_is_told(agent: Agent) -> None:
    number = (await hand_in(agent, b"<none/>"))["number"]
    await agent.rounds()
    said: Any = (await messages.show_outgoing(call(b"", number=str(number)), api(agent))).value
    assert (said["state"], said["problem"]["must_act"]) == ("refused", "sender")
    assert said["problem"] == json.loads((agent.home / "refused" / f"{said['name']}.problem.json").read_bytes())


async def test_a_key_and_what_was_asked_are_not_kept(agent: Agent) -> None:
    await hand_in(agent, b"<one/>", key="kind-999911120")
    (row,) = agent.journal.rows("SELECT * FROM handed_in")
    assert "999911120" not in str(tuple(row))


async def test_a_repeat_is_known_for_a_month(agent: Agent) -> None:
    await hand_in(agent, b"<one/>")
    claim = call(b"<one/>").claim
    for seconds, known in ((KEPT_SECONDS - 10, True), (KEPT_SECONDS + 10, False)):
        with agent.journal.step("forgotten") as db:
            forget_claims(db, at=agent.world.clock.now() + timedelta(seconds=seconds))
        assert (find_first(agent.services, claim) is not None) is known


async def killed_anywhere(agent: Agent, work: Callable[[], Any]) -> int:
    """Do something until it is not killed any more; its system asks again each time. Returns how often it was."""
    at = 0
    while True:
        agent.fuse.at, agent.fuse.passed = at, 0
        try:
            await work()
        except Crash:
            agent.fuse.at = -1
            agent.restart()
            at += 1
        else:
            agent.fuse.at = -1
            return at


async def test_nothing_is_lost_or_twice_when_the_connector_is_killed_at_any_point(agent: Agent, hub: MemoryHub) -> None:
    """Before the answer, or after it and before it is sent: a system that got no answer asks again."""
    killed = await killed_anywhere(agent, lambda: hand_in(agent, vto_example()))
    assert killed == 2  # before and after the step; each was tried
    assert count(agent, "files") == 1
    agent.restart()
    killed = await killed_anywhere(agent, lambda: outbox_round(agent.services))
    assert killed > 4
    await agent.rounds()
    assert len(hub.messages) == 1
    assert (await hand_in(agent, vto_example()))["state"] == "accepted"


# ---- corrections ----


async def delivered(agent: Agent, hub: MemoryHub, *, home: Path) -> list[str]:
    """Return the ids of two messages that their recipient has."""
    await agent.rounds()
    raad = Agent(world=hub.world, hub=hub, oin=RAAD, home=home)
    for number in ("0001", "0002"):
        await hand_in(agent, vto_example().replace(b"2026-0001", f"2026-{number}".encode()))
    for each in (agent, raad, agent):
        await each.rounds()
    return [row["id"] for row in agent.journal.rows("SELECT id FROM submissions WHERE state = 'received'")]


def wrong(**change: Any) -> dict[str, Any]:
    person = {"bsn": "999911120", "born": "2018-03-02"}
    return {"items": ["jeugdige/k1"], "reason": "onjuist", "person": person, **change}


async def correct(agent: Agent, message: str, body: dict[str, Any], *, key: str) -> Any:
    return (await corrections.correct(call(body, key=key, message=message), api(agent))).value


async def test_a_key_is_of_one_correction(agent: Agent, hub: MemoryHub, tmp_path: Path) -> None:
    """Whatever is made of it: of another message, with other words, or another call, it is refused."""
    message, other = await delivered(agent, hub, home=tmp_path / "raad")
    made = await correct(agent, message, wrong(), key="key-1")
    assert await correct(agent, message, wrong(), key="key-1") == made
    for named, body in ((message, wrong(requested_by="betrokkene")), (other, wrong())):
        with pytest.raises(ReplayError) as caught:
            await correct(agent, named, body, key="key-1")
        assert caught.value.code == "sender.idempotency-key.used"
    with pytest.raises(ReplayError):
        await hand_in(agent, b"<one/>", key="key-1")
    await hand_in(agent, b"<one/>", key="key-2")
    with pytest.raises(ReplayError):
        await correct(agent, message, wrong(), key="key-2")


# ---- consents ----


async def test_a_consent_is_recorded_once_for_a_request(agent: Agent, hub: MemoryHub) -> None:
    first, again = await give(agent, consent()), await give(agent, consent())
    assert first.value == again.value
    assert (first.status, again.status, len(hub.records)) == (201, 201, 1)


async def test_a_consent_is_recorded_once_when_the_connector_is_killed_at_any_point(
    agent: Agent, hub: MemoryHub
) -> None:
    killed = await killed_anywhere(agent, lambda: give(agent, consent()))
    assert killed >= 2
    await record_round(agent.services)
    assert count(agent, "records") == len(hub.records) == 1
    answer: Any = (await give(agent, consent())).value
    assert [each["state"] for each in answer["records"]] == ["recorded"]


async def test_what_the_hub_was_not_reached_for_is_posted_later(
    agent: Agent, hub: MemoryHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> None:
        raise UnavailableError("away", code="hub.unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(type(agent.services.hub), "record_consent", away)
        first = await give(agent, consent())
    value: Any = first.value
    assert (first.status, value["records"][0]["state"], hub.records) == (202, "signed", [])
    agent.world.clock.advance(seconds=10)
    await record_round(agent.services)
    again = await give(agent, consent())
    assert (again.status, len(hub.records), count(agent, "records")) == (201, 1, 1)


async def test_what_the_hub_refuses_leaves_its_content_free(
    agent: Agent, hub: MemoryHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuses(*_: object) -> None:
        raise RejectedMessageError("no", code="sender.persons.too-many")

    with monkeypatch.context() as patch:
        patch.setattr(type(agent.services.hub), "record_consent", refuses)
        with pytest.raises(RejectedMessageError):
            await give(agent, consent(), key="key-1")
    assert (await give(agent, consent(), key="key-1")).status == 201
    assert len(hub.records) == 1


async def test_a_consent_that_was_withdrawn_is_given_anew_in_the_same_words(agent: Agent, hub: MemoryHub) -> None:
    """By its content it would else be taken for a repeat, and its system would believe that it holds."""
    first: Any = (await give(agent, consent())).value
    keyed: Any = (await give(agent, consent(), key="key-1")).value
    for each in (first, keyed):
        withdrawal = call({"form": FORM}, record=each["records"][0]["id"])
        assert (await consents.withdraw(withdrawal, api(agent))).status == 201
    again: Any = (await give(agent, consent())).value
    assert again["records"][0]["id"] != first["records"][0]["id"]
    assert (await give(agent, consent(), key="key-1")).value == keyed
    assert len(hub.records) == 5


async def test_two_at_once_do_not_make_two(agent: Agent, hub: MemoryHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the hub takes its time, the same request again is told so; it is no second one."""
    served = api(agent)
    real = type(agent.services.hub).record_consent

    async def slow(self: Any, token: str) -> Any:
        await asyncio.sleep(0)
        return await real(self, token)

    monkeypatch.setattr(type(agent.services.hub), "record_consent", slow)
    asked = [consents.give(call(consent(), media=FHIR_JSON), served) for _ in range(2)]
    done = await asyncio.gather(*asked, return_exceptions=True)
    assert sorted(type(each).__name__ for each in done) == [Answer.__name__, UnderWayError.__name__]
    assert len(hub.records) == 1
    assert served.under_way == set()


async def test_all_of_a_consent_that_takes_several_records_is_signed_or_none(
    agent: Agent, hub: MemoryHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that the hub refuses does not keep the others, which stand in the journal, from being posted."""
    several = consent()
    exception = {"type": "deny", "securityLabel": [several["provision"]["securityLabel"][0]]}
    several["provision"]["provision"] = [exception]
    refused = 0

    real = type(agent.services.hub).record_consent

    async def refuses_one(self: Any, token: str) -> Any:
        nonlocal refused
        refused += 1
        if refused == 1:
            raise RejectedMessageError("no", code="sender.persons.too-many")
        return await real(self, token)

    with monkeypatch.context() as patch:
        patch.setattr(type(agent.services.hub), "record_consent", refuses_one)
        with pytest.raises(RejectedMessageError):
            await give(agent, several)
    states = [row["state"] for row in agent.journal.rows("SELECT state FROM records ORDER BY id")]
    assert states == ["refused", "recorded"]
    assert len(hub.records) == 1


def test_a_claim_is_of_its_place_too() -> None:
    assert Claim.of("POST /a", b"x", key=None) != Claim.of("POST /b", b"x", key=None)
    assert replace(Claim.of("POST /a", b"x", key="k"), key=None) == Claim.of("POST /a", b"x", key=None)


async def test_the_own_consents_come_in_pages_that_hold_each_once(
    agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the hub refused one; and what a later page replaces is said to be replaced."""
    monkeypatch.setattr("connectors.agent.consents.PAGE_MAX", 2)
    given: Any = (await give(agent, consent(), key="0")).value
    (first,) = given["records"]
    for number in range(1, 5):
        await give(agent, consent(), key=f"{number}")
    withdrawn = call({"form": FORM}, record=first["id"])
    await consents.withdraw(withdrawn, api(agent))
    rows = agent.journal.rows("SELECT id FROM records ORDER BY id")
    with agent.journal.step("refused") as db:
        db.execute("UPDATE records SET state = 'refused' WHERE id = ?", (rows[1]["id"],))
    found: list[Any] = []
    after, pages = -1, 0
    while page := (said := await list_own(agent, after=after))["records"]:
        found += page
        after, pages = said["next"], pages + 1
    assert [each["id"] for each in found] == [row["id"] for row in rows if row["id"] != rows[1]["id"]]
    assert [each["id"] for each in found if each["replaced"]] == [first["id"]]
    assert (pages, said["next"]) == (3, 5)


async def test_the_questions_come_in_pages_that_hold_each_once(
    hub: MemoryHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where one of a page before waits no more; that one is not listed again."""
    monkeypatch.setattr("connectors.agent.questions.PAGE_MAX", 2)
    changes: dict[str, object] = {"capacity": Capacity.OTS}
    agent = Agent(world=hub.world, hub=hub, oin=GI, home=tmp_path / "gi", settings_changes=changes)
    await state_measure(agent)
    for number in range(5):
        body = {**ASK, "question": f"Vraag {number}?"}
        await questions.ask(call(body, key=f"{number}"), api(agent))
    await agent.rounds()
    asked = [row["message"] for row in agent.journal.rows("SELECT message FROM threads ORDER BY rowid")]
    found: list[Any] = []
    after, pages = -1, 0
    while page := (said := await list_questions(agent, after=after))["questions"]:
        found += page
        after, pages = said["next"], pages + 1
        with agent.journal.step("taken back") as db:
            db.execute("UPDATE submissions SET state = 'recalled' WHERE id = ?", (asked[0],))
    assert [each["message"] for each in found] == asked
    assert pages == 3
    assert [each["message"] for each in (await list_questions(agent, after=-1))["questions"]] == asked[1:3]


async def list_questions(agent: Agent, *, after: int) -> Any:
    return (await questions.list_questions(replace(call(b""), after=after), api(agent))).value


async def list_own(agent: Agent, *, after: int) -> Any:
    return (await consents.list_own(replace(call(b""), after=after), api(agent))).value
