"""A real hub on a loopback port, with real PostgreSQL and Valkey, and participants that talk to it over HTTP.

async with running_hub(tmp_path, database_url=…, redis_url=…) as hub, participant_of(hub, GEMEENTE, …) as gemeente:
    await gemeente.join()
    answer = await gemeente.submit(gemeente.compose(raad))
"""

import contextlib
import hashlib
import io
import socket
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from audit.entries import GROUNDS
from audit.note import NoteSigner
from connectors.sdk.composing import Composed, Policy, SenderKeys, compose
from connectors.sdk.envelope import Envelope, Thread
from consent.grounds import Catalogue
from hub.bootstrap import open_hub
from hub.settings import Settings, load_settings
from hub.web.app import serving
from hub.web.context import HubWeb
from schemas.admissions import Admission, Statement, admission_to_payload, statement_to_payload
from schemas.canonical import b64url, canonical_json
from schemas.clock import Clock, SystemClock
from schemas.codes import Capacity, Register, Role, SignatureAlgorithm, TokenType
from schemas.definitions import load_definitions
from schemas.document import Document, JSONValue
from schemas.identifiers import OIN, HubName, MessageId, ProfessionalNumber
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.message import Responsible
from schemas.pseudonyms import ChainKey
from schemas.randomness import SystemRandomness, new_message_id
from schemas.requests import (
    ClientAuthentication,
    Outcome,
    ReceiptClaims,
    ReceiptReason,
    ReleaseClaims,
    client_authentication_to_payload,
    receipt_to_payload,
    release_to_payload,
)
from schemas.sealing import SealingPrivateKey
from schemas.wire import Releases, encode_submission, parse_releases
from tests.support.catalogue_files import PACKAGED
from tests.support.connector_world import no_canary
from tests.support.example_documents import request_document
from tests.support.hub_board import ActingBoard
from tests.support.parties import REGISTRAR

HUB_NAME = "hub.ketenhub.test"
RANDOMNESS = SystemRandomness()
CLOCK = SystemClock()
CHAIN = ChainKey.generate(epoch=0, randomness=RANDOMNESS)
POLICY = Policy.of(definitions=load_definitions(), catalogue=PACKAGED)
GI_CAPACITIES = frozenset({Capacity.OTS, Capacity.PREVENTIEF})
RESPONSIBLE = Responsible(register=Register.SKJ, number=ProfessionalNumber("110012345"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningHub:
    """One hub process's worth of hub, in this process."""

    url: str
    settings: Settings
    web: HubWeb


def write_hub_files(folder: Path, *, url: str, database_url: str, redis_url: str) -> Path:
    """Write settings and keys of a hub, as its operator has them; the keys stay if they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    files = {
        "log.skey": NoteSigner.from_seed(name=f"{HUB_NAME}/log/1", seed=RANDOMNESS.bytes(32)).skey.encode(),
        "token.key": b64url(RANDOMNESS.bytes(32)).encode(),
        "registrar.jwk.json": orjson.dumps(REGISTRAR.public.to_jwk()),
    }
    for name, content in files.items():
        path = folder / name
        if not path.exists():
            path.write_bytes(content)
            path.chmod(0o600)
    path = folder / f"hub-{url.rpartition(':')[2]}.toml"
    path.write_text(
        f"""
[hub]
name = "{HUB_NAME}"
issuer = "{url}"
environment = "local"
[keys]
log = "log.skey"
token = "token.key"
registrar = "registrar.jwk.json"
[storage]
postgresql = "{database_url}"
guard = "guard"
pool_max = 4
[redis]
url = "{redis_url}"
[work]
unsafe_notify_anywhere = true
"""
    )
    return path


@contextlib.asynccontextmanager
async def running_hub(
    folder: Path,
    *,
    database_url: str,
    redis_url: str = "",
    issuer: str | None = None,
    clock: Clock | None = None,
    catalogue: Catalogue | None = PACKAGED,
    **environment: str,
) -> AsyncIterator[RunningHub]:
    """Serve a hub in which a board brought a catalogue into force, or none; one that is in force already stays so.

    `environment` overrides settings, such as `WEB_BODY_BYTES_MAX="1000"`.
    """
    with socket.create_server(("127.0.0.1", 0)) as sock:
        url = f"http://127.0.0.1:{sock.getsockname()[1]}"
        path = write_hub_files(folder, url=issuer or url, database_url=database_url, redis_url=redis_url)
        settings = load_settings(path, environment={f"KETENHUB_{name}": value for name, value in environment.items()})
        async with open_hub(settings, clock=clock) as web, serving(web, sock=sock):
            running = RunningHub(url=url, settings=settings, web=web)
            if catalogue is not None and web.services.worlds.current().policy is None:
                await bring_into_force(running, catalogue)
            yield running


def acting_board(hub: RunningHub) -> ActingBoard:
    """The board of the catalogue, whose members sign by this hub's clock."""
    return ActingBoard(registrar=REGISTRAR, at=hub.web.clock.now, definitions=hub.web.services.definitions.digest)


async def bring_into_force(hub: RunningHub, catalogue: Catalogue) -> None:
    """Let the board bring a catalogue into force, by the calls that its members make."""
    world = await hub.web.services.worlds.refresh()
    await acting_board(hub).bring_into_force(
        catalogue,
        replaces=world.in_force.get(GROUNDS),
        appointed=bool(world.boards),
        board=lambda token: post(hub, "/v1/boards", board=token),
        step=lambda signed: post(hub, "/v1/catalogue-steps", step=signed.token, document=signed.document),
    )


async def post(hub: RunningHub, path: str, **body: object) -> "Answer":
    """Post JSON, and see that it was taken."""
    data, headers = io.BytesIO(orjson.dumps(body)), {"Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(hub.url + path, data=data, headers=headers) as answer,
    ):
        body_ = await answer.read()
        assert answer.status == 201, body_
        return Answer(answer.status, answer.headers, body_)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(slots=True, kw_only=True)
class HubParticipant:
    """An organisation that calls a hub as the architecture says, with nothing of the connector's transport."""

    oin: OIN
    role: Role
    session: aiohttp.ClientSession
    url: str
    issuer: str
    capacities: frozenset[Capacity] = frozenset()
    signing: SigningKey = field(default_factory=lambda: SigningKey.generate(randomness=RANDOMNESS))
    sealing: SealingPrivateKey = field(default_factory=lambda: SealingPrivateKey.generate(randomness=RANDOMNESS))
    dpop: SigningKey = field(
        default_factory=lambda: SigningKey.generate(SignatureAlgorithm.ES256, randomness=RANDOMNESS)
    )
    access_token: str = ""
    proof_url: str = ""
    canary: bool = False

    # ---- joining ----

    def admission(self, **changes: Any) -> str:
        now = seconds()
        claims: dict[str, Any] = {
            "oin": self.oin,
            "id": new_id(),
            "issued_at": now,
            "name": f"Organisatie {self.oin.value[-4:]}",
            "role": self.role,
            "capacities": self.capacities,
            "valid_from": now - 60,
            "valid_until": None,
            "first_key": self.signing.public.thumbprint,
            "canary": self.canary,
        }
        payload = admission_to_payload(Admission(**(claims | changes)))
        return sign_jws(payload, typ=TokenType.ADMISSION, key=REGISTRAR)

    def statement(self, *, key: SigningKey | None = None, **changes: Any) -> str:
        claims: dict[str, Any] = {
            "oin": self.oin,
            "id": new_id(),
            "issued_at": seconds(),
            "signing_key": self.signing.public,
            "sealing_key": self.sealing.public,
        }
        payload = statement_to_payload(Statement(**(claims | changes)))
        return sign_jws(payload, typ=TokenType.PARTICIPANT, key=key or self.signing)

    async def join(self, **changes: Any) -> Answer:
        body = {"admission": self.admission(), "statement": self.statement(**changes), "replaced": None}
        return await self.call("POST", "/v1/participants", json=body)

    # ---- tokens ----

    def assertion(self, **changes: Any) -> str:
        now = seconds()
        claims: dict[str, Any] = {
            "participant": self.oin,
            "audience": self.issuer,
            "id": new_id(),
            "issued_at": now,
            "expires_at": now + 60,
        }
        payload = client_authentication_to_payload(ClientAuthentication(**(claims | changes)))
        return sign_jws(payload, typ=TokenType.CLIENT_AUTHENTICATION, key=self.signing)

    async def ask_token(self, assertion: str | None = None, **form: str) -> Answer:
        fields = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion or self.assertion(),
        } | form
        headers = {"DPoP": self.proof("POST", "/oauth/token", token=None)}
        async with self.session.post(self.url + "/oauth/token", data=fields, headers=headers) as response:
            return Answer(response.status, response.headers, await response.read())

    async def authenticate(self) -> None:
        answer = await self.ask_token()
        assert answer.status == 200, answer.body
        self.access_token = answer.json["access_token"]

    def proof(self, method: str, path: str, *, token: str | None, **changes: JSONValue) -> str:
        claims: dict[str, JSONValue] = {
            "jti": RANDOMNESS.bytes(16).hex(),
            "htm": method,
            "htu": (self.proof_url or self.url) + path,
            "iat": seconds(),
        }
        if token is not None:
            claims["ath"] = b64url(hashlib.sha256(token.encode()).digest())
        return sign_jws(canonical_json(claims | changes), typ=TokenType.DPOP, key=self.dpop)

    # ---- calls ----

    async def call(
        self,
        method: str,
        path: str,
        *,
        body: bytes | None = None,
        content_type: str | None = None,
        json: Any = None,
        query: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make a call, with the token if there is one."""
        sent = dict(headers or {})
        if json is not None:
            body, content_type = orjson.dumps(json), "application/json"
        if content_type:
            sent["Content-Type"] = content_type
        if self.access_token and "Authorization" not in sent:
            sent["Authorization"] = f"DPoP {self.access_token}"
            sent.setdefault("DPoP", self.proof(method, path, token=self.access_token))
        async with self.session.request(method, self.url + path + query, data=body, headers=sent) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, query: str = "") -> Answer:
        return await self.call("GET", path, query=query)

    # ---- messages ----

    async def compose(
        self, recipient: "HubParticipant", document: Document | None = None, *, thread: Thread | None = None
    ) -> Composed:
        """Make a message for another participant from what the hub says about both."""
        directory = await self.directory()
        sender, other = directory.participant(self.oin), directory.participant(recipient.oin)
        assert sender is not None
        assert other is not None
        return compose(
            document or request_document(),
            envelope=Envelope(
                sender=no_canary(sender),
                capacity=None,
                recipient=no_canary(other),
                recipient_capacity=None,
                hub=HubName(HUB_NAME),
                responsible=RESPONSIBLE,
                thread=thread or Thread(),
            ),
            policy=POLICY,
            keys=SenderKeys(signing=self.signing, chain=CHAIN),
            at=CLOCK.now(),
            randomness=RANDOMNESS,
        )

    async def directory(self) -> Any:
        from schemas.participants import Directory

        answer = await self.call("GET", "/v1/participants")
        lines = [_Line(**{name: line[name] for name in _Line.__slots__}) for line in answer.json["participants"]]
        return Directory.empty(registrar=REGISTRAR.public).extended(line.documents() for line in lines)

    async def submit(self, composed: Composed) -> Answer:
        content_type, body = encode_submission(composed.submission)
        return await self.call("POST", "/v1/messages", body=body, content_type=content_type)

    def release_request(self, ids: Sequence[MessageId], **changes: Any) -> str:
        claims: dict[str, Any] = {
            "issuer": self.oin,
            "id": new_id(),
            "issued_at": seconds(),
            "hub": HubName(HUB_NAME),
            "ids": tuple(ids),
        }
        payload = release_to_payload(ReleaseClaims(**(claims | changes)))
        return sign_jws(payload, typ=TokenType.RELEASE, key=self.signing)

    async def release(self, *ids: MessageId) -> Releases:
        answer = await self.call(
            "POST", "/v1/releases", body=self.release_request(ids).encode(), content_type="application/jose"
        )
        assert answer.status == 200, answer.body
        return parse_releases(answer.headers["Content-Type"], answer.body)

    def receipt(self, release: Any, *, reasons: Sequence[tuple[str, str]] = (), **changes: Any) -> str:
        entry = orjson.loads(release.entry)
        claims: dict[str, Any] = {
            "issuer": self.oin,
            "id": new_id(),
            "issued_at": seconds(),
            "hub": HubName(HUB_NAME),
            "message_id": release.id,
            "message": entry["message"],
            "released": entry["released"],
            "index": release.index,
            "outcome": Outcome.REFUSED if reasons else Outcome.ACCEPTED,
            "reasons": tuple(ReceiptReason(label=label, code=code) for label, code in reasons),
        }
        payload = receipt_to_payload(ReceiptClaims(**(claims | changes)))
        return sign_jws(payload, typ=TokenType.RECEIPT, key=self.signing)

    async def give_receipt(self, token: str) -> Answer:
        return await self.call("POST", "/v1/receipts", body=token.encode(), content_type="application/jose")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    oin: str
    index: int
    admission: str | None
    statement: str | None
    replaced: str | None

    def documents(self) -> Any:
        from tests.support.parties import Documents

        return Documents(
            index=self.index,
            oin=OIN(self.oin),
            admission=self.admission,
            statement=self.statement,
            replaced=self.replaced,
        )


@contextlib.asynccontextmanager
async def participants_of(
    hub: RunningHub, *who: tuple[OIN, Role], canaries: frozenset[OIN] = frozenset()
) -> AsyncIterator[list[HubParticipant]]:
    """Make participants that have joined a hub and have a token; some may be canaries."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        made = [
            HubParticipant(
                oin=oin,
                role=role,
                session=session,
                url=hub.url,
                issuer=hub.settings.hub.issuer,
                capacities=GI_CAPACITIES if role is Role.GI else frozenset(),
                canary=oin in canaries,
            )
            for oin, role in who
        ]
        for participant in made:
            answer = await participant.join()
            assert answer.status == 201, answer.body
            await participant.authenticate()
        yield made


def seconds() -> int:
    return int(CLOCK.now().timestamp())


def new_id() -> MessageId:
    return new_message_id(at=CLOCK.now(), randomness=RANDOMNESS)
