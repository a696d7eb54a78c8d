"""`send`: what a dossier holds goes to the hub; and how the proposals stand that a hub has."""

import argparse
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from consent.cli.dossier import read_boards, read_document, read_registrar, read_steps, read_tokens
from consent.cli.exits import ExitCode
from consent.cli.hub import HubCalls, HubCatalogues
from consent.cli.reading import UnreadableError
from consent.cli.reports import print_both
from consent.cli.standing import SIGNED_EN, SIGNED_NL, print_json, print_standings, standing_json
from consent.lifecycle import standings
from schemas.board import Board, SignedStep, Step, board_at, verify_board, verify_step
from schemas.canonical import parse_json
from schemas.definitions import load_definitions
from schemas.document import JSONValue
from schemas.errors import ExchangeError, RejectedMessageError


def send(options: argparse.Namespace) -> ExitCode:
    """Post the boards and every step of a dossier, with the documents that they name; again does no harm."""
    hub, folder = HubCalls(options.hub), options.dossier
    boards = read_boards(options.board, registrar=options.registrar)
    # Everything is read before anything is sent.
    steps = [(signed, _document_of(signed, folder)) for signed in _in_order(read_steps(options.dossier, boards=boards))]
    tokens = zip(boards, read_tokens(options.board), strict=True)
    sent_boards: list[JSONValue] = []
    for board, token in sorted(tokens, key=lambda each: (each[0].valid_from, each[0].issued_at)):
        index = hub.post_board(token).index
        sent_boards.append({"id": board.id.value, "index": index})
        if not options.json:
            print_both(f"bestuur {board.id.value}: logregel {index}", f"board {board.id.value}: log entry {index}")
    sent: list[JSONValue] = []
    refused: list[JSONValue] = []
    for signed, document in steps:
        step = signed.step
        about: dict[str, JSONValue] = {"step": step.step.value, "id": step.id.value}
        nl = f"{SIGNED_NL[step.step]}: catalogus {step.enactment.version}"
        en = f"{SIGNED_EN[step.step]}: catalogue {step.enactment.version}"
        try:
            index = hub.post_step(signed.token, document=document).index
        except RejectedMessageError as error:
            # What counts for nothing at the hub holds up no other step.
            found: list[JSONValue] = [
                {"code": issue.code, "nl": issue.text_nl, "en": issue.text} for issue in error.issues
            ]
            refused.append({**about, "code": error.code, "text": error.public_message, "issues": found})
            if not options.json:
                print_both(f"{nl}, geweigerd ({error.code})", f"{en}, refused: {error.public_message}")
                for issue in error.issues:
                    print_both(issue.text_nl or issue.text, issue.text, indent=4)
            continue
        sent.append({**about, "index": index})
        if not options.json:
            print_both(f"{nl}, logregel {index}", f"{en}, log entry {index}")
    if options.json:
        result = "refused" if refused else "sent"
        print_json({"result": result, "boards": sent_boards, "steps": sent, "refused": refused})
    return ExitCode.REFUSED if refused else ExitCode.OK


def status_at_hub(options: argparse.Namespace, *, at: datetime) -> ExitCode:
    """Say how every proposal stands that the hub has: signatures are verified here, what is in force is its word."""
    shown = HubCalls(options.hub).catalogues()
    boards = _verified_boards(shown, registrar=options.registrar)
    board = board_at(boards, seconds=int(at.timestamp()))
    if board is None:
        raise UnreadableError(
            "the hub has no board that counts: post it with `send`",
            "bij de hub telt geen bestuur: stuur het met `send`",
        )
    found = standings(
        _verified_steps(shown, boards),
        board=board,
        in_force=shown.in_force.digest if shown.in_force else None,
        definitions=load_definitions().digest,
        used=_used(shown),
    )
    if options.json:
        in_force: JSONValue = None
        if shown.in_force is not None:
            in_force = {
                "digest": shown.in_force.digest,
                "version": shown.in_force.version,
                "since": shown.in_force.since,
            }
        proposals: list[JSONValue] = [standing_json(standing) for standing in found]
        print_json({"in_force": in_force, "board": board.id.value, "proposals": proposals})
    else:
        if shown.in_force is None:
            print_both("er geldt nog geen catalogus", "no catalogue is in force yet")
        else:
            version, since = shown.in_force.version, shown.in_force.since
            nl = f"volgens de hub geldt catalogus {version}, sinds logregel {since}"
            print_both(nl, f"by the hub's word catalogue {version} is in force, since log entry {since}")
            print(f"    {shown.in_force.digest}")
        print_standings(found, as_json=False)
    return ExitCode.OK if any(not standing.obstacles for standing in found) else ExitCode.REFUSED


def _in_order(steps: Iterable[SignedStep]) -> list[SignedStep]:
    """Put a proposal before what is about it."""
    return sorted(
        steps, key=lambda signed: (signed.step.proposal is not None, signed.step.issued_at, signed.step.id.value)
    )


def _document_of(signed: SignedStep, folder: Path) -> str | None:
    step = signed.step
    digest = step.enactment.digest if step.step is Step.PROPOSE else step.result
    return None if digest is None else read_document(folder, digest)


def _verified_boards(shown: HubCatalogues, *, registrar: Path) -> tuple[Board, ...]:
    key, found = read_registrar(registrar), []
    for each in shown.boards:
        with suppress(ExchangeError):  # not the registrar's: it does not count, whatever the hub says
            found.append(verify_board(each.board, registrar=key))
    return tuple(found)


def _used(shown: HubCatalogues) -> frozenset[str]:
    """Return the digests of the proposals that, by the hub's word, brought a catalogue into force."""
    entries = [parse_json(each.entry.encode()) for each in shown.enacted]
    named = [entry.get("request") for entry in entries if isinstance(entry, dict)]
    return frozenset(each for each in named if isinstance(each, str))


def _verified_steps(shown: HubCatalogues, boards: tuple[Board, ...]) -> tuple[SignedStep, ...]:
    found = []
    for token in (each.step for proposal in shown.proposals for each in proposal.steps):
        for board in boards:
            with suppress(ExchangeError):
                found.append(verify_step(token, board=board))
                break
    return tuple(found)
