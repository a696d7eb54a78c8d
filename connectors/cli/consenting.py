"""`consent give|withdraw|show`: what people allowed, recorded without their names."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from connectors.agent.journal import from_milliseconds
from connectors.agent.lookup import find_consents
from connectors.agent.recording import CONSENT, new_record_id
from connectors.agent.services import Services
from connectors.cli.common import CommandError, read_file
from connectors.cli.opening import opened
from connectors.cli.persons import Person, read_person
from connectors.cli.recording import (
    convert,
    form_digest,
    print_json,
    record,
    refuse_if_any,
    seconds,
    today,
)
from connectors.formats.fhir import read_consent
from connectors.sdk.consenting import why_it_never_counts
from consent.consents import check_record
from schemas.claims import read_date
from schemas.codes import CHAIN_KEY_ROLES, Capacity, Category, Role, SubjectRole, TokenType
from schemas.consents import (
    Answer,
    ConsentRecipient,
    ConsentRecord,
    ConsentStatus,
    GivenAnswer,
    Giver,
    WithoutParents,
    consent_to_payload,
    parse_consent,
)
from schemas.document import JSONValue
from schemas.identifiers import BSN, BSN_SYSTEM, OIN, MessageId, SubjectTag
from schemas.jws import parse_jws

PURPOSE: Final = "VRIJW"
_NEVER: Final = "this consent would never count"
_STATUS_NL: Final = {ConsentStatus.GIVEN: "gegeven", ConsentStatus.WITHDRAWN: "ingetrokken"}


async def give(options: argparse.Namespace) -> int:
    """Record what somebody consents to, or confirm or refine what is recorded."""
    async with opened(options.home) as services:
        _check_role(services)
        await services.directory.refresh(services.hub, at=services.clock.now())
        if options.file is not None:
            return await _give_file(services, options)
        person = read_person(options.person)
        tag = person.tag(services)
        if options.confirms is not None:
            base = await _named(services, tag, _id(options.confirms))
            made = replace(
                base, issuer=services.settings.oin, tag=tag, confirms=base.id, replaces=None, form=_form_of(options)
            )
            known: Sequence[ConsentRecord] = (base,)
        elif options.replaces is not None:
            base = _own(services, _id(options.replaces))
            made = replace(base, tag=tag, replaces=base.id, confirms=None, form=_form_of(options))
            known = _all_own(services)
        else:
            made, known = _new(services, options, person, tag), ()
        if known:
            made = _narrowed(made, options)
        made = replace(made, id=new_record_id(services), issued_at=seconds(services))
        return await _record(services, made, known=known, as_json=options.json)


async def withdraw(options: argparse.Namespace) -> int:
    """Record that somebody takes a consent back."""
    async with opened(options.home) as services:
        base = _own(services, _id(options.id))
        made = replace(
            base,
            id=new_record_id(services),
            issued_at=seconds(services),
            status=ConsentStatus.WITHDRAWN,
            form=form_digest(options.form),
            replaces=base.id,
            confirms=None,
        )
        return await _record(services, made, known=_all_own(services), as_json=options.json)


async def show(options: argparse.Namespace) -> int:
    """Show what is recorded about a person, at the hub; or what this organisation recorded."""
    async with opened(options.home) as services:
        if options.all:
            found = _all_own(services)
        else:
            tag = read_person(options.person).tag(services)
            found = (await find_consents(services, (tag,)))[tag]
        lines = [_to_json(services, each, found) for each in found]
    if options.json:
        print_json({"records": [*lines]})
        return 0
    if not lines:
        print("Er is geen toestemming vastgelegd. No consent is recorded.")
    for line in lines:
        _print(line)
    return 0


async def _record(services: Services, made: ConsentRecord, *, known: Sequence[ConsentRecord], as_json: bool) -> int:
    _check(services, made, known=known)
    return await _post(services, made, as_json=as_json)


def _check(services: Services, made: ConsentRecord, *, known: Sequence[ConsentRecord]) -> None:
    """Refuse what has not its form, what the hub would not take, and what could never count; all findings are told."""
    parse_consent(consent_to_payload(made))
    refuse_if_any(check_record(made, known=known), text=_NEVER, code="sender.consent.refused")
    issues = why_it_never_counts(
        made, catalogue=services.policy.catalogue, directory=services.directory.directory, day=today(services)
    )
    refuse_if_any(issues, text=_NEVER, code="sender.consent.refused")


async def _post(services: Services, made: ConsentRecord, *, as_json: bool) -> int:
    payload, more = consent_to_payload(made), {"form": made.form}
    return await record(services, payload, kind=CONSENT, record_id=made.id, as_json=as_json, more=more)


async def _give_file(services: Services, options: argparse.Namespace) -> int:
    """Record what a FHIR Consent says; it can take several records, of which all can count or none is signed."""
    checked: list[ConsentRecord] = []
    for draft in read_consent(read_file(options.file)):
        if draft.organisation not in (None, services.settings.oin):
            raise CommandError(
                "dit bestand zegt dat een andere organisatie het vastlegde; gebruik `--confirms`",
                "this file says that another organisation recorded it; use `--confirms`",
            )
        system, value = draft.person
        if system != BSN_SYSTEM:
            raise CommandError(
                "wie geen BSN heeft, staat in een zaak onder een pseudoniem; geef dat met `--person`, zonder `--file`",
                "somebody without a BSN stands in a case by a pseudonym; give it by `--person`, without `--file`",
            )
        tag = Person(bsn=BSN(value)).tag(services)
        refused = any(each.answer is Answer.NO for each in draft.givers)
        made = draft.record(
            issuer=services.settings.oin,
            id=new_record_id(services),
            # What is refused counts against what is older: it is said a moment later than what is allowed.
            issued_at=seconds(services) + refused,
            hub=services.settings.hub.name,
            tag=tag,
        )
        named = (each for each in (made.replaces, made.confirms) if each is not None)
        _check(services, made, known=[await _named(services, tag, each) for each in named])
        checked.append(made)
    return max([await _post(services, made, as_json=options.json) for made in checked])


def _new(services: Services, options: argparse.Namespace, person: Person, tag: SubjectTag) -> ConsentRecord:
    missing = [
        name
        for name, value in (
            ("--giver", options.giver),
            ("--category", options.category),
            ("--recipient", options.recipient),
            ("--until", options.valid_until),
            ("--form", options.form),
            ("--holders", options.holders is not None),
        )
        if not value
    ]
    if missing:
        raise CommandError(f"geef ook op: {', '.join(missing)}", f"give also: {', '.join(missing)}")
    valid_from = _day(options.valid_from) if options.valid_from else today(services)
    return ConsentRecord(
        issuer=services.settings.oin,
        id=new_record_id(services),
        issued_at=seconds(services),
        hub=services.settings.hub.name,
        tag=tag,
        case=None,
        age=person.band(min(valid_from, today(services))),
        role=SubjectRole(options.role or SubjectRole.JEUGDIGE),
        incapable=options.incapable,
        holders=options.holders,
        givers=_givers(options.giver),
        without_parents=WithoutParents(options.without_parents) if options.without_parents else None,
        categories=frozenset(map(Category, options.category)),
        purposes=frozenset(options.purpose or [PURPOSE]),
        recipients=frozenset(map(_recipient, options.recipient)),
        valid_from=valid_from,
        valid_until=_day(options.valid_until),
        status=ConsentStatus.GIVEN,
        form=_form_of(options),
    )


def _narrowed(made: ConsentRecord, options: argparse.Namespace) -> ConsentRecord:
    """Let what is named stand in the place of what was recorded before."""
    return replace(
        made,
        givers=_givers(options.giver) if options.giver else made.givers,
        holders=made.holders if options.holders is None else options.holders,
        categories=frozenset(map(Category, options.category)) if options.category else made.categories,
        purposes=frozenset(options.purpose) if options.purpose else made.purposes,
        recipients=frozenset(map(_recipient, options.recipient)) if options.recipient else made.recipients,
        valid_from=_day(options.valid_from) if options.valid_from else made.valid_from,
        valid_until=_day(options.valid_until) if options.valid_until else made.valid_until,
    )


def _check_role(services: Services) -> None:
    if services.settings.role not in CHAIN_KEY_ROLES:
        raise CommandError(
            "een organisatie in deze rol legt geen toestemming vast",
            "an organisation in this role records no consent",
        )


def _form_of(options: argparse.Namespace) -> str:
    if options.form is None:
        raise CommandError(
            "geef met `--form` het formulier of de notitie waarop dit rust",
            "name by `--form` the form or note that this rests on",
        )
    return form_digest(options.form)


def _givers(said: Sequence[str]) -> tuple[GivenAnswer, ...]:
    return tuple(
        convert(
            each,
            _giver,
            nl="antwoord: schrijf bijvoorbeeld `gezagsdrager=ja`, voor ieder apart",
            en="answer: write `gezagsdrager=ja`, one for each",
        )
        for each in said
    )


def _giver(text: str) -> GivenAnswer:
    who, _, answer = text.partition("=")
    return GivenAnswer(who=Giver(who), answer=Answer(answer))


def _recipient(text: str) -> ConsentRecipient:
    def read(said: str) -> ConsentRecipient:
        if said.isdecimal():
            return ConsentRecipient(oin=OIN(said))
        role, _, capacity = said.partition(":")
        return ConsentRecipient(role=Role(role), capacity=Capacity(capacity) if capacity else None)

    return convert(
        text,
        read,
        nl="ontvanger: een OIN, of een rol zoals `gemeente` of `gi:preventief`",
        en="recipient: an OIN, or a role such as `gemeente` or `gi:preventief`",
    )


def _day(text: str) -> date:
    return convert(text, read_date, nl="datum: schrijf JJJJ-MM-DD", en="date: write YYYY-MM-DD")


def _id(text: str) -> MessageId:
    return convert(text, MessageId, nl="nummer van een vastlegging", en="id of a record")


def _own(services: Services, record_id: MessageId) -> ConsentRecord:
    """Find what stands now of a record of ours: the one that is named, or what replaced it since.

    Raises:
        CommandError: This connector did not sign it.
    """
    found = {each.id: each for each in _all_own(services)}
    base = found.get(record_id)
    if base is None:
        raise CommandError(
            "deze vastlegging is niet van deze connector; trek de eigen bevestiging in, of vraag wie haar vastlegde",
            "this record is not of this connector; withdraw the own confirmation, or ask who recorded it",
        )
    while (later := next((each for each in found.values() if each.replaces == base.id), None)) is not None:
        base = later
    return base


def _all_own(services: Services) -> tuple[ConsentRecord, ...]:
    rows = services.journal.rows(
        "SELECT token FROM records WHERE kind = ? AND state <> 'refused' ORDER BY id", CONSENT.entry.value
    )
    return tuple(parse_consent(parse_jws(row["token"], typ=TokenType.CONSENT).payload) for row in rows)


async def _named(services: Services, tag: SubjectTag, record_id: MessageId) -> ConsentRecord:
    """Find a record about a person at the hub.

    Raises:
        CommandError: There is none with this id about this person.
    """
    for each in (await find_consents(services, (tag,)))[tag]:
        if each.id == record_id:
            return each
    raise CommandError(
        "over deze persoon is niets met dit nummer vastgelegd", "nothing with this id is recorded about this person"
    )


def _to_json(services: Services, each: ConsentRecord, found: Sequence[ConsentRecord]) -> dict[str, JSONValue]:
    issuer = services.directory.directory.participant(each.issuer)
    return {
        "id": each.id.value,
        "issuer": each.issuer.value,
        "issuer_name": issuer.name if issuer else None,
        "recorded_at": from_milliseconds(each.issued_at * 1000).isoformat(),
        "status": each.status.value,
        "replaced": any(other.replaces == each.id for other in found),
        "expired": each.valid_until < today(services),
        "role": each.role.value,
        "age": each.age.value,
        "holders": each.holders,
        "givers": [f"{giver.who}={giver.answer}" for giver in each.givers],
        "without_parents": each.without_parents,
        "categories": [*sorted(each.categories)],
        "purposes": [*sorted(each.purposes)],
        "recipients": [*sorted(map(_recipient_text, each.recipients))],
        "from": each.valid_from.isoformat(),
        "until": each.valid_until.isoformat(),
        "form": each.form,
        "replaces": each.replaces.value if each.replaces else None,
        "confirms": each.confirms.value if each.confirms else None,
    }


def _recipient_text(recipient: ConsentRecipient) -> str:
    if recipient.oin is not None:
        return recipient.oin.value
    return f"{recipient.role}:{recipient.capacity}" if recipient.capacity else str(recipient.role)


def _print(line: dict[str, JSONValue]) -> None:
    status = _STATUS_NL[ConsentStatus(str(line["status"]))]
    notes = [text for text, holds in (("vervangen", line["replaced"]), ("verlopen", line["expired"])) if holds]
    print(f"{line['id']}  {', '.join([status, *notes])}  ({line['issuer_name'] or line['issuer']})")
    for name_nl, name in (
        ("wie", "givers"),
        ("gegevens", "categories"),
        ("grondslag", "purposes"),
        ("aan", "recipients"),
    ):
        value = line[name]
        print(f"    {name_nl} / {name}: {', '.join(map(str, value)) if isinstance(value, list) else value}")
    print(f"    van / from {line['from']}  tot en met / until {line['until']}  formulier / form {line['form']}")
