"""`ketenhub-policy`: read, check, prove and compare a catalogue of grounds.

    ketenhub-policy check FILE        is it sound
    ketenhub-policy prove [FILE]      does it hold what must hold, over the whole decision space
    ketenhub-policy diff OLD NEW      which disclosures become possible, and which stop
    ketenhub-policy explain GROUND    why, with the law
    ketenhub-policy try --from A --to B   what if
    ketenhub-policy coverage          which article of the Youth Act is carried by which row
    ketenhub-policy register          the register of processing activities (AVG 30)
    ketenhub-policy propose FILE …    propose it to the board; then `approve`, `advise`, `reject`, `send` and `status`

What it says is Dutch first, English second. Exit codes: 0 it holds; 1 it does not hold; 2 the command was used wrongly
or a file cannot be read.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence

from consent.cli.board import add_board
from consent.cli.exits import ExitCode
from consent.cli.proofs import add_proofs
from consent.cli.reading import UnreadableError
from consent.cli.reports import add_reports
from consent.cli.trying import add_trying
from schemas.errors import ExchangeError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Args:
        arguments: Words after the command's name; those of the process if None.

    Returns:
        The exit code. Wrong usage ends the process with 2 by itself, as `argparse` does.
    """
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], ExitCode] = options.command
    try:
        return command(options)
    except UnreadableError as error:
        print(f"ketenhub-policy: {error}", file=sys.stderr)
        return ExitCode.USAGE
    except ExchangeError as error:
        _print_refusal(error, as_json=options.json)
        return ExitCode.REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ketenhub-policy",
        description="Read, check, prove and compare a catalogue of grounds: who may disclose what to whom, and why.",
        epilog="exit codes: 0 it holds; 1 it does not hold; 2 wrong usage or an unreadable file",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    add_reports(commands)
    add_proofs(commands)
    add_trying(commands)
    add_board(commands)
    return parser


def _print_refusal(error: ExchangeError, *, as_json: bool) -> None:
    findings = [{"pointer": issue.pointer, "code": issue.code, "text": issue.text} for issue in error.issues]
    if as_json:
        result = {"result": "refused", "code": error.code, "text": error.public_message, "issues": findings}
        print(json.dumps(result, ensure_ascii=False))
        return
    print(f"geweigerd / refused: {error.public_message} ({error.code})", file=sys.stderr)
    for finding in findings:
        where = f"{finding['pointer']}: " if finding["pointer"] else ""
        print(f"  {where}{finding['text']}", file=sys.stderr)
