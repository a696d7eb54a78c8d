"""`ketenhub-connector`: the organisation's end of the exchange.

    ketenhub-connector init --oin … --name … --role gemeente --hub https://hub.example.nl --hub-name hub.example.nl \
        --registrar registrar.jwk.json --log-vkey hub.example.nl/log/1+…
    ketenhub-connector join admission.jwt
    ketenhub-connector doctor
    ketenhub-connector run

The home is `--home`, else `KETENHUB_CONNECTOR_HOME`, else the current folder. Exit codes: see `connectors.cli.common`.
"""

# ruff: noqa: PLC0415 - a command imports its own modules: making keys need not wait a second for formats and the network

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from connectors.cli.common import HOME_VARIABLE, check_owner, run
from connectors.cli.law_options import SEND_SECONDS, add_law_commands
from schemas.codes import Capacity, Role

DEMO: Final = "demo"
CANARY_SECONDS: Final = 900.0
_EXIT_CODES: Final = (
    "exit codes: 0 done, 1 refused or failed, 2 wrong command line, 3 a proof does not hold, 75 not now"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code."""
    options = _parser().parse_args(arguments)
    options.home = options.home.resolve()
    if logging.lastResort is not None:
        # What went wrong a command says itself, in words; lines for a log are for services, which set one up.
        logging.lastResort.setLevel(logging.CRITICAL)

    def work() -> int | None:
        check_owner(options.home)
        found: int | None = options.work(options)
        return found

    return run(work)


def _init(options: argparse.Namespace) -> None:
    from connectors.cli import making

    making.init(options)


def _join(options: argparse.Namespace) -> None:
    from connectors.cli import joining

    asyncio.run(joining.join(options.home, options.admission))


def _run(options: argparse.Namespace) -> None:
    from connectors.cli import working

    asyncio.run(working.run_service(options.home, verbose=options.verbose))


def _send(options: argparse.Namespace) -> int:
    from connectors.cli import working

    return asyncio.run(working.send(options.home, options.file, seconds=options.seconds))


def _status(options: argparse.Namespace) -> int:
    from connectors.cli import showing

    return showing.status(options.home, as_json=options.json)


def _confirm(options: argparse.Namespace) -> None:
    from connectors.cli import showing

    showing.confirm_seen(options.home, options.about)


def _doctor(options: argparse.Namespace) -> int:
    from connectors.cli import doctoring

    return asyncio.run(doctoring.doctor(options.home))


def _rotate(options: argparse.Namespace) -> None:
    from connectors.cli import rotating

    asyncio.run(rotating.rotate(options.home, revoke=options.revoke))


def _log_accept(options: argparse.Namespace) -> int:
    from connectors.cli import continuing

    return continuing.accept(options.home, options.statement, proof=options.consistency, confirmed=options.yes)


def _log_fetch(options: argparse.Namespace) -> None:
    from connectors.cli import fetching

    asyncio.run(fetching.fetch(options.home, options.folder))


def _example(options: argparse.Namespace) -> None:
    from connectors.cli import examples

    examples.example(
        options.home,
        examples.ExampleOptions(
            kind=options.kind,
            receiver=options.to,
            scenario=options.scenario,
            answers=options.answers,
            message=options.message,
            purpose=options.purpose,
            capacity=options.capacity,
            receiver_capacity=options.recipient_capacity,
        ),
    )


def _api(options: argparse.Namespace) -> None:
    from connectors.cli import systems

    match options.action:
        case "token":
            systems.token(options.home, renew=options.renew)
        case _:
            systems.openapi()


def _canary(options: argparse.Namespace) -> int | None:
    from connectors.cli import canary

    match options.action:
        case "once":
            return asyncio.run(canary.once(options.home, as_json=options.json))
        case "status":
            return asyncio.run(canary.status(options.home, as_json=options.json))
        case _:
            asyncio.run(canary.keep_sending(options.home, every_seconds=options.every))
            return None


def _chain_key(options: argparse.Namespace) -> None:
    from connectors.cli import chain

    match options.action:
        case "create":
            asyncio.run(chain.create(options.home))
        case "open":
            asyncio.run(chain.open_epoch(options.home, options.signed))
        case "hand-over":
            asyncio.run(chain.hand_over(options.home, options.receiver))
        case _:
            asyncio.run(chain.take(options.home))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ketenhub-connector",
        description="De kant van de organisatie: bestanden versturen en ontvangen. "
        "The organisation's end of the exchange: sends and receives files.",
        epilog=_EXIT_CODES,
    )
    home = argparse.ArgumentParser(add_help=False)
    home.add_argument(
        "--home",
        type=Path,
        default=Path(os.environ.get(HOME_VARIABLE) or "."),
        metavar="FOLDER",
        help=f"de map van de connector (zonder dit: {HOME_VARIABLE}, anders deze map) / the home (default: the same)",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, work: Callable[[argparse.Namespace], int | None], text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[home], help=text, description=text)
        added.set_defaults(work=work)
        return added

    _add_init(add("init", _init, "maak een map met sleutels, instellingen en verzoek om toelating / make a home"))
    join = add("join", _join, "treed toe met de toelating van de registrar / post the admission")
    join.add_argument(
        "admission",
        type=Path,
        metavar="FILE",
        help="wat `ketenhub-registrar admit` schreef / what `ketenhub-registrar admit` wrote",
    )
    add("run", _run, "werk als dienst, tot u stopt / work as a service until stopped").add_argument(
        "--verbose", action="store_true", help="log meer / log more"
    )
    _add_send(add("send", _send, "verstuur een bestand en wacht op de afloop / send one file and wait for its fate"))
    add(
        "status", _status, "wat aandacht vraagt en wat onderweg is / what needs a person, what is under way"
    ).add_argument("--json", action="store_true", help="voor systemen / for machines")
    add(
        "confirm", _confirm, "zeg dat u een melding van `status` zag / say that a person has seen a notice"
    ).add_argument(
        "about",
        metavar="ID",
        help="de melding of het bericht / the notice or message",
    )
    add("doctor", _doctor, "zeg waarom een bericht niet zou gaan / say why a message would not flow")
    _add_rotate(
        add(
            "rotate", _rotate, "vervang de sleutels, met de dienst gestopt / replace the keys; the service must not run"
        )
    )
    _add_example(
        add(
            "example",
            _example,
            "toon een voorbeeldbericht / print an example message",
        )
    )
    _add_log(
        commands.add_parser("log", help="het log van de hub / the hub's log"),
        home,
    )
    _add_api(commands.add_parser("api", help="de API voor de eigen systemen / the API for own systems"), home)
    add_law_commands(commands, home)
    _add_canary(commands.add_parser("canary", help="bewijs dat een hub weigert / canary"), home)
    text = "de ketensleutel, die pseudoniemen maakt / the key that makes pseudonyms"
    _add_chain_key(commands.add_parser("chain-key", help=text), home)
    return parser


def _add_init(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--oin", required=True, help="het OIN van de organisatie, 20 cijfers / the organisation's OIN, 20 digits"
    )
    parser.add_argument("--name", required=True, help="haar naam, voor mensen / its name, for people")
    parser.add_argument(
        "--role",
        required=True,
        choices=[role.value for role in Role],
        help="wat zij is in de keten / what it is in the chain",
    )
    parser.add_argument(
        "--capacity",
        action="append",
        default=[],
        choices=[capacity.value for capacity in Capacity],
        help="waarin een GI mag optreden; mag vaker / in which a GI may act; may be given more than once",
    )
    parser.add_argument(
        "--hub", required=True, metavar="URL", help="waar de API van de hub is / where the hub's API is"
    )
    parser.add_argument("--hub-name", required=True, metavar="NAME", help="de naam van de hub / the hub's name")
    parser.add_argument(
        "--registrar",
        type=Path,
        metavar="FILE",
        help="de publieke sleutel van de registrar, registrar.jwk.json / "
        "the registrar's public key, registrar.jwk.json",
    )
    parser.add_argument(
        "--log-vkey", default="", metavar="VKEY", help="de sleutel van het log van de hub / the key of the hub's log"
    )
    parser.add_argument(
        "--responsible",
        metavar="REGISTER:NUMBER",
        help="wie verantwoordelijk is waar een document niemand noemt / who answers where a document names nobody",
    )
    parser.add_argument(
        "--notify", metavar="URL", help="waar de hub meldt dat er iets wacht / where the hub tells that something waits"
    )
    parser.add_argument(
        "--canary",
        action="store_true",
        help="van een kanarie, die verstuurt wat geweigerd moet worden / of a canary, which sends what must be refused",
    )


def _add_send(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", type=Path, metavar="FILE", help="een eigen bestand, zoals StUF / a native file, such as StUF"
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=SEND_SECONDS,
        metavar="N",
        help="hoe lang wachten / how long to wait",
    )


def _add_rotate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--revoke",
        action="store_true",
        help="de oude sleutels zijn kwijt of gestolen: gebruik ze nooit meer / "
        "the old keys are lost or stolen: never use them again",
    )


def _add_example(parser: argparse.ArgumentParser) -> None:
    capacities = [capacity.value for capacity in Capacity]
    parser.add_argument(
        "kind",
        metavar="KIND",
        help="vto of notificatie (StUF), of een berichttype (FHIR), zoals raadsrapport / "
        "vto or notificatie (StUF), or a message type (FHIR), such as raadsrapport",
    )
    parser.add_argument("--to", required=True, metavar="OIN", help="voor wie / for whom")
    parser.add_argument(
        "--scenario",
        default=DEMO,
        metavar="N",
        help="StUF: nummer van het officiële scenario, of demo / StUF: number of the official scenario, or demo",
    )
    parser.add_argument(
        "--answers",
        type=Path,
        metavar="FILE",
        help="StUF: het verzoek dat een notificatie beantwoordt / StUF: the request that a notification answers",
    )
    parser.add_argument(
        "--message",
        metavar="ID",
        help="FHIR: het bericht dat het beantwoordt of corrigeert / FHIR: the message that it answers or corrects",
    )
    parser.add_argument(
        "--purpose",
        metavar="CODE",
        help="FHIR: de grond, waar het berichttype een keus laat / "
        "FHIR: the ground, where the message type leaves a choice",
    )
    parser.add_argument(
        "--capacity",
        choices=capacities,
        help="FHIR: in welke hoedanigheid een GI verstuurt / FHIR: in which capacity a GI sends",
    )
    parser.add_argument(
        "--recipient-capacity",
        choices=capacities,
        help="FHIR: in welke hoedanigheid een GI ontvangt / FHIR: in which capacity a GI receives",
    )


def _add_api(parser: argparse.ArgumentParser, home: argparse.ArgumentParser) -> None:
    parser.set_defaults(work=_api)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    text = (
        "maak het token dat systemen nodig hebben, als er geen is, en zeg waar het ligt / "
        "make the token that systems need, where there is none, and say where it lies"
    )
    token = actions.add_parser("token", parents=[home], help=text, description=text)
    token.add_argument(
        "--renew",
        action="store_true",
        help="maak een ander; het oude werkt meteen niet meer / make another; the old one stops at once",
    )
    text = "toon de beschrijving van de API, OpenAPI 3.1 / print the description of the API, OpenAPI 3.1"
    actions.add_parser("openapi", parents=[home], help=text, description=text)


def _add_log(parser: argparse.ArgumentParser, home: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    text = (
        "neem het log over dat het vastgelegde voortzet, met de dienst gestopt / "
        "take the log that continues the pinned one; the service must not run"
    )
    taking = actions.add_parser("accept", parents=[home], help=text, description=text)
    taking.set_defaults(work=_log_accept)
    taking.add_argument(
        "statement",
        type=Path,
        metavar="STATEMENT",
        help="wat de beheerder, of de registrar, tekende / what the operator, or the registrar, signed",
    )
    taking.add_argument(
        "--consistency",
        type=Path,
        metavar="FILE",
        help="wat `ketenhub log consistency` schreef / what `ketenhub log consistency` wrote",
    )
    taking.add_argument(
        "--yes",
        action="store_true",
        help="de nieuwe sleutel is met een tweede bron vergeleken / the new key was compared with a second source",
    )
    text = (
        "kopieer het log naar een map, voor `ketenhub-log verify`; met regels alleen voor een toezichthouder / "
        "copy the log into a folder, for `ketenhub-log verify`; with entries only for a supervisor"
    )
    copying = actions.add_parser("fetch", parents=[home], help=text, description=text)
    copying.set_defaults(work=_log_fetch)
    copying.add_argument(
        "folder",
        type=Path,
        metavar="FOLDER",
        help="waar de kopie komt; een tweede keer vult aan wat nieuw is / "
        "where the copy goes; a second run adds what is new",
    )


def _add_canary(parser: argparse.ArgumentParser, home: argparse.ArgumentParser) -> None:
    parser.set_defaults(work=_canary)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    text = (
        "verstuur als dienst steeds wat geweigerd moet worden; dat kan alleen wie als kanarie is toegelaten / "
        "send what must be refused again and again, as a service; only what the registrar admitted as a canary can"
    )
    keep = actions.add_parser("run", parents=[home], help=text, description=text)
    keep.add_argument(
        "--every",
        type=float,
        default=CANARY_SECONDS,
        metavar="SECONDS",
        help="pauze tussen rondes (zonder dit: 900) / pause between rounds (default: 900)",
    )
    for name, text in (
        (
            "once",
            (
                "verstuur elke soort eenmaal; exitcode 0 geweigerd zoals moet, 1 anders, 3 AANGENOMEN, 75 onbekend / "
                "send each kind once; exit code 0 refused as it must be, 1 otherwise, 3 ACCEPTED, 75 not known"
            ),
        ),
        (
            "status",
            (
                "wat de laatste ronde opleverde; exitcodes als bij `once` / "
                "what came of the newest round; exit codes as of `once`"
            ),
        ),
    ):
        action = actions.add_parser(name, parents=[home], help=text, description=text)
        action.add_argument("--json", action="store_true", help="voor systemen / for machines")


def _add_chain_key(parser: argparse.ArgumentParser, home: argparse.ArgumentParser) -> None:
    parser.set_defaults(work=_chain_key)
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    actions.add_parser(
        "create",
        parents=[home],
        help="trek de sleutel van een nieuw tijdvak, dat de registrar opent / "
        "draw the key of a new epoch, for the registrar to open",
    )
    start = actions.add_parser(
        "open",
        parents=[home],
        help="breng het tijdvak dat de registrar tekende naar de hub / post the epoch that the registrar signed",
    )
    start.add_argument(
        "signed",
        type=Path,
        metavar="FILE",
        help="wat `ketenhub-registrar open-epoch` schreef / what `ketenhub-registrar open-epoch` wrote",
    )
    give = actions.add_parser(
        "hand-over",
        parents=[home],
        help="geef de sleutel door aan een andere organisatie / hand the key to another organisation",
    )
    give.add_argument("receiver", metavar="OIN", help="voor wie / for whom")
    actions.add_parser(
        "take",
        parents=[home],
        help="neem de sleutel aan die een andere organisatie doorgaf / "
        "take the key that another organisation handed over",
    )


if __name__ == "__main__":
    sys.exit(main())
