"""Log entries: their place, their members, their limits."""

import dataclasses
import json
from typing import Any

import pytest

from audit.entries import ENTRY_BYTES_MAX, KEPT_MAX, EntryDraft, finalise_entry, parse_entry
from schemas.canonical import canonical_json
from schemas.claims import MOMENT_MAX
from schemas.codes import EntryKind
from schemas.errors import DocumentError
from tests.support.log_files import GEMEENTE, RAAD, digest, participant, submission


def members(text: bytes) -> dict[str, Any]:
    """The members of an entry (`Any`: a test changes them at will)."""
    found: dict[str, Any] = json.loads(text)
    return found


def test_an_entry_holds_what_the_draft_says_and_what_its_place_tells() -> None:
    kept = [digest("kept 0"), digest("kept 1")]
    entry = finalise_entry(submission(1, as_of=41), index=42, time=1_795_432_568_123, newest_participant=3, kept=kept)
    assert members(entry.text) == {
        "as_of": 41,
        "catalogue": digest("catalogue"),
        "id": "submission-1",
        "kept_0": kept[0],
        "kept_1": kept[1],
        "kind": "SUBMISSION",
        "message": digest("message 1"),
        "participants": 3,
        "purpose": "VTO",
        "recipient": RAAD.value,
        "sender": GEMEENTE.value,
        "shown": digest("shown 1"),
        "time": 1_795_432_568_123,
    }
    assert entry.text == canonical_json(members(entry.text))
    assert parse_entry(entry.text) == entry
    assert entry.kept == tuple(kept)


def test_what_has_nothing_to_say_is_absent() -> None:
    entry = finalise_entry(participant(1), index=0, time=1, newest_participant=None)
    assert members(entry.text).keys() == {"kind", "id", "time", "oin", "statement", "admission", "pad"}
    assert entry.participants is None
    assert parse_entry(entry.text).pad == participant(1).pad


@pytest.mark.parametrize(
    "draft",
    [
        EntryDraft(kind=EntryKind.CHAIN, id="c", epoch=1, fingerprint=digest("f"), signed=digest("s"), pad=bytes(16)),
        EntryDraft(kind=EntryKind.CATALOGUE, id="c", catalogue=digest("c"), version="2026-11-01", pad=bytes(16)),
        EntryDraft(kind=EntryKind.REFUSAL, id="r", sender=GEMEENTE, message=digest("m"), pad=bytes(16)),
        EntryDraft(
            kind=EntryKind.RECEIPT,
            id="r",
            sender=GEMEENTE,
            recipient=RAAD,
            message=digest("m"),
            released=digest("d"),
            request=digest("r"),
            pad=bytes(16),
        ),
        EntryDraft(kind=EntryKind.EXPIRY, id="e", sender=GEMEENTE, recipient=RAAD, message=digest("m"), pad=bytes(16)),
        EntryDraft(
            kind=EntryKind.RECALL,
            id="r",
            sender=GEMEENTE,
            recipient=RAAD,
            message=digest("m"),
            request=digest("r"),
            pad=bytes(16),
        ),
        EntryDraft(kind=EntryKind.REVIEW, id="r", sender=GEMEENTE, request=digest("r"), pad=bytes(16)),
    ],
)
def test_every_kind_has_its_members(draft: EntryDraft) -> None:
    entry = finalise_entry(draft, index=9, time=2, newest_participant=1)
    assert entry.kind is draft.kind
    assert parse_entry(entry.text) == entry


@pytest.mark.parametrize(
    ("kind", "signed", "persons"),
    [
        (EntryKind.CONSENT, True, 1),
        (EntryKind.MEASURE, True, 1),
        (EntryKind.LINK, True, 2),
        (EntryKind.ACCESS, False, 1),
    ],
)
def test_what_is_stated_or_asked_about_a_person_is_in_that_persons_chain(
    kind: EntryKind, *, signed: bool, persons: int
) -> None:
    """An entry without a kept record would be missing in the person's accounting."""
    kept = [digest(f"kept {number}") for number in range(persons)]
    draft = EntryDraft(kind=kind, id="r", sender=GEMEENTE, request=digest("r") if signed else None)
    entry = finalise_entry(draft, index=9, time=2, newest_participant=1, kept=kept)
    assert parse_entry(entry.text) == entry
    without = dataclasses.replace(draft, pad=bytes(16) if persons == 1 else None)
    with pytest.raises(DocumentError) as caught:
        finalise_entry(without, index=9, time=2, newest_participant=1, kept=kept[1:])
    assert [issue.pointer for issue in caught.value.issues] == [f"/kept_{persons - 1}"]


def test_what_is_stated_about_a_person_has_no_recipient() -> None:
    draft = EntryDraft(kind=EntryKind.CONSENT, id="r", sender=GEMEENTE, request=digest("r"), recipient=RAAD)
    with pytest.raises(DocumentError):
        finalise_entry(draft, index=9, time=2, newest_participant=1, kept=[digest("k")])


def test_every_draft_member_comes_back() -> None:
    draft = dataclasses.replace(
        submission(1), kind=EntryKind.DISCLOSURE, released=digest("released"), request=digest("request")
    )
    entry = finalise_entry(draft, index=9, time=2, newest_participant=1)
    for field in dataclasses.fields(draft):
        assert getattr(parse_entry(entry.text), field.name) == getattr(draft, field.name)


@pytest.mark.parametrize(("as_of", "newest_participant"), [(6, None), (0, 5), (0, 6)])
def test_an_entry_refers_only_to_what_lies_before_it(as_of: int, newest_participant: int | None) -> None:
    with pytest.raises(ValueError, match="does not lie before it"):
        finalise_entry(submission(1, as_of=as_of), index=5, time=1, newest_participant=newest_participant)


def test_a_draft_that_lacks_a_member_is_refused_with_every_issue() -> None:
    draft = EntryDraft(kind=EntryKind.DISCLOSURE, id="d", shown=digest("shown"), sender=GEMEENTE)
    with pytest.raises(DocumentError) as caught:
        finalise_entry(draft, index=5, time=1, newest_participant=None)
    assert [issue.pointer for issue in caught.value.issues] == [
        "/as_of",
        "/catalogue",
        "/message",
        "/purpose",
        "/recipient",
        "/released",
        "/request",
    ]


def changed(**changes: object) -> bytes:
    """The text of a good entry with members set, or dropped by None."""
    found = members(finalise_entry(submission(1), index=5, time=7, newest_participant=2, kept=[digest("k")]).text)
    found.update(changes)
    return canonical_json({name: value for name, value in found.items() if value is not None})


def test_the_entry_that_is_changed_here_is_good() -> None:
    assert parse_entry(changed()).time == 7


@pytest.mark.parametrize(
    "text",
    [
        changed(kind="NOTHING"),
        changed(kind=["SUBMISSION"]),
        changed(kind=None),
        changed(id=""),
        changed(id="a b"),
        changed(id="x" * 65),
        changed(id=7),
        changed(time=-1),
        changed(time="7"),
        changed(time=True),
        changed(time=None),
        changed(as_of=-1),
        changed(participants="2"),
        changed(sender="1000"),
        changed(recipient=None),
        changed(purpose="vto"),
        changed(message=digest("m")[:-1]),
        changed(message=digest("m")[:-1] + "B"),
        changed(kept_0=None, kept_1=digest("k")),
        changed(**{f"kept_{KEPT_MAX}": digest("k")}),
        changed(pad="A" * 22),
        changed(kept_0=None, shown=None),
        changed(oin=GEMEENTE.value),
        changed(extra="member"),
        changed().replace(b'{"as_of"', b'{ "as_of"'),
        changed()[:-1],
        b"[]",
        b'"text"',
        b"",
    ],
)
def test_what_is_no_entry_is_refused(text: bytes) -> None:
    with pytest.raises(DocumentError):
        parse_entry(text)


def test_an_entry_without_a_commitment_has_a_pad() -> None:
    with pytest.raises(DocumentError) as caught:
        finalise_entry(dataclasses.replace(participant(1), pad=None), index=0, time=1, newest_participant=None)
    assert [issue.text for issue in caught.value.issues] == ["an entry has a commitment or else a pad"]


def test_a_participant_entry_has_a_statement_or_an_admission() -> None:
    for change in ({"statement": None}, {"admission": None}):
        draft = dataclasses.replace(participant(1), **change)  # type: ignore[arg-type]  # a member set to None
        assert finalise_entry(draft, index=0, time=1, newest_participant=None).oin == GEMEENTE
    with pytest.raises(DocumentError, match="PARTICIPANT"):
        finalise_entry(
            dataclasses.replace(participant(1), statement=None, admission=None),
            index=0,
            time=1,
            newest_participant=None,
        )


def test_an_entry_is_at_most_4_kib() -> None:
    with pytest.raises(DocumentError) as caught:
        parse_entry(canonical_json({"kind": "REVIEW", "id": "x" * ENTRY_BYTES_MAX}))
    assert caught.value.code == "hub.entry.too-large"


def test_the_largest_message_fits() -> None:
    kept = [digest(f"kept {number}") for number in range(KEPT_MAX)]
    draft = dataclasses.replace(
        submission(1), kind=EntryKind.DISCLOSURE, released=digest("released"), request=digest("request")
    )
    entry = finalise_entry(draft, index=2**52, time=2**46, newest_participant=2**51, kept=kept)
    assert entry.kept == tuple(kept)
    assert len(entry.text) < ENTRY_BYTES_MAX // 2


def test_a_time_beyond_the_calendar_is_refused() -> None:
    """Whoever reads an entry shows its time to people, and must not fail over it."""
    last = MOMENT_MAX * 1000
    text = finalise_entry(submission(1), index=5, time=last, newest_participant=3).text
    with pytest.raises(DocumentError) as refused:
        parse_entry(text.replace(f'"time":{last}'.encode(), f'"time":{last + 1}'.encode()))
    assert [issue.pointer for issue in refused.value.issues] == ["/time"]
