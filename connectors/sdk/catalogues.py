"""Whether a catalogue of grounds came into force by the board's own steps: the hub's word for it does not count.

    enacted = verify_enactment(newest, before=digest, used=others, boards=boards, steps=steps, registrar=pinned)

The hub's log says that a catalogue is in force (an entry `grounds`), and holds a board or a step as an entry that
commits to what was signed. Here they are held against each other:

1. entry      it names a catalogue, its version and, by its digest, the proposal that it enacts
2. board      the registrar signed it, and of those that the log had by then it counted at that moment
3. steps      members of that board signed them, not before the log began, and the log had them before the entry
4. standing   of these steps, with the catalogue that was in force before, nothing stands in the way of the proposal,
              and its day had come
5. the same   the proposal is about this catalogue

Not checked here: that the entries are in the log (`prove_entry` does), that the hub shows every step and every board
(it may hide a rejection or a newer board; whoever holds all entries of the log sees that), that the proof is right
(whoever approves proves it again), and with which definitions it was proved: what is in force stays so when these
change.

Source: the architecture, sections 5, 6 and 9.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from audit.entries import BOARD, GROUNDS, Entry
from audit.records import token_digest
from connectors.sdk.proving import ProvenEntry
from consent.lifecycle import Standing, standings
from consent.reasons import Told
from consent.request import civil_day
from schemas.board import Board, SignedStep, board_at, verify_board, verify_step
from schemas.codes import EntryKind
from schemas.errors import ExchangeError
from schemas.jwk import VerificationKey

MOMENT_SECONDS: Final = 60
"""How long before its entry got its time the hub may have looked which board counts."""


class Unverified(Told):
    """Why a catalogue is not taken for one that the board brought into force."""

    NO_ENTRY = (
        "no-entry",
        "Het log zegt niet dat deze catalogus geldt.",
        "The log does not say that this catalogue is in force.",
    )
    WITHOUT_STEPS = (
        "without-steps",
        "Volgens het log geldt hij zonder dat het bestuur van de catalogus eraan te pas kwam.",
        "By the log it is in force without the board of the catalogue.",
    )
    NO_BOARD = (
        "no-board",
        "Er is geen bestuur van de catalogus dat de registrar heeft benoemd.",
        "There is no board of the catalogue that the registrar appointed.",
    )
    NO_PROPOSAL = (
        "no-proposal",
        "De hub laat het voorstel niet zien waarop hij zich beroept, of niemand van het bestuur heeft het gedaan.",
        "The hub does not show the proposal that it names, or nobody of the board made it.",
    )
    OTHER_CATALOGUE = (
        "other-catalogue",
        "Het voorstel gaat over een andere catalogus.",
        "The proposal is about another catalogue.",
    )
    TOO_EARLY = (
        "too-early",
        "Hij geldt volgens het log eerder dan het bestuur heeft bepaald.",
        "By the log it is in force earlier than the board decided.",
    )
    OTHER_TEXT = (
        "other-text",
        "De hub geeft een andere tekst dan het log noemt.",
        "The hub gives another text than the log names.",
    )
    UNREADABLE = (
        "unreadable",
        "Deze versie van de connector kan hem niet lezen: werk de connector bij.",
        "This version of the connector cannot read it: upgrade the connector.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """Something signed, with the entry of the log that is said to hold it.

    Attributes:
        token: The JWS.
        proven: The entry, proven to be in the log.
    """

    token: str
    proven: ProvenEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class Enacted:
    """A catalogue that the board brought into force.

    Attributes:
        digest: Of its file.
        version: As it stands in the file.
        index: Place of its entry in the log.
        board: The board whose steps counted.
        standing: Who took which step.
    """

    digest: str
    version: str
    index: int
    board: Board
    standing: Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class NotEnacted:
    """A catalogue that is not taken for one.

    Attributes:
        why: Everything that is in the way; never empty.
    """

    why: tuple[Told, ...]


def verify_enactment(
    enacted: ProvenEntry,
    *,
    before: str | None,
    used: Collection[str],
    boards: Iterable[Stated],
    steps: Iterable[Stated],
    registrar: VerificationKey,
    began: int,
) -> Enacted | NotEnacted:
    """Check that the board brought a catalogue into force; see the module for the order.

    Args:
        enacted: The entry that says so.
        before: Digest of the catalogue that was in force until then; None if it is the first.
        used: Digests of the proposals that brought a catalogue into force before.
        boards: What is said to be boards; what is none does not count.
        steps: What is said to be steps; the same.
        registrar: The pinned key.
        began: Second in which the log began, if it continues another, else 0: what was signed before is of that one.

    Returns:
        What was brought into force by whom, or everything that is in the way.
    """
    # 1. entry
    entry = enacted.entry
    if not is_grounds(entry):
        return NotEnacted(why=(Unverified.NO_ENTRY,))
    if entry.request is None:
        return NotEnacted(why=(Unverified.WITHOUT_STEPS,))
    # 2. board
    known = [board for board, index in verified_boards(boards, registrar=registrar) if index < enacted.index]
    counting = list(_boards_at(known, seconds=entry.time // 1000))
    if not counting:
        return NotEnacted(why=(Unverified.NO_BOARD,))
    stated = [each for each in steps if each.proven.index < enacted.index]
    why: tuple[Told, ...] = ()
    for board in counting:
        # 3. steps
        counted = tuple(each for each in _verified_steps(stated, board=board) if each.step.issued_at >= began)
        # 4. standing, 5. the same
        standing = _standing_of(counted, entry, board=board, before=before, used=used)
        found = _why_not(standing, entry)
        if standing is not None and not found:
            return Enacted(
                digest=standing.enactment.digest,
                version=standing.enactment.version,
                index=enacted.index,
                board=board,
                standing=standing,
            )
        why = why or found
    return NotEnacted(why=why)


def is_grounds(entry: Entry) -> bool:
    """Whether an entry says that a catalogue of grounds is in force."""
    return entry.kind is EntryKind.CATALOGUE and entry.id == GROUNDS and entry.catalogue is not None


def verified_boards(boards: Iterable[Stated], *, registrar: VerificationKey) -> Iterator[tuple[Board, int]]:
    """Return the boards that the registrar signed and whose entries commit to them, each with its place in the log."""
    for stated in boards:
        try:
            board = verify_board(stated.token, registrar=registrar)
        except ExchangeError:
            continue  # whoever listed it: it counts for nothing
        digest, entry = token_digest(stated.token), stated.proven.entry
        said = (entry.kind, entry.id, entry.version, entry.catalogue, entry.request)
        if said == (EntryKind.CATALOGUE, BOARD, board.id.value, digest, digest):
            yield board, stated.proven.index


def _boards_at(boards: Iterable[Board], *, seconds: int) -> Iterator[Board]:
    """Return the board that counted at a moment, and the one a moment earlier where that is another."""
    known = list(boards)
    now, earlier = board_at(known, seconds=seconds), board_at(known, seconds=seconds - MOMENT_SECONDS)
    if now is not None:
        yield now
    if earlier is not None and earlier != now:
        yield earlier


def _verified_steps(steps: Iterable[Stated], *, board: Board) -> Iterator[SignedStep]:
    """Return the steps that members of a board signed and whose entries commit to them."""
    for stated in steps:
        try:
            signed = verify_step(stated.token, board=board)
        except ExchangeError:
            continue  # of a member who left, or of nobody
        entry, enactment = stated.proven.entry, signed.step.enactment
        said = (entry.kind, entry.id, entry.version, entry.catalogue, entry.request)
        meant = (signed.step.id.value, enactment.version, enactment.digest, signed.digest)
        if said == (EntryKind.CATALOGUE, *meant):
            yield signed


def _standing_of(
    steps: tuple[SignedStep, ...], entry: Entry, *, board: Board, before: str | None, used: Collection[str]
) -> Standing | None:
    """Say how the proposal stood that an entry names; None if no member of the board made it."""
    proposal = next((signed for signed in steps if signed.digest == entry.request), None)
    if proposal is None:
        return None
    found = standings(
        steps,
        board=board,
        in_force=before,
        definitions=proposal.step.enactment.definitions,
        used=used,
    )
    return next((standing for standing in found if standing.proposal == proposal), None)


def _why_not(standing: Standing | None, entry: Entry) -> tuple[Told, ...]:
    if standing is None:
        return (Unverified.NO_PROPOSAL,)
    found: list[Told] = list(standing.obstacles)
    if (standing.enactment.digest, standing.enactment.version) != (entry.catalogue, entry.version):
        found.append(Unverified.OTHER_CATALOGUE)
    day = civil_day(datetime.fromtimestamp(entry.time / 1000, UTC))
    if day is None or day < standing.enactment.valid_from:
        found.append(Unverified.TOO_EARLY)
    return tuple(found)
