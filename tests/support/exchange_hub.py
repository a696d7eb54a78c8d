"""A hub in memory for the use cases, and the organisations that talk to it.

hub = await MemoryHub.opened()
hub.meanwhile = lambda: hub.suspend(RAAD)      # happens once, under way to the next entry
await release(hub.release_request(RAAD, message_id), arrival=hub.arrival, services=hub.services)
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Self

from audit.entries import GROUNDS, parse_entry
from connectors.sdk.composing import Composed
from consent.grounds import Catalogue
from hub.exchange.accept import Accepted, accept
from hub.exchange.catalogues import Taken, appoint, take_step
from hub.exchange.directory import join, publish_definitions
from hub.exchange.enacting import enact
from hub.exchange.receipt import receipt
from hub.exchange.release import Released, release
from hub.exchange.services import Services
from hub.exchange.stages import Arrival
from hub.ports import Appended
from hub.worlds import LogWorlds
from schemas.admissions import Admission, admission_to_payload
from schemas.codes import Category, TokenType
from schemas.definitions import Definitions, load_definitions
from schemas.document import Document
from schemas.identifiers import OIN, HubName, MessageId
from schemas.jws import sign_jws
from schemas.randomness import UnsafeSeededRandomness, new_message_id
from schemas.requests import (
    Outcome,
    ReceiptClaims,
    ReceiptReason,
    ReleaseClaims,
    receipt_to_payload,
    release_to_payload,
)
from tests.support.catalogue_files import PACKAGED, edited
from tests.support.connector_world import GEMEENTE, GI, HUB, RAAD, World
from tests.support.example_documents import request_document
from tests.support.hub_board import ActingBoard, Signed, continuation
from tests.support.memory_ports import MemoryPorts

__all__ = ["GEMEENTE", "GI", "HUB", "RAAD", "MemoryHub", "without", "without_category"]


def without(code: str) -> Catalogue:
    """The packaged catalogue in which a ground is switched off."""
    return edited(code, "in_force = true", "in_force = false")


def without_category(code: str, category: Category) -> Catalogue:
    """The packaged catalogue in which a ground does not carry a category."""
    return edited(code, f'"{category.value}",', "")


@dataclass(slots=True)
class MemoryHub(MemoryPorts):
    """One hub process on ports in memory.

    Attributes:
        world: The organisations, with their keys, and the registrar.
        services: What the use cases get.
    """

    world: World = field(default_factory=World)
    services: Services = field(init=False)
    _followed: int = 0

    @classmethod
    async def opened(
        cls,
        *,
        catalogue: Catalogue | None = PACKAGED,
        definitions: Definitions | None = None,
        world: World | None = None,
        continues: bool = False,
    ) -> Self:
        """Open a hub that every organisation of the world has joined, with a catalogue in force or none.

        Args:
            catalogue: Which one the board brings into force.
            definitions: Others than those of the software.
            world: One that there is.
            continues: Whether its log continues another, of which nothing is known here.
        """
        world = world or World()
        hub = cls(world=world, clock=world.clock)
        hub.services = Services(
            hub=HubName(HUB.value),
            registrar=hub.world.registrar.public,
            log=hub,
            store=hub,
            persons=hub.persons,
            attention=hub.persons,
            catalogues=hub.catalogues,
            worlds=hub._new_worlds(definitions or load_definitions()),
            definitions=definitions or load_definitions(),
            wake_ups=hub,
            outbox=hub,
            rate_limits=hub,
            randomness=UnsafeSeededRandomness("hub"),
        )
        if continues:
            await hub.append(continuation(hub.services))
        await publish_definitions(services=hub.services)
        if catalogue is not None:
            await hub.decide_by(catalogue)
        await hub.follow()
        return hub

    # ---- what organisations do ----

    @property
    def arrival(self) -> Arrival:
        """Something that comes now."""
        return Arrival(at=self.world.clock.now(), trace_id="1" * 32, span_id="2" * 16)

    async def follow(self) -> None:
        """Let the hub take in what the world's organisations stated since."""
        for record in self.world.records[self._followed :]:
            await join(
                admission=record.admission,
                statement=record.statement,
                replaced=record.replaced,
                arrival=self.arrival,
                services=self.services,
            )
        self._followed = len(self.world.records)

    async def rotate(self, oin: OIN, *, revoke: bool = False) -> None:
        """Let an organisation replace its keys."""
        self.world.rotate(oin, revoke=revoke)
        await self.follow()

    async def suspend(self, oin: OIN) -> None:
        """Let the registrar end an organisation's admission as of now."""
        await self.admit(oin, valid_until=int(self.world.clock.now().timestamp()))

    async def admit(self, oin: OIN, **changes: object) -> None:
        """Let the registrar admit an organisation anew, with something changed."""
        organisation = self.world.organisations[oin]
        self.world.clock.advance(seconds=1)
        claims: dict[str, object] = {
            "oin": oin,
            "id": self.new_id(),
            "issued_at": int(self.world.clock.now().timestamp()),
            "name": f"Organisatie {oin.value[-4:]}",
            "role": organisation.role,
            "capacities": organisation.capacities,
            "valid_from": 0,
            "valid_until": None,
            "first_key": organisation.signing.public.thumbprint,
            **changes,
        }
        payload = admission_to_payload(Admission(**claims))  # type: ignore[arg-type]  # changed by name
        token = sign_jws(payload, typ=TokenType.ADMISSION, key=self.world.registrar)
        await join(admission=token, statement=None, replaced=None, arrival=self.arrival, services=self.services)

    @contextmanager
    def another_process(self) -> Iterator[None]:
        """Let what happens in the block happen at another process of the hub: this one does not know of it yet."""
        before = self.services.worlds
        self.services = replace(self.services, worlds=self._new_worlds(self.services.definitions))
        yield
        self.services = replace(self.services, worlds=before)

    def _new_worlds(self, definitions: Definitions) -> LogWorlds:
        return LogWorlds(
            log=self,
            store=self,
            catalogues=self.catalogues,
            registrar=self.world.registrar.public,
            definitions=definitions,
        )

    def compose(self, document: Document | None = None, **changes: object) -> Composed:
        """Compose a message as its sender's connector does."""
        return self.world.compose(document or request_document(), **changes)  # type: ignore[arg-type]

    async def submit(self, composed: Composed) -> Accepted:
        """Submit a message."""
        return await accept(composed.submission, arrival=self.arrival, services=self.services)

    async def deliver(self, composed: Composed) -> Accepted:
        """Submit a message, and let its recipient collect it."""
        accepted = await self.submit(composed)
        await self.release(composed.message.recipient.oin, accepted.id)
        return accepted

    async def release(self, oin: OIN, *ids: MessageId) -> Released:
        """Ask for messages."""
        return await release(self.release_request(oin, *ids), arrival=self.arrival, services=self.services)

    def release_request(self, oin: OIN, *ids: MessageId, **changes: object) -> str:
        """Sign a request for messages."""
        claims: dict[str, object] = {
            "issuer": oin,
            "id": self.new_id(),
            "issued_at": self.arrival.seconds,
            "hub": HUB,
            "ids": ids,
            **changes,
        }
        payload = release_to_payload(ReleaseClaims(**claims))  # type: ignore[arg-type]  # changed by name
        return sign_jws(payload, typ=TokenType.RELEASE, key=self.world.organisations[oin].signing)

    def receipt_for(
        self, about: MessageId, *, by: OIN = RAAD, reasons: Sequence[ReceiptReason] = (), **changes: object
    ) -> str:
        """Sign a receipt about the newest disclosure of a message."""
        stored = self._stored(about)
        assert stored is not None
        disclosure, entry = stored.disclosure, parse_entry((stored.disclosure or stored).entry.encode())
        claims: dict[str, object] = {
            "issuer": by,
            "id": self.new_id(),
            "issued_at": self.arrival.seconds,
            "hub": HUB,
            "message_id": about,
            "message": entry.message,
            "released": entry.released or "r" * 42 + "A",
            "index": disclosure.index if disclosure else 0,
            "outcome": Outcome.REFUSED if reasons else Outcome.ACCEPTED,
            "reasons": tuple(reasons),
            **changes,
        }
        payload = receipt_to_payload(ReceiptClaims(**claims))  # type: ignore[arg-type]  # changed by name
        return sign_jws(payload, typ=TokenType.RECEIPT, key=self.world.organisations[by].signing)

    async def give_receipt(self, about: MessageId, *, by: OIN = RAAD, refused: bool = False) -> None:
        """Let the recipient accept or refuse what was released to it."""
        reasons = (ReceiptReason(label="", code="hub.element.altered"),) if refused else ()
        token = self.receipt_for(about, by=by, reasons=reasons)
        await receipt(token, arrival=self.arrival, services=self.services)

    async def decide_by(self, catalogue: Catalogue) -> None:
        """Let a catalogue come into force by the steps of the board, unless it is in force."""
        world = await self.services.worlds.refresh()
        await self.board.bring_into_force(
            catalogue,
            replaces=self.in_force,
            appointed=bool(world.boards),
            board=self.appoint,
            step=self.step,
        )
        await self.enact()

    @property
    def board(self) -> ActingBoard:
        """The board of the catalogue, whose members sign by the clock of this world."""
        return ActingBoard(
            registrar=self.world.registrar,
            at=self.world.clock.now,
            definitions=self.services.definitions.digest,
            randomness=self.world.randomness,
        )

    async def appoint(self, token: str | None = None) -> Appended:
        """Take in a board, else the usual one."""
        return await appoint(token or self.board.board(), arrival=self.arrival, services=self.services)

    async def step(self, signed: Signed) -> Taken:
        """Take in a step of a member."""
        return await take_step(signed.token, signed.document, arrival=self.arrival, services=self.services)

    async def enact(self) -> Appended | None:
        """Bring into force what may be, as a sweep does."""
        return await enact(arrival=self.arrival, services=self.services)

    @property
    def in_force(self) -> str | None:
        """Digest of the catalogue in force, as this process knows it."""
        return self.services.worlds.current().in_force.get(GROUNDS)

    async def upgrade(self, definitions: Definitions) -> None:
        """Let this process be started anew as a version of the software with other definitions."""
        self.services = replace(self.services, definitions=definitions, worlds=self._new_worlds(definitions))
        await self.services.worlds.refresh()

    def new_id(self) -> MessageId:
        """Draw an identifier."""
        return new_message_id(at=self.world.clock.now(), randomness=self.world.randomness)
