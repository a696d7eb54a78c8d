"""Edge cases of the time in which a message waits: consent, keys and participants that change meanwhile."""

from dataclasses import replace
from typing import Any

import pytest

from connectors.formats.stuf.examples import Header, vto_example
from consent.consents import consent_facts
from consent.decision import Permit
from consent.facts import ConsentFact, PersonFacts
from consent.reasons import Reason
from schemas.codes import Capacity
from schemas.consents import ConsentRecord, ConsentStatus
from schemas.errors import AuthenticationError
from tests.edge_cases.documents import allowed, casus
from tests.edge_cases.questions import TO_GI, asked, reasons
from tests.support.law_records import consent_record
from tests.support.offices import Chain, Office
from tests.support.parties import GEMEENTE


async def state_of(office: Office, message: Any) -> str:
    """How a message stands for its sender; with what its people read where nothing of it goes any more."""
    await office.round()
    (found,) = [each for each in (await office.told("status"))["sent"] if each["message"] == message.value]
    return f"{found['state']}: {found['denied']}" if found["denied"] else str(found["state"])


# ---- consent ----


@pytest.mark.database
async def test_a_consent_withdrawn_between_acceptance_and_pick_up_keeps_the_message_back(chain: Chain) -> None:
    """Consent withdrawn between acceptance and pick-up: nothing is handed out, labels included."""
    gemeente, gi = chain.gemeente, chain.gi
    given = await gemeente.told("consent", "give", *allowed(gemeente))
    sent = await gemeente.send(casus("CASUS-1", purpose="VRIJW", capacity=Capacity.PREVENTIEF))
    form = gemeente.file("intrekking.pdf", b"handtekening")
    await gemeente.told("consent", "withdraw", given["id"], "--form", form)
    await gi.round()
    assert gi.received(sent) is None
    assert "De toestemming is ingetrokken." in await state_of(gemeente, sent)


@pytest.mark.database
async def test_of_two_consents_the_one_that_stands_lets_its_part_of_the_message_go(chain: Chain) -> None:
    """Consent withdrawn between acceptance and pick-up: what another consent allows still goes, and no more."""
    gemeente, gi = chain.gemeente, chain.gi
    taken = await gemeente.told("consent", "give", *allowed(gemeente, categories=("zorgen", "hulpverlening")))
    await gemeente.told("consent", "give", *allowed(gemeente, categories=("identificatie", "professional")))
    sent = await gemeente.send(casus("CASUS-1", purpose="VRIJW", capacity=Capacity.PREVENTIEF))
    form = gemeente.file("intrekking.pdf", b"handtekening")
    await gemeente.told("consent", "withdraw", taken["id"], "--form", form)
    await gi.round()
    claims, values = gi.evidence(sent)
    arrived = {
        item["profile"]
        for item in claims["content"]
        if any(digest["..."] in values for element in item["elements"].values() for digest in element)
    }
    assert arrived == {"jeugdige", "professional"}


def test_a_consent_withdrawn_between_acceptance_and_pick_up_withholds_with_its_reason() -> None:
    """Consent withdrawn between acceptance and pick-up: the second decision says that it was withdrawn."""
    given = consent_record(1)
    withdrawn = replace(consent_record(2), replaces=given.id, status=ConsentStatus.WITHDRAWN)

    def known(*records: ConsentRecord) -> tuple[ConsentFact, ...]:
        return consent_facts(records, sender=GEMEENTE, recipient=TO_GI)

    assert isinstance(asked(PersonFacts(consents=known(given))), Permit)
    assert reasons(asked(PersonFacts(consents=known(given, withdrawn)))) == (Reason.CONSENT_WITHDRAWN,)


# ---- keys and participants ----


@pytest.mark.database
async def test_a_recipient_that_rotates_its_key_opens_what_waited_under_the_old_one(chain: Chain) -> None:
    """A recipient key rotated between acceptance and pick-up: the old one is kept until what waits has expired."""
    waiting = await chain.gemeente.send(vto_example(header=Header(reference="VTO-OUD")), "oud")
    assert await chain.raad.command("rotate") == 0
    sent = await chain.gemeente.send(vto_example(header=Header(reference="VTO-NIEUW")), "nieuw")
    await chain.raad.round()
    for each in (waiting, sent):
        assert chain.raad.received(each) is not None
        assert await state_of(chain.gemeente, each) == "received"


@pytest.mark.database
async def test_what_waits_under_a_key_that_leaked_is_not_handed_out(chain: Chain) -> None:
    """A recipient key rotated between acceptance and pick-up: what waits under one that leaked stays where it is."""
    waiting = await chain.gemeente.send(vto_example(header=Header(reference="VTO-OUD")), "oud")
    assert await chain.raad.command("rotate", "--revoke") == 0
    await chain.raad.round()
    assert chain.raad.received(waiting) is None
    assert "een sleutel die de ontvanger heeft ingetrokken" in await state_of(chain.gemeente, waiting)


@pytest.mark.database
async def test_a_recipient_suspended_while_a_message_waits_gets_nothing(chain: Chain) -> None:
    """A participant suspended in that gap: the hub does not even tell it what waits, and the sender is told."""
    waiting = await chain.gemeente.send(vto_example())
    await chain.suspend(chain.raad)
    with pytest.raises(AuthenticationError) as refused:
        await chain.raad.round()
    assert refused.value.code == "sender.participant.unknown"
    assert chain.raad.received(waiting) is None
    assert "de ontvanger neemt op dit moment niet deel" in await state_of(chain.gemeente, waiting)
    await chain.gemeente.round()
    assert await chain.gemeente.notices() == ["release-denied"]


@pytest.mark.database
async def test_what_a_sender_sent_before_it_was_suspended_stays_good(chain: Chain) -> None:
    """A participant suspended in that gap: the log shows that its sender was admitted when the message was accepted."""
    waiting = await chain.gemeente.send(vto_example())
    await chain.suspend(chain.gemeente)
    await chain.raad.round()
    assert chain.raad.received(waiting) is not None
