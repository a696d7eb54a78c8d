"""Pseudonyms of two chain-key epochs of one number: who may join them, and what follows."""

from dataclasses import replace

import pytest

from consent.consents import Addressee, consent_facts, weigh_consents
from consent.reasons import Reason
from hub.exchange.known import consents_of
from hub.exchange.review import open_reviews
from schemas.codes import AgeBand, Capacity, Category, EntryKind, Role
from schemas.errors import DocumentError
from schemas.identifiers import OIN, SubjectTag
from schemas.links import Link
from tests.support.connector_world import GEMEENTE, GI, HUB, RAAD
from tests.support.exchange_hub import MemoryHub
from tests.support.law_records import PARENT_NO, PARENT_YES, link
from tests.support.parties import message_id
from tests.support.statements import TODAY, consents, links, measures, of_child, of_measure, tag_of

NEWEST = SubjectTag("2.AAECAwQFBgcICQoLDA0ODw")
ANOTHER = SubjectTag("2.EBESExQVFhcYGRobHB0eHw")
UNDER_12 = {"age": AgeBand.UNDER_12, "givers": (PARENT_YES, PARENT_YES)}


def of_epochs(hub: MemoryHub, number: int = 20, *, issuer: OIN = GEMEENTE, known: SubjectTag = NEWEST) -> Link:
    """The child's pseudonym of the former epoch and that of the newest are of one number."""
    return link(id=message_id(number), issuer=issuer, random=None, former=tag_of(hub.world), known=known, hub=HUB)


async def test_who_recorded_something_joins_the_epochs_and_nobody_need_look() -> None:
    """Whether it is true, whoever knows the number computes."""
    hub = await MemoryHub.opened()
    await consents(hub, of_child(hub.world))
    await links(hub, of_epochs(hub))
    (entry,) = hub.entries_of(EntryKind.LINK)
    assert len(entry.kept) == 2
    assert (await hub.persons.of([NEWEST]))[NEWEST].tags == {tag_of(hub.world), NEWEST}
    assert await open_reviews(hub.world.participant(GEMEENTE), after=-1, limit=10, services=hub.services) == ()


@pytest.mark.parametrize("of", ["a consent of another", "a measure"])
async def test_a_supervisor_looks_where_epochs_are_joined_over_what_others_rely_on(of: str) -> None:
    """The hub cannot see that two children were joined: one who lies would make another's word count for his own."""
    hub = await MemoryHub.opened()
    yes = of_child(hub.world)
    await consents(hub, yes)
    if of == "a measure":
        await measures(hub, of_measure(hub.world, number=5))
    else:
        await consents(hub, replace(yes, id=message_id(2), issuer=GI))
    await links(hub, of_epochs(hub))
    (found,) = await open_reviews(hub.world.participant(GEMEENTE), after=-1, limit=10, services=hub.services)
    assert (found.about, found.mark) == (message_id(20), "linked")


async def test_a_no_of_the_former_epoch_beats_the_yes_that_is_signed_again_under_the_newest() -> None:
    hub = await MemoryHub.opened()
    yes = of_child(hub.world, **UNDER_12)
    no = replace(yes, id=message_id(2), issuer=GI, issued_at=yes.issued_at + 1, givers=(PARENT_YES, PARENT_NO))
    await consents(hub, yes, no)
    await links(hub, of_epochs(hub))
    await consents(hub, replace(yes, id=message_id(3), issued_at=yes.issued_at + 9, tag=NEWEST, replaces=yes.id))
    known = consents_of((await hub.persons.of([NEWEST]))[NEWEST])
    assert [each.id for each in known] == [yes.id, no.id, message_id(3)]
    addressee = Addressee(oin=GI, role=Role.GI, capacity=Capacity.PREVENTIEF)
    facts = consent_facts(known, sender=GEMEENTE, recipient=addressee)
    found = weigh_consents(facts, band=AgeBand.UNDER_12, purpose="VRIJW", category=Category.ZORGEN, day=TODAY)
    assert found.reasons == (Reason.CONSENT_REFUSED,)


async def test_without_a_link_nothing_under_the_newest_replaces_what_stands_under_the_former() -> None:
    hub = await MemoryHub.opened()
    yes = of_child(hub.world)
    await consents(hub, yes)
    with pytest.raises(DocumentError) as refused:
        await consents(hub, replace(yes, id=message_id(3), tag=NEWEST, replaces=yes.id))
    assert {issue.code for issue in refused.value.issues} == {"sender.consent.replaces"}


@pytest.mark.parametrize(
    ("issuer", "known", "code"),
    [
        (RAAD, NEWEST, "sender.link.stranger"),
        (GI, NEWEST, "sender.link.acting"),
        (GEMEENTE, ANOTHER, "sender.link.other"),
    ],
)
async def test_epochs_that_cannot_be_joined_so_are_refused(issuer: OIN, known: SubjectTag, code: str) -> None:
    hub = await MemoryHub.opened()
    await consents(hub, of_child(hub.world))
    if code == "sender.link.other":
        await links(hub, of_epochs(hub))
    with pytest.raises(DocumentError) as refused:
        await links(hub, of_epochs(hub, 21, issuer=issuer, known=known))
    assert code in {issue.code for issue in refused.value.issues}


async def test_what_was_made_of_a_number_was_not_drawn() -> None:
    hub = await MemoryHub.opened()
    await consents(hub, of_child(hub.world))
    await links(hub, of_epochs(hub))
    drawn = link(id=message_id(21), random=NEWEST, known=SubjectTag("3.EBESExQVFhcYGRobHB0eHw"), hub=HUB)
    with pytest.raises(DocumentError) as refused:
        await links(hub, drawn)
    assert "sender.link.both" in {issue.code for issue in refused.value.issues}
