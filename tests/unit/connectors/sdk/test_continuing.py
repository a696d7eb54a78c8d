"""What a connector saw of the old log against what the statement says of it."""

from dataclasses import replace
from hashlib import sha256

import pytest

from audit.checkpoint import Checkpoint
from audit.continuation import Continuation, make_continuation
from audit.entries import EntryDraft, finalise_entry
from audit.note import NoteSigner
from audit.proofs import make_consistency_proof
from connectors.sdk.continuing import check_continues, needs_proof
from schemas.canonical import b64url
from schemas.codes import EntryKind
from schemas.errors import EvidenceError
from tests.support.log_files import MemoryLog, reader_of
from tests.support.members import Members

LOG = MemoryLog()
for _ in range(9):
    LOG.append(Members().epoch(1).draft)
NEXT = NoteSigner.from_seed(name="hub.ketenhub.test/log/2", seed=sha256(b"next").digest())


def continuation(*, provable: int = 5, published: int = 8) -> Continuation:
    draft = EntryDraft(
        kind=EntryKind.CONTINUATION,
        id="0" * 32,
        pad=bytes(16),
        predecessor=LOG.signer.name,
        root=b64url(LOG.checkpoint(provable).root_hash),
        provable=provable,
        published=published,
    )
    entry = finalise_entry(draft, index=0, time=LOG.time, newest_participant=None)
    return make_continuation(predecessor=LOG.signer.public, successor=NEXT.public, entry=entry.text)


def proof(size: int, until: int) -> tuple[bytes, ...]:
    return make_consistency_proof(size1=size, size2=until, hash_at=reader_of(LOG.leaves[:until]))


@pytest.mark.parametrize(
    ("last", "lost"),
    [(None, []), (LOG.checkpoint(0), []), (LOG.checkpoint(5), []), (LOG.checkpoint(7), [5, 6])],
    ids=["saw nothing", "saw an empty log", "saw what is provable", "saw more"],
)
def test_what_was_seen_and_cannot_be_proved_any_more_is_lost(last: Checkpoint | None, lost: list[int]) -> None:
    assert list(check_continues(continuation(), last=last)) == lost
    assert not needs_proof(continuation(), last=last)


def test_who_saw_less_than_is_provable_needs_a_proof() -> None:
    last = LOG.checkpoint(3)
    assert needs_proof(continuation(), last=last)
    assert list(check_continues(continuation(), last=last, proof=proof(3, 5))) == []
    for wrong in ((), proof(2, 5)):
        with pytest.raises(EvidenceError):
            check_continues(continuation(), last=last, proof=wrong)


def test_another_root_at_the_provable_size_is_another_log() -> None:
    with pytest.raises(EvidenceError):
        check_continues(continuation(), last=replace(LOG.checkpoint(5), root_hash=bytes(32)))


def test_a_statement_that_makes_the_gap_smaller_than_it_is_counts_for_nothing() -> None:
    with pytest.raises(EvidenceError) as caught:
        check_continues(continuation(), last=LOG.checkpoint(9))
    assert caught.value.code == "hub.continuation.understated"
