"""A board of the catalogue that acts at a hub: it signs what its members sign; the caller brings it to the hub.

acting = ActingBoard(registrar=REGISTRAR, at=clock.now, definitions=definitions.digest)
acting.board()                                     # the token of a board: the usual three beheerders and the FG
for step in acting.round(catalogue, replaces=None): ...   # every step that a catalogue needs, with its document
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any, Final

from audit.entries import GROUNDS, PAD_BYTES, EntryDraft
from audit.records import text_digest
from consent.grounds import Catalogue
from hub.changes import CataloguePublished, LogContinued, LogMember
from hub.exchange.services import Services
from hub.ports import MemberLostError
from schemas.board import Board, CatalogueStep, Enactment, Step, StepOutcome, board_to_payload, step_to_payload
from schemas.canonical import canonical_json
from schemas.civil_day import civil_day
from schemas.codes import EntryKind, TokenType
from schemas.identifiers import MessageId
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.randomness import Randomness, SystemRandomness, new_message_id
from tests.support.board import FG, FIRST, SECOND, THIRD
from tests.support.board import board as usual_board

REPORT: Final = canonical_json({"proved": True}).decode()
"""What comes with a proof, a comparison or an advice: only its digest is looked at here."""
_WITH_RESULT: Final = (Step.PROVE, Step.COMPARE, Step.ADVISE)


async def force(catalogue: Catalogue, *, services: Services) -> None:
    """Bring a catalogue into force without anybody's steps, as hubs did before there was a board, or a thief does."""
    draft = EntryDraft(
        kind=EntryKind.CATALOGUE,
        id=GROUNDS,
        catalogue=catalogue.digest,
        version=catalogue.version,
        pad=services.randomness.bytes(PAD_BYTES),
    )
    change = CataloguePublished(
        document=GROUNDS, digest=catalogue.digest, version=catalogue.version, text=catalogue.data
    )
    touches = frozenset({"*"})
    with suppress(MemberLostError):
        await services.log.append(
            LogMember(draft=draft, shown=None, kept=(), watches=frozenset(), touches=touches, change=change)
        )
    await services.worlds.refresh()


def continuation(services: Services) -> LogMember:
    """The first entry of a log that continues another, of which nothing is left."""
    draft = EntryDraft(
        kind=EntryKind.CONTINUATION,
        id=services.randomness.bytes(16).hex(),
        pad=services.randomness.bytes(PAD_BYTES),
        predecessor="former.ketenhub.test/log/1",
        root=text_digest(b""),
        provable=0,
        published=100,
    )
    nobody: frozenset[str] = frozenset()
    return LogMember(draft=draft, shown=None, kept=(), watches=nobody, touches=nobody, change=LogContinued())


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A step as it is sent: the token, and the document that it names."""

    step: CatalogueStep
    token: str
    document: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ActingBoard:
    """Signs boards and steps.

    Attributes:
        registrar: Who appoints.
        at: Reads the clock.
        definitions: Digest of the definitions of the hub.
    """

    registrar: SigningKey
    at: Callable[[], datetime]
    definitions: str
    randomness: Randomness = field(default_factory=SystemRandomness)

    @property
    def seconds(self) -> int:
        """Now."""
        return int(self.at().timestamp())

    @property
    def today(self) -> date:
        """The day in the Netherlands."""
        day = civil_day(self.at())
        assert day is not None
        return day

    def new_id(self) -> MessageId:
        """Draw an identifier."""
        return new_message_id(at=self.at(), randomness=self.randomness)

    def appointed(self, *beheerders: SigningKey, **change: Any) -> Board:
        """A board of these beheerders (else the usual three) and the FG, from now on."""
        made = {"id": self.new_id(), "issued_at": self.seconds, "valid_from": self.seconds}
        return usual_board(*beheerders, **made | change)

    def board(self, *beheerders: SigningKey, by: SigningKey | None = None, **change: Any) -> str:
        """The board as the registrar signs it."""
        payload = board_to_payload(self.appointed(*beheerders, **change))
        return sign_jws(payload, typ=TokenType.BOARD, key=by or self.registrar)

    def enactment(self, catalogue: Catalogue, *, replaces: str | None, **change: Any) -> Enactment:
        """The catalogue takes the place of another, from today."""
        made = Enactment(
            digest=catalogue.digest,
            version=catalogue.version,
            replaces=replaces,
            definitions=self.definitions,
            valid_from=self.today,
        )
        return replace(made, **change)

    def propose(self, catalogue: Catalogue, about: Enactment, *, by: SigningKey = FIRST, **change: Any) -> Signed:
        """Propose a catalogue."""
        return self._signed(Step.PROPOSE, by, about, None, document=catalogue.data.decode(), **change)

    def take(
        self, kind: Step, by: SigningKey, proposed: Signed, *, document: str | None = None, **change: Any
    ) -> Signed:
        """Take a step about what was proposed."""
        return self._signed(kind, by, proposed.step.enactment, proposed.step.id, document=document, **change)

    def round(self, catalogue: Catalogue, *, replaces: str | None, **change: Any) -> Iterator[Signed]:
        """Every step that a catalogue needs, in order; nobody advises."""
        proposed = self.propose(catalogue, self.enactment(catalogue, replaces=replaces, **change))
        yield proposed
        yield self.take(Step.PROVE, FIRST, proposed)
        if replaces is not None:
            yield self.take(Step.COMPARE, FIRST, proposed)
        yield self.take(Step.APPROVE, SECOND, proposed)
        yield self.take(Step.APPROVE, THIRD, proposed)

    def advise(self, proposed: Signed, outcome: StepOutcome) -> Signed:
        """Let the FG advise."""
        return self.take(Step.ADVISE, FG, proposed, outcome=outcome)

    async def bring_into_force(
        self,
        catalogue: Catalogue,
        *,
        replaces: str | None,
        appointed: bool,
        board: Callable[[str], Awaitable[object]],
        step: Callable[[Signed], Awaitable[object]],
    ) -> None:
        """Send a hub all that a catalogue needs, if it is another than the one in force.

        Args:
            catalogue: The catalogue.
            replaces: Digest of the one in force.
            appointed: Whether the hub has this board.
            board: Sends a board.
            step: Sends a step.
        """
        if catalogue.digest == replaces:
            return
        if not appointed:
            await board(self.board())
        for signed in self.round(catalogue, replaces=replaces):
            await step(signed)

    def _signed(
        self,
        kind: Step,
        by: SigningKey,
        about: Enactment,
        proposal: MessageId | None,
        *,
        document: str | None,
        **change: Any,
    ) -> Signed:
        if kind in _WITH_RESULT:
            document = document or REPORT
        made = CatalogueStep(
            id=self.new_id(),
            issued_at=self.seconds,
            step=kind,
            proposal=proposal,
            enactment=about,
            result=text_digest(document.encode()) if kind is not Step.PROPOSE and document is not None else None,
            outcome=StepOutcome.OK if kind in _WITH_RESULT else None,
        )
        made = replace(made, **change)
        token = sign_jws(step_to_payload(made), typ=TokenType.CATALOGUE_STEP, key=by)
        return Signed(step=made, token=token, document=document)
