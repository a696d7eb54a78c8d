"""What flows between organisations by consent, by a measure, as answer and as recall: agents on a memory hub."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

from connectors.agent.questions import open_questions
from connectors.agent.recalling import recall_of
from connectors.agent.recording import (
    CONSENT,
    MEASURE,
    RECALL,
    Unsigned,
    new_record_id,
    post_record,
    record_round,
    sign_records,
)
from connectors.agent.reminding import hear_notices, remind
from connectors.sdk.answers import HubNotice
from schemas.codes import AgeBand, Capacity, Category, SpoedReason
from schemas.consents import ConsentStatus, consent_to_payload
from schemas.errors import RejectedMessageError, UnavailableError
from schemas.identifiers import BSN_SYSTEM, MessageId, SubjectTag
from schemas.measures import measure_to_payload
from schemas.requests import RecallClaims, RecallReason, recall_to_payload
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, GI, HUB, RAAD, World
from tests.support.example_messages import document_between
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


def read(agent: Agent, path: str) -> Any:
    return json.loads((agent.home / path).read_text())


def now(agent: Agent) -> int:
    return int(agent.world.clock.now().timestamp())


async def state_measure(agent: Agent, **change: Any) -> None:
    """Let an agent record that the GI carries out a supervision order over the child."""
    record_id = new_record_id(agent.services)
    stated: dict[str, Any] = {"issuer": agent.oin, "tag": tag_of(agent.world, CHILD), "issued_at": now(agent), **change}
    statement = measure_statement(id=record_id, **stated)
    sign_records(agent.services, [Unsigned(id=record_id, payload=measure_to_payload(statement))], kind=MEASURE)
    await post_record(agent.services, record_id)


async def give_consent(agent: Agent, bsn: str, **change: Any) -> MessageId:
    """Let an agent record that somebody allows the gemeente to tell the GI."""
    record_id = new_record_id(agent.services)
    said: dict[str, Any] = {"issuer": agent.oin, "tag": tag_of(agent.world, bsn), "issued_at": now(agent), **change}
    record = consent_record(id=record_id, **said)
    sign_records(agent.services, [Unsigned(id=record_id, payload=consent_to_payload(record))], kind=CONSENT)
    await post_record(agent.services, record_id)
    return record_id


async def test_what_a_gi_under_a_measure_may_have_goes_when_the_measure_is_stated(gemeente: Agent, gi: Agent) -> None:
    case = document_between(
        "casusinformatie", sender=GEMEENTE, receiver=GI, purpose="GI-OTS-SPONT", receiver_capacity=Capacity.OTS
    )
    gemeente.drop_document("te-vroeg.json", case)
    await gemeente.rounds()
    problem = read(gemeente, "refused/te-vroeg.json.problem.json")
    assert "sender.decision.measure-missing" in {each["code"] for each in problem["issues"]}
    await state_measure(gi)
    gemeente.drop_document("nu.json", replace(case, reference="CASUS-2"))
    await gemeente.rounds()
    (sent,) = read(gemeente, "sent/nu.json.result.json")["recipients"]
    assert sent["purpose"] == "GI-OTS-SPONT"
    (ground,) = sent["grounds"]
    assert ground["proposed"] is True
    assert "(voorstel – nog niet bevestigd)" in ground["nl"]
    await gi.rounds()
    await gemeente.rounds()
    assert read(gemeente, "sent/nu.json.result.json")["recipients"][0]["state"] == "received"
    (fhir,) = [name for name in gi.names("in") if name.endswith(".fhir.json")]
    assert "ambulante jeugdhulp" in (gi.home / "in" / fhir).read_text()
    assert [notice for notice in gi.journal.open_notices() if "XML" in notice.text_nl] == []


async def test_a_measure_that_only_the_gi_states_lapses_after_thirty_days(gemeente: Agent, gi: Agent) -> None:
    await state_measure(gi, issued_at=now(gi) - 31 * 24 * 3600)
    case = document_between(
        "casusinformatie", sender=GEMEENTE, receiver=GI, purpose="GI-OTS-SPONT", receiver_capacity=Capacity.OTS
    )
    gemeente.drop_document("casus.json", case)
    await gemeente.rounds()
    codes = {each["code"] for each in read(gemeente, "refused/casus.json.problem.json")["issues"]}
    assert "sender.decision.measure-lapsed" in codes


async def test_a_consent_lets_go_what_it_names_and_its_withdrawal_lets_nothing_go(gemeente: Agent) -> None:
    """The child's facts go by the parents' consent for the child; the mother's by her own."""
    case = document_between(
        "casusinformatie", sender=GEMEENTE, receiver=GI, purpose="VRIJW", receiver_capacity=Capacity.PREVENTIEF
    )
    given = await give_consent(gemeente, CHILD, age=AgeBand.FROM_12, givers=(SELF_YES, PARENT_YES, PARENT_YES))
    gemeente.drop_document("casus.json", case)
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
    gemeente.drop_document("casus-2.json", replace(case, reference="CASUS-2"))
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
    case = document_between(
        "casusinformatie", sender=GEMEENTE, receiver=GI, purpose="GI-OTS-SPONT", receiver_capacity=Capacity.OTS
    )
    gemeente.drop_document("casus.json", case)
    await gemeente.rounds()
    (notice,) = gemeente.journal.open_notices()
    assert notice.kind == "alarm"
    assert hub.messages == {}


async def test_a_question_is_answered_in_its_case_and_within_what_was_asked(
    hub: MemoryHub, gi: Agent, gemeente: Agent
) -> None:
    await state_measure(gi)
    question = document_between(
        "informatieverzoek", sender=GI, receiver=GEMEENTE, purpose="GI-OTS-VRAAG", capacity=Capacity.OTS
    )
    gi.drop_document("vraag.json", question)
    await gi.rounds()
    (asked,) = hub.messages.values()
    assert asked.message.asks is not None
    assert asked.message.asks.categories == (Category.HULPVERLENING, Category.ZORGEN)
    await gemeente.rounds()
    answer = document_between("informatieantwoord", sender=GEMEENTE, receiver=GI, reply_to=asked.message.id)
    gemeente.drop_document("antwoord.json", answer)
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
    answer = document_between("informatieantwoord", sender=GEMEENTE, receiver=GI, reply_to=message_id(7))
    gemeente.drop_document("antwoord.json", answer)
    await gemeente.rounds()
    assert read(gemeente, "refused/antwoord.json.problem.json")["code"] == "sender.thread.unknown"


async def test_an_emergency_is_marked_in_the_message(hub: MemoryHub, gi: Agent) -> None:
    question = document_between(
        "informatieverzoek",
        sender=GI,
        receiver=GEMEENTE,
        purpose="GI-OTS-VRAAG",
        capacity=Capacity.OTS,
        spoed=SpoedReason.PRONOUNCED,
    )
    gi.drop_document("vraag.json", question)
    await gi.rounds()
    (asked,) = hub.messages.values()
    assert asked.message.spoed is SpoedReason.PRONOUNCED


async def test_a_message_that_waits_can_be_taken_back(hub: MemoryHub, gi: Agent) -> None:
    await state_measure(gi)
    gi.drop_document(
        "vraag.json", document_between("informatieverzoek", sender=GI, receiver=GEMEENTE, purpose="GI-OTS-VRAAG")
    )
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
    sign_records(gi.services, [Unsigned(id=record_id, payload=recall_to_payload(claims))], kind=RECALL)
    await post_record(gi.services, record_id)
    await gi.rounds()
    assert read(gi, "sent/vraag.json.result.json")["recipients"][0]["state"] == "recalled"


async def ask(gi: Agent, gemeente: Agent) -> MessageId:
    """Let the GI ask, and the gemeente receive it."""
    await state_measure(gi)
    gi.drop_document(
        "vraag.json", document_between("informatieverzoek", sender=GI, receiver=GEMEENTE, purpose="GI-OTS-VRAAG")
    )
    await gi.rounds()
    await gemeente.rounds()
    (asked,) = gi.hub.messages.values()
    return asked.message.id


async def test_a_question_lies_in_its_folder_until_it_is_answered(gi: Agent, gemeente: Agent) -> None:
    asked = await ask(gi, gemeente)
    (name,) = gemeente.names("questions")
    waiting = read(gemeente, f"questions/{name}")
    assert (waiting["message"], waiting["from"], waiting["term"]) == (asked.value, GI.value, "2026-12-14")
    assert (waiting["categories"], waiting["must_answer"]) == (["hulpverlening", "zorgen"], True)
    assert [(each.message, each.ours) for each in open_questions(gi.journal)] == [(asked, True)]
    gemeente.drop_document(
        "antwoord.json", document_between("informatieantwoord", sender=GEMEENTE, receiver=GI, reply_to=asked)
    )
    await gemeente.rounds()
    assert gemeente.names("questions") == []
    await gi.rounds()
    assert open_questions(gi.journal) == ()


async def test_an_answer_that_holds_what_was_asked_needs_nobody(gi: Agent, gemeente: Agent) -> None:
    asked = await ask(gi, gemeente)
    gemeente.drop_document(
        "antwoord.json", document_between("informatieantwoord", sender=GEMEENTE, receiver=GI, reply_to=asked)
    )
    await gemeente.rounds()
    await gi.rounds()
    assert [each.kind for each in gi.journal.open_notices()] == []


async def test_what_an_answer_tells_beyond_the_question_is_told_to_people(gi: Agent, gemeente: Agent) -> None:
    """Its sender and the hub let it through together: who asked knows what it asked."""
    asked = await ask(gi, gemeente)
    with gi.journal.step("asked less") as db:
        less = json.dumps({"categories": ["zorgen"], "term": "2026-12-14"})
        db.execute("UPDATE threads SET asks = ? WHERE message = ?", (less, asked.value))
    gemeente.drop_document(
        "antwoord.json", document_between("informatieantwoord", sender=GEMEENTE, receiver=GI, reply_to=asked)
    )
    await gemeente.rounds()
    await gi.rounds()
    (notice,) = gi.journal.open_notices()
    assert notice.kind == "unprompted"
    labels = "hulpverlening/h1/period, hulpverlening/h1/product, hulpverlening/h1/provider"
    assert notice.text_nl == f"Bevat gegevens waar niet om is gevraagd: {labels}."
    assert [name for name in gi.names("in") if name.endswith(".fhir.json")]


async def test_an_answer_to_what_this_connector_did_not_ask_is_told_to_people(gi: Agent, gemeente: Agent) -> None:
    asked = await ask(gi, gemeente)
    with gi.journal.step("asked of somebody else") as db:
        db.execute("UPDATE threads SET other = ? WHERE message = ?", (RAAD.value, asked.value))
    gemeente.drop_document(
        "antwoord.json", document_between("informatieantwoord", sender=GEMEENTE, receiver=GI, reply_to=asked)
    )
    await gemeente.rounds()
    await gi.rounds()
    (notice,) = gi.journal.open_notices()
    assert (notice.kind, "niet aan deze organisatie stelde" in notice.text_nl) == ("unprompted", True)
    assert [each.message for each in open_questions(gi.journal)] == [asked]


async def test_an_answer_that_was_refused_leaves_the_question_open(gi: Agent, gemeente: Agent) -> None:
    asked = await ask(gi, gemeente)
    answer = document_between("informatieantwoord", sender=GEMEENTE, receiver=GI, reply_to=asked, purpose="VTO")
    gemeente.drop_document("antwoord.json", answer)
    await gemeente.rounds()
    assert read(gemeente, "refused/antwoord.json.problem.json")["must_act"] == "sender"
    assert [each.message for each in open_questions(gemeente.journal)] == [asked]


async def test_people_are_reminded_of_a_term_twice_and_not_after_the_answer(gi: Agent, gemeente: Agent) -> None:
    def reminders() -> list[str]:
        return [notice.text_en for notice in gemeente.journal.open_notices() if notice.kind == "question"]

    asked = await ask(gi, gemeente)
    assert reminders() == []
    gi.world.clock.advance(seconds=19 * 24 * 3600)
    remind(gemeente.services)
    assert [text.endswith("comes soon.") for text in reminders()] == [True]
    gi.world.clock.advance(seconds=3 * 24 * 3600)
    remind(gemeente.services)
    remind(gemeente.services)
    assert [text.endswith("has come.") for text in reminders()] == [True]
    gemeente.drop_document(
        "antwoord.json", document_between("informatieantwoord", sender=GEMEENTE, receiver=GI, reply_to=asked)
    )
    await gemeente.rounds()
    assert reminders() == []


async def test_people_are_reminded_again_when_the_answer_falls_away_after_the_term(gi: Agent, gemeente: Agent) -> None:
    """Who asked has no answer, and who was asked believes that it gave one."""

    def reminded() -> list[str]:
        remind(gemeente.services)
        return [notice.about for notice in gemeente.journal.open_notices() if notice.kind == "question"]

    asked = await ask(gi, gemeente)
    gi.world.clock.advance(seconds=22 * 24 * 3600)
    assert reminded() == [asked.value]
    gemeente.drop_document(
        "antwoord.json", document_between("informatieantwoord", sender=GEMEENTE, receiver=GI, reply_to=asked)
    )
    await gemeente.rounds()
    assert reminded() == []
    (sent,) = [each for each in gi.hub.messages.values() if each.message.sender == GEMEENTE]
    recall = recall_of(gemeente.services, sent.message.id, reason=RecallReason.WRONG)
    sign_records(gemeente.services, [Unsigned(id=recall.id, payload=recall.payload)], kind=RECALL)
    await post_record(gemeente.services, recall.id)
    gi.world.clock.advance(seconds=3600)
    await gemeente.rounds()
    assert reminded() == reminded() == [asked.value]


async def test_people_are_reminded_of_a_consent_that_ends(gemeente: Agent) -> None:
    given = await give_consent(gemeente, CHILD, valid_until=date(2026, 12, 10))
    remind(gemeente.services)
    assert gemeente.journal.open_notices() == ()
    gemeente.world.clock.advance(seconds=4 * 24 * 3600)
    remind(gemeente.services)
    (notice,) = gemeente.journal.open_notices()
    assert (notice.about, "geldt tot en met 2026-12-10" in notice.text_nl) == (given.value, True)


async def test_a_gi_is_reminded_of_a_measure_that_only_it_states(gi: Agent) -> None:
    await state_measure(gi)
    gi.world.clock.advance(seconds=24 * 24 * 3600)
    remind(gi.services)
    (notice,) = gi.journal.open_notices()
    assert "vervalt op 2026-12-23" in notice.text_nl


async def test_a_measure_that_is_stated_again_lapses_thirty_days_after_it_was_stated_first(gi: Agent) -> None:
    """Other dates gain no days: whoever is told a later day is told too late."""
    record_id = new_record_id(gi.services)
    said = measure_statement(id=record_id, issuer=GI, tag=tag_of(gi.world, CHILD), issued_at=now(gi))
    sign_records(gi.services, [Unsigned(id=record_id, payload=measure_to_payload(said))], kind=MEASURE)
    gi.world.clock.advance(seconds=15 * 24 * 3600)
    await state_measure(gi, replaces=record_id, valid_until=date(2027, 10, 31))
    gi.world.clock.advance(seconds=9 * 24 * 3600)
    await gi.rounds()
    remind(gi.services)
    (notice,) = gi.journal.open_notices()
    assert "vervalt op 2026-12-23" in notice.text_nl


async def test_what_the_hub_tells_is_told_to_people_once(hub: MemoryHub, gemeente: Agent) -> None:
    hub.notices[GEMEENTE] = [
        HubNotice(number=4, kind="consent-withdrawn", at=1, message="m-1", record="r-1"),
        HubNotice(number=5, kind="question-due", at=1, message="m-2"),
        HubNotice(number=7, kind="iets-nieuws", at=1, record="r-2"),
    ]
    assert await hear_notices(gemeente.services) == 3
    assert await hear_notices(gemeente.services) == 0
    withdrawn, unknown = gemeente.journal.open_notices()
    assert withdrawn.text_nl.startswith("Toestemming waarop m-1 rust, is ingetrokken")
    assert "iets-nieuws" in unknown.text_nl


async def test_marks_of_the_decision_are_shown_to_the_recipient(gi: Agent, gemeente: Agent, hub: MemoryHub) -> None:
    hub.marks = ("spoed", "self-declared")
    await ask(gi, gemeente)
    (notice,) = gemeente.journal.open_notices()
    assert notice.kind == "marked"
    assert notice.text_nl.startswith("Als spoed verstuurd.")
    assert [each["code"] for each in read(gi, "sent/vraag.json.result.json")["recipients"][0]["marks"]] == [
        "spoed",
        "self-declared",
    ]
