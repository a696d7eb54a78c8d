"""`ketenhub-registrar`: admits participants, opens epochs of the chain key, and appoints the board of the catalogue.

The registrar is the scheme's owner or supervisor, never the operator of a hub: its key lies in a file of its own, on a
machine of its own. What it signs is a file that travels to the organisation; every hub and every connector has its
public key pinned. Nothing here needs a network.

    ketenhub-registrar init /media/registrar
    ketenhub-registrar admit admission-request.json --key /media/registrar/registrar.pem --out admission.jwt
    ketenhub-registrar open-epoch chain-epoch-request.json --key /media/registrar/registrar.pem --out epoch.jwt
    ketenhub-registrar appoint */member.json --key /media/registrar/registrar.pem --out board.jwt
    ketenhub-registrar continue-log statement.txt --key /media/registrar/registrar.pem --out signed.txt
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson

from audit.continuation import parse_continuation, vouch
from audit.note import parse_note, verify_note
from hub.cli.common import read_file, run, write_new
from hub.settings import read_secret
from schemas.admissions import Admission, admission_to_payload, parse_admission
from schemas.board import Board, board_to_payload, parse_board, parse_member
from schemas.canonical import parse_json
from schemas.claims import DIGEST, ClaimsReader
from schemas.clock import Clock, SystemClock
from schemas.codes import Capacity, Role, SignatureAlgorithm, TokenType
from schemas.epochs import ChainEpoch, chain_epoch_to_payload
from schemas.identifiers import OIN, Thumbprint
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.randomness import Randomness, SystemRandomness, new_message_id

PRIVATE_FILE: Final = "registrar.pem"
PUBLIC_FILE: Final = "registrar.jwk.json"
CODE: Final = "sender.admission-request.form"


def init(folder: Path, *, randomness: Randomness) -> None:
    """Draw the registrar's key: `registrar.pem` stays, `registrar.jwk.json` is pinned by everybody."""
    key = SigningKey.generate(SignatureAlgorithm.EDDSA, randomness=randomness)
    write_new(folder / PRIVATE_FILE, key.to_pem(), secret=True)
    write_new(folder / PUBLIC_FILE, orjson.dumps(key.public.to_jwk(), option=orjson.OPT_INDENT_2) + b"\n", secret=False)
    print(f"registrar key {key.public.kid}")
    print(f"  private: {folder / PRIVATE_FILE}   (keep it off every hub)")
    print(f"  public:  {folder / PUBLIC_FILE}   (hubs and connectors pin it)")


def admission_of(
    request: bytes,
    *,
    clock: Clock,
    randomness: Randomness,
    valid_from: int | None = None,
    valid_until: int | None = None,
    canary: bool = False,
) -> Admission:
    """Make an admission of a request.

    Args:
        request: The JSON file that `ketenhub invite` or `ketenhub-connector init` wrote.
        clock: For `issued_at`, and for `valid_from` where nobody says it.
        randomness: For its id.
        valid_from: NumericDate; overrides the request's.
        valid_until: NumericDate; overrides the request's.
        canary: Whether the registrar admits it as a canary; a request that asks for it must be for one, and the other
            way round.

    Raises:
        DocumentError: The request does not have its form; every finding is listed.
    """
    now = clock.now()
    reader = ClaimsReader(
        parse_json(request),
        code=CODE,
        members=("oin", "name", "role", "capacities", "first_key"),
        optional=("valid_from", "valid_until", "canary"),
    )
    role = reader.convert("role", Role)
    oin = reader.convert("oin", OIN)
    first_key = reader.convert("first_key", Thumbprint)
    capacities = reader.array("capacities", Capacity, at_most=len(Capacity))
    name = reader.raw("name")
    if not isinstance(name, str):
        reader.wrong("name", "a text is needed here")
    if canary != (reader.flag("canary") if "canary" in reader else False):
        # Neither the request alone nor a slip of the registrar's makes a canary, or an ordinary participant of one.
        reader.wrong("canary", "a request for a canary is admitted with `--canary`, and no other request is")
    begins = _moment(reader, "valid_from", valid_from)
    ends = _moment(reader, "valid_until", valid_until)
    reader.finish("the admission request does not have its form")
    admission = Admission(
        oin=oin,
        id=new_message_id(at=now, randomness=randomness),
        issued_at=int(now.timestamp()),
        name=str(name),
        role=role,
        capacities=frozenset(capacities),
        valid_from=int(now.timestamp()) if begins is None else begins,
        valid_until=ends,
        first_key=first_key,
        canary=canary,
    )
    # Read back as everybody will read it: a name that is too long is refused here, not at the hub.
    return parse_admission(admission_to_payload(admission))


def admit(
    request: Path, *, key: Path, out: Path, valid_from: int | None, valid_until: int | None, canary: bool = False
) -> None:
    """Sign the admission that a request asks for, and show what it says."""
    randomness = SystemRandomness()
    admission = admission_of(
        read_file(request),
        clock=SystemClock(),
        randomness=randomness,
        valid_from=valid_from,
        valid_until=valid_until,
        canary=canary,
    )
    signer = SigningKey.from_pem(read_secret(key))
    token = sign_jws(admission_to_payload(admission), typ=TokenType.ADMISSION, key=signer)
    write_new(out, token.encode() + b"\n", secret=False)
    period = f"from {_shown(admission.valid_from)} until {_shown(admission.valid_until)}"
    print(f"admitted {admission.oin.value} {admission.name!r} as {admission.role}")
    if admission.canary:
        print("  a canary:   everything it sends must be refused; a hub that accepts one of its messages stops")
    print(f"  capacities: {', '.join(sorted(admission.capacities)) or 'none'}")
    print(f"  first key:  {admission.first_key.value}")
    print(f"  period:     {period}")
    print(f"  written:    {out}")


def open_epoch(request: Path, *, key: Path, out: Path) -> None:
    """Sign the opening of an epoch of the chain key."""
    reader = ClaimsReader(
        parse_json(read_file(request)), code="sender.epoch-request.form", members=("epoch", "fingerprint")
    )
    epoch = reader.integer("epoch")
    fingerprint = reader.text("fingerprint", DIGEST)
    reader.finish("the request does not have its form")
    randomness, now = SystemRandomness(), SystemClock().now()
    chain_epoch = ChainEpoch(
        id=new_message_id(at=now, randomness=randomness),
        issued_at=int(now.timestamp()),
        epoch=epoch,
        fingerprint=fingerprint,
    )
    signer = SigningKey.from_pem(read_secret(key))
    token = sign_jws(chain_epoch_to_payload(chain_epoch), typ=TokenType.CHAIN_EPOCH, key=signer)
    write_new(out, token.encode() + b"\n", secret=False)
    print(f"opened epoch {epoch} with fingerprint {fingerprint}")
    print(f"  written: {out}")


def appoint(members: Sequence[Path], *, key: Path, out: Path, valid_from: int | None) -> None:
    """Sign who is on the board that changes the catalogue: all of its members, each time; it replaces the one before.

    Know in person whose key each file holds, and in which office he acts: nothing else says so.
    """
    randomness, now = SystemRandomness(), SystemClock().now()
    board = Board(
        id=new_message_id(at=now, randomness=randomness),
        issued_at=int(now.timestamp()),
        members=tuple(parse_member(read_file(path)) for path in members),
        valid_from=int(now.timestamp()) if valid_from is None else valid_from,
    )
    # Read back as everybody will read it: a board that could never decide is refused here.
    payload = board_to_payload(board)
    parse_board(payload)
    token = sign_jws(payload, typ=TokenType.BOARD, key=SigningKey.from_pem(read_secret(key)))
    write_new(out, token.encode() + b"\n", secret=False)
    print(f"appointed a board of {len(board.members)} from {_shown(board.valid_from)}")
    for member in board.members:
        print(f"  {member.office}: {member.key.thumbprint.value}")
    print(f"  written: {out}")


def continue_log(statement: Path, *, key: Path, out: Path) -> None:
    """Vouch for a log that continues another, where the old log's key is lost or somebody else has it.

    Ask the operator in person first: whoever accepts the statement believes the new key from then on.
    """
    note = parse_note(read_file(statement))
    continuation = parse_continuation(note)
    verify_note(note, [continuation.successor])
    signed = vouch(note, registrar=SigningKey.from_pem(read_secret(key)))
    write_new(out, str(signed).encode(), secret=False)
    for line in continuation.words:
        print(line)
    print(f"  written:  {out}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns its exit code (see `hub.cli.common`)."""
    options = _parser().parse_args(arguments)

    def command() -> None:
        if options.command == "init":
            init(options.folder, randomness=SystemRandomness())
        elif options.command == "admit":
            admit(
                options.request,
                key=options.key,
                out=options.out,
                valid_from=options.valid_from,
                valid_until=options.valid_until,
                canary=options.canary,
            )
        elif options.command == "open-epoch":
            open_epoch(options.request, key=options.key, out=options.out)
        elif options.command == "appoint":
            appoint(options.members, key=options.key, out=options.out, valid_from=options.valid_from)
        else:
            continue_log(options.statement, key=options.key, out=options.out)

    return run(command)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="ketenhub-registrar",
        description="Admit participants, open epochs of the chain key, appoint the board, vouch for a continued log.",
        epilog="The registrar's key belongs to the scheme's owner or supervisor, never to the operator of a hub.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    first = commands.add_parser("init", help="draw the registrar's key", description=init.__doc__)
    first.add_argument("folder", type=Path, metavar="FOLDER", help="where the two files go; they must not be there")
    second = commands.add_parser("admit", help="sign an admission", description=admit.__doc__)
    second.add_argument("request", type=Path, metavar="REQUEST", help="admission-request.json of an organisation")
    second.add_argument("--from", dest="valid_from", type=_day, metavar="DATE", help="first day (default: now)")
    second.add_argument(
        "--until", dest="valid_until", type=_day, metavar="DATE", help="first day after the period; a past day suspends"
    )
    second.add_argument("--canary", action="store_true", help="of a canary, whose every message must be refused")
    third = commands.add_parser("open-epoch", help="sign the opening of an epoch", description=open_epoch.__doc__)
    third.add_argument("request", type=Path, metavar="REQUEST", help="chain-epoch-request.json of a holder")
    fourth = commands.add_parser("continue-log", help="vouch for a continued log", description=continue_log.__doc__)
    fourth.add_argument("statement", type=Path, metavar="STATEMENT", help="what `ketenhub log continue` wrote")
    fifth = commands.add_parser("appoint", help="sign who is on the board", description=appoint.__doc__)
    fifth.add_argument("members", type=Path, nargs="+", metavar="MEMBER", help="member.json of every member")
    fifth.add_argument("--from", dest="valid_from", type=_day, metavar="DATE", help="first day (default: now)")
    for each in (second, third, fourth, fifth):
        each.add_argument("--key", type=Path, required=True, metavar="FILE", help="the registrar's registrar.pem")
        each.add_argument("--out", type=Path, required=True, metavar="FILE", help="where the signed file goes")
    return parser


def _moment(reader: ClaimsReader, name: str, override: int | None) -> int | None:
    if override is not None:
        return override
    return reader.integer(name) if name in reader and reader.raw(name) is not None else None


def _day(text: str) -> int:
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).timestamp())
    except ValueError as error:
        raise argparse.ArgumentTypeError("a day is written YYYY-MM-DD") from error


def _shown(moment: int | None) -> str:
    return "further notice" if moment is None else datetime.fromtimestamp(moment, UTC).isoformat()


if __name__ == "__main__":
    sys.exit(main())
