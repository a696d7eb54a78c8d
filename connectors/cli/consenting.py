"""`consent give|withdraw|show`: what people allowed, recorded without their names."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Final

from connectors.agent.consents import (
    check_consent,
    check_new_consent,
    check_role,
    confirmation_of,
    consents_of_file,
    consents_to_json,
    named_consent,
    own_consent,
    own_consents,
    unsigned_consent,
    withdrawal_of,
)
from connectors.agent.lookup import find_consents
from connectors.agent.persons import Person
from connectors.agent.recording import CONSENT, new_record_id, seconds, today
from connectors.agent.services import Services
from connectors.cli.common import CommandError, read_file
from connectors.cli.opening import opened
from connectors.cli.persons import read_person
from connectors.cli.recording import convert, form_digest, print_json, record_all
from schemas.claims import read_date
from schemas.codes import Capacity, Category, Role, SubjectRole
from schemas.consents import (
    Answer,
    ConsentRecipient,
    ConsentRecord,
    ConsentStatus,
    GivenAnswer,
    Giver,
    WithoutParents,
)
from schemas.document import JSONValue
from schemas.identifiers import OIN, MessageId, SubjectTag

PURPOSE: Final = "VRIJW"
_STATUS_NL: Final = {ConsentStatus.GIVEN: "gegeven", ConsentStatus.WITHDRAWN: "ingetrokken"}


async def give(options: argparse.Namespace) -> int:
    """Record what somebody consents to, or confirm or refine what is recorded."""
    async with opened(options.home) as services:
        check_role(services)
        await services.directory.refresh(services.hub, at=services.clock.now())
        if options.file is not None:
            made = await consents_of_file(services, read_file(options.file))
            return await _post(services, made, as_json=options.json)
        person = read_person(options.person)
        tag = person.tag(services)
        if options.confirms is not None:
            named = await named_consent(services, person, _id(options.confirms))
            one = confirmation_of(services, tag, named, form=_form_of(options))
            known: Sequence[ConsentRecord] = (named,)
        elif options.replaces is not None:
            own = own_consent(services, _id(options.replaces))
            one = replace(own, tag=tag, replaces=own.id, confirms=None, form=_form_of(options))
            one = replace(one, id=new_record_id(services), issued_at=seconds(services))
            known = own_consents(services)
        else:
            one, known = _new(services, options, person, tag), ()
            await check_new_consent(services, person, one)
        if known:
            one = _narrowed(one, options)
        check_consent(services, one, known=known)
        return await _post(services, (one,), as_json=options.json)


async def withdraw(options: argparse.Namespace) -> int:
    """Record that somebody takes a consent back."""
    async with opened(options.home) as services:
        made = withdrawal_of(services, _id(options.id), form=form_digest(options.form))
        check_consent(services, made, known=own_consents(services))
        return await _post(services, (made,), as_json=options.json)


async def show(options: argparse.Namespace) -> int:
    """Show what is recorded about a person, at the hub; or what this organisation recorded."""
    async with opened(options.home) as services:
        if options.all:
            found = own_consents(services)
        else:
            known = read_person(options.person).pseudonyms(services)
            found = (await find_consents(services, (known,)))[known.newest]
        lines = consents_to_json(services, found)
    if options.json:
        print_json({"records": [*lines]})
        return 0
    if not lines:
        print("Er is geen toestemming vastgelegd. No consent is recorded.")
    for line in lines:
        _print(line)
    return 0


async def _post(services: Services, made: Sequence[ConsentRecord], *, as_json: bool) -> int:
    records = [(unsigned_consent(each), {"form": each.form}) for each in made]
    return await record_all(services, records, kind=CONSENT, as_json=as_json)


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
