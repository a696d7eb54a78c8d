"""Row *connector*: a StUF request of about 40 elements, made into a submission, and opened at the other end."""

from typing import Final

from connectors.formats.stuf import StufFormat, examples
from connectors.sdk.composing import Composed, SenderKeys, compose
from connectors.sdk.envelope import Envelope
from connectors.sdk.opening import Opened, open_release
from schemas.clock import SystemClock
from schemas.document import Document
from schemas.randomness import SystemRandomness
from schemas.wire import Releases, encode_releases, encode_submission, parse_releases
from tests.performance.figures import Bound, Facts, Figure, Report, seconds_each
from tests.support.connector_world import GEMEENTE, HUB, RAAD, RESPONSIBLE, World

ROW: Final = "connector"
MS_MAX: Final = 6.0


def measure_connector(report: Report, *, seconds: float) -> None:
    """Measure both ends, and the steps that they consist of."""
    at = SystemClock().now()
    world, stuf, randomness = World(at=at), StufFormat(), SystemRandomness()
    data = examples.vto_example(attachments=examples.ATTACHMENTS[:2])
    document = stuf.read(data)
    envelope = Envelope(
        sender=world.participant(GEMEENTE),
        capacity=None,
        recipient=world.participant(RAAD),
        recipient_capacity=None,
        hub=HUB,
        responsible=RESPONSIBLE,
    )
    keys = SenderKeys(signing=world.organisations[GEMEENTE].signing, chain=world.chain)

    def compose_document(document: Document) -> Composed:
        return compose(document, envelope=envelope, policy=world.policy, keys=keys, at=at, randomness=randomness)

    composed = compose_document(document)
    world.accept(composed)
    release = world.release(composed)
    content_type, answer = encode_releases(Releases(releases=(release,), later=(), refused=()))
    view = world.view()
    assert isinstance(open_release(release, view=view), Opened), "the message of the bench opens"

    def make() -> None:
        encode_submission(compose_document(stuf.read(data)).submission)

    def take() -> None:
        open_release(parse_releases(content_type, answer).releases[0], view=view)

    detail: Facts = {
        "elements": len(composed.submission.elements),
        "native_bytes": len(data),
        "wire_bytes": len(encode_submission(composed.submission)[1]),
    }
    for name, work, budget in (
        ("map, project, sign, seal", make, MS_MAX),
        ("open, verify, validate", take, MS_MAX),
        ("of which reading StUF", lambda: stuf.read(data), None),
        ("of which composing", lambda: compose_document(document), None),
    ):
        taken = seconds_each(work, seconds=seconds)
        report.add(
            Figure(row=ROW, name=name, value=taken * 1e3, unit="ms", budget=budget, bound=Bound.AT_MOST, detail=detail)
        )
