"""The life of the catalogue at the hub: the board, the steps of its members, and what comes into force by them.

    POST /v1/boards            the registrar says who may take which steps
    POST /v1/catalogue-steps   a member proposes, proves, compares, approves, advises or rejects
    hub/exchange/enacting.py   on its day, when nothing stands in the way, it is in force: at every process at once

Each is an entry of the log, whose documents everybody may read: what stands in the way is `consent.lifecycle`, pure, so
whoever reads the log comes to the same answer. The hub only refuses what could never count, so that nobody finds out
too late that an approval was none.

Source: the architecture, sections 5 and 6; AVG 26, 38 and 39.
"""

import asyncio
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from audit.entries import BOARD, PAD_BYTES, EntryDraft, parse_entry
from audit.records import text_digest, token_digest
from consent.checking import Severity, check_catalogue
from consent.grounds import load_catalogue
from consent.lifecycle import Standing, standings
from hub.catalogues import CatalogueLife, StepRecord
from hub.changes import BoardAppointed, Change, LogMember, StepTaken
from hub.exchange.authenticate import FUTURE_SECONDS_MAX
from hub.exchange.services import Services, World
from hub.exchange.stages import Arrival
from hub.ports import Appended, MemberLostError
from schemas.board import (
    Board,
    SignedStep,
    Step,
    board_at,
    verify_board,
    verify_step,
)
from schemas.codes import EntryKind
from schemas.definitions import Definitions
from schemas.errors import (
    AuthenticationError,
    DocumentError,
    ExchangeError,
    Issue,
    RejectedMessageError,
    ReplayError,
    UnavailableError,
)
from schemas.identifiers import Thumbprint
from schemas.jwk import VerificationKey

ENACTED_SHOWN: Final = 64
"""How many of the newest catalogues in force are looked at: more than proposals, none of which counts twice."""
PROPOSALS_SHOWN: Final = 32
"""How many of the newest proposals are looked at, besides those that came into force; and as many fit into a day."""
STEPS_MAX: Final = 8
"""Steps of one member about one proposal, who needs three: nobody's hinder another's, least of all the FG's."""
STEPS_PER_MINUTE_MAX: Final = 30
"""Steps of one member in a minute: to read a proposed catalogue and check it takes a second."""
DOCUMENT_BYTES_MAX: Final = 1024 * 1024

LIFE: Final = "catalogue"
"""The key that every step and board touches, and what comes into force by them watches."""

_STEP: Final = "sender.catalogue-step."
_DAY_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A step that was taken in, and how its proposal stands with it; None where it is looked at no more."""

    logged: Appended
    standing: Standing | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The life of the catalogue, each document verified.

    Attributes:
        stored: As it was taken in.
        boards: Every board.
        steps: Every step that a member of some board signed.
        in_force: Digest of the catalogue in force; None if there is none yet.
        used: Digests of the proposals that brought a catalogue into force.
    """

    stored: CatalogueLife
    boards: tuple[Board, ...]
    steps: tuple[SignedStep, ...]
    in_force: str | None
    used: frozenset[str]

    def standings(
        self, *, seconds: int, definitions: Definitions, more: Sequence[SignedStep] = ()
    ) -> tuple[Standing, ...]:
        """Say how every proposal stands at a moment; nothing where no board counts then."""
        board = board_at(self.boards, seconds=seconds)
        if board is None:
            return ()
        return standings(
            (*self.steps, *more),
            board=board,
            in_force=self.in_force,
            definitions=definitions.digest,
            used=self.used,
        )


async def known_life(services: Services) -> Known:
    """Read what was done about the catalogue, and verify it: what somebody put into the database counts for nothing.

    Raises:
        UnavailableError: The database could not be reached.
    """
    life = await services.catalogues.life(enacted=ENACTED_SHOWN, proposals=PROPOSALS_SHOWN)
    return verified_life(life, registrar=services.registrar)


def verified_life(life: CatalogueLife, *, registrar: VerificationKey) -> Known:
    """Verify what was read; what nobody signed, or somebody before this log began, counts for nothing."""
    boards = tuple(_verified_boards((each.token for each in life.boards), registrar=registrar))
    signed = _verified_steps((each.token for each in life.steps), boards=boards)
    enacted = [parse_entry(each.entry.encode()) for each in life.enacted]
    return Known(
        stored=life,
        boards=boards,
        steps=tuple(each for each in signed if each.step.issued_at >= life.began),
        in_force=enacted[-1].catalogue if enacted else None,
        used=frozenset(entry.request for entry in enacted if entry.request is not None),
    )


async def appoint(token: str, *, arrival: Arrival, services: Services) -> Appended:
    """Take in a board that the registrar signed. The same again gets the same answer.

    Raises:
        RejectedMessageError: It is not the registrar's, does not have its form, is dated ahead, or its id stands for
            something else.
        UnavailableError: It may succeed later; nothing was changed.
    """
    board = verify_board(token, registrar=services.registrar)
    _check_date(board.issued_at, arrival=arrival, code="sender.board.future")
    digest = token_digest(token)
    draft = EntryDraft(
        kind=EntryKind.CATALOGUE,
        id=BOARD,
        catalogue=digest,
        version=board.id.value,
        request=digest,
        pad=services.randomness.bytes(PAD_BYTES),
    )
    try:
        appended = await services.log.append(_member(draft, BoardAppointed(id=board.id, token=token)))
    except MemberLostError:
        life = await services.catalogues.life(enacted=1, proposals=1)
        known = next((each for each in life.boards if each.token == token), None)
        if known is None:
            raise _used() from None
        return await services.proven(known)
    await services.worlds.refresh()
    return appended


async def take_step(token: str, document: str | None, *, arrival: Arrival, services: Services) -> Taken:
    """Take in a step of a member of the board.

    1. signature: a member of a board signed it, in an office that takes such steps
    2. known: the same step again gets the same answer, also when its member has left the board
    3. now: its member is on the board of now, and does not come too often
    4. document: what it names is there, and is what it names
    5. proposal: a catalogue that could come into force; any other step is about a proposal that is known here, and
       counts for something
    6. log and store, in one transaction

    Raises:
        RejectedMessageError: It cannot count; every issue is listed.
        UnavailableError: It may succeed later; nothing was changed.
    """
    # 1. signature
    signed = _verify(token, world=services.worlds.current())
    # 2. known
    known = await services.catalogues.step(signed.step.id)
    if known is not None:
        return await _old_step(known, token, arrival=arrival, services=services)
    # 3. now
    life = await known_life(services)
    await _check_member(signed, life=life, arrival=arrival, services=services)
    # 4. document, 5. proposal
    text = _encoded(document)
    issues = [*_about_document(signed, text)]
    if signed.step.step is Step.PROPOSE:
        issues += await asyncio.to_thread(_about_catalogue, signed, text, definitions=services.definitions)
        issues += await _about_place(signed, life=life, services=services)
        _check_proposals(life, arrival=arrival)
    else:
        issues += _about_standing(signed, life=life, arrival=arrival, definitions=services.definitions)
    if issues:
        raise DocumentError("the step could not count for anything", code=f"{_STEP}refused", issues=issues)
    # 6. log and store
    try:
        appended = await services.log.append(_step_member(signed, text, services=services))
    except MemberLostError:
        known = await services.catalogues.step(signed.step.id)
        if known is None:
            raise _used() from None
        return await _old_step(known, token, arrival=arrival, services=services)
    return Taken(
        logged=appended,
        standing=_standing_of(signed, life=life, arrival=arrival, definitions=services.definitions),
    )


def _standing_of(signed: SignedStep, *, life: Known, arrival: Arrival, definitions: Definitions) -> Standing | None:
    """Say how the proposal stands that a step is about, with this step; None if it is not looked at here."""
    proposal = signed.step.proposal or signed.step.id
    found = life.standings(seconds=arrival.seconds, definitions=definitions, more=[signed])
    return next((each for each in found if each.proposal.step.id == proposal), None)


# ---- who ----


def _verified_boards(tokens: Iterable[str], *, registrar: VerificationKey) -> Iterator[Board]:
    for token in tokens:
        try:
            yield verify_board(token, registrar=registrar)
        except ExchangeError:
            continue


def _verified_steps(tokens: Iterable[str], *, boards: Sequence[Board]) -> Iterator[SignedStep]:
    for token in tokens:
        try:
            yield _verified(token, boards)
        except ExchangeError:
            continue


@lru_cache(maxsize=2048)
def _verified(token: str, boards: tuple[Board, ...]) -> SignedStep:
    """Verify a step with the boards that there are, the newest first; whether its member is on it now is another thing.

    Raises:
        ExchangeError: Nobody of any board signed it in an office that takes such steps.
    """
    refused = AuthenticationError("not signed by a member of the board", code=f"{_STEP}signer")
    for board in reversed(boards):
        try:
            return verify_step(token, board=board)
        except AuthenticationError as error:
            refused = error  # a member of another board, perhaps
    raise refused


def _verify(token: str, *, world: World) -> SignedStep:
    if not world.boards:
        text = "this hub has no board of the catalogue yet; send the board first"
        raise RejectedMessageError(text, code=f"{_STEP}no-board")
    return _verified(token, world.boards)


async def _check_member(signed: SignedStep, *, life: Known, arrival: Arrival, services: Services) -> None:
    board = board_at(life.boards, seconds=arrival.seconds)
    if board is None:
        raise RejectedMessageError("no board counts at this moment", code=f"{_STEP}no-board")
    if not board.may(signed.signer, signed.step.step):
        text = "not a member of the board of now, or not in an office that takes this step"
        raise AuthenticationError(text, code=f"{_STEP}signer")
    if signed.step.issued_at < life.stored.began:
        # What was signed for the log before can be read by everybody; here nothing of it is in force, or was used.
        text = "signed before this log began, which continues another: sign it anew"
        raise RejectedMessageError(text, code=f"{_STEP}former-log")
    _check_date(signed.step.issued_at, arrival=arrival, code=f"{_STEP}future")
    await _check_limit(signed.signer, services=services)


async def _check_limit(signer: Thumbprint, *, services: Services) -> None:
    if not await services.rate_limits.permit(f"board:{signer.value}", per_minute=STEPS_PER_MINUTE_MAX):
        text = f"a member takes at most {STEPS_PER_MINUTE_MAX} steps a minute; try again later"
        raise UnavailableError(text, code="hub.catalogue.too-often")


def _check_date(issued_at: int, *, arrival: Arrival, code: str) -> None:
    if issued_at > arrival.seconds + FUTURE_SECONDS_MAX:
        text = f"dated more than {FUTURE_SECONDS_MAX} s ahead of the hub's clock; check the clock of who signs"
        raise DocumentError(text, code=code, issues=[Issue(pointer="/iat", code=code, text=text)])


# ---- what ----


def _encoded(document: str | None) -> bytes | None:
    try:
        return None if document is None else document.encode()
    except UnicodeEncodeError as error:
        raise DocumentError("the document is no text", code=f"{_STEP}document") from error


def _about_document(signed: SignedStep, text: bytes | None) -> Iterator[Issue]:
    """Hold the document against the digest by which the step names it."""
    step = signed.step
    named = step.enactment.digest if step.step is Step.PROPOSE else step.result
    what = "the catalogue" if step.step is Step.PROPOSE else "the report, the advice or the note"
    if named is None and text is not None:
        yield _issue("document", "a step that names no document comes with none", "/document")
    elif named is not None and text is None:
        yield _issue("document", f"{what} that it names must come with it", "/document")
    elif text is not None and len(text) > DOCUMENT_BYTES_MAX:
        yield _issue("document", f"{what} is larger than {DOCUMENT_BYTES_MAX} bytes", "/document")
    elif text is not None and text_digest(text) != named:
        yield _issue("document", f"{what} is another than the step names", "/document")


def _about_catalogue(signed: SignedStep, text: bytes | None, *, definitions: Definitions) -> tuple[Issue, ...]:
    """Hold a proposed catalogue against the definitions of now; the proof is the board's."""
    enactment, found = signed.step.enactment, list[Issue]()
    if enactment.definitions != definitions.digest:
        text_ = "proved with other definitions than those of this hub; prove and propose it with these"
        found.append(_issue("definitions", text_, "/definitions"))
    if text is None or len(text) > DOCUMENT_BYTES_MAX:
        return tuple(found)
    try:
        catalogue = load_catalogue(text)
    except DocumentError as error:
        found += [
            Issue(pointer=f"/document{each.pointer}", code=each.code, text=each.text, text_nl=each.text_nl)
            for each in error.issues or (_issue("document", error.public_message, ""),)
        ]
        return tuple(found)
    if catalogue.version != enactment.version:
        found.append(_issue("version", "the catalogue has another version than the step says", "/version"))
    found += [
        Issue(
            pointer="/document",
            code=f"{_STEP}{each.code}",
            text=f"{each.about}: {each.text.en}",
            text_nl=f"{each.about}: {each.text.nl}",
        )
        for each in check_catalogue(catalogue, definitions=definitions)
        if each.severity is Severity.ERROR
    ]
    return tuple(found)


async def _about_place(signed: SignedStep, *, life: Known, services: Services) -> Sequence[Issue]:
    """Hold what a catalogue replaces against what is in force, or is proposed to be by then."""
    replaces, digest = signed.step.enactment.replaces, signed.step.enactment.digest
    if digest == life.in_force:
        return [_issue("in-force", "this catalogue is in force already", "/digest")]
    if replaces == life.in_force:
        return []
    if replaces is None or life.in_force is None or await services.catalogues.document(replaces) is None:
        return [_issue("overtaken", "it replaces another catalogue than the one that is in force here", "/of")]
    return []


def _check_proposals(life: Known, *, arrival: Arrival) -> None:
    """Check that proposals do not push each other out of sight."""
    newest = [parse_entry(each.entry.encode()).time for each in life.stored.steps if each.id == each.proposal]
    if sum(time // 1000 > arrival.seconds - _DAY_SECONDS for time in newest) >= PROPOSALS_SHOWN:
        text = f"at most {PROPOSALS_SHOWN} catalogues are proposed in a day"
        raise RejectedMessageError(text, code=f"{_STEP}too-many")


def _about_standing(signed: SignedStep, *, life: Known, arrival: Arrival, definitions: Definitions) -> Iterator[Issue]:
    """Hold a step against the proposal that it is about.

    Raises:
        RejectedMessageError: That is not known, or its member took more steps about it than anybody needs.
    """
    standing = _standing_of(signed, life=life, arrival=arrival, definitions=definitions)
    if standing is None:
        text = "no proposal that is looked at here has this id; send the proposal first"
        raise RejectedMessageError(text, code=f"{_STEP}proposal")
    about = signed.step.proposal, signed.signer
    if sum((each.step.proposal, each.signer) == about for each in life.steps) >= STEPS_MAX:
        text = f"a member takes at most {STEPS_MAX} steps about one proposal"
        raise RejectedMessageError(text, code=f"{_STEP}too-many")
    for each, why in standing.unheeded:
        if each.step.id == signed.step.id:
            yield Issue(pointer="/step", code=f"{_STEP}{why.value}", text=why.en, text_nl=why.nl)


def _issue(code: str, text: str, pointer: str) -> Issue:
    return Issue(pointer=pointer, code=f"{_STEP}{code}", text=text)


# ---- the log ----


def _step_member(signed: SignedStep, text: bytes | None, *, services: Services) -> LogMember:
    step = signed.step
    named = step.enactment.digest if step.step is Step.PROPOSE else step.result
    draft = EntryDraft(
        kind=EntryKind.CATALOGUE,
        id=step.id.value,
        catalogue=step.enactment.digest,
        version=step.enactment.version,
        request=token_digest(signed.token),
        pad=services.randomness.bytes(PAD_BYTES),
    )
    change = StepTaken(
        id=step.id,
        proposal=step.proposal or step.id,
        token=signed.token,
        document=(named, text) if named is not None and text is not None else None,
    )
    return _member(draft, change)


def _member(draft: EntryDraft, change: Change) -> LogMember:
    return LogMember(draft=draft, shown=None, kept=(), watches=frozenset(), touches=frozenset({LIFE}), change=change)


async def _old_step(known: StepRecord, token: str, *, arrival: Arrival, services: Services) -> Taken:
    if known.token != token:
        raise _used()
    standings = (await known_life(services)).standings(seconds=arrival.seconds, definitions=services.definitions)
    standing = next((each for each in standings if each.proposal.step.id == known.proposal), None)
    return Taken(logged=await services.proven(known), standing=standing)


def _used() -> ReplayError:
    return ReplayError("this identifier was used for another document; draw a new one", code="sender.jti.used")
