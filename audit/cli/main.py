"""`ketenhub-log`: check a log, or one message's evidence, without trusting the hub.

    ketenhub-log verify FOLDER --policy FILE        a whole log, from its files (or a hub's URL)
    ketenhub-log check EVIDENCE --policy FILE       one message's evidence
    ketenhub-log redact EVIDENCE                    the same evidence without its values
    ketenhub-log policy --log VKEY --registrar FILE whose signatures count, for `--policy`

Exit codes: 0 everything holds; 1 something does not hold; 2 the command was used wrongly or a file cannot be read;
3 nothing contradicts itself, but there was no policy: nothing says whose log it is.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Final, TextIO

from audit.checkpoint import Checkpoint, parse_checkpoint
from audit.cli.fetch import FolderFiles, HubFiles, UnreadableError, is_url, read_file
from audit.evidence import EvidenceReport, check_evidence
from audit.evidence_file import parse_evidence, redact_evidence
from audit.note import Note, parse_note
from audit.policy import Policy, parse_policy
from audit.proof_file import PROOF_HEADER, parse_proof_file
from audit.verify import LogFiles, LogReport, verify_log
from schemas.canonical import canonical_json, parse_json
from schemas.errors import ExchangeError

_UNSHOWN: Final = "\ufffd"
"""Stands for a character that a terminal would obey and not show."""

_UNANCHORED: Final = "unanchored: nothing contradicts itself, but without --policy nothing says whose log it is"


class ExitCode(IntEnum):
    """What the command says to whoever started it."""

    OK = 0
    REFUSED = 1
    USAGE = 2
    UNANCHORED = 3


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
        _say(f"ketenhub-log: {error}", to=sys.stderr)
        return ExitCode.USAGE
    except ExchangeError as error:
        _print_refusal(error, as_json=options.json)
        return ExitCode.REFUSED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ketenhub-log",
        description="Check a transparency log, or one message's evidence, without trusting the hub.",
        epilog="exit codes: 0 everything holds; 1 something does not; 2 wrong usage or an unreadable file; "
        "3 unanchored: nothing contradicts itself, but without a policy nothing says whose log it is",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    verify = commands.add_parser(
        "verify",
        help="check a whole log from its files",
        description="Check a whole log from a folder in the layout of C2SP tlog-tiles: the checkpoint's signatures, "
        "every entry against its tile, every tile against the one above, the root, and that the entries follow each "
        "other. Entry bundles may be absent (they need a token; hashes are open to all): then the tree is checked.",
    )
    verify.add_argument(
        "log", metavar="FOLDER", help="holds `checkpoint` and `tile/`; or a URL such as https://hub.example.nl/log"
    )
    _add_policy(verify)
    verify.add_argument(
        "--continues",
        type=Path,
        metavar="FILE",
        action="append",
        default=[],
        help="a checkpoint or tlog-proof that you kept: the log must continue it (may be given again)",
    )
    verify.add_argument(
        "--hashes-only", action="store_true", help="do not read the entries, even where there are bundles"
    )
    verify.set_defaults(command=_verify)

    check = commands.add_parser(
        "check",
        help="check one message's evidence",
        description="Check an evidence file: the sender signed the message with a key that was valid at its place in "
        "the log, the registrar admitted the sender, what is disclosed and withheld is what the log committed to, "
        "and the entry is in the log. Keys that stand in the file are never trusted; they come from the policy.",
    )
    check.add_argument("evidence", type=Path, metavar="EVIDENCE", help="such as `in/ID.evidence.json`")
    _add_policy(check)
    check.set_defaults(command=_check)

    redact = commands.add_parser(
        "redact",
        help="drop the values from an evidence file",
        description="Write the evidence without its disclosures: signature, entry and proof still verify, and no "
        "value is left. Labels stay: they say which kinds of elements there were.",
    )
    redact.add_argument("evidence", type=Path, metavar="EVIDENCE")
    redact.add_argument("--output", type=Path, metavar="FILE", help="write there instead of to standard output")
    redact.set_defaults(command=_redact, json=False)
    _add_policy_maker(commands)
    return parser


def _add_policy_maker(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    policy = commands.add_parser(
        "policy",
        help="write down whose signatures count",
        description="Make the file for `--policy` of the log's key and the registrar's. Get the two from somebody "
        "else than the hub, and compare them with a second source: everything that is checked rests on them. Whoever "
        "wants witnesses to have cosigned adds their lines: see c2sp.org/tlog-policy.",
    )
    policy.add_argument(
        "--log",
        dest="logs",
        metavar="VKEY",
        action="append",
        required=True,
        help="such as `hub.example.nl/log/1+1d7e0b0c+AQ…` (may be given again)",
    )
    policy.add_argument(
        "--registrar",
        dest="registrars",
        type=Path,
        metavar="FILE",
        action="append",
        required=True,
        help="the registrar's public key, a JWK such as `registrar.jwk.json` (may be given again)",
    )
    policy.add_argument("--output", type=Path, metavar="FILE", help="write there instead of to standard output")
    policy.set_defaults(command=_write_policy, json=False)


def _add_policy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--policy",
        type=Path,
        metavar="FILE",
        help="whose signatures count: a C2SP tlog-policy file with `registrar` lines; without it the result is "
        "`unanchored`",
    )
    parser.add_argument("--json", action="store_true", help="say the result as JSON")


def _verify(options: argparse.Namespace) -> ExitCode:
    policy = _policy(options)
    if not is_url(options.log) and not Path(options.log).is_dir():
        raise UnreadableError(f"`{options.log}` is not a folder")
    files: LogFiles = HubFiles(options.log) if is_url(options.log) else FolderFiles(Path(options.log))
    earlier = [_kept(path, policy) for path in options.continues]
    report = verify_log(files, policy=policy, earlier=earlier, entries=not options.hashes_only)
    _print_log(report, as_json=options.json)
    return ExitCode.UNANCHORED if policy is None else ExitCode.OK


def _check(options: argparse.Namespace) -> ExitCode:
    policy = _policy(options)
    report = check_evidence(parse_evidence(read_file(options.evidence)), policy=policy)
    _print_evidence(report, as_json=options.json)
    return ExitCode.OK if report.anchored else ExitCode.UNANCHORED


def _redact(options: argparse.Namespace) -> ExitCode:
    redacted = redact_evidence(parse_evidence(read_file(options.evidence))).to_bytes()
    return _write(redacted + b"\n", options.output)


def _write_policy(options: argparse.Namespace) -> ExitCode:
    lines = [f"log {vkey}" for vkey in options.logs]
    lines += [f"registrar {canonical_json(parse_json(read_file(path))).decode()}" for path in options.registrars]
    text = "\n".join([*lines, "quorum none", ""]).encode()
    parse_policy(text)  # lists every line that is wrong
    return _write(text, options.output)


def _write(data: bytes, path: Path | None) -> ExitCode:
    if path is None:
        print(data.decode(), end="")
        return ExitCode.OK
    try:
        # Never over another file: the values of the only copy would be gone.
        with path.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise UnreadableError(f"could not write `{path}`: {error.strerror}") from error
    return ExitCode.OK


def _policy(options: argparse.Namespace) -> Policy | None:
    return None if options.policy is None else parse_policy(read_file(options.policy))


def _kept(path: Path, policy: Policy | None) -> Checkpoint:
    """Read a checkpoint that somebody kept; a policy must accept it as it must accept the log's own."""
    data = read_file(path)
    note: Note = parse_proof_file(data).note if data.startswith(PROOF_HEADER.encode()) else parse_note(data)
    return parse_checkpoint(note.text) if policy is None else policy.verify(note).checkpoint


def _print_log(report: LogReport, *, as_json: bool) -> None:
    checkpoint, verified = report.checkpoint, report.verified
    cosigners = [] if verified is None else [signature.key.name for signature in verified.cosignatures]
    kinds = {kind.value: count for kind, count in sorted(report.kinds.items())}
    if as_json:
        result = {
            "result": "unanchored" if verified is None else "ok",
            "origin": checkpoint.origin,
            "size": checkpoint.size,
            "root_hash": checkpoint.root_hash.hex(),
            "entries_checked": report.entries,
            "kinds": kinds,
            "cosigned_by": cosigners,
            "continues": list(report.continued),
        }
        print(json.dumps(result))
        return
    _say(f"log        {checkpoint.origin}")
    _say(f"size       {checkpoint.size} entries, root {checkpoint.root_hash.hex()}")
    _say(f"entries    {report.entries} of {checkpoint.size} read and checked")
    for kind, count in kinds.items():
        _say(f"             {kind} {count}")
    if cosigners:
        _say(f"witnesses  {', '.join(cosigners)}")
    for size in report.continued:
        _say(f"continues  the checkpoint of {size} entries that you kept")
    unread = checkpoint.size - report.entries
    whole = f"the tree is whole; what {unread} of its {checkpoint.size} entries say was not checked"
    _say(_UNANCHORED if verified is None else f"ok: {whole}" if unread else "ok: the log is whole")


def _print_evidence(report: EvidenceReport, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(report.as_json()))
        return
    for name, value in report.lines():
        _say(f"{name:<11}{value}")
    _say("ok: the evidence holds" if report.anchored else _UNANCHORED)


def _print_refusal(error: ExchangeError, *, as_json: bool) -> None:
    findings = [{"pointer": issue.pointer, "code": issue.code, "text": issue.text} for issue in error.issues]
    if as_json:
        result = {"result": "refused", "code": error.code, "text": error.public_message, "issues": findings}
        print(json.dumps(result))
        return
    _say(f"refused: {error.public_message} ({error.code})", to=sys.stderr)
    for finding in findings:
        where = f"{finding['pointer']}: " if finding["pointer"] else ""
        _say(f"  {where}{finding['text']}", to=sys.stderr)


def _say(line: str, *, to: TextIO | None = None) -> None:
    """Print one line. Names and texts of others are in it: none of them may end the line or command the terminal."""
    print("".join(each if each.isprintable() else _UNSHOWN for each in line), file=to)
