"""The commands that answer a question: `explain` (why) and `try` (what if)."""

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass

from consent.cli.exits import ExitCode
from consent.cli.question import Asked, add_question, asked
from consent.cli.reading import UnreadableError, read_catalogue
from consent.cli.reports import add_catalogue, both, print_both
from consent.decide import decide
from consent.decision import Decision, Permit
from consent.explain import explain, explain_ground
from consent.grounds import Carries, Catalogue, Ground, Text
from consent.request import DisclosureRequest, civil_day
from consent.space import Label
from consent.telling import TIES, category_words, listed, party_words, side_words, status_words, type_words
from consent.telling_facts import facts_words
from schemas.codes import Category
from schemas.definitions import Definitions, load_definitions
from schemas.document import JSONValue


def add_trying(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the commands of this module to the parser."""
    why = commands.add_parser(
        "explain",
        help="why something may or may not be disclosed, with the law",
        description="Explain a ground: who may give what to whom, on which law, and how sure we are of it. With "
        "--from, --to and --element: why this element may or may not go.",
    )
    why.add_argument("ground", metavar="GROUND", help="code of a ground, or name of one of its rows")
    add_catalogue(why)
    add_question(why, required=False)
    why.add_argument("--json", action="store_true", help="say the result as JSON")
    why.set_defaults(command=_explain)

    what = commands.add_parser(
        "try",
        help="what if: what may go from one to another",
        description="Try out what may go from one to another, in given circumstances: for each ground and message type "
        "the kinds of data that may go, and why the others may not.",
    )
    what.add_argument("--ground", metavar="CODE", help="one ground; else each of the catalogue")
    add_catalogue(what)
    add_question(what, required=True)
    what.add_argument("--json", action="store_true", help="say the result as JSON")
    what.set_defaults(command=_try)


# ---- explain ----


def _explain(options: argparse.Namespace) -> ExitCode:
    catalogue, definitions = read_catalogue(options.catalogue), load_definitions()
    rows = catalogue.rows(options.ground) or tuple(row for row in catalogue.grounds if row.name == options.ground)
    if not rows:
        raise UnreadableError(*_no_ground(options.ground, catalogue))
    if options.element is None:
        if options.sender is not None or options.recipient is not None:
            raise UnreadableError(
                "why something may go is asked of one element: add --element, or use `try`",
                "waarom iets mag, vraagt u van één onderdeel: zet er --element bij, of gebruik `try`",
            )
        _explain_rows(rows, catalogue, definitions, as_json=options.json)
        return ExitCode.OK
    if options.sender is None or options.recipient is None:
        raise UnreadableError(
            "why an element may go is asked with --from and --to",
            "waarom een onderdeel mag gaan, vraagt u met --from en --to",
        )
    question = asked(options, purposes=frozenset({rows[0].code}), definitions=definitions)
    message_type = options.message_type or next(iter(sorted(rows[0].message_types)), "")
    request = _request(question, rows[0].code, message_type, _label(options.element, definitions))
    decision = decide(request, catalogue=catalogue, facts=question.facts, at=question.at)
    told = explain(decision, request=request, catalogue=catalogue)
    known = _known(question)
    if options.json:
        result: JSONValue = {
            "result": "permit" if isinstance(decision, Permit) else "deny",
            "explanation": [both(Text(nl=nl, en=en)) for nl, en in zip(told.nl, told.en, strict=True)],
            "known": [both(text) for text in known],
        }
        print(json.dumps(result, ensure_ascii=False))
    else:
        print("\n".join((*told.nl, *(text.nl for text in known), "", *told.en, *(text.en for text in known))))
    return ExitCode.OK if isinstance(decision, Permit) else ExitCode.REFUSED


def _no_ground(word: str, catalogue: Catalogue) -> tuple[str, str]:
    codes = ", ".join(dict.fromkeys(row.code for row in catalogue.grounds))
    return (
        f"the catalogue has no ground `{word}`; it has: {codes}",
        f"de catalogus heeft geen grondslag `{word}`; wel: {codes}",
    )


def _explain_rows(rows: tuple[Ground, ...], catalogue: Catalogue, definitions: Definitions, *, as_json: bool) -> None:
    told = {row.name: (*explain_ground(row, catalogue=catalogue), *_row_words(row, definitions)) for row in rows}
    if as_json:
        print(json.dumps({name: [both(text) for text in texts] for name, texts in told.items()}, ensure_ascii=False))
        return
    for language in ("nl", "en"):
        for texts in told.values():
            print("\n".join(text.nl if language == "nl" else text.en for text in texts), end="\n\n")


def _row_words(row: Ground, definitions: Definitions) -> Iterator[Text]:
    """What `explain_ground` leaves to whoever reads the whole row: who, what and when."""
    sender, recipient = side_words(row.sender), side_words(row.recipient)
    yield Text(nl=f"Van: {sender.nl}. Aan: {recipient.nl}.", en=f"From: {sender.en}. To: {recipient.en}.")
    types = listed([type_words(name, definitions) for name in sorted(row.message_types)])
    if row.message_types:
        yield Text(nl=f"In het bericht: {types.nl}.", en=f"In the message: {types.en}.")
    for category in (category for category in Category if category in row.categories):
        words = category_words(category, definitions)
        only = f" ({', '.join(sorted(row.only[category]))})" if category in row.only else ""
        nl, en = (", alleen wat noodzakelijk is", ", only what is necessary") if category in row.necessary else ("", "")
        yield Text(nl=f"Mag: {words.nl}{only}{nl}.", en=f"May go: {words.en}{only}{en}.")
    for tie in row.ties:
        yield Text(nl=f"Alleen als: {TIES[tie].nl}.", en=f"Only if: {TIES[tie].en}.")


# ---- try ----


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outcome:
    """What came of one category in one message: by which rows which elements may go, and why the others may not."""

    category: Category
    rows: frozenset[str]
    permitted: tuple[Label, ...]
    denied: tuple[Label, ...]
    why: tuple[Text, ...]


def _try(options: argparse.Namespace) -> ExitCode:
    catalogue, definitions = read_catalogue(options.catalogue), load_definitions()
    codes = dict.fromkeys(row.code for row in catalogue.grounds if row.carries is Carries.ELEMENTS)
    if options.ground is not None and options.ground not in codes:
        raise UnreadableError(
            f"the catalogue has no ground `{options.ground}` that carries elements",
            f"de catalogus heeft geen grondslag `{options.ground}` waarop gegevens in berichten gaan",
        )
    question = asked(options, purposes=frozenset(codes), definitions=definitions)
    chosen = None if options.element is None else [_label(options.element, definitions)]
    tried = [
        (code, name, outcomes)
        for code in codes
        if options.ground in (None, code)
        for name in _types(catalogue.rows(code), options.message_type)
        if (outcomes := _outcomes(question, code, name, chosen or _labels(name, definitions), catalogue))
    ]
    # Where a ground is named, people want to know why not; else only what may go.
    shown = [each for each in tried if options.ground or any(outcome.permitted for outcome in each[2])]
    if options.json:
        print(json.dumps([_tried_json(*each, catalogue) for each in shown], ensure_ascii=False))
    else:
        _print_tried(question, shown, catalogue, definitions)
    return ExitCode.OK if any(outcome.permitted for each in shown for outcome in each[2]) else ExitCode.REFUSED


def _types(rows: tuple[Ground, ...], message_type: str | None) -> list[str]:
    named = sorted({name for row in rows for name in row.message_types})
    return named if message_type is None else [message_type]


def _outcomes(
    question: Asked, code: str, message_type: str, labels: list[Label], catalogue: Catalogue
) -> list[_Outcome]:
    answers: list[tuple[Label, Decision]] = []
    for label in labels:
        request = _request(question, code, message_type, label)
        answers.append((label, decide(request, catalogue=catalogue, facts=question.facts, at=question.at)))
    return [
        _outcome(category, [each for each in answers if each[0].category is category])
        for category in Category
        if any(label.category is category for label in labels)
    ]


def _labels(message_type: str, definitions: Definitions) -> list[Label]:
    """Every label that a message of this type can have."""
    known = definitions.message_types.get(message_type)
    return [
        Label(profile=profile, element=element, category=definitions.profile(profile).elements[element].category)
        for profile, rule in (known.content.items() if known else ())
        for element in rule.elements
    ]


def _outcome(category: Category, answers: list[tuple[Label, Decision]]) -> _Outcome:
    reasons = [reason for _, decision in answers if not isinstance(decision, Permit) for reason in decision.reasons]
    return _Outcome(
        category=category,
        rows=frozenset(decision.row for _, decision in answers if isinstance(decision, Permit)),
        permitted=tuple(label for label, decision in answers if isinstance(decision, Permit)),
        denied=tuple(label for label, decision in answers if not isinstance(decision, Permit)),
        why=tuple(Text(nl=reason.nl, en=reason.en) for reason in dict.fromkeys(reasons)),
    )


def _print_tried(
    question: Asked,
    tried: list[tuple[str, str, list[_Outcome]]],
    catalogue: Catalogue,
    definitions: Definitions,
) -> None:
    sender, recipient, day = party_words(question.sender), party_words(question.recipient), civil_day(question.at)
    print_both(f"Van {sender.nl} aan {recipient.nl} op {day}.", f"From {sender.en} to {recipient.en} on {day}.")
    for text in _known(question):
        print_both(text.nl, text.en)
    if not tried:
        print_both("Op geen enkele grondslag mag er iets.", "On no ground anything may go.")
        print_both("Waarom niet, staat er met --ground CODE.", "Why not is told with --ground CODE.")
    for code, name, outcomes in tried:
        row = _row_of(code, outcomes, catalogue)
        title, status, message = row.title, status_words(row), type_words(name, definitions)
        print()
        print_both(
            f"{code}: {title.nl}, in `{message.nl}`{status.nl}", f"{code}: {title.en}, in `{message.en}`{status.en}"
        )
        for outcome in outcomes:
            words = category_words(outcome.category, definitions)
            nl, en, detail = "mag", "may go", ""
            if not outcome.permitted:
                nl, en = "mag niet", "may not go"
            elif outcome.denied:
                nl, en, detail = "mag deels", "may go in part", f" ({', '.join(map(str, outcome.permitted))})"
            print_both(f"{nl}: {words.nl}{detail}", f"{en}: {words.en}{detail}", indent=2)
            for text in outcome.why if outcome.denied else ():
                print_both(text.nl, text.en, indent=6)


def _row_of(code: str, outcomes: list[_Outcome], catalogue: Catalogue) -> Ground:
    """The row to tell of: one that permits, else one of the code; a proposal before one that was read."""
    permitting = [row for row in catalogue.rows(code) if any(row.name in outcome.rows for outcome in outcomes)]
    return max(permitting or catalogue.rows(code), key=lambda row: row.proposed)


def _tried_json(code: str, name: str, outcomes: list[_Outcome], catalogue: Catalogue) -> JSONValue:
    return {
        "ground": code,
        "type": name,
        "proposed": _row_of(code, outcomes, catalogue).proposed,
        "categories": [
            {
                "category": outcome.category.value,
                "permitted": [str(label) for label in outcome.permitted],
                "denied": [str(label) for label in outcome.denied],
                "why": [both(text) for text in outcome.why],
            }
            for outcome in outcomes
        ],
    }


# ---- what both need ----


def _known(question: Asked) -> list[Text]:
    day = civil_day(question.at)
    assert day is not None
    return facts_words(question.facts, day=day)


def _label(word: str, definitions: Definitions) -> Label:
    profile, _, element = word.partition("/")
    known = definitions.profiles.get(profile)
    if known is None or element not in known.elements:
        raise UnreadableError(
            f"there is no element `{word}`; write it as profile/element, such as jeugdige/name",
            f"er is geen onderdeel `{word}`; schrijf het als profiel/onderdeel, zoals jeugdige/name",
        )
    return Label(profile=profile, element=element, category=known.elements[element].category)


def _request(question: Asked, code: str, message_type: str, label: Label) -> DisclosureRequest:
    return DisclosureRequest(
        sender=question.sender,
        recipient=question.recipient,
        purpose=code,
        message_type=message_type,
        profile=label.profile,
        element=label.element,
        category=label.category,
        subjects=question.subjects,
        necessary=question.necessary,
        spoed=question.spoed,
    )
