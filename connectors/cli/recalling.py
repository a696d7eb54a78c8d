"""`recall` and `link`: take a message back that was not picked up, and say that two pseudonyms are of one person."""

import argparse

from connectors.agent.recalling import recall_of
from connectors.agent.recording import LINK, RECALL, new_record_id, seconds
from connectors.cli.common import CommandError
from connectors.cli.opening import opened
from connectors.cli.persons import read_person
from connectors.cli.recording import convert, record, record_all
from schemas.identifiers import MessageId, SubjectTag
from schemas.links import Link, link_to_payload
from schemas.requests import RecallReason


async def recall(options: argparse.Namespace) -> int:
    """Take back a message of ours; what was picked up stays, and the answer says who has it."""
    async with opened(options.home) as services:
        message = convert(options.message, MessageId, nl="nummer van een bericht", en="id of a message")
        unsigned = recall_of(services, message, reason=RecallReason(options.reason))
        return await record_all(services, [(unsigned, {})], kind=RECALL, as_json=options.json)


async def link(options: argparse.Namespace) -> int:
    """Say that somebody who was named without a number is the person who has this one."""
    async with opened(options.home) as services:
        person = read_person(options.person)
        if person.bsn is None:
            raise CommandError("geef het BSN dat bekend is geworden", "give the BSN that became known")
        claims = Link(
            issuer=services.settings.oin,
            id=new_record_id(services),
            issued_at=seconds(services),
            hub=services.settings.hub.name,
            random=convert(options.pseudonym, SubjectTag, nl="pseudoniem", en="pseudonym"),
            known=person.tag(services),
        )
        return await record(services, link_to_payload(claims), kind=LINK, record_id=claims.id, as_json=options.json)
