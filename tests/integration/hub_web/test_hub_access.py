"""Who may ask what: tokens, proofs, the log's rules, operation; each refusal with its one code."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from audit.tiles import parse_bundle, parse_tile
from schemas.codes import Capacity, Role, TokenType
from schemas.epochs import ChainEpoch, chain_epoch_to_payload
from schemas.identifiers import OIN
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from tests.support.hub_server import (
    RANDOMNESS,
    HubParticipant,
    RunningHub,
    new_id,
    participants_of,
    running_hub,
    seconds,
)
from tests.support.parties import GEMEENTE, GI, RAAD, REGISTRAR

pytestmark = pytest.mark.database

SUPERVISOR = OIN("00000099000000009000")


@pytest.fixture
async def hub(tmp_path: Path, database_url: str, valkey_url: str) -> AsyncIterator[RunningHub]:
    async with running_hub(tmp_path, database_url=database_url, redis_url=valkey_url) as running:
        yield running


@pytest.fixture
async def parties(hub: RunningHub) -> AsyncIterator[list[HubParticipant]]:
    who = ((GEMEENTE, Role.GEMEENTE), (RAAD, Role.RAAD), (SUPERVISOR, Role.TOEZICHTHOUDER))
    async with participants_of(hub, *who) as made:
        yield made


# ---- tokens ----


async def test_a_client_assertion_counts_once(parties: list[HubParticipant]) -> None:
    assertion = parties[0].assertion()
    first, second = await parties[0].ask_token(assertion), await parties[0].ask_token(assertion)
    assert first.status == 200
    assert {"token_type": "DPoP", "expires_in": 600}.items() <= first.json.items()
    assert (second.status, second.json["error"], second.json["code"]) == (
        401,
        "invalid_client",
        "sender.assertion.replayed",
    )


async def test_a_client_assertion_counts_once_at_all_processes_even_without_redis(
    tmp_path: Path, database_url: str
) -> None:
    async with (
        running_hub(tmp_path, database_url=database_url) as one,
        running_hub(tmp_path, database_url=database_url, issuer=one.url) as two,
        participants_of(one, (GEMEENTE, Role.GEMEENTE)) as (gemeente,),
    ):
        assertion = gemeente.assertion()
        assert (await gemeente.ask_token(assertion)).status == 200
        proof_url, gemeente.url = gemeente.url, two.url
        gemeente.proof_url = proof_url
        assert (await gemeente.ask_token(assertion)).json["code"] == "sender.assertion.replayed"


async def test_a_token_of_one_process_is_good_at_another(tmp_path: Path, database_url: str) -> None:
    async with (
        running_hub(tmp_path, database_url=database_url) as one,
        running_hub(tmp_path, database_url=database_url, issuer=one.url) as two,
        participants_of(one, (GEMEENTE, Role.GEMEENTE)) as (gemeente,),
    ):
        gemeente.proof_url, gemeente.url = gemeente.url, two.url
        await two.web.services.worlds.refresh()
        assert (await gemeente.get("/v1/inbox")).status == 200


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"audience": "https://other.test"}, "sender.assertion.audience"),
        ({"participant": GI}, "sender.participant.unknown"),
        ({"issued_at": -120, "expires_at": -61}, "sender.assertion.time"),
        ({"issued_at": 30, "expires_at": 60}, "sender.assertion.time"),
    ],
)
async def test_an_assertion_that_is_not_right_gets_no_token(
    parties: list[HubParticipant], change: dict[str, object], code: str
) -> None:
    moved = {name: seconds() + value if isinstance(value, int) else value for name, value in change.items()}
    answer = await parties[0].ask_token(parties[0].assertion(**moved))
    assert (answer.status, answer.json["code"]) == (401, code)
    assert "access_token" not in answer.json


async def test_an_assertion_by_another_key_gets_no_token(parties: list[HubParticipant]) -> None:
    parties[0].signing = SigningKey.generate(randomness=RANDOMNESS)
    assert (await parties[0].ask_token()).json["code"] == "sender.key.unknown"


async def test_only_client_credentials_are_granted(parties: list[HubParticipant]) -> None:
    answer = await parties[0].ask_token(grant_type="authorization_code")
    assert (answer.status, answer.json["error"]) == (400, "unsupported_grant_type")


async def test_a_release_request_is_no_client_assertion(parties: list[HubParticipant]) -> None:
    answer = await parties[0].ask_token(parties[0].release_request([new_id()]))
    assert answer.json["code"] == "sender.assertion.invalid"


async def test_a_dpop_proof_counts_once(parties: list[HubParticipant]) -> None:
    proof = {"DPoP": parties[0].proof("GET", "/v1/inbox", token=parties[0].access_token)}
    first = await parties[0].call("GET", "/v1/inbox", headers=proof)
    second = await parties[0].call("GET", "/v1/inbox", headers=proof)
    assert (first.status, second.status, second.json["code"]) == (200, 401, "sender.dpop.replayed")
    assert second.headers["WWW-Authenticate"].startswith("DPoP ")


async def test_a_token_without_its_key_is_of_no_use(parties: list[HubParticipant]) -> None:
    parties[0].dpop, parties[1].dpop = parties[1].dpop, parties[0].dpop
    assert (await parties[0].get("/v1/inbox")).json["code"] == "sender.dpop.key"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"Authorization": "Bearer x"}, "sender.token.scheme"),
        ({"Authorization": "DPoP x"}, "sender.token.invalid"),
        ({"DPoP": "x"}, "sender.dpop.invalid"),
    ],
)
async def test_credentials_of_another_form_are_refused(
    parties: list[HubParticipant], headers: dict[str, str], code: str
) -> None:
    answer = await parties[0].call("GET", "/v1/inbox", headers=headers)
    assert (answer.status, answer.json["code"]) == (401, code)


async def test_a_replaced_key_ends_its_tokens(parties: list[HubParticipant]) -> None:
    gemeente = parties[0]
    before = gemeente.signing
    gemeente.signing = SigningKey.generate(randomness=RANDOMNESS)
    now = seconds() + 1
    shared: dict[str, Any] = {"id": new_id(), "issued_at": now}
    body = {"statement": gemeente.statement(**shared), "replaced": gemeente.statement(key=before, **shared)}
    token, gemeente.access_token = gemeente.access_token, ""
    joined = await gemeente.call("POST", "/v1/participants", json=body)
    assert joined.status == 201, joined.body
    gemeente.access_token = token
    assert (await gemeente.get("/v1/inbox")).json["code"] == "sender.key.unknown"
    await gemeente.authenticate()
    assert (await gemeente.get("/v1/inbox")).status == 200


async def test_a_suspended_participant_gets_nothing(parties: list[HubParticipant]) -> None:
    gemeente = parties[0]
    now = seconds()
    admission = gemeente.admission(issued_at=now + 1, valid_from=now - 100, valid_until=now - 1)
    assert (await parties[1].call("POST", "/v1/participants", json={"admission": admission})).status == 201
    assert (await gemeente.get("/v1/inbox")).json["code"] == "sender.participant.unknown"
    assert (await gemeente.ask_token()).json["code"] == "sender.participant.unknown"


# ---- joining and the directory ----


async def test_joining_again_with_the_same_words_gets_the_same_answer(parties: list[HubParticipant]) -> None:
    gi = HubParticipant(
        oin=GI,
        role=Role.GI,
        capacities=frozenset({Capacity.OTS}),
        session=parties[0].session,
        url=parties[0].url,
        issuer=parties[0].issuer,
    )
    body = {"admission": gi.admission(), "statement": gi.statement(), "replaced": None}
    first = await gi.call("POST", "/v1/participants", json=body)
    second = await gi.call("POST", "/v1/participants", json=body)
    assert (first.status, second.status) == (201, 201)
    assert (first.json["index"], first.json["entry"]) == (second.json["index"], second.json["entry"])


async def test_nobody_joins_by_its_own_word(parties: list[HubParticipant]) -> None:
    gi = HubParticipant(oin=GI, role=Role.GI, session=parties[0].session, url=parties[0].url, issuer=parties[0].issuer)
    without = await gi.call("POST", "/v1/participants", json={"statement": gi.statement()})
    assert (without.status, without.json["code"]) == (400, "sender.participant.unknown")
    payload = gi.admission().split(".")[1]
    own = sign_jws(_decoded(payload), typ=TokenType.ADMISSION, key=gi.signing)
    forged = await gi.call("POST", "/v1/participants", json={"admission": own, "statement": gi.statement()})
    assert forged.status == 403
    assert [line["oin"] for line in (await gi.get("/v1/participants")).json["participants"]].count(GI.value) == 0


async def test_the_directory_names_the_entry_before_each(parties: list[HubParticipant]) -> None:
    listed = (await parties[0].get("/v1/participants")).json
    indices = [line["index"] for line in listed["participants"]]
    assert [line["previous_index"] for line in listed["participants"]] == [None, *indices[:-1]]
    assert listed["newest"] == indices[-1]
    news = (await parties[0].get("/v1/participants", f"?after={indices[0]}")).json
    assert [line["index"] for line in news["participants"]] == indices[1:]
    nothing = (await parties[0].get("/v1/participants", f"?after={indices[-1]}")).json
    assert nothing == {"participants": [], "newest": indices[-1], "next": indices[-1]}


async def test_the_directory_is_read_a_page_at_a_time(parties: list[HubParticipant]) -> None:
    gemeente = parties[0]
    whole = (await gemeente.get("/v1/participants")).json
    read: list[Any] = []
    after = -1
    while (page := (await gemeente.get("/v1/participants", f"?after={after}&limit=1")).json)["participants"]:
        assert (len(page["participants"]), page["newest"]) == (1, whole["newest"])
        read += page["participants"]
        after = page["next"]
    assert read == whole["participants"]
    for limit in (0, 201):
        assert (await gemeente.get("/v1/participants", f"?limit={limit}")).status == 400
    of_one = f"/v1/participants/{gemeente.oin.value}"
    (line,) = (await gemeente.get(of_one)).json["participants"]
    assert (await gemeente.get(of_one, f"?after={line['index']}")).json["participants"] == []


async def test_one_participant_is_found_by_its_oin(parties: list[HubParticipant]) -> None:
    found = (await parties[0].get(f"/v1/participants/{RAAD.value}")).json
    assert [line["oin"] for line in found["participants"]] == [RAAD.value]
    unknown = await parties[0].get(f"/v1/participants/{GI.value}")
    assert (unknown.status, unknown.json["code"]) == (404, "recipient.participant.unknown")


def chain_epoch(*, key: SigningKey) -> str:
    payload = chain_epoch_to_payload(ChainEpoch(id=new_id(), issued_at=seconds(), epoch=0, fingerprint="A" * 43))
    return sign_jws(payload, typ=TokenType.CHAIN_EPOCH, key=key)


async def test_a_chain_epoch_is_opened_by_the_registrar_alone(parties: list[HubParticipant]) -> None:
    own = chain_epoch(key=parties[0].signing)
    assert (await parties[0].call("POST", "/v1/chain-epochs", json={"signed": own})).status == 403
    signed = chain_epoch(key=REGISTRAR)
    opened = await parties[0].call("POST", "/v1/chain-epochs", json={"signed": signed})
    assert opened.status == 201, opened.body
    (epoch,) = (await parties[0].get("/v1/chain-epochs")).json["epochs"]
    assert (epoch["epoch"], epoch["signed"], epoch["index"]) == (0, signed, opened.json["index"])


async def test_a_chain_key_goes_from_holder_to_holder(parties: list[HubParticipant]) -> None:
    from schemas.pseudonyms import ChainKey, handover_to_payload, make_handover, open_handover, parse_handover

    gemeente, raad, supervisor = parties
    key = ChainKey.generate(epoch=0, randomness=RANDOMNESS)
    await gemeente.call("POST", "/v1/chain-epochs", json={"signed": chain_epoch(key=REGISTRAR)})

    def handover_for(receiver: HubParticipant) -> str:
        made = make_handover(
            key,
            parties=(gemeente.oin, receiver.oin),
            receiver_key=receiver.sealing.public,
            message_id=new_id(),
            issued_at=seconds(),
        )
        return sign_jws(handover_to_payload(made), typ=TokenType.CHAIN_KEY, key=gemeente.signing)

    good = await gemeente.call("POST", "/v1/chain-keys", json={"handover": handover_for(raad)})
    assert good.status == 201, good.body
    refused = await gemeente.call("POST", "/v1/chain-keys", json={"handover": handover_for(supervisor)})
    assert (refused.status, refused.json["code"]) == (422, "sender.chain-key.role")
    (waiting,) = (await raad.get("/v1/chain-keys")).json["handovers"]
    claims = parse_handover(_decoded(waiting["handover"].split(".")[1]))
    assert open_handover(claims, private=raad.sealing, fingerprint=key.fingerprint).fingerprint == key.fingerprint
    assert (await gemeente.get("/v1/chain-keys")).json["handovers"] == []


# ---- the log ----


async def test_hashes_are_open_and_entries_are_not(parties: list[HubParticipant]) -> None:
    gemeente, raad, supervisor = parties
    composed = await gemeente.compose(raad)
    accepted = (await gemeente.submit(composed)).json
    size = accepted["index"] + 1
    token, gemeente.access_token = gemeente.access_token, ""
    assert (await gemeente.get("/log/checkpoint")).body.decode().split("\n")[1] == str(size)
    tile = await gemeente.get(f"/log/tile/0/000.p/{size}")
    assert len(parse_tile(tile.body, width=size)) == size
    proof = await gemeente.get("/log/proof/inclusion", f"?index={size - 1}&size={size}")
    assert proof.status == 200
    assert (await gemeente.get("/log/proof/consistency", f"?from=1&to={size}")).status == 200
    for path in (f"/log/tile/entries/000.p/{size}", f"/log/entries/{accepted['index']}"):
        assert (await gemeente.get(path)).json["code"] == "sender.token.needed"
    gemeente.access_token = token
    bundle = f"/log/tile/entries/000.p/{size}"
    assert (await gemeente.get(bundle)).json["code"] == "sender.token.insufficient"
    texts = parse_bundle((await supervisor.get(bundle)).body, width=size)
    assert texts[accepted["index"]].decode() == accepted["entry"]


async def test_an_entry_is_for_its_parties(hub: RunningHub, parties: list[HubParticipant]) -> None:
    gemeente, raad, supervisor = parties
    accepted = (await gemeente.submit(await gemeente.compose(raad))).json
    path = f"/log/entries/{accepted['index']}"
    for party in (gemeente, raad, supervisor):
        answer = await party.get(path)
        assert (answer.status, answer.json["entry"]) == (200, accepted["entry"])
    async with participants_of(hub, (GI, Role.GI)) as (gi,):
        answer = await gi.get(path)
        assert (answer.status, answer.json["code"]) == (403, "sender.token.insufficient")
        listed = (await gi.get("/log/entries", "?kind=PARTICIPANT&kind=CATALOGUE")).json
        kinds = [entry["entry"].split('"kind":"')[1].split('"')[0] for entry in listed["entries"]]
        assert sorted(set(kinds)) == ["CATALOGUE", "PARTICIPANT"]
        assert kinds.count("PARTICIPANT") == 4
        assert (await gi.get("/log/entries", "?kind=SUBMISSION")).status == 400


@pytest.mark.parametrize(
    "path",
    [
        "/log/tile/0/000",
        "/log/tile/0/0",
        "/log/tile/64/000",
        "/log/tile/0/000.p/256",
        "/log/proof/inclusion?index=0&size=999",
        "/log/proof/consistency?from=1&to=999",
        "/log/entries/999",
    ],
)
async def test_what_the_log_does_not_have_is_not_found(parties: list[HubParticipant], path: str) -> None:
    where, _, query = path.partition("?")
    answer = await parties[0].get(where, f"?{query}" if query else "")
    assert (answer.status, answer.json["code"]) == (404, "recipient.log.unknown")


# ---- policy and operation ----


async def test_anybody_reads_by_what_is_decided(hub: RunningHub, parties: list[HubParticipant]) -> None:
    from consent.grounds import load_catalogue

    parties[0].access_token = ""
    about = (await parties[0].get("/.well-known/ketenhub")).json
    grounds = (await parties[0].get("/v1/grounds")).json
    assert load_catalogue(grounds["text"].encode()).digest == grounds["digest"] == about["catalogue"]["digest"]
    definitions = (await parties[0].get("/v1/definitions")).json
    assert definitions["digest"] == about["definitions"]["digest"]
    for name in ("message", *definitions["message_types"]):
        schema = await parties[0].get(f"/v1/definitions/{name}")
        assert schema.json["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (await parties[0].get("/v1/definitions/nothing")).json["code"] == "recipient.definition.unknown"
    metadata = (await parties[0].get("/.well-known/oauth-authorization-server")).json
    assert metadata["issuer"] == about["issuer"] == hub.settings.hub.issuer


async def test_metrics_are_for_the_machine_itself(parties: list[HubParticipant]) -> None:
    here = await parties[0].get("/metrics")
    assert b'ketenhub_requests_total{method="POST",route="/v1/participants",status="201"} 3.0' in here.body
    assert (await parties[0].call("GET", "/metrics", headers={"X-Forwarded-For": "192.0.2.1"})).status == 401


async def test_metrics_are_for_the_operators_token_where_one_is_set(tmp_path: Path, database_url: str) -> None:
    token = tmp_path / "metrics.token"
    token.write_text("scraper\n")
    token.chmod(0o600)
    async with (
        running_hub(tmp_path, database_url=database_url, WEB_METRICS_TOKEN=str(token)) as hub,
        participants_of(hub, (GEMEENTE, Role.GEMEENTE)) as (gemeente,),
    ):
        assert (await gemeente.get("/metrics")).status == 401
        good = await gemeente.call("GET", "/metrics", headers={"Authorization": "Bearer scraper"})
        assert good.status == 200


async def test_no_figure_names_a_person_or_a_message(parties: list[HubParticipant]) -> None:
    composed = await parties[0].compose(parties[1])
    await parties[0].submit(composed)
    page = (await parties[0].get("/metrics")).body.decode()
    tags = list(composed.submission.tags)
    assert not any(text in page for text in (composed.message.id.value, "110012345", *tags))


def _decoded(part: str) -> bytes:
    from schemas.canonical import b64url_decode

    return b64url_decode(part)
