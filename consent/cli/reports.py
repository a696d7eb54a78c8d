"""The commands that read a catalogue and report: `check`, `coverage` and `register`."""

import argparse
import json
from pathlib import Path

from consent.checking import Finding, Severity, check_catalogue
from consent.cli.exits import ExitCode
from consent.cli.reading import read_articles, read_catalogue, write_text
from consent.coverage import COVERED, TO_BE_CONFIRMED, Coverage, CoverageReport, Covered, cover
from consent.grounds import Carries, Catalogue, Ground, Text
from consent.processing_register import activities, to_json, to_markdown
from consent.request import civil_day
from schemas.clock import SystemClock
from schemas.codes import Role
from schemas.definitions import load_definitions
from schemas.document import JSONValue


def add_reports(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands of this module to the parser."""
    check = commands.add_parser(
        "check",
        help="is a catalogue sound",
        description="Check a catalogue: well-formed, no two rows that overlap, every ground reachable by a message "
        "there is, no dead row. Remarks do not fail; errors do.",
    )
    check.add_argument("catalogue", type=Path, metavar="FILE", help="a catalogue of grounds (TOML)")
    check.add_argument("--json", action="store_true", help="say the result as JSON")
    check.set_defaults(command=_check)

    coverage = commands.add_parser(
        "coverage",
        help="which article is carried by which row",
        description="List every article of the Youth Act from 3.1 to 7.4.5: carried by which row, no exchange, or not "
        "covered. The list is our reading, to be confirmed by a lawyer.",
    )
    add_catalogue(coverage)
    coverage.add_argument("--only", choices=[each.value for each in Covered], help="only articles with this outcome")
    coverage.add_argument("--json", action="store_true", help="say the result as JSON")
    coverage.set_defaults(command=_coverage)

    register = commands.add_parser(
        "register",
        help="make the register of processing activities",
        description="Make the register of processing activities (AVG 30) from the catalogue and the definitions. What "
        "only the organisation knows stands as a field to fill in.",
    )
    add_catalogue(register)
    register.add_argument("--role", choices=[role.value for role in Role], help="only what this role gives or receives")
    register.add_argument("--output", type=Path, metavar="FILE", help="write there instead of to standard output")
    register.add_argument("--json", action="store_true", help="make JSON instead of Markdown")
    register.set_defaults(command=_register)


def add_catalogue(parser: argparse.ArgumentParser) -> None:
    """Let the user name a catalogue where the packaged one is meant otherwise."""
    parser.add_argument(
        "--catalogue", type=Path, metavar="FILE", help="a catalogue of grounds; without it the packaged one"
    )


def print_both(nl: str, en: str, *, indent: int = 0) -> None:
    """Print a sentence in Dutch, and below it in English."""
    print(f"{' ' * indent}{nl}")
    print(f"{' ' * indent}  {en}")


def both(text: Text) -> JSONValue:
    """A text as JSON."""
    return {"nl": text.nl, "en": text.en}


def _check(options: argparse.Namespace) -> ExitCode:
    catalogue = read_catalogue(options.catalogue)
    findings = check_catalogue(catalogue, definitions=load_definitions())
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if options.json:
        result: JSONValue = {
            "result": "refused" if errors else "ok",
            "catalogue": _catalogue_json(catalogue),
            "findings": [_finding_json(finding) for finding in findings],
        }
        print(json.dumps(result, ensure_ascii=False))
    else:
        _print_findings(catalogue, findings, errors=len(errors))
    return ExitCode.REFUSED if errors else ExitCode.OK


def _print_findings(catalogue: Catalogue, findings: tuple[Finding, ...], *, errors: int) -> None:
    rows = len(catalogue.grounds)
    proposed = sum(row.proposed for row in catalogue.grounds)
    print_both(
        f"catalogus {catalogue.version}: {rows} rijen, waarvan {proposed} een voorstel",
        f"catalogue {catalogue.version}: {rows} rows, {proposed} of them proposed",
    )
    for finding in findings:
        nl, en = ("fout", "error") if finding.severity is Severity.ERROR else ("let op", "remark")
        print_both(f"{nl}: {finding.about}: {finding.text.nl}", f"{en}: {finding.about}: {finding.text.en}")
    if errors:
        print_both(f"niet in orde: {errors} fout(en)", f"not sound: {errors} error(s)")
    else:
        print_both("in orde: geen fouten", "sound: no errors")


def _coverage(options: argparse.Namespace) -> ExitCode:
    report = cover(read_catalogue(options.catalogue), read_articles())
    chosen = [each for each in report.coverage if options.only is None or each.covered == options.only]
    if options.json:
        result: JSONValue = {
            "law": report.articles.law,
            "status": both(TO_BE_CONFIRMED),
            "articles": [_coverage_json(each) for each in chosen],
            "unplaced": [{"row": row.name, "article": words} for row, words in report.unplaced],
        }
        print(json.dumps(result, ensure_ascii=False))
        return ExitCode.OK
    _print_coverage(report, chosen)
    return ExitCode.OK


def _print_coverage(report: CoverageReport, chosen: list[Coverage]) -> None:
    first, last = report.articles.first, report.articles.last
    print_both(
        f"Jeugdwet {first} tot en met {last}: {TO_BE_CONFIRMED.nl}",
        f"Youth Act {first} to {last}: {TO_BE_CONFIRMED.en}",
    )
    for each in chosen:
        rows = [Text(nl=row.name + state.nl, en=row.name + state.en) for row in each.rows for state in [_state(row)]]
        nl, en = (f" {', '.join(words)}" if words else "" for words in ([r.nl for r in rows], [r.en for r in rows]))
        outcome = COVERED[each.covered]
        subject, note = each.article.subject, each.article.note
        print_both(
            f"{each.article.number:<9}{outcome.nl}{nl}: {subject.nl}" + (f". {note.nl}" if note else ""),
            f"{'':<9}{outcome.en}{en}: {subject.en}" + (f". {note.en}" if note else ""),
        )
    for row, words in report.unplaced:
        print_both(
            f"{row.name} noemt `{words}`: welk artikel dat is, moet nog worden aangewezen",
            f"{row.name} names `{words}`: which article that is, is still to be named",
        )
    counts = [len(report.of(covered)) for covered in Covered]
    print_both(
        f"{counts[0]} gedragen, {counts[1]} zonder uitwisseling, {counts[2]} niet gedekt",
        f"{counts[0]} carried, {counts[1]} without exchange, {counts[2]} not covered",
    )


def _state(row: Ground) -> Text:
    """What must not be forgotten where a row is said to carry an article: that it is a proposal, or permits nothing."""
    found = [
        text
        for holds, text in (
            (row.proposed, Text(nl="voorstel", en="proposed")),
            (not row.in_force, Text(nl="staat uit", en="switched off")),
            (row.carries is not Carries.ELEMENTS, Text(nl="geen gegevens in berichten", en="no data in messages")),
            (
                row.carries is Carries.ELEMENTS and not row.message_types,
                Text(nl="nog geen soort bericht", en="no message type yet"),
            ),
        )
        if holds
    ]
    if not found:
        return Text(nl="", en="")
    return Text(nl=f" ({'; '.join(t.nl for t in found)})", en=f" ({'; '.join(t.en for t in found)})")


def _register(options: argparse.Namespace) -> ExitCode:
    catalogue = read_catalogue(options.catalogue)
    role = None if options.role is None else Role(options.role)
    found = activities(catalogue, definitions=load_definitions(), role=role)
    today = civil_day(SystemClock().now())
    assert today is not None
    if options.json:
        text = json.dumps(to_json(found, catalogue=catalogue, on=today), ensure_ascii=False, indent=2) + "\n"
    else:
        text = to_markdown(found, catalogue=catalogue, on=today)
    write_text(options.output, text)
    return ExitCode.OK


def _catalogue_json(catalogue: Catalogue) -> JSONValue:
    return {"version": catalogue.version, "digest": catalogue.digest}


def _finding_json(finding: Finding) -> JSONValue:
    return {
        "severity": finding.severity.value,
        "code": finding.code,
        "about": finding.about,
        "text": both(finding.text),
    }


def _coverage_json(each: Coverage) -> JSONValue:
    return {
        "article": each.article.number,
        "subject": both(each.article.subject),
        "covered": each.covered.value,
        "rows": [
            {
                "row": row.name,
                "proposed": row.proposed,
                "in_force": row.in_force,
                "carries": row.carries.value,
                "message_types": [*sorted(row.message_types)],
            }
            for row in each.rows
        ],
        "note": both(each.article.note) if each.article.note else None,
    }
