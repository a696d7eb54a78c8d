"""Consents of this organisation: what may be recorded, confirmed, withdrawn and shown, for people and for systems.

Each function makes a record that can count, or refuses with every finding; nothing is signed here
(`connectors.agent.recording`). What a person allows is recorded without a name: the form stays in the organisation's
own file, and its digest travels.

Source: the architecture, section 5; the domain page, section 5, "Who consents".
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from connectors.agent.joining import join, join_former
from connectors.agent.journal import Journal, from_milliseconds
from connectors.agent.lookup import hold_consents
from connectors.agent.persons import Person
from connectors.agent.recording import CONSENT, Unsigned, new_record_id, own_payloads, refuse_if_any, seconds, today
from connectors.agent.refusals import refused
from connectors.agent.services import Services
from connectors.formats.fhir import read_consent
from connectors.sdk.consenting import why_it_never_counts
from consent.consents import check_record
from schemas.codes import CHAIN_KEY_ROLES, TokenType
from schemas.consents import (
    Answer,
    ConsentRecipient,
    ConsentRecord,
    ConsentStatus,
    consent_to_payload,
    parse_consent,
)
from schemas.document import JSONValue
from schemas.identifiers import BSN, BSN_SYSTEM, MessageId, SubjectTag
from schemas.jws import parse_jws

REFUSED: Final = "sender.consent.refused"
UNKNOWN: Final = "sender.consent.unknown"
PAGE_MAX: Final = 100
_NEVER: Final = "this consent would never count"


def check_role(services: Services) -> None:
    """Refuse an organisation whose role records no consents.

    Raises:
        DocumentError: It does not.
    """
    if services.settings.role not in CHAIN_KEY_ROLES:
        raise refused(
            "an organisation in this role records no consent",
            "een organisatie in deze rol legt geen toestemming vast",
            code="sender.consent.role",
        )


def check_consent(services: Services, made: ConsentRecord, *, known: Sequence[ConsentRecord]) -> None:
    """Refuse what has not its form, what the hub would not take, and what could never count; all findings are told.

    Raises:
        DocumentError: There is such a finding.
    """
    parse_consent(consent_to_payload(made))
    refuse_if_any(check_record(made, known=known), text=_NEVER, code=REFUSED)
    issues = why_it_never_counts(
        made, catalogue=services.policy.catalogue, directory=services.directory.directory, day=today(services)
    )
    refuse_if_any(issues, text=_NEVER, code=REFUSED)


async def check_new_consent(services: Services, person: Person, made: ConsentRecord) -> None:
    """Look what former chain keys know of a person to whose records a new one is added.

    What we recorded under a former one is joined with the newest, so that the hub goes on to hold a no or a withdrawal
    against it. A form that we recorded there is not recorded again: its answers would look newer than they are, and win
    from a no that came after them.

    Raises:
        DocumentError: It is such a form.
        EvidenceError: What the hub shows does not hold.
        UnavailableError: The hub was not reached.
    """
    known = person.pseudonyms(services)
    if not known.former:
        return
    held = await hold_consents(services, (known,))
    await join_former(services, held)
    yes = made.status is ConsentStatus.GIVEN and any(each.answer is Answer.YES for each in made.givers)
    before = (each for each in held.about[known.newest] if each.tag != known.newest and each.form == made.form)
    if yes and any(each.issuer == services.settings.oin for each in before):
        raise refused(
            "this form was recorded in a former epoch of the chain key; sign that again by `consent renew`",
            "dit formulier is in een vorig tijdvak van de ketensleutel vastgelegd; doe `consent renew`",
            code="sender.consent.renew",
            pointer="/form",
        )


def unsigned_consent(made: ConsentRecord) -> Unsigned:
    """Return a record as what is to be signed."""
    return Unsigned(id=made.id, payload=consent_to_payload(made))


async def consents_of_file(services: Services, data: bytes) -> tuple[ConsentRecord, ...]:
    """Make the records that a FHIR R4 Consent says; it can take several, of which all can count or none is returned.

    Args:
        services: The directory in it must be fresh.
        data: The Consent, in JSON.

    Raises:
        DocumentError: It is none, is not ours to record, or could never count; every finding is listed.
        EvidenceError: What the hub shows of the records that it names does not hold.
        UnavailableError: The hub was not reached for them, or there is no chain key.
    """
    checked: list[ConsentRecord] = []
    for draft in read_consent(data):
        if draft.organisation not in (None, services.settings.oin):
            raise refused(
                "this Consent says that another organisation recorded it; confirm that record instead",
                "deze Consent zegt dat een andere organisatie haar vastlegde; bevestig die vastlegging",
                code="sender.consent.of-another",
                pointer="/organization",
            )
        system, value = draft.person
        if system != BSN_SYSTEM:
            raise refused(
                "somebody without a BSN stands in a case by a pseudonym; this goes by the command, with `--person`",
                "wie geen BSN heeft, staat in een zaak onder een pseudoniem; dit gaat met de opdracht, met `--person`",
                code="sender.consent.without-number",
                pointer="/patient",
            )
        person = Person(bsn=BSN(value))
        denied = any(each.answer is Answer.NO for each in draft.givers)
        made = draft.record(
            issuer=services.settings.oin,
            id=new_record_id(services),
            # What is refused counts against what is older: it is said a moment later than what is allowed.
            issued_at=seconds(services) + denied,
            hub=services.settings.hub.name,
            tag=person.tag(services),
        )
        named = [each for each in (made.replaces, made.confirms) if each is not None]
        check_consent(services, made, known=[await named_consent(services, person, each) for each in named])
        if not named:
            await check_new_consent(services, person, made)
        checked.append(made)
    return tuple(checked)


def confirmation_of(services: Services, tag: SubjectTag, named: ConsentRecord, *, form: str) -> ConsentRecord:
    """Make the record by which we confirm what another organisation recorded about a person.

    Args:
        services: For who we are, and when.
        tag: The person, of the newest epoch.
        named: What is confirmed.
        form: SHA-256 of the form or note that our record rests on.
    """
    return replace(
        named,
        issuer=services.settings.oin,
        id=new_record_id(services),
        issued_at=seconds(services),
        tag=tag,
        confirms=named.id,
        replaces=None,
        form=form,
    )


def withdrawal_of(services: Services, record_id: MessageId, *, form: str) -> ConsentRecord:
    """Make the record by which a consent that we recorded or confirmed is taken back.

    Raises:
        DocumentError: This connector did not record it.
    """
    base = own_consent(services, record_id)
    return replace(
        base,
        id=new_record_id(services),
        issued_at=seconds(services),
        status=ConsentStatus.WITHDRAWN,
        form=form,
        replaces=base.id,
        confirms=None,
    )


def own_consent(services: Services, record_id: MessageId) -> ConsentRecord:
    """Find what stands now of a record of ours: the one that is named, or what replaced it since.

    Raises:
        DocumentError: This connector did not sign it.
    """
    found = {each.id: each for each in own_consents(services)}
    base = found.get(record_id)
    if base is None:
        raise refused(
            "this record is not of this connector; withdraw the own confirmation, or ask who recorded it",
            "deze vastlegging is niet van deze connector; trek de eigen bevestiging in, of vraag wie haar vastlegde",
            code=UNKNOWN,
        )
    while (later := next((each for each in found.values() if each.replaces == base.id), None)) is not None:
        base = later
    return base


def own_consents(services: Services) -> tuple[ConsentRecord, ...]:
    """List every consent record that this connector signed and the hub did not refuse."""
    return tuple(map(parse_consent, own_payloads(services.journal, CONSENT)))


def own_consents_page(services: Services, *, after: int) -> tuple[list[dict[str, JSONValue]], int]:
    """List the consent records that this connector signed, in their order, at most `PAGE_MAX`.

    Args:
        services: For the journal.
        after: The number of a record beyond which to begin; what the hub refused has a number too, and is left out.

    Returns:
        The records for a machine, and the number of the last one.
    """
    rows = services.journal.rows(
        "SELECT * FROM (SELECT row_number() OVER (ORDER BY id) - 1 AS number, token, state FROM records"
        " WHERE kind = ?) WHERE state <> 'refused' AND number > ? ORDER BY number LIMIT ?",
        CONSENT.entry.value,
        after,
        PAGE_MAX,
    )
    replaced = replaced_by_ours(services.journal) if rows else frozenset()
    page = [parse_consent(parse_jws(row["token"], typ=TokenType.CONSENT).payload) for row in rows]
    shown = [_to_json(services, each, replaced=each.id in replaced) for each in page]
    return shown, rows[-1]["number"] if rows else after


def replaced_by_ours(journal: Journal) -> frozenset[MessageId]:
    """Return the consent records that a later one of ours replaces; of each no more is read than that."""
    # What we signed is canonical: most replace nothing, and say so in these bytes.
    naming = (each for each in own_payloads(journal, CONSENT) if b'"replaces":null' not in each)
    return frozenset(MessageId(json.loads(each)["replaces"]) for each in naming)


async def named_consent(services: Services, person: Person, record_id: MessageId) -> ConsentRecord:
    """Find a record about a person at the hub, to confirm or replace it under the newest pseudonym.

    Raises:
        DocumentError: There is none with this id about this person; or it stands under a former pseudonym that we may
            not join with the newest.
    """
    known = person.pseudonyms(services)
    held = await hold_consents(services, (known,))
    for each in held.about[known.newest]:
        if each.id == record_id:
            if each.tag in held.apart[known.newest]:
                await join(services, former=each.tag, newest=known.newest)
            return each
    raise refused(
        "nothing with this id is recorded about this person",
        "over deze persoon is niets met dit nummer vastgelegd",
        code=UNKNOWN,
    )


def consents_to_json(services: Services, found: Sequence[ConsentRecord]) -> list[dict[str, JSONValue]]:
    """Write records for a machine, each with whether another of them replaced it."""
    replaced = {each.replaces for each in found}
    return [_to_json(services, each, replaced=each.id in replaced) for each in found]


def _to_json(services: Services, each: ConsentRecord, *, replaced: bool) -> dict[str, JSONValue]:
    issuer = services.directory.directory.participant(each.issuer)
    return {
        "id": each.id.value,
        "issuer": each.issuer.value,
        "issuer_name": issuer.name if issuer else None,
        "recorded_at": from_milliseconds(each.issued_at * 1000).isoformat(),
        "status": each.status.value,
        "replaced": replaced,
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
