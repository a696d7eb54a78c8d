"""Consents, measures, links, recalls and reviews, signed by the organisations of a world and taken in by its hub."""

from dataclasses import replace
from datetime import date
from typing import Any, Final

from connectors.sdk.composing import Composed
from consent.consents import Addressee, consent_facts
from consent.facts import PersonFacts
from consent.measures import measure_facts
from hub.exchange.consents import state_consent
from hub.exchange.links import link
from hub.exchange.measures import state_measure
from hub.exchange.recall import recall
from hub.exchange.review import Reviewed, review
from hub.exchange.stating import Taken
from hub.ports import Appended
from schemas.codes import AgeBand, Capacity, Category, Role, SubjectRole, TokenType
from schemas.consents import ConsentRecord, ConsentStatus, consent_to_payload
from schemas.identifiers import BSN_SYSTEM, OIN, MessageId, SubjectTag
from schemas.jws import sign_jws
from schemas.links import Link, link_to_payload
from schemas.measures import MeasureStatement, measure_to_payload
from schemas.requests import RecallClaims, RecallReason, recall_to_payload
from schemas.reviews import Finding, ReviewClaims, review_to_payload
from tests.support.connector_world import GEMEENTE, GI, HUB, RAAD, World
from tests.support.example_messages import example_document
from tests.support.exchange_hub import MemoryHub
from tests.support.law_records import PARENT_YES, SELF_YES, consent_record, measure_statement

CHILD_BSN: Final = "999911120"
PARENT_BSN: Final = "999911132"
EVERYTHING: Final = frozenset(
    {
        Category.IDENTIFICATIE,
        Category.CONTACT,
        Category.ADRES,
        Category.GEZAG_RELATIES,
        Category.ZORGEN,
        Category.HULPVERLENING,
        Category.PROCES,
        Category.PROFESSIONAL,
        Category.DOCUMENT,
    }
)


def tag_of(world: World, bsn: str = CHILD_BSN) -> SubjectTag:
    """A person's pseudonym in the hub's tag space."""
    return world.chain.tag(recipient=HUB, system=BSN_SYSTEM, value=bsn)


def of_child(world: World, **change: Any) -> ConsentRecord:
    """The child of 12 and both parents allow the gemeente to tell the GI everything that consent can allow."""
    said = {"age": AgeBand.FROM_12, "givers": (SELF_YES, PARENT_YES, PARENT_YES)}
    return consent_record(**{"tag": tag_of(world), "categories": EVERYTHING, **said, **change})


def of_parent(world: World, **change: Any) -> ConsentRecord:
    """A parent allows the same about himself."""
    return replace(
        parent_consent(tag_of(world, PARENT_BSN)),
        **change,
    )


def parent_consent(tag: SubjectTag) -> ConsentRecord:
    """An adult's own consent."""
    return consent_record(
        2,
        tag=tag,
        categories=EVERYTHING,
        age=AgeBand.ADULT,
        role=SubjectRole.OUDER,
        holders=0,
        givers=(SELF_YES,),
    )


def withdrawal(record: ConsentRecord, number: int, **change: Any) -> ConsentRecord:
    """The same record, withdrawn."""
    return replace(
        record,
        **{
            "id": MessageId(f"01940000-0000-7000-8000-{number:012x}"),
            "issued_at": record.issued_at + number,
            "status": ConsentStatus.WITHDRAWN,
            "replaces": record.id,
            **change,
        },
    )


def of_measure(world: World, number: int = 1, **change: Any) -> MeasureStatement:
    """A supervision order over the child that the GI carries out, stated by the Raad."""
    return measure_statement(number, **{"tag": tag_of(world), **change})


def sign_consent(world: World, record: ConsentRecord) -> str:
    """Sign a consent as its issuer."""
    key = world.organisations[record.issuer].signing
    return sign_jws(consent_to_payload(record), typ=TokenType.CONSENT, key=key)


def sign_measure(world: World, statement: MeasureStatement) -> str:
    """Sign a measure statement as its issuer."""
    key = world.organisations[statement.issuer].signing
    return sign_jws(measure_to_payload(statement), typ=TokenType.MEASURE, key=key)


def sign_link(world: World, claims: Link) -> str:
    """Sign a link as its issuer."""
    return sign_jws(link_to_payload(claims), typ=TokenType.LINK, key=world.organisations[claims.issuer].signing)


def sign_recall(hub: MemoryHub, message_id: MessageId, *, by: OIN = GEMEENTE, **change: Any) -> str:
    """Sign a recall."""
    claims: dict[str, Any] = {
        "issuer": by,
        "id": hub.new_id(),
        "issued_at": hub.arrival.seconds,
        "hub": HUB,
        "message_id": message_id,
        "reason": RecallReason.WRONG_RECIPIENT,
        **change,
    }
    payload = recall_to_payload(RecallClaims(**claims))
    return sign_jws(payload, typ=TokenType.RECALL, key=hub.world.organisations[by].signing)


def sign_review(hub: MemoryHub, about: MessageId, mark: str, *, by: OIN, **change: Any) -> str:
    """Sign a review."""
    claims: dict[str, Any] = {
        "issuer": by,
        "id": hub.new_id(),
        "issued_at": hub.arrival.seconds,
        "hub": HUB,
        "about": about,
        "mark": mark,
        "finding": Finding.JUSTIFIED,
        **change,
    }
    payload = review_to_payload(ReviewClaims(**claims))
    return sign_jws(payload, typ=TokenType.REVIEW, key=hub.world.organisations[by].signing)


async def consents(hub: MemoryHub, *records: ConsentRecord) -> Taken:
    """Let the hub take in consents; returns the answer to the last."""
    taken = [
        await state_consent(sign_consent(hub.world, each), arrival=hub.arrival, services=hub.services)
        for each in records
    ]
    return taken[-1]


async def measures(hub: MemoryHub, *statements: MeasureStatement) -> Taken:
    """Let the hub take in measure statements; returns the answer to the last."""
    taken = [
        await state_measure(sign_measure(hub.world, each), arrival=hub.arrival, services=hub.services)
        for each in statements
    ]
    return taken[-1]


async def links(hub: MemoryHub, claims: Link) -> Taken:
    """Let the hub take in a link."""
    return await link(sign_link(hub.world, claims), arrival=hub.arrival, services=hub.services)


async def recalls(hub: MemoryHub, token: str) -> Appended:
    """Let the hub take a recall."""
    return await recall(token, arrival=hub.arrival, services=hub.services)


async def reviews(hub: MemoryHub, token: str) -> Reviewed:
    """Let the hub take a review."""
    return await review(token, arrival=hub.arrival, services=hub.services)


def casusinformatie(world: World, *records: ConsentRecord) -> Composed:
    """What the gemeente's connector sends the GI by consent, as far as it knows of consents."""
    addressee = Addressee(oin=GI, role=Role.GI, capacity=Capacity.PREVENTIEF)
    tags = {record.tag for record in records}
    people = {
        tag: PersonFacts(
            consents=consent_facts(
                [record for record in records if record.tag == tag], sender=GEMEENTE, recipient=addressee
            )
        )
        for tag in tags
    }
    return world.compose(
        example_document("casusinformatie"),
        recipient=GI,
        recipient_capacity=Capacity.PREVENTIEF,
        people=people,
    )


def measured(world: World, *statements: MeasureStatement, sender: OIN, recipient: OIN) -> dict[SubjectTag, PersonFacts]:
    """What a connector knows of a child's measures."""
    facts = measure_facts(statements, sender=sender, recipient=recipient, raden=frozenset({RAAD}))
    return {tag_of(world): PersonFacts(measures=facts)}


TODAY: Final = date(2026, 11, 23)
