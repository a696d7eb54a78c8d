"""What flows between organisations by consent, by a measure, as answer and as recall: agents on a memory hub."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.agent.recording import CONSENT, MEASURE, RECALL, new_record_id, post_record, record_round, sign_record
from connectors.formats.fhir import FhirFormat
from schemas.codes import AgeBand, Capacity, Category, Register, SpoedReason
from schemas.consents import ConsentStatus, consent_to_payload
from schemas.document import Address, Document, DocumentResponsible
from schemas.errors import RejectedMessageError, UnavailableError
from schemas.identifiers import BSN_SYSTEM, OIN, MessageId, SubjectTag
from schemas.measures import measure_to_payload
from schemas.requests import RecallClaims, RecallReason, recall_to_payload
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, GI, HUB, World
from tests.support.example_messages import example_document
from tests.support.law_records import PARENT_YES, SELF_YES, consent_record, measure_statement
from tests.support.memory_hub import MemoryHub
from tests.support.parties import message_id

CHILD = "999911120"


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def hub(world: World) -> MemoryHub:
    return MemoryHub(world=world)


@pytest.fixture
def gemeente(hub: MemoryHub, tmp_path: Path) -> Agent:
    return Agent(world=hub.world, hub=hub, oin=GEMEENTE, home=tmp_path / "gemeente")


@pytest.fixture
def gi(hub: MemoryHub, tmp_path: Path) -> Agent:
    return Agent(world=hub.world, hub=hub, oin=GI, home=tmp_path / "gi", settings_changes={"capacity": Capacity.OTS})


def tag_of(world: World, bsn: str) -> SubjectTag:
    return world.chain.tag(recipient=HUB, system=BSN_SYSTEM, value=bsn)


def document(kind: str, *, sender: OIN, receiver: OIN, **change: Any) -> Document:
    return replace(
        example_document(kind),
        sender=Address(organisation=sender.value),
        receiver=Address(organisation=receiver.value),
        responsible=DocumentResponsible(register=Register.SKJ, number="110012345"),
        **change,
    )


def drop(agent: Agent, name: str, what: Document) -> None:
    written = FhirFormat().write(what, withheld=(), at=agent.world.clock.now())
    agent.drop(name, written.data)


def read(agent: Agent, path: str) -> Any:
    return json.loads((agent.home / path).read_text())


def now(agent: Agent) -> int:
    return int(agent.world.clock.now().timestamp())


async def state_measure(agent: Agent, **change: Any) -> None:
    """Let an agent record that the GI carries out a supervision order over the child."""
    record_id = new_record_id(agent.services)
    stated: dict[str, Any] = {"issuer": agent.oin, "tag": tag_of(agent.world, CHILD), "issued_at": now(agent), **change}
    statement = measure_statement(id=record_id, **stated)
    sign_record(agent.services, measure_to_payload(statement), kind=MEASURE, record_id=record_id)
    await post_record(agent.services, record_id)


async def give_consent(agent: Agent, bsn: str, **change: Any) -> MessageId:
    """Let an agent record that somebody allows the gemeente to tell the GI."""
    record_id = new_record_id(agent.services)
    said: dict[str, Any] = {"issuer": agent.oin, "tag": tag_of(agent.world, bsn), "issued_at": now(agent), **change}
    record = consent_record(id=record_id, **said)
    sign_record(agent.services, consent_to_payload(record), kind=CONSENT, record_id=record_id)
    await post_record(agent.services, record_id)
    return record_id


async def test_what_a_gi_under_a_measure_may_have_goes_when_the_measure_is_stated(gemeente: Agent, gi: Agent) -> None:
    case = document(
        "casusinformatie", sender=GEMEENTE, receiver=GI, purpose="GI-OTS-SPONT", receiver_capacity=Capacity.OTS
    )
    drop(gemeente, "te-vroeg.json", case)
    await gemeente.rounds()
    problem = read(gemeente, "refused/te-vroeg.json.problem.json")
    assert "sender.decision.measure-missing" in {each["code"] for each in problem["issues"]}
    await state_measure(gi)
    drop(gemeente, "nu.json", replace(case, reference="CASUS-2"))
    await gemeente.rounds()
    assert read(gemeente, "sent/nu.json.result.json")["recipients"][0]["purpose"] == "GI-OTS-SPONT"
    await gi.rounds()
    await gemeente.rounds()
    assert read(gemeente, "sent/nu.json.result.json")["recipients"][0]["state"] == "received"
    (fhir,) = [name for name in gi.names("in") if name.endswith(".fhir.json")]
    assert "ambulante jeugdhulp" in (gi.home / "in" / fhir).read_text()
    assert [notice for notice in gi.journal.open_notices() if "XML" in notice.text_nl] == []


async def test_a_measure_that_only_the_gi_states_lapses_after_thirty_days(gemeente: Agent, gi: Agent) -> None:
    await state_measure(gi, issued_at=now(gi) - 31 * 24 * 3600)
    case = document(
        "casusinformatie", sender=GEMEENTE, receiver=GI, purpose="GI-OTS-SPONT", receiver_capacity=Capacity.OTS
    )
    drop(gemeente, "casus.json", case)
    await gemeente.rounds()
    codes = {each["code"] for each in read(gemeente, "refused/casus.json.problem.json")["issues"]}
    assert "sender.decision.measure-lapsed" in codes


async def test_a_consent_lets_go_what_it_names_and_its_withdrawal_lets_nothing_go(gemeente: Agent) -> None:
    """The child's facts go by the parents' consent for the child; the mother's by her own."""
    case = document(
        "casusinformatie", sender=GEMEENTE, receiver=GI, purpose="VRIJW", receiver_capacity=Capacity.PREVENTIEF
    )
    given = await give_consent(gemeente, CHILD, age=AgeBand.FROM_12, givers=(SELF_YES, PARENT_YES, PARENT_YES))
    drop(gemeente, "casus.json", case)
    await gemeente.rounds()
    (sent,) = read(gemeente, "sent/casus.json.result.json")["recipients"]
    assert "leefgebied/l1/finding" in sent["permitted"]
    withheld = {each["label"]: {reason["code"] for reason in each["reasons"]} for each in sent["withheld"]}
    assert withheld["hulpverlening/h1/product"] == {"consent-not-for-category"}
    assert withheld["gezagsdrager/g1/name"] == {"consent-missing"}
    await give_consent(
        gemeente,
        CHILD,
        age=AgeBand.FROM_12,
        givers=(SELF_YES, PARENT_YES, PARENT_YES),
        status=ConsentStatus.WITHDRAWN,
        replaces=given,
    )
    drop(gemeente, "casus-2.json", replace(case, reference="CASUS-2"))
    await gemeente.rounds()
    problem = read(gemeente, "refused/casus-2.json.problem.json")
    assert "sender.decision.consent-withdrawn" in {each["code"] for each in problem["issues"]}


async def test_a_record_is_posted_again_until_the_hub_has_it(hub: MemoryHub, gemeente: Agent) -> None:
    def away(_: str) -> None:
        raise UnavailableError("away", code="hub.unreachable")

    hub.before = away
    with pytest.raises(UnavailableError):
        await give_consent(gemeente, CHILD)
    assert hub.records == []
    hub.before = lambda _: None
    gemeente.world.clock.advance(seconds=10)
    assert await record_round(gemeente.services) == 1
    assert [each.kind for each in hub.records] == [CONSENT.entry]
    assert await record_round(gemeente.services) == 0


async def test_an_answer_that_got_lost_makes_no_second_record(hub: MemoryHub, gemeente: Agent) -> None:
    def lost(_: str) -> None:
        raise UnavailableError("lost", code="hub.unreachable")

    hub.after = lost
    with pytest.raises(UnavailableError):
        await give_consent(gemeente, CHILD)
    hub.after = lambda _: None
    gemeente.world.clock.advance(seconds=10)
    await record_round(gemeente.services)
    row = gemeente.journal.row("SELECT state, log_index FROM records")
    assert row is not None
    assert (row["state"], row["log_index"]) == ("recorded", hub.records[0].index)
    assert len(hub.records) == 1


async def test_a_record_that_the_hub_refuses_later_is_told_to_people(hub: MemoryHub, gemeente: Agent) -> None:
    def away(_: str) -> None:
        raise UnavailableError("away", code="hub.unreachable")

    def refused(_: str) -> None:
        raise RejectedMessageError("no", code="sender.consent.more")

    hub.before = away
    with pytest.raises(UnavailableError):
        await give_consent(gemeente, CHILD)
    hub.before = refused
    gemeente.world.clock.advance(seconds=10)
    await record_round(gemeente.services)
    (notice,) = gemeente.journal.open_notices()
    assert notice.text_nl.startswith("De hub neemt deze vastlegging (toestemming) niet aan")


async def test_records_that_the_hub_altered_let_nothing_go(hub: MemoryHub, gemeente: Agent, gi: Agent) -> None:
    await state_measure(gi)
    hub.alter_found = lambda found: msgspec.structs.replace(
        found, records=tuple(msgspec.structs.replace(each, record=each.record[:-4] + "AAAA") for each in found.records)
    )
    case = document(
        "casusinformatie", sender=GEMEENTE, receiver=GI, purpose="GI-OTS-SPONT", receiver_capacity=Capacity.OTS
    )
    drop(gemeente, "casus.json", case)
    await gemeente.rounds()
    (notice,) = gemeente.journal.open_notices()
    assert notice.kind == "alarm"
    assert hub.messages == {}


async def test_a_question_is_answered_in_its_case_and_within_what_was_asked(
    hub: MemoryHub, gi: Agent, gemeente: Agent
) -> None:
    await state_measure(gi)
    question = document(
        "informatieverzoek", sender=GI, receiver=GEMEENTE, purpose="GI-OTS-VRAAG", capacity=Capacity.OTS
    )
    drop(gi, "vraag.json", question)
    await gi.rounds()
    (asked,) = hub.messages.values()
    assert asked.message.asks is not None
    assert asked.message.asks.categories == (Category.HULPVERLENING, Category.ZORGEN)
    await gemeente.rounds()
    answer = document("informatieantwoord", sender=GEMEENTE, receiver=GI, reply_to=asked.message.id)
    drop(gemeente, "antwoord.json", answer)
    await gemeente.rounds()
    (sent,) = read(gemeente, "sent/antwoord.json.result.json")["recipients"]
    assert sent["purpose"] == "GI-OTS-ANTW"
    assert "hulpverlening/h1/product" in sent["permitted"]
    withheld = {each["label"]: {reason["code"] for reason in each["reasons"]} for each in sent["withheld"]}
    assert withheld["jeugdige/p1/birthDate"] == {"category-not-asked"}
    message = hub.messages[sent["message"]].message
    assert (message.reply_to, message.case) == (asked.message.id, asked.message.case)
    assert message.recipient.capacity is Capacity.OTS


async def test_an_answer_to_what_never_came_is_refused(gemeente: Agent) -> None:
    answer = document("informatieantwoord", sender=GEMEENTE, receiver=GI, reply_to=message_id(7))
    drop(gemeente, "antwoord.json", answer)
    await gemeente.rounds()
    assert read(gemeente, "refused/antwoord.json.problem.json")["code"] == "sender.thread.unknown"


async def test_an_emergency_is_marked_in_the_message(hub: MemoryHub, gi: Agent) -> None:
    question = document(
        "informatieverzoek",
        sender=GI,
        receiver=GEMEENTE,
        purpose="GI-OTS-VRAAG",
        capacity=Capacity.OTS,
        spoed=SpoedReason.PRONOUNCED,
    )
    drop(gi, "vraag.json", question)
    await gi.rounds()
    (asked,) = hub.messages.values()
    assert asked.message.spoed is SpoedReason.PRONOUNCED


async def test_a_message_that_waits_can_be_taken_back(hub: MemoryHub, gi: Agent) -> None:
    await state_measure(gi)
    drop(gi, "vraag.json", document("informatieverzoek", sender=GI, receiver=GEMEENTE, purpose="GI-OTS-VRAAG"))
    await gi.rounds()
    (asked,) = hub.messages.values()
    record_id = new_record_id(gi.services)
    claims = RecallClaims(
        issuer=GI,
        id=record_id,
        issued_at=now(gi),
        hub=HUB,
        message_id=asked.message.id,
        reason=RecallReason.TWICE,
    )
    sign_record(gi.services, recall_to_payload(claims), kind=RECALL, record_id=record_id)
    await post_record(gi.services, record_id)
    await gi.rounds()
    assert read(gi, "sent/vraag.json.result.json")["recipients"][0]["state"] == "recalled"
