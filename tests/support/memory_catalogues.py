"""The port `Catalogues` in memory: what the entries of a `MemoryPorts` made true."""

from dataclasses import dataclass, field

from audit.entries import Entry, parse_entry
from audit.records import token_digest
from hub.catalogues import BoardRecord, CatalogueLife, Catalogues, EnactedRecord, StepRecord
from hub.changes import BoardAppointed, CatalogueEnacted, CataloguePublished, LogContinued, LogMember, StepTaken
from schemas.board import parse_board, parse_step
from schemas.codes import TokenType
from schemas.identifiers import MessageId
from schemas.jws import parse_jws


@dataclass(slots=True)
class MemoryCatalogues(Catalogues):
    """What was done about the catalogue."""

    _boards: list[BoardRecord] = field(default_factory=list)
    _steps: list[StepRecord] = field(default_factory=list)
    _enacted: list[EnactedRecord] = field(default_factory=list)
    _texts: dict[str, bytes] = field(default_factory=dict)
    _began: int = 0

    def keep(self, member: LogMember, *, index: int, entry: Entry) -> None:
        """Let a member that was appended become true."""
        text = entry.text.decode()
        match member.change:
            case BoardAppointed() as change:
                self._boards.append(BoardRecord(id=change.id, index=index, entry=text, token=change.token))
            case StepTaken() as change:
                made = StepRecord(id=change.id, index=index, entry=text, proposal=change.proposal, token=change.token)
                self._steps.append(made)
                self._texts.update([change.document] if change.document else [])
            case CatalogueEnacted():
                self._enacted.append(EnactedRecord(index=index, entry=text))
            case CataloguePublished() as change:
                self._texts[change.digest] = change.text
                if change.document == "grounds":
                    self._enacted.append(EnactedRecord(index=index, entry=text))
            case LogContinued():
                self._began = entry.time // 1000
            case _:
                pass

    def lose(self, digest: str) -> bytes:
        """Let a text be lost."""
        return self._texts.pop(digest)

    def hold(self, digest: str, text: bytes) -> None:
        """Put a text under a digest, whether it is its own or not."""
        self._texts[digest] = text

    def forge(self, *, board: str, step: str) -> None:
        """Put a board and a step into the store behind the hub's back."""
        made = parse_board(parse_jws(board, typ=TokenType.BOARD).payload)
        taken = parse_step(parse_jws(step, typ=TokenType.CATALOGUE_STEP).payload)
        self._boards.append(BoardRecord(id=made.id, index=0, entry="", token=board))
        proposal = taken.proposal or taken.id
        self._steps.append(StepRecord(id=taken.id, index=0, entry="", proposal=proposal, token=step))

    async def life(self, *, enacted: int, proposals: int) -> CatalogueLife:
        """See `hub.catalogues.Catalogues.life`."""
        newest = tuple(self._enacted[-enacted:])
        named = {parse_entry(each.entry.encode()).request for each in newest}
        made = [each for each in self._steps if each.id == each.proposal]
        shown = {each.id for each in made[-proposals:]} | {
            each.id for each in made if token_digest(each.token) in named
        }
        steps = tuple(each for each in self._steps if each.proposal in shown)
        return CatalogueLife(boards=tuple(self._boards), enacted=newest, steps=steps, began=self._began)

    async def boards(self) -> tuple[BoardRecord, ...]:
        """See `hub.catalogues.Catalogues.boards`."""
        return tuple(self._boards)

    async def step(self, step_id: MessageId) -> StepRecord | None:
        """See `hub.catalogues.Catalogues.step`."""
        return next((each for each in self._steps if each.id == step_id), None)

    async def document(self, digest: str) -> bytes | None:
        """See `hub.catalogues.Catalogues.document`."""
        return self._texts.get(digest)
