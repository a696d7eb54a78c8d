"""What a recipient refuses: each thing that a hub, a sender or a network can change on the way, by its own reason."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from audit.note import NoteSigner
from connectors.formats.stuf.examples import vto_example
from connectors.formats.stuf.reading import read_stuf
from connectors.sdk.envelope import Thread
from connectors.sdk.opening import SUBMISSION_UNPROVEN, Opened, Opening, RecipientView, Unopened, open_release
from connectors.sdk.proving import prove_entry
from consent.facts import Executor, MeasureFact, PersonFacts
from consent.request import Facts, Route, question_fact, reply_fact
from schemas.canonical import b64url
from schemas.codes import Capacity, Category, TokenType
from schemas.document import Document, DocumentItem
from schemas.identifiers import BSN_SYSTEM, CaseId, MessageId
from schemas.jwk import SigningKey
from schemas.jws import parse_jws, sign_jws
from schemas.measures import MeasureType
from schemas.message import labels
from schemas.wire import Release
from tests.support.connector_world import GEMEENTE, GI, HUB, RAAD, World
from tests.support.example_documents import concept
from tests.support.example_messages import example_document


def _flip(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def _released(world: World, **arguments: object) -> Release:
    composed = world.compose(read_stuf(vto_example()))
    world.accept(composed)
    return world.release(composed, **arguments)  # type: ignore[arg-type]  # by name


def _codes(opening: Opening) -> set[str]:
    assert isinstance(opening, Unopened), "it was opened"
    return {reason.code for reason in opening.reasons}


def _swapped(release: Release) -> Release:
    elements = dict(release.elements)
    elements[0], elements[1] = elements[1], elements[0]
    return replace(release, elements=elements)


def _dropped(release: Release) -> Release:
    return replace(release, elements={number: data for number, data in release.elements.items() if number != 2})


_ALTERATIONS: dict[str, tuple[Callable[[Release], Release], str]] = {
    "an element is altered": (
        lambda release: replace(release, elements={**release.elements, 3: _flip(release.elements[3])}),
        "hub.element.altered",
    ),
    "two elements are swapped": (_swapped, "hub.element.altered"),
    "a permitted element is dropped": (_dropped, "hub.element.missing"),
    "the sealed key is altered": (lambda release: replace(release, key=_flip(release.key)), "hub.key.altered"),
    "the hash list is altered": (
        lambda release: replace(release, hashes=(b64url(b"x" * 32), *release.hashes[1:])),
        "hub.seal.digest",
    ),
    "the hash list is cut": (lambda release: replace(release, hashes=release.hashes[:-1]), "hub.seal.digest"),
    "what is shown is altered": (
        lambda release: replace(release, shown=release.shown.replace("VTO", "XXX")),
        "hub.record.commitment",
    ),
    "the salt is another": (lambda release: replace(release, shown_salt=b"0" * 32), "hub.record.commitment"),
    "the entry is altered": (
        lambda release: replace(release, entry=release.entry.replace("VTO", "XXX")),
        "hub.proof.inclusion",
    ),
    "the index is another": (lambda release: replace(release, index=release.index + 1), "hub.entry.index"),
    "the proof is none": (lambda release: replace(release, tlog_proof="no proof"), "hub.proof-file.invalid"),
    "the message is another": (lambda release: replace(release, message=release.message + "A"), "hub.entry.message"),
}


@pytest.mark.parametrize("alteration", _ALTERATIONS)
def test_what_was_changed_on_the_way_is_refused(alteration: str) -> None:
    world = World()
    change, expected = _ALTERATIONS[alteration]
    codes = _codes(open_release(change(_released(world)), view=world.view()))
    assert expected in codes


_VIEWS: dict[str, tuple[Callable[[RecipientView], RecipientView], str]] = {
    "the log is another": (
        lambda view: replace(view, log=NoteSigner.from_seed(name=view.log.name, seed=b"1" * 32).public),
        "hub.note.unknown-signer",
    ),
    "we did not ask": (lambda view: replace(view, requests=frozenset()), "hub.entry.request"),
    "we are another": (lambda view: replace(view, oin=GI), "hub.entry.recipient"),
    "our sealing key is gone": (lambda view: replace(view, keys={}), "recipient.sealing-key.unknown"),
}


@pytest.mark.parametrize("case", _VIEWS)
def test_what_we_know_otherwise_is_refused(case: str) -> None:
    world = World()
    change, expected = _VIEWS[case]
    assert _codes(open_release(_released(world), view=change(world.view()))) == {expected}


def test_a_stripped_element_must_match_the_decision() -> None:
    """The hub may withhold, and must say so: dropping a ciphertext without saying it shows."""
    world = World()
    label = "document/d1/data"
    honest = _released(world, withheld={label: ("category-not-in-ground",)})
    opened = open_release(honest, view=world.view())
    assert isinstance(opened, Opened)
    assert [(each.label, each.reasons) for each in opened.withheld] == [(label, ("category-not-in-ground",))]
    assert all("data" not in item.elements for item in opened.items if item.id == "d1")


def test_a_message_that_another_signed_is_refused() -> None:
    world = World()
    composed = world.compose(read_stuf(vto_example()))
    forger = SigningKey.generate(randomness=world.randomness)
    payload = parse_jws(composed.submission.message, typ=TokenType.MESSAGE).payload
    forged = replace(
        composed,
        submission=replace(composed.submission, message=sign_jws(payload, typ=TokenType.MESSAGE, key=forger)),
    )
    world.accept(forged)
    assert _codes(open_release(world.release(forged), view=world.view())) == {"sender.key.unknown"}


def test_an_element_sealed_under_another_key_is_named_by_its_label() -> None:
    """The sender's own seal is broken: the hashes hold, the content does not open."""
    world = World()
    composed = world.compose(read_stuf(vto_example()))
    others = world.compose(read_stuf(vto_example()))
    mixed = replace(composed, submission=replace(composed.submission, elements=others.submission.elements))
    world.accept(mixed)
    codes = _codes(open_release(world.release(mixed), view=world.view()))
    assert codes == {"hub.seal.digest"}


def test_a_key_replaced_after_acceptance_needs_the_proof_of_acceptance() -> None:
    world = World()
    composed = world.compose(read_stuf(vto_example()))
    accepted = world.accept(composed)
    world.rotate(GEMEENTE, revoke=True)
    release = world.release(composed)
    assert _codes(open_release(release, view=world.view())) == {SUBMISSION_UNPROVEN}
    entry, proof = world.log.texts[accepted].decode(), world.log.proof(accepted)
    submission = prove_entry(entry=entry, tlog_proof=proof, log=world.log_key)
    opened = open_release(release, view=world.view(), submission=submission)
    assert isinstance(opened, Opened)


def test_a_key_replaced_before_acceptance_no_longer_counts() -> None:
    world = World()
    composed = world.compose(read_stuf(vto_example()))
    world.rotate(GEMEENTE, revoke=True)
    accepted = world.accept(composed)
    release = world.release(composed)
    submission = prove_entry(
        entry=world.log.texts[accepted].decode(), tlog_proof=world.log.proof(accepted), log=world.log_key
    )
    assert _codes(open_release(release, view=world.view(), submission=submission)) == {"sender.key.unknown"}


def test_a_message_for_another_does_not_become_ours() -> None:
    world = World()
    composed = world.compose(read_stuf(vto_example()))
    world.accept(composed)
    release = world.release(composed)
    assert "hub.entry.recipient" in _codes(open_release(release, view=world.view(GI)))


def test_a_person_without_a_number_comes_with_the_pseudonym_to_answer_under(document: Document) -> None:
    world = World()
    composed = world.compose(document)
    world.accept(composed)
    opened = open_release(world.release(composed), view=world.view(RAAD))
    assert isinstance(opened, Opened)
    own = [label for label in labels(composed.message) if label.item is None]
    assert len(opened.yours) == len(own) > 0
    assert set(opened.yours.values()) == set(composed.tags.values())


@pytest.fixture
def document() -> Document:
    from connectors.formats.stuf.scenarios import vto_scenario

    return read_stuf(vto_scenario(3))


@pytest.mark.parametrize(("code", "opening_is"), [("niet-bekend", Opened), ("beroepsgeheim", Unopened)])
def test_where_one_must_answer_a_refusal_has_a_reason_that_leaves_nothing_to_answer(
    code: str, opening_is: type[Opening]
) -> None:
    """A sender whose connector did not look lets such a refusal go; it is not handed over as an answer."""
    world = World()
    refusal = DocumentItem(
        profile="vraag",
        id="q1",
        about=(0,),
        elements={"refusal": (concept("weigeringsgrond", code),)},
    )
    case, question = CaseId("ab" * 16), MessageId("01940000-0000-7000-8000-000000000007")
    route = Route(sender=GEMEENTE, recipient=GI, case=case)
    back = Route(sender=GI, recipient=GEMEENTE, case=case)
    reply = reply_fact(route, answered=back, message_type="informatieverzoek")
    facts = Facts(reply=reply, question=question_fact(reply, asked=frozenset({Category.ZORGEN})))
    measure = MeasureFact(
        id="m",
        type=MeasureType.OTS,
        executor=Executor.RECIPIENT,
        valid_from=date(2026, 11, 1),
        valid_until=None,
    )
    tag = world.chain.tag(recipient=HUB, system=BSN_SYSTEM, value="999911120")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("connectors.sdk.composing.must_answer", lambda *_, **__: False)
        composed = world.compose(
            replace(example_document("informatieantwoord"), items=(refusal,)),
            recipient=GI,
            recipient_capacity=Capacity.OTS,
            thread=Thread(case=case, reply_to=question, reply_facts=facts),
            people={tag: PersonFacts(measures=(measure,))},
        )
    assert composed.message.recipient.purpose == "GI-OTS-ANTW"
    opening = open_release(world.release(composed), view=world.view(GI))
    assert isinstance(opening, opening_is)
    if isinstance(opening, Unopened):
        assert {reason.code for reason in opening.reasons} == {"sender.value.refusal-not-allowed"}
