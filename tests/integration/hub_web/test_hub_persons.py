"""Consents, measures, links and recalls at a real hub, over HTTP and PostgreSQL; what wins when two come at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from audit.entries import Entry, parse_entry
from audit.note import parse_vkey, verify_note
from audit.proof_file import parse_proof_file
from audit.records import parse_shown
from connectors.sdk.composing import Composed, SenderKeys, compose
from connectors.sdk.envelope import Envelope, Thread
from consent.consents import Addressee, consent_facts
from consent.facts import PersonFacts
from consent.request import Facts, QuestionFact, ReplyFact, civil_day
from schemas.codes import AgeBand, Capacity, EntryKind, Role, SubjectRole, TokenType
from schemas.consents import ConsentRecord, ConsentStatus, consent_to_payload
from schemas.identifiers import BSN_SYSTEM, HubName, MessageId, SubjectTag
from schemas.jws import sign_jws
from schemas.links import Link, link_to_payload
from schemas.measures import MeasureStatement, measure_to_payload
from schemas.requests import RecallClaims, RecallReason, recall_to_payload
from schemas.reviews import Finding, ReviewClaims, review_to_payload
from tests.support.example_messages import example_document
from tests.support.hub_server import (
    CHAIN,
    CLOCK,
    HUB_NAME,
    POLICY,
    RANDOMNESS,
    RESPONSIBLE,
    Answer,
    HubParticipant,
    RunningHub,
    new_id,
    participants_of,
    running_hub,
    seconds,
)
from tests.support.law_records import PARENT_YES, SELF_YES, consent_record, measure_statement
from tests.support.parties import GEMEENTE, GI, RAAD
from tests.support.statements import CHILD_BSN, EVERYTHING, PARENT_BSN

pytestmark = pytest.mark.database

HUB = HubName(HUB_NAME)
T = TypeVar("T")


@pytest.fixture
async def hub(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[RunningHub]:
    async with running_hub(tmp_path, database_url=database_url, redis_url=valkey_url) as running:
        yield running


@pytest.fixture
async def parties(hub: RunningHub) -> AsyncIterator[list[HubParticipant]]:
    async with participants_of(hub, (GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD), (GI, Role.GI)) as made:
        yield made


def tag(bsn: str) -> SubjectTag:
    return CHAIN.tag(recipient=HUB, system=BSN_SYSTEM, value=bsn)


def today() -> Any:
    return civil_day(CLOCK.now())


def consent_of(bsn: str = CHILD_BSN, **change: Any) -> ConsentRecord:
    """What the child with both parents, or the parent, allows from today on."""
    said: dict[str, Any] = {"age": AgeBand.FROM_12, "givers": (SELF_YES, PARENT_YES, PARENT_YES)}
    if bsn == PARENT_BSN:
        said = {"age": AgeBand.ADULT, "role": SubjectRole.OUDER, "holders": 0, "givers": (SELF_YES,)}
    record = consent_record(id=new_id(), tag=tag(bsn), issued_at=seconds(), categories=EVERYTHING, **said)
    until = today() + timedelta(days=365)
    return replace(record, **{"valid_from": today(), "valid_until": until, **change})


def withdrawal(record: ConsentRecord) -> ConsentRecord:
    return replace(record, id=new_id(), issued_at=seconds(), status=ConsentStatus.WITHDRAWN, replaces=record.id)


def measure_of(**change: Any) -> MeasureStatement:
    """The GI carries out a supervision order of a year over the child, says the Raad."""
    return measure_statement(
        **{
            "id": new_id(),
            "tag": tag(CHILD_BSN),
            "issued_at": seconds(),
            "valid_from": today(),
            "valid_until": today() + timedelta(days=364),
            "decided": today(),
            **change,
        }
    )


async def post(participant: HubParticipant, path: str, payload: bytes, typ: TokenType) -> Answer:
    token = sign_jws(payload, typ=typ, key=participant.signing)
    return await participant.call("POST", path, body=token.encode(), content_type="application/jose")


async def state(participant: HubParticipant, record: ConsentRecord) -> Answer:
    return await post(participant, "/v1/consents", consent_to_payload(record), TokenType.CONSENT)


async def state_measure(participant: HubParticipant, statement: MeasureStatement) -> Answer:
    return await post(participant, "/v1/measures", measure_to_payload(statement), TokenType.MEASURE)


def recall_of(participant: HubParticipant, message_id: MessageId) -> str:
    claims = RecallClaims(
        issuer=participant.oin,
        id=new_id(),
        issued_at=seconds(),
        hub=HUB,
        message_id=message_id,
        reason=RecallReason.TWICE,
    )
    return sign_jws(recall_to_payload(claims), typ=TokenType.RECALL, key=participant.signing)


async def recall(participant: HubParticipant, token: str) -> Answer:
    return await participant.call("POST", "/v1/recalls", body=token.encode(), content_type="application/jose")


async def casusinformatie(sender: HubParticipant, recipient: HubParticipant, *records: ConsentRecord) -> Composed:
    directory = await sender.directory()
    addressee = Addressee(oin=recipient.oin, role=Role.GI, capacity=Capacity.PREVENTIEF)
    people = {
        each.tag: PersonFacts(consents=consent_facts([each], sender=sender.oin, recipient=addressee))
        for each in records
    }
    return compose(
        example_document("casusinformatie"),
        envelope=Envelope(
            sender=directory.participant(sender.oin),
            capacity=None,
            recipient=directory.participant(recipient.oin),
            recipient_capacity=Capacity.PREVENTIEF,
            hub=HUB,
            responsible=RESPONSIBLE,
            thread=Thread(),
            people=people,
        ),
        policy=POLICY,
        keys=SenderKeys(signing=sender.signing, chain=CHAIN),
        at=CLOCK.now(),
        randomness=RANDOMNESS,
    )


def check_proof(hub: RunningHub, answer: dict[str, Any]) -> Entry:
    """Check an entry's proof as an outsider does, with the log's vkey alone."""
    found = parse_proof_file(answer["tlog_proof"].encode())
    found.verify_entry(answer["entry"].encode())
    verify_note(found.note, [parse_vkey(hub.web.log_identity.vkey)])
    return parse_entry(answer["entry"].encode())


def head_start(number: int) -> tuple[float, float]:
    """How long each of two waits: from one far ahead, over both at once, to the other far ahead."""
    lead = (number % 9 - 4) / 100
    return max(0.0, lead), max(0.0, -lead)


async def after(seconds_: float, call: Awaitable[T]) -> T:
    """Make a call after a pause."""
    await asyncio.sleep(seconds_)
    return await call


async def test_a_consent_is_logged_found_and_relied_on(hub: RunningHub, parties: list[HubParticipant]) -> None:
    gemeente, _, gi = parties
    child, parent = consent_of(), consent_of(PARENT_BSN)
    first = await state(gemeente, child)
    assert first.status == 201, first.body
    entry = check_proof(hub, first.json)
    assert (entry.kind, entry.id, entry.sender) == (EntryKind.CONSENT, child.id.value, GEMEENTE)
    again = await state(gemeente, child)
    assert (again.status, again.json["index"]) == (201, first.json["index"])
    other = await state(gemeente, replace(child, holders=3))
    assert (other.status, other.json["code"]) == (409, "sender.jti.used")
    assert (await state(gemeente, parent)).status == 201

    found = await gi.call("POST", "/v1/consents/search", json={"tags": [child.tag.value, parent.tag.value]})
    assert found.status == 200, found.body
    access = check_proof(hub, found.json["access"])
    assert (access.kind, access.sender, len(access.kept)) == (EntryKind.ACCESS, GI, 2)
    assert [each["id"] for each in found.json["records"]] == [child.id.value, parent.id.value]
    for each in found.json["records"]:
        assert check_proof(hub, each).kind is EntryKind.CONSENT
    assert found.json["next"] == found.json["records"][-1]["index"]

    composed = await casusinformatie(gemeente, gi, child, parent)
    accepted = await gemeente.submit(composed)
    assert accepted.status == 202, accepted.body
    assert accepted.json["decision"]["withheld"] == []
    withdrawn = await state(gemeente, withdrawal(parent))
    assert withdrawn.status == 201, withdrawn.body
    (release,) = (await gi.release(composed.message.id)).releases
    shown = parse_shown(release.shown)
    assert {reason for each in shown.withheld for reason in each.reasons} == {"consent-withdrawn"}
    assert (await gi.get("/v1/notices")).json == {"items": [], "next": -1}

    last = await state(gemeente, withdrawal(child))
    notices = (await gi.get("/v1/notices")).json
    (notice,) = notices["items"]
    assert (notice["kind"], notice["message"], notice["index"]) == (
        "consent-withdrawn",
        composed.message.id.value,
        last.json["index"],
    )
    assert (await gi.get("/v1/notices", f"?after={notices['next']}")).json["items"] == []
    assert (await gemeente.get("/v1/notices")).json["items"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"tags": []}, 400),
        ({"tags": ["0.AAECAwQFBgcICQoLDA0ODw"] * 2}, 400),
        ({"tags": [f"{number}.AAECAwQFBgcICQoLDA0ODw" for number in range(17)]}, 400),
        ({"tags": ["999911120"]}, 400),
        ({"tags": ["0.AAECAwQFBgcICQoLDA0ODw"], "after": -2}, 400),
        ({"tags": ["0.AAECAwQFBgcICQoLDA0ODw"], "more": 1}, 400),
        ({"tags": ["0.AAECAwQFBgcICQoLDA0ODw"]}, 200),
    ],
)
async def test_a_search_names_at_most_sixteen_pseudonyms(
    hub: RunningHub, parties: list[HubParticipant], body: dict[str, Any], status: int
) -> None:
    size = await hub.web.services.log.size()
    answer = await parties[2].call("POST", "/v1/measures/search", json=body)
    assert answer.status == status, answer.body
    assert await hub.web.services.log.size() == size + (status == 200)


async def test_a_withdrawal_and_a_release_at_once_have_one_winner_and_the_log_shows_which(
    tmp_path: Path, database_url: str, valkey_url: str
) -> None:
    """Two processes of one hub: the release reaches one while the withdrawal reaches the other, many times."""
    outcomes: set[bool] = set()
    async with (
        running_hub(tmp_path, database_url=database_url, redis_url=valkey_url) as one,
        running_hub(tmp_path, database_url=database_url, redis_url=valkey_url, issuer=one.url) as two,
        participants_of(one, (GEMEENTE, Role.GEMEENTE), (GI, Role.GI)) as (gemeente, gi),
    ):
        elsewhere = replace(gemeente, url=two.url, access_token="")
        for number in range(36):
            child = consent_of()
            assert (await state(gemeente, child)).status == 201
            composed = await casusinformatie(gemeente, gi, child)
            assert (await gemeente.submit(composed)).status == 202
            taken_back = withdrawal(child)

            first, second = head_start(number)
            released, withdrawn = await asyncio.gather(
                after(first, gi.release(composed.message.id)), after(second, state(elsewhere, taken_back))
            )
            assert withdrawn.status == 201, withdrawn.body
            won = bool(released.releases)
            outcomes.add(won)
            if won:
                assert released.releases[0].index < withdrawn.json["index"]
                notices = (await gi.get("/v1/notices")).json["items"]
                assert notices[-1]["message"] == composed.message.id.value
            else:
                (refused,) = released.refused
                assert refused.problem["code"] == "recipient.decision.denied"
                assert "recipient.decision.consent-withdrawn" in str(refused.problem["issues"])
                later = await gi.release(composed.message.id)
                assert later.releases == ()
        entries = [parse_entry(text.encode()) for text in await one.web.services.log.entries(start=0, count=256)]
    kinds = [entry.kind for entry in entries if entry.kind in (EntryKind.CONSENT, EntryKind.DISCLOSURE)]
    # Between two consents (given, withdrawn) there is at most one disclosure, and none after a withdrawal.
    stated = 0
    for kind in kinds:
        stated += kind is EntryKind.CONSENT
        assert kind is EntryKind.CONSENT or stated % 2 == 1
    assert outcomes == {True, False}


async def test_measures_contradict_and_both_are_told(hub: RunningHub, parties: list[HubParticipant]) -> None:
    _, raad, gi = parties
    own = await state_measure(gi, measure_of(issuer=GI))
    assert own.status == 201, own.body
    assert check_proof(hub, own.json).kind is EntryKind.MEASURE
    refused = await state_measure(parties[0], measure_of(issuer=GEMEENTE))
    assert refused.status == 400
    assert refused.json["issues"][0]["text_nl"]
    other = await state_measure(raad, measure_of(executor=RAAD))
    assert other.status == 201, other.body
    for party in (gi, raad):
        (notice,) = (await party.get("/v1/notices")).json["items"]
        assert (notice["kind"], notice["index"]) == ("measure-contradicted", other.json["index"])
    metrics = hub.web.metrics.page()[0].decode()
    assert "ketenhub_measures_contradicted_total 1.0" in metrics
    listed = (await gi.call("POST", "/v1/reviews/search", json={})).json["reviews"]
    assert sorted(each["mark"] for each in listed) == ["measure-contradicted", "self-declared"]
    claims = ReviewClaims(
        issuer=GI,
        id=new_id(),
        issued_at=seconds(),
        hub=HUB,
        about=MessageId(listed[0]["about"]),
        mark=listed[0]["mark"],
        finding=Finding.SOLVED,
    )
    answered = await post(gi, "/v1/reviews", review_to_payload(claims), TokenType.REVIEW)
    assert (answered.status, answered.json["closed"]) == (201, False), answered.body
    assert check_proof(hub, answered.json).kind is EntryKind.REVIEW
    again = await post(gi, "/v1/reviews", review_to_payload(claims), TokenType.REVIEW)
    assert again.json == answered.json
    left = (await gi.call("POST", "/v1/reviews/search", json={})).json["reviews"]
    assert [each["supervised"] for each in left] == [True, True]
    (answer,) = next(each["answers"] for each in left if each["mark"] == claims.mark)
    said = (answer["oin"], answer["index"], answer["finding"])
    assert said == (GI.value, answered.json["index"], "opgelost")


async def test_what_is_stated_under_one_pseudonym_is_found_under_a_linked_one(
    hub: RunningHub, parties: list[HubParticipant]
) -> None:
    gemeente, raad, gi = parties
    composed = await gemeente.compose(raad)
    await gemeente.submit(composed)
    drawn = SubjectTag(_own_tags(composed)[0])
    known = tag("999911144")
    claims = Link(issuer=GI, id=new_id(), issued_at=seconds(), hub=HUB, random=drawn, known=known)
    stranger = await post(gi, "/v1/links", link_to_payload(claims), TokenType.LINK)
    assert (stranger.status, stranger.json["code"]) == (400, "sender.link.stranger")
    claims = replace(claims, issuer=RAAD)
    linked = await post(raad, "/v1/links", link_to_payload(claims), TokenType.LINK)
    assert linked.status == 201, linked.body
    assert check_proof(hub, linked.json).kind is EntryKind.LINK
    consent = consent_of(tag=known)
    assert (await state(gemeente, consent)).status == 201
    found = (await raad.call("POST", "/v1/consents/search", json={"tags": [drawn.value]})).json
    assert [each["id"] for each in found["records"]] == [consent.id.value]
    assert [each["id"] for each in found["links"]] == [claims.id.value]
    other = replace(claims, id=new_id(), known=tag("999911156"))
    refused = await post(raad, "/v1/links", link_to_payload(other), TokenType.LINK)
    assert (refused.status, refused.json["code"]) == (400, "sender.link.other")


def _own_tags(composed: Composed) -> list[str]:
    from schemas.sdjwt import parse_disclosure

    return [str(parse_disclosure(text).value) for text in composed.submission.tags]


async def test_a_question_shows_its_term_and_what_answered_it(parties: list[HubParticipant]) -> None:
    gemeente, raad, _ = parties
    question = replace(example_document("informatieverzoek"), purpose="RVDK-INFO")
    term = (today() + timedelta(days=21)).isoformat()
    items = tuple(
        replace(item, elements={**item.elements, "term": (term,)}) if item.profile == "vraag" else item
        for item in question.items
    )
    question = replace(question, items=items)
    composed = await raad.compose(gemeente, question)
    accepted = await raad.submit(composed)
    assert accepted.status == 202, accepted.body
    path = f"/v1/messages/{composed.message.id.value}"
    asked = composed.message.asks
    assert asked is not None
    state_before = (await raad.get(path)).json
    assert (state_before["term"], state_before["answered_by"]) == (term, [])
    thread = Thread(
        case=composed.message.case,
        reply_to=composed.message.id,
        reply_facts=Facts(
            reply=ReplyFact(message_type="informatieverzoek"),
            question=QuestionFact(categories=frozenset(asked.categories)),
        ),
    )
    answer = replace(example_document("informatieantwoord"), purpose="RVDK-INFO-ANTW")
    assert (await gemeente.release(composed.message.id)).releases
    answered = await gemeente.submit(await gemeente.compose(raad, answer, thread=thread))
    assert answered.status == 202, answered.body
    (reply,) = (await raad.get(path)).json["answered_by"]
    assert (reply["jti"], reply["type"]) == (answered.json["jti"], "informatieantwoord")


async def test_what_nobody_picked_up_is_recalled(hub: RunningHub, parties: list[HubParticipant]) -> None:
    gemeente, raad, gi = parties
    composed = await gemeente.compose(raad)
    await gemeente.submit(composed)
    message_id = composed.message.id
    token = recall_of(gemeente, message_id)
    anothers = await recall(gi, recall_of(gi, message_id))
    assert (anothers.status, anothers.json["code"]) == (404, "sender.message.unknown")
    done = await recall(gemeente, token)
    assert done.status == 200, done.body
    assert check_proof(hub, done.json).kind is EntryKind.RECALL
    assert (await recall(gemeente, token)).json["index"] == done.json["index"]
    assert (await gemeente.get(f"/v1/messages/{message_id.value}")).json["state"] == "recalled"
    assert (await raad.get("/v1/inbox")).json["items"] == []
    (refused,) = (await raad.release(message_id)).refused
    assert (refused.problem["status"], refused.problem["code"]) == (410, "recipient.message.recalled")
    assert await hub.web.services.store.elements([message_id]) == {}
    records = (await raad.call("POST", "/v1/records/search", json={"message": message_id.value})).json["records"]
    assert [each["kind"] for each in records] == ["SUBMISSION", "RECALL"]


async def test_what_was_picked_up_is_answered_with_who_has_it(parties: list[HubParticipant]) -> None:
    gemeente, raad, _ = parties
    composed = await gemeente.compose(raad)
    await gemeente.submit(composed)
    await raad.release(composed.message.id)
    answer = await recall(gemeente, recall_of(gemeente, composed.message.id))
    assert (answer.status, answer.json["code"]) == (409, "sender.recall.released")
    assert RAAD.value in answer.json["detail"]
    status = (await gemeente.get(f"/v1/messages/{composed.message.id.value}")).json
    assert (status["state"], status["term"], status["answered_by"]) == ("released", None, [])
    assert status["released_at"] <= seconds()


async def test_a_recall_and_a_release_at_once_have_one_winner(
    tmp_path: Path, database_url: str, valkey_url: str
) -> None:
    outcomes: set[int] = set()
    async with (
        running_hub(tmp_path, database_url=database_url, redis_url=valkey_url) as one,
        running_hub(tmp_path, database_url=database_url, redis_url=valkey_url, issuer=one.url) as two,
        participants_of(one, (GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD)) as (gemeente, raad),
    ):
        elsewhere = replace(gemeente, url=two.url, access_token="")
        for number in range(27):
            composed = await gemeente.compose(raad)
            assert (await gemeente.submit(composed)).status == 202

            token = recall_of(gemeente, composed.message.id)
            first, second = head_start(number)
            released, recalled = await asyncio.gather(
                after(first, raad.release(composed.message.id)), after(second, recall(elsewhere, token))
            )
            outcomes.add(recalled.status)
            assert bool(released.releases) is (recalled.status == 409)
    assert outcomes == {200, 409}
