"""What a sender's connector puts into a message, leaves out of it, and refuses to sign."""

from dataclasses import replace

import pytest

from connectors.sdk.dutch import why
from connectors.sdk.envelope import Thread
from connectors.sdk.projection import BEYOND_LEGAL_MAXIMUM, reason_texts
from connectors.sdk.purposes import find_purpose
from consent.reasons import Reason
from schemas.codes import AgeBand, Capacity, Necessity, TokenType
from schemas.document import Document
from schemas.errors import DocumentError
from schemas.identifiers import CaseId, SubjectTag
from schemas.jws import parse_jws
from schemas.message import labels, parse_message, sealed_digests
from schemas.sdjwt import disclosure_digest, parse_disclosure
from tests.support.connector_world import AT, GEMEENTE, GI, HUB, RAAD, RESPONSIBLE, World
from tests.support.example_documents import item, request_document, with_item, without_item


@pytest.fixture
def world() -> World:
    return World()


def _with_health(document: Document, *, necessary: Necessity | None) -> Document:
    diagnosis = replace(
        item("document-gezondheid", "d2", identifier=({"value": "DOC-2"},), title=("Diagnostiek",)),
        necessary=necessary,
    )
    return replace(document, items=(*document.items, diagnosis))


def test_the_signed_bytes_say_what_the_message_says(world: World) -> None:
    composed = world.compose(request_document())
    message = parse_message(parse_jws(composed.submission.message, typ=TokenType.MESSAGE).payload)
    assert message == composed.message
    assert (message.sender, message.recipient.oin, message.hubs) == (GEMEENTE, RAAD, (HUB,))
    assert (message.recipient.purpose, message.responsible) == ("VTO", RESPONSIBLE)
    assert message.pickup_by - message.issued_at == 30 * 24 * 3600
    assert len(composed.submission.elements) == len(sealed_digests(message))


def test_two_messages_share_no_salt_digest_case_or_id(world: World) -> None:
    one, two = (world.compose(request_document()).message for _ in range(2))
    assert set(sealed_digests(one)).isdisjoint(sealed_digests(two))
    assert one.case != two.case
    assert one.id != two.id


def test_a_label_that_may_not_go_does_not_stand_in_the_message(world: World) -> None:
    composed = world.compose(_with_health(request_document(), necessary=None))
    texts = {label.text for label in labels(composed.message)}
    assert not any(text.startswith("document-gezondheid") for text in texts)
    assert {(each.label, each.reasons) for each in composed.withheld} == {
        ("document-gezondheid/d2/identifier", (Reason("necessity-missing").value,)),
        ("document-gezondheid/d2/title", (Reason("necessity-missing").value,)),
    }


def test_a_finding_that_is_marked_necessary_goes(world: World) -> None:
    composed = world.compose(_with_health(request_document(), necessary=Necessity.FORMAT))
    assert "document-gezondheid/d2/title" in composed.permitted
    assert composed.withheld == ()
    (health,) = (each for each in composed.message.content if each.profile == "document-gezondheid")
    assert health.necessary is Necessity.FORMAT


def test_what_has_no_place_in_the_type_is_left_out_and_told(world: World) -> None:
    extra = item("leefgebied", "l1", code=("02",), finding=("tekst",))
    document = request_document()
    composed = world.compose(replace(document, items=(*document.items, extra)))
    assert {each.label for each in composed.withheld} == {"leefgebied/l1/code", "leefgebied/l1/finding"}
    assert {each.reasons for each in composed.withheld} == {(BEYOND_LEGAL_MAXIMUM,)}
    assert reason_texts(BEYOND_LEGAL_MAXIMUM)[0].startswith("Dit soort bericht")


def test_an_incomplete_document_is_refused_before_it_is_signed(world: World) -> None:
    with pytest.raises(DocumentError) as caught:
        world.compose(without_item(request_document(), "p1"))
    assert caught.value.code.startswith("sender.structure.")


def test_a_value_of_the_wrong_form_is_refused_without_repeating_it(world: World) -> None:
    document = with_item(request_document(), "p1", identifier=({"system": "x", "value": "geheim-nummer"},))
    wrong = with_item(document, "p1", birthDate=("geen datum",))
    with pytest.raises(DocumentError) as caught:
        world.compose(wrong)
    assert caught.value.code.startswith("sender.value.")
    told = " ".join(issue.text + issue.text_nl + issue.pointer for issue in caught.value.issues)
    assert "geen datum" not in told
    assert "geheim" not in told


def test_a_message_of_which_something_required_may_not_go_is_not_signed(world: World) -> None:
    """A GI that receives in no capacity may have nothing of a request."""
    with pytest.raises(DocumentError) as caught:
        world.compose(request_document(), recipient=GI, recipient_capacity=Capacity.OTS)
    assert caught.value.code == "sender.decision.denied"
    assert all(issue.code.startswith("sender.decision.") for issue in caught.value.issues)
    assert all(issue.text_nl for issue in caught.value.issues)


def test_the_hub_gets_its_own_pseudonym_and_the_recipient_none_where_it_gets_a_number(world: World) -> None:
    composed = world.compose(request_document())
    child = composed.message.subjects[0]
    assert child.yours == ()
    text = composed.submission.tags[0]
    assert disclosure_digest(text) == child.tag[0]
    expected = world.chain.tag(recipient=HUB, system="http://fhir.nl/fhir/NamingSystem/bsn", value="999911120")
    assert parse_disclosure(text).value == expected.value


def test_a_pseudonym_of_the_case_is_used_again(world: World) -> None:
    tag = SubjectTag("1.AAAAAAAAAAAAAAAAAAAAAA")
    thread = Thread(case=CaseId("ab" * 16), tags={"g1": tag})
    composed = world.compose(request_document(), thread=thread)
    assert composed.message.case == CaseId("ab" * 16)
    assert composed.tags == {"g1": tag}
    assert parse_disclosure(composed.submission.tags[1]).value == tag.value


def test_the_age_band_stands_in_the_message_and_no_date(world: World) -> None:
    composed = world.compose(request_document())
    child, parent = composed.message.subjects
    assert (child.age, child.turns) == (AgeBand.FROM_12, None)
    assert parent.age is AgeBand.UNKNOWN
    assert b"2014-03-02" not in parse_jws(composed.submission.message, typ=TokenType.MESSAGE).payload


def test_a_type_that_no_ground_carries_is_refused(world: World) -> None:
    from connectors.sdk.envelope import Envelope

    envelope = Envelope(
        sender=world.participant(GEMEENTE),
        capacity=None,
        recipient=world.participant(RAAD),
        recipient_capacity=None,
        hub=HUB,
        responsible=RESPONSIBLE,
    )
    with pytest.raises(DocumentError) as caught:
        find_purpose("geen-bericht", envelope=envelope, catalogue=world.policy.catalogue, at=AT)
    assert caught.value.code == "sender.purpose.unclear"
    assert "niet duidelijk voor welk doel" in why(caught.value)[0]
