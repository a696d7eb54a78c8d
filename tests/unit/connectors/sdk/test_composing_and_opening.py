"""One message from document to verified content, without a hub between."""

from dataclasses import replace

import pytest

from audit.evidence import check_evidence
from audit.evidence_file import parse_evidence
from audit.policy import parse_policy, policy_text
from connectors.formats.stuf.examples import vto_example
from connectors.formats.stuf.reading import read_stuf
from connectors.sdk.evidence import make_evidence
from connectors.sdk.opening import Opened, Unopened, open_release
from schemas.document import Document
from schemas.wire import encode_submission, parse_submission
from tests.support.connector_world import RAAD, World


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def document() -> Document:
    return read_stuf(vto_example())


def test_what_the_sender_composed_is_what_the_recipient_opens(world: World, document: Document) -> None:
    composed = world.compose(document)
    content_type, body = encode_submission(composed.submission)
    assert parse_submission(content_type, body) == composed.submission
    world.accept(composed)
    opened = open_release(world.release(composed), view=world.view())
    assert isinstance(opened, Opened), opened
    expected = {
        f"{item.profile}/{item.id}/{name}": values
        for item in document.items
        for name, values in item.elements.items()
        if f"{item.profile}/{item.id}/{name}" in composed.permitted
    }
    found = {
        f"{item.profile}/{item.id}/{name}": values for item in opened.items for name, values in item.elements.items()
    }
    assert found == expected
    assert opened.message == composed.message
    assert opened.withheld == ()


def test_its_evidence_convinces_an_outsider(world: World, document: Document) -> None:
    composed = world.compose(document)
    world.accept(composed)
    label = next(text for text in composed.permitted if text.startswith("document"))
    release = world.release(composed, withheld={label: ("category-not-in-ground",)})
    opened = open_release(release, view=world.view())
    assert isinstance(opened, Opened), opened
    evidence = make_evidence(opened, release, log=world.log_key, links=world.links)
    policy = parse_policy(policy_text(logs=(world.log_key,), registrars=(world.registrar.public,)).encode())
    report = check_evidence(parse_evidence(evidence.to_bytes()), policy=policy)
    assert report.anchored
    assert [each.label for each in report.withheld] == [label]
    assert label not in report.disclosed


def test_an_element_that_was_altered_on_the_way_is_named(world: World, document: Document) -> None:
    composed = world.compose(document)
    world.accept(composed)
    release = world.release(composed)
    altered = dict(release.elements)
    altered[3] = altered[3][:-1] + bytes([altered[3][-1] ^ 1])
    outcome = open_release(replace(release, elements=altered), view=world.view())
    assert isinstance(outcome, Unopened)
    assert [reason.code for reason in outcome.reasons] == ["hub.element.altered"]
    assert outcome.reasons[0].label in composed.permitted


def test_the_recipient_does_not_open_what_is_not_logged(world: World, document: Document) -> None:
    composed = world.compose(document)
    release = world.release(composed)
    other = World(seed="another log")
    outcome = open_release(
        release, view=replace(world.view(), log=other.log.signer.from_seed(name="x", seed=b"1" * 32).public)
    )
    assert isinstance(outcome, Unopened)
    assert world.view().oin == RAAD
