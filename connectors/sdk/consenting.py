"""Why a consent that somebody is about to record would never count, said before it is signed.

    issues = why_it_never_counts(record, catalogue=catalogue, directory=directory, day=day)

A refusal is worth recording: it counts against every older consent to the same. A consent that lacks an answer of
somebody who has to consent, or that names what no ground lets go by consent, is not: it would look like a permission
and be none. The hub and each decision check again; what is fine here can still be refused there.

Nothing is read or sent here. Source: the domain page, section 5, "Who consents"; `consent.consents`.
"""

from collections.abc import Iterator
from datetime import date
from typing import Final

from consent.consents import Addressee, consent_facts, has_to_answer, is_complete, is_refused
from consent.grounds import Catalogue, Ground, Tie
from schemas.codes import AgeBand, Role
from schemas.consents import Answer, ConsentRecipient, ConsentRecord, ConsentStatus, Giver
from schemas.errors import Issue
from schemas.participants import Directory

_WHO_NL: Final = {
    Giver.SELF: "de persoon zelf",
    Giver.PARENT: "iedere gezagsdrager",
    Giver.GUARDIAN: "of anders de voogd",
    Giver.REPRESENTATIVE: "de vertegenwoordiger",
}
_WHO_EN: Final = {
    Giver.SELF: "the person",
    Giver.PARENT: "everybody who holds authority",
    Giver.GUARDIAN: "or else the guardian",
    Giver.REPRESENTATIVE: "the representative",
}


def why_it_never_counts(
    record: ConsentRecord, *, catalogue: Catalogue, directory: Directory, day: date
) -> tuple[Issue, ...]:
    """Say what keeps a consent from ever letting anything go.

    Args:
        record: What would be signed.
        catalogue: The grounds.
        directory: Who takes part.
        day: Today in the Netherlands.

    Returns:
        Every finding, with a JSON Pointer into the record; empty for a withdrawal, which always counts.
    """
    if record.status is ConsentStatus.WITHDRAWN:
        return ()
    rows = [row for purpose in record.purposes for row in catalogue.rows(purpose) if Tie.CONSENT in row.ties]
    return (*_givers(record), *_scope(record, rows), *_recipients(record, rows, directory), *_days(record, day))


def _givers(record: ConsentRecord) -> Iterator[Issue]:
    if record.age is AgeBand.UNKNOWN:
        yield _issue(
            "/age",
            "age",
            "how old the person is must be known: by it follows who has to consent",
            "de leeftijd moet bekend zijn: daaruit volgt wie moet toestemmen",
        )
        return
    nobody = Addressee(oin=record.issuer, role=Role.GEMEENTE, capacity=None)  # as good as any: asked is who answered
    (fact,) = consent_facts((record,), sender=record.issuer, recipient=nobody)
    if is_refused(fact, record.age) or is_complete(fact, record.age):
        return
    who = [each for each in Giver if each in has_to_answer(fact, record.age)]
    given = sum(each.answer is Answer.YES for each in record.givers)
    yield _issue(
        "/givers",
        "givers",
        f"at {record.age} must consent: {', '.join(_WHO_EN[each] for each in who)}; holders of authority:"
        f" {record.holders}, yes was said {given} time(s)",
        f"bij leeftijd {record.age} moeten toestemmen: {', '.join(_WHO_NL[each] for each in who)}; gezagsdragers:"
        f" {record.holders}, ja gezegd: {given} keer",
    )


def _scope(record: ConsentRecord, rows: list[Ground]) -> Iterator[Issue]:
    for purpose in sorted(record.purposes - {row.code for row in rows}):
        yield _issue(
            "/purposes",
            "purpose",
            f"nothing goes by consent on the ground `{purpose}`",
            f"op grond van `{purpose}` gaat niets op toestemming",
        )
    possible = frozenset(category for row in rows for category in row.categories)
    for category in sorted(record.categories - possible) if rows else ():
        yield _issue(
            "/categories",
            "category",
            f"`{category}` never goes on these grounds, also with consent",
            f"`{category}` gaat op deze grondslag nooit, ook niet met toestemming",
        )


def _recipients(record: ConsentRecord, rows: list[Ground], directory: Directory) -> Iterator[Issue]:
    for each in sorted(record.recipients, key=str):
        known = directory.participant(each.oin) if each.oin is not None else None
        if each.oin is not None and known is None:
            yield _issue(
                "/recipients",
                "recipient",
                f"OIN {each.oin.value} takes no part in the exchange",
                f"OIN {each.oin.value} doet niet mee aan de uitwisseling",
            )
            continue
        role = known.role if known is not None else each.role
        if rows and not any(role in row.recipient.roles and _may_act(each, row) for row in rows):
            yield _issue(
                "/recipients",
                "recipient",
                "this recipient receives nothing on these grounds",
                "deze ontvanger krijgt op deze grondslag niets",
            )


def _may_act(recipient: ConsentRecipient, row: Ground) -> bool:
    return recipient.capacity is None or recipient.capacity in row.recipient.capacities


def _days(record: ConsentRecord, day: date) -> Iterator[Issue]:
    if record.valid_until < day:
        yield _issue("/until", "past", "its last day has passed", "de laatste dag is al voorbij")


def _issue(pointer: str, code: str, text: str, text_nl: str) -> Issue:
    return Issue(pointer=pointer, code=f"sender.consent.{code}", text=text, text_nl=text_nl)
