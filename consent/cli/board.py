"""The commands of the board: `member`, `propose`, `approve`, `advise`, `reject` and `status`.

Each signs one thing about one proposal and adds it to the dossier. Who approves proves and compares once more on a
machine of his own: two machines of two organisations come to the same report, or the command refuses to sign.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

from consent.checking import Severity, check_catalogue
from consent.cli.dossier import (
    PRIVATE_FILE,
    PUBLIC_FILE,
    Document,
    digest_of,
    read_boards,
    read_key,
    read_note,
    read_steps,
    report_bytes,
    write_document,
    write_member,
    write_step,
)
from consent.cli.exits import ExitCode
from consent.cli.proofs import add_processes, comparison_report, proof_report, run_comparison, run_proof
from consent.cli.reading import UnreadableError, packaged_proof, read_catalogue
from consent.cli.reports import print_both
from consent.cli.sending import send, status_at_hub
from consent.cli.standing import SIGNED_EN, SIGNED_NL, print_json, print_standings
from consent.grounds import Catalogue
from consent.lifecycle import Obstacle, Standing, standings
from consent.request import civil_day
from schemas.board import (
    Board,
    CatalogueStep,
    Enactment,
    Member,
    Office,
    SignedStep,
    Step,
    StepOutcome,
    board_at,
    step_to_payload,
)
from schemas.canonical import parse_json
from schemas.claims import read_date
from schemas.clock import SystemClock
from schemas.codes import SignatureAlgorithm, TokenType
from schemas.definitions import Definitions, load_definitions
from schemas.document import JSONValue
from schemas.errors import AuthenticationError, Issue, RejectedMessageError
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.randomness import SystemRandomness, new_message_id

_OVER: Final = frozenset({Obstacle.OVERTAKEN, Obstacle.DEFINITIONS_CHANGED, Obstacle.PROPOSER_NOT_ON_BOARD})
"""What a proposal does not get over, whatever else is signed about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dossier:
    """What a command finds: the board of the moment, and the steps that were taken."""

    board: Board
    steps: tuple[SignedStep, ...]
    folder: Path
    at: datetime

    def standings(self, *, in_force: str | None, definitions: str) -> tuple[Standing, ...]:
        return standings(self.steps, board=self.board, in_force=in_force, definitions=definitions)


def add_board(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands of this module to the parser."""
    member = commands.add_parser("member", help="draw the key of a member of the board", description=_member.__doc__)
    member.add_argument(
        "folders",
        type=Path,
        nargs="+",
        metavar="FOLDER",
        help="where the two files go, new; several: a key for each",
    )
    member.add_argument("--office", type=Office, choices=list(Office), required=True, help="in which the holder acts")
    _finish(member, _member)

    propose = _command(commands, "propose", "propose a catalogue, with its proof and its comparison", _propose)
    _add_in_force(propose)
    propose.add_argument("--from", dest="valid_from", type=read_date, required=True, metavar="DATE", help="first day")
    _add_proving(propose)

    approve = _command(commands, "approve", "prove and compare once more, and approve", _approve)
    _add_proposal(approve)
    _add_in_force(approve)
    _add_proving(approve)

    advise = _command(commands, "advise", "give the advice of the FG", _advise)
    _add_proposal(advise)
    advise.add_argument("--advice", type=Path, required=True, metavar="FILE", help="the advice; everybody can read it")
    advise.add_argument("--outcome", type=StepOutcome, choices=list(StepOutcome), required=True, help="for or against")

    reject = _command(commands, "reject", "reject a proposal, or take one's own back", _reject)
    _add_proposal(reject)
    reject.add_argument("--note", type=Path, metavar="FILE", help="why; everybody can read it")

    status = commands.add_parser(
        "status", help="how every proposal stands, and what is in its way", description=_status.__doc__
    )
    _add_dossier(status, required=False)
    _add_in_force(status, required=False)
    status.add_argument("--hub", metavar="URL", help="ask a hub, instead of reading a dossier")
    _finish(status, _status)

    sending = commands.add_parser("send", help="post a dossier to the hub", description=send.__doc__)
    _add_dossier(sending)
    sending.add_argument("--hub", required=True, metavar="URL", help="where the hub is, such as https://hub.example.nl")
    _finish(sending, send)


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    name: str,
    text: str,
    command: Callable[[argparse.Namespace], ExitCode],
) -> argparse.ArgumentParser:
    """Add a command that signs something about a catalogue."""
    parser = commands.add_parser(name, help=text, description=command.__doc__)
    parser.add_argument(
        "catalogue", type=Path, nargs="?", metavar="FILE", help="the catalogue that it is about; else the packaged one"
    )
    parser.add_argument("--key", type=Path, required=True, metavar="FILE", help=f"your {PRIVATE_FILE}")
    _add_dossier(parser)
    _finish(parser, command)
    return parser


def _finish(parser: argparse.ArgumentParser, command: Callable[[argparse.Namespace], ExitCode]) -> None:
    parser.add_argument("--json", action="store_true", help="say the result as JSON")
    parser.set_defaults(command=command)


def _add_dossier(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    parser.add_argument("--dossier", type=Path, required=required, metavar="FOLDER", help="where the steps lie")
    parser.add_argument(
        "--board", type=Path, nargs="+", required=required, metavar="FILE", help="the board, and those before it"
    )
    parser.add_argument("--registrar", type=Path, required=True, metavar="FILE", help="registrar.jwk.json")


def _add_proposal(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--proposal",
        metavar="ID",
        help="which proposal, where several of the file are open; `status` lists them",
    )


def _add_in_force(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    group = parser.add_mutually_exclusive_group(required=required)
    group.add_argument("--in-force", type=Path, metavar="FILE", help="the catalogue that is in force")
    group.add_argument("--first", action="store_true", help="no catalogue is in force yet")


def _add_proving(parser: argparse.ArgumentParser) -> None:
    add_processes(parser)
    parser.add_argument(
        "--shipped-proof",
        action="store_true",
        help="take the proof that this software was shipped with; for a test: a member of a board proves himself",
    )


def _member(options: argparse.Namespace) -> ExitCode:
    """Draw the key of a member of the board; `member.json` goes to the registrar, `member.pem` to nobody."""
    for folder in options.folders:
        key = SigningKey.generate(SignatureAlgorithm.EDDSA, randomness=SystemRandomness())
        write_member(folder, Member(key=key.public, office=options.office), key=key)
        thumbprint = key.public.thumbprint.value
        if options.json:
            print_json({"result": "drawn", "office": options.office.value, "thumbprint": thumbprint})
            continue
        private, public = folder / PRIVATE_FILE, folder / PUBLIC_FILE
        print_both(f"sleutel {thumbprint} voor een {options.office}", f"key {thumbprint} for a {options.office}")
        print_both(f"{private}: houd die bij u", f"{private}: keep it to yourself", indent=2)
        print_both(f"{public}: voor de registrar", f"{public}: for the registrar", indent=2)
    return ExitCode.OK


def _propose(options: argparse.Namespace) -> ExitCode:
    """Check, prove and compare a catalogue, and propose it from a day on. What does not hold is not proposed."""
    key, dossier = _who(options, Step.PROPOSE)
    catalogue, in_force, definitions = _what(options)
    today = civil_day(dossier.at)
    if today is None or options.valid_from < today:
        raise RejectedMessageError("the first day has passed", code="sender.catalogue-step.day")
    enactment = _enactment(catalogue, in_force, definitions, valid_from=options.valid_from)
    proof, comparison = _reports(catalogue, in_force, definitions, options=options)
    proposal = _new(Step.PROPOSE, enactment, at=dossier.at)
    write_document(dossier.folder, Document.CATALOGUE, catalogue.data)
    steps = [proposal]
    for kind, report in ((Step.PROVE, proof), (Step.COMPARE, comparison)):
        if report is not None:
            result = write_document(dossier.folder, Document.REPORT, report)
            steps.append(_new(kind, enactment, about=proposal, result=result, outcome=StepOutcome.OK, at=dossier.at))
    return _sign(steps, key=key, dossier=dossier, as_json=options.json)


def _approve(options: argparse.Namespace) -> ExitCode:
    """Prove and compare once more on this machine, and approve if the reports are those of the dossier."""
    key, dossier = _who(options, Step.APPROVE)
    catalogue, in_force, definitions = _what(options)
    digest = in_force.digest if in_force else None
    standing = _open(options.proposal, catalogue, dossier, in_force=digest, definitions=definitions.digest)
    thumbprint = key.public.thumbprint
    if standing.proposal.signer == thumbprint:
        raise RejectedMessageError("whoever proposed it does not approve it", code="sender.catalogue-step.own-proposal")
    if any(signed.signer == thumbprint for signed in standing.approvals):
        raise RejectedMessageError("this key approved it already", code="sender.catalogue-step.twice")
    hindered = [each for each in standing.obstacles if each not in (Obstacle.NO_APPROVAL, Obstacle.ONE_APPROVAL)]
    if hindered:
        text, code = "; ".join(each.en for each in hindered), "sender.catalogue-step.hindered"
        issues = [Issue(pointer="", code=code, text=each.en, text_nl=each.nl) for each in hindered]
        raise RejectedMessageError(text, code=code, issues=issues)
    seen_from = max(
        min(each.step.issued_at for each in made) for made in (standing.proofs, standing.comparisons) if made
    )
    if int(dossier.at.timestamp()) < seen_from:
        text = "by the clock of this machine the proof is yet to be made, and an approval from before it does not count"
        raise RejectedMessageError(text, code="sender.catalogue-step.before-proof")
    reports = _reports(catalogue, in_force, definitions, options=options)
    for signed_steps, report in zip((standing.proofs, standing.comparisons), reports, strict=True):
        if report is not None and any(signed.step.result != digest_of(report) for signed in signed_steps):
            text = "this machine comes to another report than the dossier holds; see that the software is the same"
            raise RejectedMessageError(text, code="sender.catalogue-step.report")
    step = _new(Step.APPROVE, standing.enactment, about=standing.proposal.step, at=dossier.at)
    return _sign([step], key=key, dossier=dossier, as_json=options.json)


def _advise(options: argparse.Namespace) -> ExitCode:
    """Give the advice of the FG on a proposal: everybody sees that there is one, and whether it is for or against."""
    return _say(options, Step.ADVISE, note=options.advice, outcome=options.outcome)


def _reject(options: argparse.Namespace) -> ExitCode:
    """Reject a proposal, or take one's own back: it ends for good, and can only be made anew."""
    return _say(options, Step.REJECT, note=options.note)


def _say(options: argparse.Namespace, kind: Step, *, note: Path | None, outcome: StepOutcome | None = None) -> ExitCode:
    """Sign what needs no proof about an open proposal."""
    key, dossier = _who(options, kind)
    catalogue = read_catalogue(options.catalogue)
    standing = _open(options.proposal, catalogue, dossier, in_force=None, definitions="")
    result = None if note is None else write_document(dossier.folder, Document.NOTE, read_note(note))
    step = _new(kind, standing.enactment, about=standing.proposal.step, result=result, outcome=outcome, at=dossier.at)
    return _sign([step], key=key, dossier=dossier, as_json=options.json)


def _status(options: argparse.Namespace) -> ExitCode:
    """Say how every proposal stands, in a dossier or at a hub. Exit code 0: one may come into force on its day."""
    if options.hub:
        return status_at_hub(options, at=SystemClock().now())
    if not (options.dossier and options.board and (options.first or options.in_force)):
        raise UnreadableError(
            "name a hub, or a dossier with its boards and what is in force",
            "noem een hub, of een dossier met zijn besturen en wat er geldt",
        )
    dossier = _read_dossier(options)
    in_force = None if options.first else read_catalogue(options.in_force).digest
    found = dossier.standings(in_force=in_force, definitions=load_definitions().digest)
    print_standings(found, as_json=options.json)
    return ExitCode.OK if any(not standing.obstacles for standing in found) else ExitCode.REFUSED


def _read_dossier(options: argparse.Namespace) -> _Dossier:
    at = SystemClock().now()
    boards = read_boards(options.board, registrar=options.registrar)
    board = board_at(boards, seconds=int(at.timestamp()))
    if board is None:
        raise UnreadableError("no board counts yet: name the one of now", "nog geen bestuur telt: noem dat van nu")
    return _Dossier(board=board, steps=read_steps(options.dossier, boards=boards), folder=options.dossier, at=at)


def _who(options: argparse.Namespace, kind: Step) -> tuple[SigningKey, _Dossier]:
    """Read the key and the dossier, and see that this is a step of its holder's office.

    Raises:
        AuthenticationError: The key is not on the board, or not in that office.
    """
    dossier, key = _read_dossier(options), read_key(options.key)
    if not dossier.board.may(key.public.thumbprint, kind):
        text = f"this key is not that of a {kind.office} of the board of now"
        raise AuthenticationError(text, code="sender.catalogue-step.office")
    return key, dossier


def _what(options: argparse.Namespace) -> tuple[Catalogue, Catalogue | None, Definitions]:
    in_force = None if options.first else read_catalogue(options.in_force)
    return read_catalogue(options.catalogue), in_force, load_definitions()


def _enactment(
    catalogue: Catalogue, in_force: Catalogue | None, definitions: Definitions, *, valid_from: date
) -> Enactment:
    return Enactment(
        digest=catalogue.digest,
        version=catalogue.version,
        replaces=in_force.digest if in_force else None,
        definitions=definitions.digest,
        valid_from=valid_from,
    )


def _open(
    proposal: str | None, catalogue: Catalogue, dossier: _Dossier, *, in_force: str | None, definitions: str
) -> Standing:
    """Find the proposal of a catalogue that is not rejected; of several the one that is named, or can still succeed.

    Raises:
        RejectedMessageError: There is none, or there are several.
    """
    found = [
        standing
        for standing in dossier.standings(in_force=in_force, definitions=definitions)
        if standing.enactment.digest == catalogue.digest
        and proposal in (None, standing.proposal.step.id.value)
        and Obstacle.REJECTED not in standing.obstacles
    ]
    if len(found) > 1:
        found = [each for each in found if _OVER.isdisjoint(each.obstacles)] or found
    if len(found) > 1:
        ids = ", ".join(each.proposal.step.id.value for each in found)
        text = f"several proposals of this file are open in the dossier, name one with `--proposal`: {ids}"
        raise RejectedMessageError(text, code="sender.catalogue-step.proposal")
    if not found:
        text = "no such proposal of this file is open in the dossier"
        raise RejectedMessageError(text, code="sender.catalogue-step.proposal")
    return found[0]


def _reports(
    catalogue: Catalogue, in_force: Catalogue | None, definitions: Definitions, *, options: argparse.Namespace
) -> tuple[bytes, bytes | None]:
    """Check, prove and compare.

    Returns:
        The report of the proof, and that of the comparison; None where nothing is in force.

    Raises:
        RejectedMessageError: It has errors, or a sentence does not hold.
    """
    if options.shipped_proof:
        proved = _shipped_proof(catalogue, definitions)  # what was shipped was checked too
    else:
        findings = check_catalogue(catalogue, definitions=definitions)
        if any(finding.severity is Severity.ERROR for finding in findings):
            raise RejectedMessageError("`check` finds errors in this catalogue", code="sender.catalogue-step.unsound")
        proof, _ = run_proof(catalogue, definitions=definitions, processes=options.processes)
        if not proof.holds:
            text = "`prove` finds a sentence that does not hold"
            raise RejectedMessageError(text, code="sender.catalogue-step.unproved")
        proved = report_bytes(proof_report(proof, catalogue, definitions))
    if in_force is None:
        return proved, None
    results, _ = run_comparison(in_force, catalogue, definitions=definitions, processes=options.processes)
    return proved, report_bytes(comparison_report(results, in_force, catalogue, definitions))


def _shipped_proof(catalogue: Catalogue, definitions: Definitions) -> bytes:
    """Take the report that was made when this version of the software was.

    Raises:
        RejectedMessageError: It is about another catalogue, or about other definitions.
    """
    data = packaged_proof()
    report = parse_json(data)
    about = [report.get(name) for name in ("catalogue", "definitions")] if isinstance(report, dict) else []
    if about != [{"version": each.version, "digest": each.digest} for each in (catalogue, definitions)]:
        text = "this software was shipped with the proof of another catalogue"
        raise RejectedMessageError(text, code="sender.catalogue-step.shipped-proof")
    return data


def _new(
    kind: Step,
    enactment: Enactment,
    *,
    at: datetime,
    about: CatalogueStep | None = None,
    result: str | None = None,
    outcome: StepOutcome | None = None,
) -> CatalogueStep:
    return CatalogueStep(
        id=new_message_id(at=at, randomness=SystemRandomness()),
        issued_at=int(at.timestamp()),
        step=kind,
        proposal=about.id if about else None,
        enactment=enactment,
        result=result,
        outcome=outcome,
    )


def _sign(steps: Sequence[CatalogueStep], *, key: SigningKey, dossier: _Dossier, as_json: bool) -> ExitCode:
    """Sign steps, add them to the dossier, and say what was signed."""
    signed: list[JSONValue] = []
    for step in steps:
        token = sign_jws(step_to_payload(step), typ=TokenType.CATALOGUE_STEP, key=key)
        path = write_step(dossier.folder, token, step_id=step.id)
        signed.append({"step": step.step.value, "id": step.id.value, "file": str(path)})
        if not as_json:
            version, day = step.enactment.version, step.enactment.valid_from.isoformat()
            nl = f"{SIGNED_NL[step.step]}: catalogus {version}, vanaf {day}"
            print_both(nl, f"{SIGNED_EN[step.step]}: catalogue {version}, from {day}")
            print(f"  {path}")
    if as_json:
        print_json({"result": "signed", "steps": signed})
    return ExitCode.OK
