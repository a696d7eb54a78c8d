"""What answers what, which answer is the last, and what people hear of it: agents on a memory hub."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.agent.journal import confirm
from connectors.agent.questions import open_questions
from connectors.agent.reminding import remind
from connectors.agent.waiting import waiting_assignments
from connectors.formats.stuf.examples import Header, Notice, notification_example
from connectors.formats.stuf.scenarios import vto_scenario
from schemas.message import Message
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, RAAD, World
from tests.support.example_documents import concept, item
from tests.support.example_messages import document_between
from tests.support.memory_hub import MemoryHub
from tests.support.parties import message_id

CASE = "ZAAK-77"


@pytest.fixture
def hub() -> MemoryHub:
    return MemoryHub(world=World())


@pytest.fixture
def gemeente(hub: MemoryHub, tmp_path: Path) -> Agent:
    return Agent(world=hub.world, hub=hub, oin=GEMEENTE, home=tmp_path / "gemeente")


@pytest.fixture
def raad(hub: MemoryHub, tmp_path: Path) -> Agent:
    return Agent(world=hub.world, hub=hub, oin=RAAD, home=tmp_path / "raad")


def problem(agent: Agent, name: str) -> Any:
    return json.loads((agent.home / "refused" / f"{name}.problem.json").read_text())


def notification(number: int, status: str) -> bytes:
    header = Header(sender=RAAD.value, receiver=GEMEENTE.value, reference=f"NOT-{number}")
    return notification_example(header=header, notice=Notice(status=status, municipal_case=CASE))


async def there(sender: Agent, recipient: Agent) -> Message:
    """Bring what waits across; return the newest message."""
    await sender.rounds()
    await recipient.rounds()
    return list(sender.hub.messages.values())[-1].message


async def asked_for_an_investigation(gemeente: Agent, raad: Agent) -> Message:
    gemeente.drop("verzoek.xml", vto_scenario(1, case_number=CASE))
    return await there(gemeente, raad)


async def asked(raad: Agent, gemeente: Agent) -> Message:
    raad.drop_document(
        "vraag.json", document_between("informatieverzoek", sender=RAAD, receiver=GEMEENTE, purpose="RVDK-INFO")
    )
    return await there(raad, gemeente)


async def test_news_after_the_case_is_closed_answers_the_request_no_more(gemeente: Agent, raad: Agent) -> None:
    """What comes after *Zaak afgerond* is news in the same case that nobody waits for."""
    request = await asked_for_an_investigation(gemeente, raad)
    replies = []
    for number, status in enumerate(("Onderzoek afgerond", "Zaak afgerond", "Onderzoek afgerond")):
        raad.drop(f"{number}.xml", notification(number, status))
        replies.append(await there(raad, gemeente))
    assert [each.reply_to for each in replies] == [request.id, request.id, None]
    assert {each.case for each in replies} == {request.case}
    assert {each.recipient.oin for each in replies} == {GEMEENTE}


async def test_a_notification_answers_the_request_and_not_the_message_that_came_after_it(
    gemeente: Agent, raad: Agent
) -> None:
    request = await asked_for_an_investigation(gemeente, raad)
    with raad.journal.step("another message under the number") as db:
        db.execute(
            "INSERT INTO threads (message, direction, other, type, case_id, number, at)"
            " SELECT '0194', direction, other, 'correctie', case_id, number, at + 1 FROM threads WHERE message = ?",
            (request.id.value,),
        )
    raad.drop("nieuws.xml", notification(1, "Intake afgerond"))
    assert (await there(raad, gemeente)).reply_to == request.id


async def test_an_answer_that_answers_no_such_message_is_not_sent(gemeente: Agent, raad: Agent) -> None:
    request = await asked_for_an_investigation(gemeente, raad)
    answer = document_between("informatieantwoord", sender=RAAD, receiver=GEMEENTE, reply_to=request.id)
    raad.drop_document("antwoord.json", answer)
    await raad.rounds()
    (issue,) = problem(raad, "antwoord.json")["issues"]
    assert issue["code"] == "sender.reply-to.type"


async def test_a_question_is_answered_once_by_whoever_answers_it(gemeente: Agent, raad: Agent) -> None:
    question = await asked(raad, gemeente)
    answer = document_between("informatieantwoord", sender=GEMEENTE, receiver=RAAD, reply_to=question.id)
    gemeente.drop_document("antwoord.json", answer)
    first = await there(gemeente, raad)
    gemeente.drop_document("nog-een.json", replace(answer, reference="ANTW-2"))
    await gemeente.rounds()
    (issue,) = problem(gemeente, "nog-een.json")["issues"]
    assert issue["code"] == "sender.reply-to.answered"
    with gemeente.journal.step("the recipient refused it") as db:
        db.execute("UPDATE submissions SET state = 'refused' WHERE id = ?", (first.id.value,))
    gemeente.drop_document("opnieuw.json", replace(answer, reference="ANTW-3"))
    assert (await there(gemeente, raad)).reply_to == question.id


async def test_a_question_stays_open_while_its_answer_is_to_follow(gemeente: Agent, raad: Agent) -> None:
    question = await asked(raad, gemeente)
    answer = document_between("informatieantwoord", sender=GEMEENTE, receiver=RAAD, reply_to=question.id)
    later = item("vraag", "q1", refusal=(concept("weigeringsgrond", "volgt-later"),))
    header = next(each for each in answer.items if each.profile == "bericht")
    gemeente.drop_document("later.json", replace(answer, reference="ANTW-0", items=(header, later)))
    assert (await there(gemeente, raad)).reply_to == question.id
    for agent in (gemeente, raad):
        assert [each.message for each in open_questions(agent.journal)] == [question.id]
    gemeente.drop_document("antwoord.json", answer)
    assert (await there(gemeente, raad)).reply_to == question.id
    for agent in (gemeente, raad):
        assert open_questions(agent.journal) == ()


async def test_people_hear_of_an_answer_to_what_was_answered(gemeente: Agent, raad: Agent) -> None:
    """Whoever sent it: another's software may keep no count."""
    question = await asked(raad, gemeente)
    answer = document_between("informatieantwoord", sender=GEMEENTE, receiver=RAAD, reply_to=question.id)
    gemeente.drop_document("antwoord.json", answer)
    first = await there(gemeente, raad)
    with gemeente.journal.step("its software forgets") as db:
        db.execute("DELETE FROM threads WHERE message = ?", (first.id.value,))
    gemeente.drop_document("nog-een.json", replace(answer, reference="ANTW-2"))
    second = await there(gemeente, raad)
    assert second.reply_to == question.id
    (notice,) = [each for each in raad.journal.open_notices() if each.kind == "unprompted"]
    assert notice.about == second.id.value
    assert "het laatste antwoord al was ontvangen" in notice.text_nl


def waits(agent: Agent) -> list[tuple[str, int]]:
    return [
        (each.message.value, each.replies)
        for each in waiting_assignments(agent.journal, definitions=agent.services.policy.definitions)
    ]


async def test_a_request_waits_until_the_case_is_closed(gemeente: Agent, raad: Agent) -> None:
    request = await asked_for_an_investigation(gemeente, raad)
    assert waits(gemeente) == [(request.id.value, 0)]
    assert waits(raad) == []
    raad.drop("1.xml", notification(1, "Onderzoek afgerond"))
    await there(raad, gemeente)
    assert waits(gemeente) == [(request.id.value, 1)]
    raad.drop("2.xml", notification(2, "Zaak afgerond"))
    await there(raad, gemeente)
    assert waits(gemeente) == []


async def test_what_nobody_replies_to_for_thirty_days_is_told_once_and_taken_back_by_a_reply(
    gemeente: Agent, raad: Agent
) -> None:
    request = await asked_for_an_investigation(gemeente, raad)
    await gemeente.rounds()

    def told() -> list[str]:
        gemeente.world.clock.advance(seconds=24 * 3600)
        remind(gemeente.services)
        return [each.about for each in gemeente.journal.open_notices() if each.kind == "unanswered"]

    gemeente.world.clock.advance(seconds=28 * 24 * 3600)
    assert told() == []
    assert told() == [request.id.value]
    (text,) = [each.text_nl for each in gemeente.journal.open_notices() if each.kind == "unanswered"]
    assert text == f"Verzoek tot onderzoek van 2026-11-23 aan {RAAD.value}: al 30 dagen geen antwoord."
    with gemeente.journal.step("seen") as db:
        confirm(db, about=request.id.value, at=gemeente.world.clock.now())
    assert told() == []
    with gemeente.journal.step("not seen") as db:
        db.execute("UPDATE notices SET confirmed_at = NULL WHERE kind = 'unanswered'")
    raad.drop("1.xml", notification(1, "Intake afgerond"))
    await there(raad, gemeente)
    assert told() == []


async def test_a_transfer_waits_for_its_receipt_and_nothing_else(gemeente: Agent) -> None:
    """By the definitions: nothing answers it but that it was received."""
    with gemeente.journal.step("a transfer") as db:
        db.execute(
            "INSERT INTO files (id, name, digest, taken_at, target) VALUES (1, 'x', 'x', 0, 'x')",
        )
        for number, state in enumerate(("waiting", "received")):
            known = (message_id(number).value,)
            db.execute(
                "INSERT INTO submissions (id, file, recipient, type, purpose, message, content_type, withheld,"
                " created_at, pickup_by, state) VALUES (?, 1, 'x', 'overdracht-gi', 'x', 'x', 'x', '[]', 0, 0, ?)",
                (*known, state),
            )
            db.execute(
                "INSERT INTO threads (message, direction, other, type, case_id, at)"
                " VALUES (?, 'sent', ?, 'overdracht-gi', 'x', 0)",
                (*known, GEMEENTE.value),
            )
    assert waits(gemeente) == [(message_id(0).value, 0)]
