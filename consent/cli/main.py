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
import io
import json
import os
import sys
from collections.abc import Callable, Sequence

from consent.cli.board import add_board
from consent.cli.exits import ExitCode
from consent.cli.proofs import add_proofs
from consent.cli.reading import UnreadableError
from consent.cli.refusals import refused
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
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no `ë` shows the rest
    command: Callable[[argparse.Namespace], ExitCode] = options.command
    try:
        code = command(options)
        sys.stdout.flush()
    except UnreadableError as error:
        print(f"fout: {error.text_nl}\nerror: {error}", file=sys.stderr)
        return ExitCode.USAGE
    except ExchangeError as error:
        _print_refusal(error, as_json=options.json)
        return ExitCode.REFUSED
    except BrokenPipeError:
        # The reader of our output has gone; nothing more can be said there.
        _leave_unsaid()
        return ExitCode.OK
    except OSError as error:
        _leave_unsaid()
        print(
            f"fout: kan niet worden geschreven: {error.strerror}\nerror: cannot be written: {error.strerror}",
            file=sys.stderr,
        )
        return ExitCode.USAGE
    except KeyboardInterrupt:
        print("afgebroken / interrupted", file=sys.stderr)
        return ExitCode.INTERRUPTED
    return code


def _leave_unsaid() -> None:
    """Let what is still to be printed go nowhere, so that the end of the process does not stumble over it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
    if as_json:
        findings = [
            {"pointer": issue.pointer, "code": issue.code, "text": issue.text, "text_nl": issue.text_nl}
            for issue in error.issues
        ]
        result = {
            "result": "refused",
            "code": error.code,
            "text": error.public_message,
            "text_nl": refused(error),
            "issues": findings,
        }
        print(json.dumps(result, ensure_ascii=False))
        return
    print(f"geweigerd: {refused(error)} ({error.code})", file=sys.stderr)
    print(f"refused: {error.public_message} ({error.code})", file=sys.stderr)
    for issue in error.issues:
        where = f"{issue.pointer}: " if issue.pointer else ""
        print(f"  {where}{issue.text_nl or issue.text}\n    {where}{issue.text}", file=sys.stderr)
