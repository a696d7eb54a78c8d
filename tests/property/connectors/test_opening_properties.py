"""Whatever is changed in what a hub hands out: it is refused with reasons, or says the same; it never fails."""

from dataclasses import replace
from functools import cache

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.records import commit
from connectors.sdk.opening import Opened, RecipientView, Unopened, open_release
from schemas.canonical import canonical_json
from schemas.document import JSONValue
from schemas.wire import Release
from tests.support.connector_world import GEMEENTE, RAAD, World
from tests.support.example_documents import request_document
from tests.support.log_files import MemoryLog

_TEXTS = ("message", "shown", "entry", "tlog_proof")
_BYTES = ("key", "shown_salt")


@cache
def _world() -> tuple[World, Release]:
    world = World()
    composed = world.compose(request_document())
    world.accept(composed)
    return world, world.release(composed)


@cache
def _example() -> tuple[Release, RecipientView, Opened]:
    world, release = _world()
    view = world.view()
    opened = open_release(release, view=view)
    assert isinstance(opened, Opened)
    return release, view, opened


@st.composite
def _changed(draw: st.DrawFn) -> Release:
    """A release in which a few characters or bytes of one part are others, are gone, or came in addition."""
    release, _, _ = _example()
    name = draw(st.sampled_from([*_TEXTS, *_BYTES, "elements", "hashes", "index"]))
    if name in _TEXTS:
        text: str = getattr(release, name)
        start = draw(st.integers(0, len(text)))
        length = draw(st.integers(0, 3))
        other = draw(st.text(max_size=3))
        return replace(release, **{name: text[:start] + other + text[start + length :]})  # type: ignore[arg-type]  # a text
    if name in _BYTES:
        return replace(release, **{name: _spliced(draw, getattr(release, name))})  # type: ignore[arg-type]  # bytes
    if name == "index":
        return replace(release, index=draw(st.integers(0, 2**53 - 1)))
    if name == "hashes":
        hashes = list(release.hashes)
        hashes[draw(st.integers(0, len(hashes) - 1))] = draw(st.text(max_size=50))
        return replace(release, hashes=tuple(hashes))
    number = draw(st.sampled_from(sorted(release.elements)))
    other_number = draw(st.integers(0, 1999))
    elements = dict(release.elements)
    elements[other_number] = _spliced(draw, elements.pop(number))
    return replace(release, elements=elements)


def _spliced(draw: st.DrawFn, data: bytes) -> bytes:
    start = draw(st.integers(0, len(data)))
    return data[:start] + draw(st.binary(max_size=3)) + data[start + draw(st.integers(0, 3)) :]


@settings(max_examples=150, deadline=None)
@given(_changed())
def test_what_was_changed_is_refused_or_says_the_same(changed: Release) -> None:
    _, view, original = _example()
    match open_release(changed, view=view):
        case Opened() as opened:
            assert (opened.items, opened.message, opened.withheld) == (
                original.items,
                original.message,
                original.withheld,
            )
            assert opened.entry == original.entry
        case Unopened(reasons=reasons):
            assert reasons


_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53) + 1, 2**53 - 1),
    st.text(max_size=50),
    st.lists(st.integers(0, 9), max_size=2),
    st.just({}),
    st.sampled_from([GEMEENTE.value, RAAD.value, "VTO", "SUBMISSION", "DISCLOSURE", "A" * 43]),
)


@st.composite
def _signed_anew(draw: st.DrawFn) -> tuple[Release, bool]:
    """A release whose entry or record the hub wrote otherwise and proved anew, and whether it says the same."""
    world, release = _world()
    entry: dict[str, JSONValue] = orjson.loads(release.entry)
    shown: dict[str, JSONValue] = orjson.loads(release.shown)
    changed = draw(st.sampled_from([entry, shown]))
    before = dict(changed)
    name = draw(st.sampled_from([*sorted(changed), "more"]))
    if draw(st.booleans()):
        changed.pop(name, None)
    else:
        changed[name] = draw(_VALUES)
    text = canonical_json(shown).decode()
    if changed is shown:
        entry["shown"] = commit(salt=release.shown_salt, record=text)
    written = canonical_json(entry)
    texts = [*world.log.texts]
    texts[release.index] = written
    log = MemoryLog(signer=world.log.signer, texts=texts)
    return (
        replace(release, entry=written.decode(), shown=text, tlog_proof=log.proof(release.index)),
        changed == before,
    )


@settings(max_examples=150, deadline=None)
@given(_signed_anew())
def test_what_the_hub_writes_otherwise_and_signs_is_refused_or_changes_no_content(made: tuple[Release, bool]) -> None:
    """It signs its own log: what it says there about a message must still fit what the sender signed."""
    changed, same = made
    _, view, original = _example()
    match open_release(changed, view=view):
        case Opened() as opened:
            assert (opened.items, opened.message, opened.withheld) == (
                original.items,
                original.message,
                original.withheld,
            )
        case Unopened(reasons=reasons):
            assert reasons
            assert not same
