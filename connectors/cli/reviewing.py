"""`reviews`: what somebody has to look at, and that it was looked at. For supervisors and for parties.

A supervisor sees everything of its hub and closes it; an organisation sees its own. Where an organisation vouched for
itself (an emergency, a self-declared or contradicted measure, a link) it answers, and the supervisor closes; what
others settled meanwhile it closes itself.

The list is the hub's word: what is not on it is not seen here. An answer beside an item is shown as one only if its
signature holds.

Source: the architecture, section 7 (`POST /v1/reviews`).
"""

import argparse
from typing import Final

from connectors.agent.recording import new_record_id, seconds
from connectors.agent.reports import mark_texts
from connectors.agent.services import Services
from connectors.cli.common import CommandError
from connectors.cli.connecting import connected
from connectors.cli.opening import opened
from connectors.cli.recording import convert, print_json
from connectors.sdk.answers import ReviewAnswerLine, ReviewLine
from connectors.sdk.client import HubClient
from connectors.sdk.records import prove_recorded
from connectors.sdk.transport import printable
from schemas.codes import EntryKind, Role, TokenType
from schemas.document import JSONValue
from schemas.errors import EvidenceError, RejectedMessageError
from schemas.identifiers import MessageId
from schemas.jws import parse_jws, sign_jws, verify_parsed_jws
from schemas.reviews import Finding, ReviewClaims, parse_review, review_to_payload

PAGES_MAX: Final = 50
_OF_RECORDS: Final = {
    "linked": (
        "Een organisatie zegt dat twee pseudoniemen van één persoon zijn.",
        "An organisation says that two pseudonyms are of one person.",
    ),
    "measure-contradicted": (
        "Over een kind zijn maatregelen gemeld die elkaar tegenspreken.",
        "Statements about the measures over a child contradict each other.",
    ),
}
_NO_SUPERVISOR: Final = (
    "Er doet bij deze hub geen toezichthouder mee: wat alleen een toezichthouder afhandelt, blijft open.\n"
    "No supervisor takes part in this hub: what only a supervisor closes stays open."
)
_FINDINGS_EN: Final = {
    Finding.JUSTIFIED: "justified",
    Finding.UNJUSTIFIED: "unjustified",
    Finding.SOLVED: "solved",
}


async def list_reviews(options: argparse.Namespace) -> int:
    """Print what is open: of a supervisor's whole hub, or of one's own organisation."""
    async with opened(options.home) as services, connected(services.settings, services.keys) as hub:
        found, more = await _open_items(hub)
        supervises, at = services.settings.role is Role.TOEZICHTHOUDER, services.clock.now()
        supervised = any(each.supervised for each in found)
        if supervised or any(each.answers for each in found):
            await services.directory.refresh(services.hub, at=at)
        directory = services.directory.directory
        lines: list[JSONValue] = [_line(each, services=services) for each in found]
        in_vain = supervised and not any(each.role is Role.TOEZICHTHOUDER and each.in_force(at) for each in directory)
    if options.json:
        print_json({"reviews": lines, "more": more, "no_supervisor": in_vain})
        return 0
    if not lines:
        print("Er is niets na te kijken. There is nothing to look at.")
        return 0
    print(f"Na te kijken / to be looked at: {len(lines)}{' of meer / or more' if more else ''}")
    if in_vain:
        print(_NO_SUPERVISOR)
    for line in lines:
        if isinstance(line, dict):
            _print_line(line, supervises=supervises)
    return 0


async def close_review(options: argparse.Namespace) -> int:
    """Say what came of an item; tells whether that closed it."""
    async with opened(options.home) as services, connected(services.settings, services.keys) as hub:
        nl, en = "nummer van een bericht of vastlegging", "id of a message or record"
        about = convert(options.id, MessageId, nl=nl, en=en)
        mark = options.mark or await _only_mark(hub, about)
        claims = ReviewClaims(
            issuer=services.settings.oin,
            id=new_record_id(services),
            issued_at=seconds(services),
            hub=services.settings.hub.name,
            about=about,
            mark=mark,
            finding=Finding(options.reason),
        )
        token = sign_jws(review_to_payload(claims), typ=TokenType.REVIEW, key=services.keys.signing)
        answer = await hub.close_review(token)
        prove_recorded(
            token,
            entry=answer.entry,
            tlog_proof=answer.tlog_proof,
            index=answer.index,
            kind=EntryKind.REVIEW,
            log=services.log,
        )
    if options.json:
        print_json({"about": about.value, "mark": mark, "closed": answer.closed, "log_index": answer.index})
    elif answer.closed:
        print(f"Afgehandeld (logregel {answer.index}).\nClosed (log index {answer.index}).")
    else:
        print(f"Uw antwoord staat erbij (logregel {answer.index}); een toezichthouder handelt het af.")
        print(f"Your answer stands beside it (log index {answer.index}); a supervisor closes it.")
    return 0


async def _open_items(hub: HubClient) -> tuple[list[ReviewLine], bool]:
    """Read what is open, and whether there may be more than was read."""
    found: list[ReviewLine] = []
    after = -1
    for _ in range(PAGES_MAX):
        page = await hub.reviews(after=after)
        found += page.reviews
        if not page.reviews or page.next <= after:
            return found, False
        after = page.next
    return found, True


async def _only_mark(hub: HubClient, about: MessageId) -> str:
    found, _ = await _open_items(hub)
    marks = [each.mark for each in found if each.about == about.value]
    if not marks:
        raise CommandError(
            f"over `{about.value}` staat niets open; zie `reviews`",
            f"nothing is open about `{about.value}`: see `reviews`",
        )
    if len(marks) > 1:
        names = ", ".join(printable(each) for each in marks)
        raise CommandError(f"noem met `--mark` wat u naliep: {names}", f"say by `--mark` what you looked at: {names}")
    return marks[0]


def _line(item: ReviewLine, *, services: Services) -> dict[str, JSONValue]:
    mark = printable(item.mark)
    nl, en = _OF_RECORDS.get(mark) or mark_texts(mark)
    answers: list[JSONValue] = [
        {"oin": printable(each.oin), "finding": printable(each.finding), "log_index": each.index}
        for each in item.answers
        if _is_signed(each, item, services=services)
    ]
    return {
        "about": printable(item.about),
        "mark": mark,
        "nl": nl,
        "en": en,
        "sender": printable(item.sender),
        "recipient": printable(item.recipient),
        "log_index": item.index,
        "supervised": item.supervised,
        "answers": answers,
    }


def _is_signed(answer: ReviewAnswerLine, item: ReviewLine, *, services: Services) -> bool:
    """Whether an answer is a party's own word about this item; else it is not shown as one."""
    try:
        parsed = parse_jws(answer.review, typ=TokenType.REVIEW)
        claims = parse_review(parsed.payload)
        participant = services.directory.directory.participant(claims.issuer)
        key = participant.signing_key(parsed.kid) if participant is not None else None
        if key is None:
            return False
        verify_parsed_jws(parsed, key=key)
    except (RejectedMessageError, EvidenceError):
        return False
    said = (claims.issuer.value, claims.about.value, claims.mark, claims.finding.value)
    return said == (answer.oin, item.about, item.mark, answer.finding)


def _print_line(line: dict[str, JSONValue], *, supervises: bool) -> None:
    print(f"\n  {line['about']}  {line['mark']}\n      {line['nl']}\n      {line['en']}")
    other = "" if line["sender"] == line["recipient"] else f" → {line['recipient']}"
    print(f"      OIN {line['sender']}{other}, logregel / log index {line['log_index']}")
    answers = line["answers"]
    for each in answers if isinstance(answers, list) else ():
        if isinstance(each, dict):
            finding = str(each["finding"])
            print(f"      antwoord van / answer of {each['oin']}: {finding} / {_FINDINGS_EN[Finding(finding)]}")
    if line["supervised"] and not supervises:
        print("      u kunt antwoorden; een toezichthouder handelt het af / you may answer; a supervisor closes it")
