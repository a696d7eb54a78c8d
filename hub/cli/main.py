"""`ketenhub`: the command of who operates a hub.

    ketenhub keys create --settings hub.toml      once: the log's key and the token key
    ketenhub migrate --settings hub.toml          once, and after each upgrade
    ketenhub serve --settings hub.toml            any number of processes
    ketenhub worker --settings hub.toml           any number of processes

Exit codes are in `hub.cli.common`.
"""

import argparse
import importlib
import os
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hub.cli.common import run
from hub.settings import PORT_MAX, Settings, describe_settings, load_settings
from schemas.codes import Capacity, Role


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[Settings, argparse.Namespace], int | None] = options.does
    return run(lambda: command(load_settings(options.settings, environment=os.environ), options))


def _command(module: str, name: str) -> Callable[..., int | None]:
    """Return a command whose module is imported when it is given: making keys need not wait for the service's."""

    def do(settings: Settings, options: argparse.Namespace) -> int | None:
        found: Callable[..., int | None] = getattr(importlib.import_module(f"hub.cli.{module}"), name)
        return found(settings, options)

    return do


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ketenhub",
        description="Operate a hub: signed, sealed and purpose-bound case messages, with a log of every disclosure.",
        epilog="Exit codes: 0 done, 1 refused, 2 wrong command line, 3 the log contradicts itself, 75 not now.",
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--settings",
        type=Path,
        metavar="FILE",
        default=_default_settings(),
        help="settings file (TOML); default: $KETENHUB_SETTINGS, else the environment alone",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, text: str, does: Callable[..., int | None], **kind: object) -> argparse.ArgumentParser:
        made = commands.add_parser(name, parents=[common], help=text, description=text)
        made.set_defaults(does=does, **kind)
        return made

    serve = add("serve", "serve the API", _command("serving", "serve"))
    serve.add_argument("--host", metavar="ADDRESS", help="address to listen on, instead of the settings'")
    serve.add_argument("--port", type=_port, metavar="N", help="port to listen on, instead of the settings'")
    worker = add("worker", "send notifications and warnings", _command("serving", "work"))
    worker.add_argument("--no-beat", action="store_true", help="leave the daily warnings to another worker")
    migrate = _command("upkeep", "migrate_database")
    add("migrate", "bring the database to this version; may run at any time and twice", migrate)
    _add_settings(add)
    _add_keys(commands, common)
    _add_participants(add)
    _add_log(commands, common)
    _add_canary(commands, common)
    _add_catalogue(commands, common)
    return parser


def _add_settings(add: Callable[..., argparse.ArgumentParser]) -> None:
    add("settings", "check the settings and list every one with unit, default and effect", _show_settings)


def _show_settings(settings: Settings, _: argparse.Namespace) -> None:
    for name, unit, default, effect in describe_settings():
        section, _dot, field = name.partition(".")
        value = getattr(getattr(settings, section), field)
        shown = "" if value == Path() else str(value)
        print(f"{name} = {shown!r}\n    {effect} [{unit}; default: {default}]")


def _add_keys(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser) -> None:
    keys = commands.add_parser("keys", help="make or show this hub's keys").add_subparsers(required=True, metavar="DO")
    create = keys.add_parser("create", parents=[common], help="make the keys that are not there; keep those that are")
    create.set_defaults(does=_command("upkeep", "create_keys"))
    show = keys.add_parser("show", parents=[common], help="show what others pin: the log's vkey, the registrar")
    show.set_defaults(does=_command("upkeep", "show_keys"))


def _add_participants(add: Callable[..., argparse.ArgumentParser]) -> None:
    invite = add("invite", "write an admission request for the registrar to sign", _command("participants", "invite"))
    invite.add_argument("--oin", required=True, metavar="OIN", help="20 digits")
    invite.add_argument("--name", required=True, metavar="NAME", help="name of the organisation, as people know it")
    invite.add_argument("--role", required=True, choices=[role.value for role in Role], help="what it is in the chain")
    invite.add_argument(
        "--capacity",
        action="append",
        default=[],
        choices=[capacity.value for capacity in Capacity],
        help="in which a GI may act; repeat for several",
    )
    invite.add_argument(
        "--first-key", required=True, metavar="THUMBPRINT", help="of its signing key; its connector's `init` shows it"
    )
    invite.add_argument("--canary", action="store_true", help="for a canary, whose every message must be refused")
    invite.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the request goes")
    show = _command("participants", "show")
    listing = add("participants", "list who takes part, with the period and keys in force", show)
    listing.add_argument("--json", action="store_true", help="one JSON object for each line")


def _add_log(commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser) -> None:
    ways = commands.add_parser("log", help="the way back when the log contradicts its guard").add_subparsers(
        required=True, metavar="DO"
    )
    refill = ways.add_parser("recover", parents=[common], help="refill the log from what others hold; all or nothing")
    refill.add_argument(
        "folder", type=Path, metavar="FOLDER", help="evidence, checkpoints, bundles that were handed in"
    )
    refill.set_defaults(does=_command("log", "recover_log"))
    onward = ways.add_parser("continue", parents=[common], help="open a new log that names the old one and the gap")
    onward.add_argument(
        "--checkpoint", type=Path, required=True, metavar="FILE", help="the old log's last provable one"
    )
    onward.add_argument("--vkey", required=True, metavar="VKEY", help="the old log's key")
    onward.add_argument(
        "--published", type=int, required=True, metavar="SIZE", help="largest size it is known to have had"
    )
    onward.add_argument(
        "--old-key", type=Path, metavar="FILE", help="the old log's secret key; without it the registrar must sign"
    )
    onward.add_argument("--statement", type=Path, required=True, metavar="FILE", help="where the signed statement goes")
    onward.set_defaults(does=_command("log", "continue_the_log"))
    between = ways.add_parser(
        "consistency", parents=[common], help="prove to a connector that was away that a log that stands still went on"
    )
    between.add_argument("--from", dest="size", type=int, required=True, metavar="SIZE", help="what the connector saw")
    between.add_argument("--to", dest="until", type=int, required=True, metavar="SIZE", help="the last provable size")
    between.set_defaults(does=_command("log", "prove_that_it_continues"))


def _add_canary(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    ways = commands.add_parser(
        "canary", help="whether what must be refused is proved to be refused, and the way on after a stop"
    ).add_subparsers(required=True, metavar="DO")
    status = ways.add_parser(
        "status", parents=[common], help="what canaries proved, and every stop; exit code 1 where somebody must act"
    )
    status.add_argument("--json", action="store_true", help="one JSON object")
    status.set_defaults(does=_command("canary", "show"))
    onward = ways.add_parser("resume", parents=[common], help="accept and release again after a stop")
    onward.add_argument(
        "--reason", required=True, metavar="TEXT", help="why it may; kept for good, so name nobody in it"
    )
    onward.add_argument(
        "--unproved", action="store_true", help="also where canaries were not refused again since; recorded as such"
    )
    onward.set_defaults(does=_command("canary", "end_stop"))


def _add_catalogue(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", common: argparse.ArgumentParser
) -> None:
    ways = commands.add_parser("catalogue", help="which catalogue of grounds is in force, and what is proposed")
    does = ways.add_subparsers(required=True, metavar="DO")
    status = does.add_parser(
        "status", parents=[common], help="what is in force by whose steps, and what stands in the way of a proposal"
    )
    status.add_argument("--json", action="store_true", help="one JSON object")
    status.set_defaults(does=_command("catalogue", "show"))
    text = does.add_parser("text", parents=[common], help="write the exact text of a catalogue, a report or an advice")
    text.add_argument("digest", metavar="DIGEST", help="its SHA-256, base64url")
    text.set_defaults(does=_command("catalogue", "text"))


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) > PORT_MAX:
        raise argparse.ArgumentTypeError(f"a port from 0 to {PORT_MAX} is needed")
    return int(text)


def _default_settings() -> Path | None:
    named = os.environ.get("KETENHUB_SETTINGS")
    return Path(named) if named else None


if __name__ == "__main__":
    sys.exit(main())
