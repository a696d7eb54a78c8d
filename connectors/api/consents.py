"""Consents by the API: giving by a FHIR R4 Consent, confirming, withdrawing, showing.

Whom a search is about stands in a body and never in a URL, which others keep in their logs.
"""

from collections.abc import Sequence
from typing import Final

from connectors.agent.consents import (
    check_consent,
    check_role,
    confirmation_of,
    consents_of_file,
    consents_to_json,
    named_consent,
    own_consents,
    own_consents_page,
    unsigned_consent,
    withdrawal_of,
)
from connectors.agent.lookup import find_consents
from connectors.agent.recording import CONSENT, Unsigned
from connectors.api.bodies import finish, read_members, read_person
from connectors.api.calls import Answer, Api, Call
from connectors.api.problems import RequestError
from connectors.api.records import record_once
from schemas.claims import DIGEST
from schemas.errors import DocumentError
from schemas.identifiers import MessageId

UNKNOWN: Final = "sender.consent.unknown"


async def give(call: Call, api: Api) -> Answer:
    """Record what a FHIR Consent says."""
    services = api.services

    async def make() -> Sequence[Unsigned]:
        check_role(services)
        await services.directory.refresh(services.hub, at=services.clock.now())
        return [unsigned_consent(each) for each in await consents_of_file(services, call.body)]

    return await record_once(call, api, kind=CONSENT, make=make)


async def confirm(call: Call, api: Api) -> Answer:
    """Confirm what another organisation recorded, with a form or note of our own."""
    services = api.services
    reader = read_members(call.body, members={"person", "form"})
    form, person = reader.text("form", DIGEST), read_person(reader)
    finish(reader)
    assert person is not None, "without whom it is about there was a finding"
    record = _record(call)

    async def make() -> Sequence[Unsigned]:
        check_role(services)
        await services.directory.refresh(services.hub, at=services.clock.now())
        named = await named_consent(services, person, record)
        made = confirmation_of(services, person.tag(services), named, form=form)
        check_consent(services, made, known=(named,))
        return [unsigned_consent(made)]

    return await record_once(call, api, kind=CONSENT, make=make)


async def withdraw(call: Call, api: Api) -> Answer:
    """Record that somebody takes a consent back."""
    services = api.services
    reader = read_members(call.body, members={"form"})
    form = reader.text("form", DIGEST)
    finish(reader)
    record = _record(call)

    async def make() -> Sequence[Unsigned]:
        made = withdrawal_of(services, record, form=form)
        check_consent(services, made, known=own_consents(services))
        return [unsigned_consent(made)]

    return await record_once(call, api, kind=CONSENT, make=make)


async def search(call: Call, api: Api) -> Answer:
    """Show what is recorded about a person, at the hub; the hub logs the search."""
    services = api.services
    reader = read_members(call.body, members={"person"})
    person = read_person(reader)
    finish(reader)
    assert person is not None, "without whom it is about there was a finding"
    known = person.pseudonyms(services)
    found = (await find_consents(services, (known,)))[known.newest]
    return Answer(value={"records": [*consents_to_json(services, found)]})


async def list_own(call: Call, api: Api) -> Answer:
    """Show what this organisation recorded, in the order in which it did."""
    found, last = own_consents_page(api.services, after=call.after)
    return Answer(value={"records": [*found], "next": last})


def _record(call: Call) -> MessageId:
    try:
        return MessageId(call.places["record"])
    except DocumentError as error:
        raise RequestError(
            "there is no record with this id", "er is geen vastlegging met dit nummer", code=UNKNOWN
        ) from error
