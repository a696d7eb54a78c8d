"""Organisations with a connector each at one real hub, driven by the commands that their people have.

chain = await Chain.opened(hub, tmp_path)          # gemeente, Raad and GI have joined and share the chain key
sent = await chain.gemeente.send(vto_example())
await chain.raad.round()
chain.raad.received(sent)                          # the bundle that was handed over
"""

import asyncio
import io
import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Self

import aiohttp

from connectors.agent.inbox import inbox_round, list_inbox
from connectors.agent.outbox import outbox_round
from connectors.agent.reminding import hear_notices
from connectors.agent.watching import watch_round
from connectors.cli.main import main
from connectors.cli.opening import opened
from connectors.formats.fhir import FhirFormat
from hub.cli.registrar import admission_of
from schemas.admissions import Admission, admission_to_payload
from schemas.canonical import b64url_decode
from schemas.civil_day import civil_day_of_second
from schemas.clock import SystemClock
from schemas.codes import CHAIN_KEY_ROLES, Capacity, Role, TokenType
from schemas.document import Document
from schemas.epochs import ChainEpoch, chain_epoch_to_payload
from schemas.identifiers import OIN, MessageId
from schemas.jws import sign_jws
from schemas.randomness import SystemRandomness, new_message_id
from schemas.sdjwt import disclosure_digest
from tests.support.hub_server import HUB_NAME, RunningHub
from tests.support.parties import GEMEENTE, GI, RAAD, REGISTRAR

ROLES = {GEMEENTE: Role.GEMEENTE, RAAD: Role.RAAD, GI: Role.GI}
CAPACITIES = frozenset({Capacity.OTS, Capacity.PREVENTIEF})
CLOCK = SystemClock()


def today() -> date:
    """The day in the Netherlands."""
    return civil_day_of_second(int(CLOCK.now().timestamp()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """One organisation and the home of its connector."""

    hub: RunningHub
    home: Path
    oin: OIN
    role: Role

    # ---- commands ----

    async def command(self, *words: str | Path) -> int:
        """Give a command beside the hub, which serves in this thread's loop; return its exit code."""
        return await asyncio.to_thread(main, [*(str(word) for word in words), "--home", str(self.home)])

    async def told(self, *words: str | Path) -> Any:
        """Give a command that must succeed, and return what it tells a machine."""
        said = io.StringIO()
        with redirect_stdout(said):
            code = await self.command(*words, "--json")
        assert code == 0, said.getvalue()
        return json.loads(said.getvalue())

    def file(self, name: str, content: bytes | str) -> Path:
        """Write a file outside the connector's folders."""
        path = self.home / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    # ---- joining ----

    async def join(self, *, canary: bool = False) -> None:
        """Make keys, be admitted, perhaps as a canary, and join."""
        registrar = self.file_beside("registrar.json", json.dumps(REGISTRAR.public.to_jwk()))
        words = ["--oin", self.oin.value, "--name", self.role.title(), "--role", self.role.value]
        words += ["--responsible", "SKJ:110012345", "--hub", self.hub.url, "--hub-name", HUB_NAME]
        if self.role is Role.GI:
            words += [word for each in sorted(CAPACITIES) for word in ("--capacity", each.value)]
        words += ["--canary"] if canary else []
        vkey = self.hub.web.log_identity.vkey
        assert await self.command("init", *words, "--log-vkey", vkey, "--registrar", registrar) == 0
        request = (self.home / "admission-request.json").read_bytes()
        admission = admission_of(request, clock=CLOCK, randomness=SystemRandomness(), canary=canary)
        assert await self.command("join", self.file("admission.jwt", _admit(admission))) == 0

    def file_beside(self, name: str, content: str) -> Path:
        """Write a file beside the home, which need not be there yet."""
        path = self.home.with_name(f"{self.home.name}.{name}")
        path.write_text(content, encoding="utf-8")
        return path

    # ---- chain keys ----

    async def open_epoch(self, *receivers: "Office") -> None:
        """Draw a chain key if none waits, have the registrar open its epoch, and hand it to others, who take it."""
        if not list((self.home / "keys" / "chain").glob("*.pending")):
            assert await self.command("chain-key", "create") == 0
        request = json.loads((self.home / "chain-epoch-request.json").read_bytes())
        now = CLOCK.now()
        epoch = ChainEpoch(
            id=new_message_id(at=now, randomness=SystemRandomness()),
            issued_at=int(now.timestamp()),
            epoch=request["epoch"],
            fingerprint=request["fingerprint"],
        )
        signed = sign_jws(chain_epoch_to_payload(epoch), typ=TokenType.CHAIN_EPOCH, key=REGISTRAR)
        assert await self.command("chain-key", "open", self.file("epoch.jwt", signed)) == 0
        for each in receivers:
            assert await self.command("chain-key", "hand-over", each.oin.value) == 0
            assert await each.command("chain-key", "take") == 0

    # ---- messages ----

    async def send(self, content: bytes | Document, name: str = "bericht") -> MessageId:
        """Send a file of the organisation's own system; it must be accepted."""
        path = self._file_to_send(content, name)
        assert await self.command("send", path) == 0, self.problem(path.name)
        return MessageId(self.result(path.name)["message"])

    async def refused(self, content: bytes | Document, name: str = "bericht") -> Any:
        """Send a file that must be refused; return the problem."""
        path = self._file_to_send(content, name)
        assert await self.command("send", path) == 1
        return self.problem(path.name)

    def result(self, name: str) -> Any:
        """What became of a file that was sent, for its only recipient."""
        (found,) = json.loads((self.home / "sent" / f"{name}.result.json").read_bytes())["recipients"]
        return found

    def problem(self, name: str) -> Any:
        """Why a file was refused; None if it was not."""
        path = self.home / "refused" / f"{name}.problem.json"
        return json.loads(path.read_bytes()) if path.exists() else None

    def problems(self) -> list[Any]:
        """Why files were refused."""
        return [json.loads(path.read_bytes()) for path in sorted((self.home / "refused").glob("*.problem.json"))]

    async def round(self) -> None:
        """Do what a running connector does, some time later: what it would ask again by then, it asks."""
        async with opened(self.home) as services:
            with services.journal.step("some time passed") as db:
                db.execute("UPDATE submissions SET next_at = 0")
            await outbox_round(services)
            while await list_inbox(services, wait_seconds=0):
                pass
            while await inbox_round(services):
                pass
            await watch_round(services)
            await hear_notices(services)

    def received(self, message: MessageId) -> Any:
        """The FHIR bundle that was handed over; None if nothing was."""
        path = self.home / "in" / f"{message.value}.fhir.json"
        return json.loads(path.read_bytes()) if path.exists() else None

    def received_file(self, message: MessageId) -> bytes:
        """The file of the organisation's own format that was handed over."""
        return (self.home / "in" / f"{message.value}.xml").read_bytes()

    def evidence(self, message: MessageId) -> tuple[dict[str, Any], dict[str, Any]]:
        """The signed claims of a message that was handed over, and the values that came with it, by their digests."""
        parts = json.loads((self.home / "in" / f"{message.value}.evidence.json").read_bytes())["sd_jwt"].split("~")
        values = {disclosure_digest(each): json.loads(b64url_decode(each))[1] for each in parts[1:] if each}
        return json.loads(b64url_decode(parts[0].split(".")[1])), values

    def pseudonym(self, message: MessageId) -> str:
        """The pseudonym that was drawn for the child of a message that was handed over."""
        claims, values = self.evidence(message)
        (yours,) = claims["subjects"][0]["yours"]
        return str(values[yours["..."]])

    async def notices(self) -> list[str]:
        """What people are told and have not confirmed yet, by kind."""
        return [each["kind"] for each in (await self.told("status"))["notices"]]

    def _file_to_send(self, content: bytes | Document, name: str) -> Path:
        if isinstance(content, bytes):
            return self.file(f"{name}.xml", content)
        return self.file(f"{name}.json", FhirFormat().write(content, withheld=(), at=CLOCK.now()).data)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chain:
    """Three organisations that have joined one hub and share the chain key."""

    hub: RunningHub
    folder: Path
    gemeente: Office
    raad: Office
    gi: Office

    @classmethod
    async def opened(cls, hub: RunningHub, folder: Path) -> Self:
        """Let three organisations join a hub."""
        gemeente, raad, gi = (_office(hub, folder, oin, role) for oin, role in ROLES.items())
        for each in (gemeente, raad, gi):
            await each.join()
        await gemeente.open_epoch(raad, gi)
        return cls(hub=hub, folder=folder, gemeente=gemeente, raad=raad, gi=gi)

    async def another(self, oin: OIN, role: Role) -> Office:
        """Let one more organisation join, and take the chain key if its role has it."""
        office = _office(self.hub, self.folder, oin, role)
        await office.join()
        if role not in CHAIN_KEY_ROLES:
            return office
        assert await self.gemeente.command("chain-key", "hand-over", oin.value) == 0
        assert await office.command("chain-key", "take") == 0
        return office

    async def canary(self, oin: OIN) -> Office:
        """Let a canary join, with the role of a GI that is no guardian; it takes no chain key."""
        office = _office(self.hub, self.folder, oin, Role.GI)
        await office.join(canary=True)
        return office

    async def suspend(self, office: Office) -> None:
        """Let the registrar end an organisation's admission as of now."""
        now = CLOCK.now()
        admission = Admission(
            oin=office.oin,
            id=new_message_id(at=now, randomness=SystemRandomness()),
            issued_at=int(now.timestamp()) + 1,
            name=office.role.title(),
            role=office.role,
            capacities=CAPACITIES if office.role is Role.GI else frozenset(),
            valid_from=0,
            valid_until=int(now.timestamp()),
            first_key=admission_of(
                (office.home / "admission-request.json").read_bytes(), clock=CLOCK, randomness=SystemRandomness()
            ).first_key,
        )
        body = {"admission": _admit(admission), "statement": None, "replaced": None}
        url = f"{self.hub.url}/v1/participants"
        async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
            assert answer.status == 201, await answer.text()


def resources(bundle: Any, profile: str) -> list[Any]:
    """The resources of a profile in a bundle that was handed over."""
    url = f"https://ketenhub.nl/fhir/StructureDefinition/{profile}"
    found = [each["resource"] for each in bundle["entry"]]
    return [each for each in found if url in each["meta"]["profile"]]


def _office(hub: RunningHub, folder: Path, oin: OIN, role: Role) -> Office:
    return Office(hub=hub, home=folder / f"{role.value}-{oin.value[-4]}", oin=oin, role=role)


def _admit(admission: Admission) -> str:
    return sign_jws(admission_to_payload(admission), typ=TokenType.ADMISSION, key=REGISTRAR)
