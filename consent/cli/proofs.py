"""The commands that look at the whole decision space: `prove` and `diff`."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from consent.cli.dossier import report_bytes
from consent.cli.exits import ExitCode
from consent.cli.question import whole_number
from consent.cli.reading import check_writable, read_catalogue, write_bytes
from consent.cli.reports import both, print_both
from consent.cli.working import run_pieces
from consent.comparing import (
    Change,
    CompareResult,
    Difference,
    Example,
    Way,
    compare_purpose,
    in_order,
    purposes,
    row_differences,
)
from consent.grounds import Catalogue, Text, load_catalogue
from consent.proving import Counterexample, Part, PartResult, Proof, conclude, parts, prove_part
from consent.request import DisclosureRequest, Facts
from consent.telling import (
    category_words,
    days_words,
    law_words,
    listed,
    party_words,
    status_words,
    type_words,
    unique,
)
from consent.telling_facts import question_words
from schemas.codes import Category
from schemas.definitions import Definitions, load_definitions
from schemas.document import JSONValue

_ELEMENTS_SHOWN: Final = 8


def add_proofs(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands of this module to the parser."""
    prove = commands.add_parser(
        "prove",
        help="prove what must hold, over the whole decision space",
        description="Hold every sentence that must be true of a catalogue against its whole decision space, by asking "
        "the decision for every class of questions. A sentence that is broken comes with an example in plain words.",
    )
    prove.add_argument("catalogue", type=Path, nargs="?", metavar="FILE", help="a catalogue; else the packaged one")
    prove.add_argument("--report", type=Path, metavar="FILE", help="write the report whose digest a step names")
    _add_common(prove)
    prove.set_defaults(command=_prove)

    diff = commands.add_parser(
        "diff",
        help="which disclosures become possible, and which stop",
        description="Compare two catalogues over their whole decision space: each class of disclosures that becomes "
        "possible or stops, with a concrete example; then each member of a row that is not as it was. Exit code 1 says "
        "that something changes.",
    )
    diff.add_argument("old", type=Path, metavar="OLD", help="the catalogue as it is")
    diff.add_argument("new", type=Path, metavar="NEW", help="the catalogue as it would be")
    _add_common(diff)
    diff.set_defaults(command=_diff)


def add_processes(parser: argparse.ArgumentParser) -> None:
    """Let the user say how many processes work at once."""
    parser.add_argument(
        "--processes", type=whole_number(1, 256), metavar="N", help="how many at once; else one for each core"
    )


def _add_common(parser: argparse.ArgumentParser) -> None:
    add_processes(parser)
    parser.add_argument("--json", action="store_true", help="say the result as JSON")


# Each process reads its catalogues once; they are not handed from process to process.
_CATALOGUES: Final[list[Catalogue]] = []


def _start(*files: bytes) -> None:
    _CATALOGUES[:] = [load_catalogue(data) for data in files]


def _prove_piece(piece: Part) -> PartResult:
    (catalogue,) = _CATALOGUES
    return prove_part(piece, catalogue=catalogue, definitions=load_definitions())


def _diff_piece(purpose: str) -> CompareResult:
    old, new = _CATALOGUES
    return compare_purpose(purpose, old=old, new=new, definitions=load_definitions())


def run_proof(catalogue: Catalogue, *, definitions: Definitions, processes: int | None) -> tuple[Proof, float]:
    """Prove a catalogue on every core, or on so many processes; also the seconds that it took."""
    results, seconds = run_pieces(
        parts(catalogue, definitions=definitions),
        _prove_piece,
        start=_start,
        start_with=(catalogue.data,),
        processes=processes,
    )
    return conclude(results), seconds


def run_comparison(
    old: Catalogue, new: Catalogue, *, definitions: Definitions, processes: int | None
) -> tuple[list[CompareResult], float]:
    """Compare two catalogues on every core, or on so many processes; also the seconds that it took."""
    return run_pieces(
        purposes(old, new, definitions=definitions),
        _diff_piece,
        start=_start,
        start_with=(old.data, new.data),
        processes=processes,
    )


def _prove(options: argparse.Namespace) -> ExitCode:
    if options.report:
        check_writable(options.report)  # said before the work, not after it
    catalogue, definitions = read_catalogue(options.catalogue), load_definitions()
    proof, seconds = run_proof(catalogue, definitions=definitions, processes=options.processes)
    report = proof_report(proof, catalogue, definitions)
    if options.report:
        write_bytes(options.report, report_bytes(report))
    if options.json:
        print(json.dumps({**report, "milliseconds": round(seconds * 1000)}, ensure_ascii=False))
    else:
        _print_proof(proof, catalogue, definitions, seconds)
    return ExitCode.OK if proof.holds else ExitCode.REFUSED


def _print_proof(proof: Proof, catalogue: Catalogue, definitions: Definitions, seconds: float) -> None:
    print_both(f"catalogus {catalogue.version}", f"catalogue {catalogue.version}")
    for sentence in proof.sentences:
        nl, en = ("BREEKT", "BROKEN") if sentence.broken else ("houdt", "holds")
        print_both(f"{nl:<7}{sentence.text.nl}", f"{en:<7}{sentence.text.en}")
        for number, counterexample in enumerate(sentence.counterexamples[:1], start=1):
            row, status = counterexample.row, status_words(catalogue.row(counterexample.row))
            print_both(
                f"Voorbeeld {number} van {sentence.broken}, toegelaten door {row}{status.nl}:",
                f"Example {number} of {sentence.broken}, permitted by {row}{status.en}:",
                indent=8,
            )
            for text in _counterexample_words(counterexample, definitions):
                print_both(text.nl, text.en, indent=10)
    print_both(
        f"{_number(proof.asked)} keer gevraagd, voor {_number(proof.questions)} vragen; {seconds:.1f} seconden",
        f"asked {proof.asked:,} times, for {proof.questions:,} questions; {seconds:.1f} seconds",
    )
    broken = sum(1 for sentence in proof.sentences if sentence.broken)
    if broken:
        print_both(f"niet bewezen: {broken} zin(nen) breken", f"not proved: {broken} sentence(s) are broken")
    else:
        print_both(
            f"bewezen: alle {len(proof.sentences)} zinnen houden", f"proved: all {len(proof.sentences)} sentences hold"
        )


def _counterexample_words(one: Counterexample, definitions: Definitions) -> tuple[Text, ...]:
    words = question_words(one.request, facts=one.facts, at=one.at, definitions=definitions)
    if one.restriction is None:
        return words
    return (*words, Text(nl=f"Toegevoegd: {one.restriction.nl}.", en=f"Added: {one.restriction.en}."))


def _number(number: int) -> str:
    """A number as it is written in Dutch."""
    return f"{number:,}".replace(",", ".")


def proof_report(proof: Proof, catalogue: Catalogue, definitions: Definitions) -> dict[str, JSONValue]:
    """Write what was proved, without the time it took: the same on every machine with this version of the software."""
    return {
        "result": "proved" if proof.holds else "broken",
        "catalogue": {"version": catalogue.version, "digest": catalogue.digest},
        "definitions": {"version": definitions.version, "digest": definitions.digest},
        "sentences": [
            {
                "code": sentence.code,
                "text": both(sentence.text),
                "broken": sentence.broken,
                "examples": [
                    {
                        "row": one.row,
                        "question": _question_json(one.request, one.facts),
                        "words": [both(text) for text in _counterexample_words(one, definitions)],
                    }
                    for one in sentence.counterexamples
                ],
            }
            for sentence in proof.sentences
        ],
        "asked": proof.asked,
        "questions": proof.questions,
    }


def comparison_report(
    results: Sequence[CompareResult], old: Catalogue, new: Catalogue, definitions: Definitions
) -> dict[str, JSONValue]:
    """Write what changes, without the time it took: the same on every machine with this version of the software."""
    changes, differences = in_order(results), row_differences(old, new)
    return {
        "result": "different" if changes or differences else "same",
        "old": {"version": old.version, "digest": old.digest},
        "new": {"version": new.version, "digest": new.digest},
        "definitions": {"version": definitions.version, "digest": definitions.digest},
        "changes": [_change_json(change, old, new, definitions) for change in changes],
        "rows": [_difference_json(difference) for difference in differences],
        "asked": sum(each.asked for each in results),
        "questions": sum(each.questions for each in results),
    }


def _diff(options: argparse.Namespace) -> ExitCode:
    old, new = read_catalogue(options.old), read_catalogue(options.new)
    definitions = load_definitions()
    results, seconds = run_comparison(old, new, definitions=definitions, processes=options.processes)
    changes, differences = in_order(results), row_differences(old, new)
    if options.json:
        report = {**comparison_report(results, old, new, definitions), "milliseconds": round(seconds * 1000)}
        print(json.dumps(report, ensure_ascii=False))
    else:
        asked, questions = sum(each.asked for each in results), sum(each.questions for each in results)
        print_both(f"van {old.version} naar {new.version}", f"from {old.version} to {new.version}")
        for change in changes:
            _print_change(change, old, new, definitions)
        _print_differences(differences)
        if differences and old.version == new.version:
            print_both(
                f"let op: beide heten {old.version}; geef het nieuwe bestand een eigen `version`",
                f"remark: both are called {old.version}; give the new file a `version` of its own",
            )
        many = len(changes), len(differences)
        print_both(
            f"{many[0]} verandering(en) in wat mag, {many[1]} in wat de rijen zeggen; {_number(asked)} keer gevraagd, "
            f"voor {_number(questions)} vragen; {seconds:.1f} seconden",
            f"{many[0]} change(s) in what may go, {many[1]} in what rows say; asked {asked:,} times, "
            f"for {questions:,} questions; {seconds:.1f} seconds",
        )
    return ExitCode.REFUSED if changes or differences else ExitCode.OK


def _print_differences(differences: Sequence[Difference]) -> None:
    if differences:
        print()
        print_both("IN DE RIJEN STAAT ANDERS", "ROWS SAY OTHERWISE")
    for difference in differences:
        words = _difference_words(difference)
        print_both(words.nl, words.en, indent=4)


def _difference_words(one: Difference) -> Text:
    where = one.about if one.member is None else f"{one.about}: `{one.member}`"
    if one.before is None:
        assert one.after is not None
        return Text(nl=f"{where} komt erbij: {one.after.nl}", en=f"{where} is added: {one.after.en}")
    if one.after is None:
        return Text(nl=f"{where} vervalt: {one.before.nl}", en=f"{where} is gone: {one.before.en}")
    return Text(
        nl=f"{where} was: {one.before.nl}; wordt: {one.after.nl}",
        en=f"{where} was: {one.before.en}; becomes: {one.after.en}",
    )


def _difference_json(one: Difference) -> JSONValue:
    return {
        "about": one.about,
        "member": one.member,
        "before": both(one.before) if one.before else None,
        "after": both(one.after) if one.after else None,
    }


def _print_change(change: Change, old: Catalogue, new: Catalogue, definitions: Definitions) -> None:
    words = _change_words(change, old, new, definitions)
    print()
    for number, text in enumerate(words):
        print_both(text.nl, text.en, indent=4 if number else 0)
    print_both("Bijvoorbeeld:", "For example:", indent=4)
    for text in _example_words(change.example, definitions):
        print_both(text.nl, text.en, indent=6)


def _change_words(change: Change, old: Catalogue, new: Catalogue, definitions: Definitions) -> tuple[Text, ...]:
    way = (
        Text(nl="WORDT MOGELIJK", en="BECOMES POSSIBLE") if change.way is Way.POSSIBLE else Text(nl="STOPT", en="STOPS")
    )
    senders = listed(unique(party_words(one) for one in change.senders))
    recipients = listed(unique(party_words(one) for one in change.recipients))
    types = listed([type_words(name, definitions) for name in change.message_types])
    catalogue = new if change.way is Way.POSSIBLE else old
    row = catalogue.row(change.example.row)
    law, status, days = law_words(row, catalogue), status_words(row), days_words(change.days)
    found = [
        Text(
            nl=f"{way.nl} op {change.purpose}, {days.nl}: van {senders.nl} aan {recipients.nl}",
            en=f"{way.en} on {change.purpose}, {days.en}: from {senders.en} to {recipients.en}",
        ),
        Text(nl=f"in het bericht: {types.nl}", en=f"in the message: {types.en}"),
        *_labels_words(change, definitions),
        Text(nl=f"rij {row.name}: {law.nl}{status.nl}", en=f"row {row.name}: {law.en}{status.en}"),
    ]
    if change.only_necessary:
        found.append(Text(nl="alleen wat als noodzakelijk is gemerkt", en="only what is marked as necessary"))
    if change.only_unmarked:
        found.append(Text(nl="alleen wat niet als noodzakelijk is gemerkt", en="only what is not marked as necessary"))
    if not change.always:
        found.append(
            Text(
                nl="niet altijd: in andere omstandigheden blijft het zoals het was",
                en="not always: in other circumstances it stays as it was",
            )
        )
    return tuple(found)


def _labels_words(change: Change, definitions: Definitions) -> list[Text]:
    """The labels by category: all there are of it, or those that are meant."""
    found = []
    for category in Category:
        meant = {str(label) for label in change.labels if label.category is category}
        if not meant:
            continue
        known = {
            f"{profile.name}/{element.name}"
            for profile in definitions.profiles.values()
            for element in profile.elements.values()
            if element.category is category
        }
        words = category_words(category, definitions)
        if known <= meant:
            found.append(Text(nl=f"{words.nl}: alles", en=f"{words.en}: all of it"))
            continue
        shown = sorted(meant & known or meant)
        more = len(shown) - _ELEMENTS_SHOWN
        names = ", ".join(shown[:_ELEMENTS_SHOWN])
        nl, en = (f" en {more} andere", f" and {more} others") if more > 0 else ("", "")
        found.append(Text(nl=f"{words.nl}: {names}{nl}", en=f"{words.en}: {names}{en}"))
    return found


def _example_words(example: Example, definitions: Definitions) -> tuple[Text, ...]:
    return question_words(example.request, facts=example.facts, at=example.at, definitions=definitions)


def _change_json(change: Change, old: Catalogue, new: Catalogue, definitions: Definitions) -> JSONValue:
    return {
        "way": change.way.value,
        "purpose": change.purpose,
        "row": change.example.row,
        "from": [both(party_words(one)) for one in change.senders],
        "to": [both(party_words(one)) for one in change.recipients],
        "message_types": list(change.message_types),
        "labels": [{"label": str(label), "category": label.category.value} for label in change.labels],
        "days": {
            "first": change.days.first.isoformat() if change.days.first else None,
            "last": change.days.last.isoformat() if change.days.last else None,
        },
        "only_necessary": change.only_necessary,
        "only_unmarked": change.only_unmarked,
        "always": change.always,
        "words": [both(text) for text in _change_words(change, old, new, definitions)],
        "example": {
            "question": _question_json(change.example.request, change.example.facts),
            "words": [both(text) for text in _example_words(change.example, definitions)],
        },
    }


def _question_json(request: DisclosureRequest, facts: Facts) -> JSONValue:
    return {
        "from": {"role": request.sender.role.value, "capacity": request.sender.capacity},
        "to": {"role": request.recipient.role.value, "capacity": request.recipient.capacity},
        "purpose": request.purpose,
        "type": request.message_type,
        "label": f"{request.profile}/{request.element}",
        "category": request.category.value,
        "necessary": request.necessary,
        "spoed": request.spoed,
        "subjects": [{"role": one.role.value, "age": one.age.value} for one in request.subjects],
        "facts": {
            "asked": _names(facts.question.categories) if facts.question else None,
            "released_then": _names(facts.corrected.categories) if facts.corrected else None,
            "consents": sum(len(person.consents) for person in facts.people),
            "measures": sum(len(person.measures) for person in facts.people),
        },
    }


def _names(categories: frozenset[Category]) -> list[JSONValue]:
    return [category.value for category in Category if category in categories]
