"""The rollback guard: forward only, and never beside."""

import dataclasses

import pytest

from audit.errors import RollbackError
from audit.guard import check_advance, check_rollback, parse_guard
from schemas.errors import EvidenceError
from tests.support.log_files import ORIGIN, SIGNER, MemoryLog, participant, submission


def log_of(size: int) -> MemoryLog:
    log = MemoryLog()
    log.append(participant(1))
    for number in range(size - 1):
        log.append(submission(number))
    return log


def test_a_guard_is_the_signed_checkpoint_itself() -> None:
    log = log_of(3)
    assert parse_guard(str(log.note()).encode(), key=SIGNER.public) == log.checkpoint()


@pytest.mark.parametrize("data", [b"", b"text", str(log_of(3).note()).replace("\n3\n", "\n2\n").encode()])
def test_a_damaged_guard_stops_the_hub_and_is_not_taken_for_an_absent_one(data: bytes) -> None:
    with pytest.raises(RollbackError, match="guard file"):
        parse_guard(data, key=SIGNER.public)


def test_a_database_at_or_ahead_of_the_guard_may_go_on() -> None:
    log = log_of(5)
    for size in (0, 3, 5):
        guard = log.checkpoint(size)
        check_rollback(guard, origin=ORIGIN, size=5, root_at_guard=log.checkpoint(size).root_hash)


def test_a_database_behind_the_guard_stops() -> None:
    guard = log_of(5).checkpoint()
    with pytest.raises(RollbackError, match="5 were published"):
        check_rollback(guard, origin=ORIGIN, size=4, root_at_guard=None)
    with pytest.raises(RollbackError, match="5 were published"):
        check_rollback(guard, origin=ORIGIN, size=5, root_at_guard=None)


def test_a_database_beside_the_guard_stops() -> None:
    guard = log_of(3).checkpoint()
    with pytest.raises(EvidenceError, match="not those that were published"):
        check_rollback(guard, origin=ORIGIN, size=9, root_at_guard=bytes(32))
    with pytest.raises(RollbackError, match="the database holds log"):
        check_rollback(guard, origin="other.test/log/1", size=9, root_at_guard=guard.root_hash)


def test_checkpoints_leave_only_forward_and_one_for_each_size() -> None:
    log = log_of(5)
    check_advance(None, log.checkpoint(0))
    check_advance(log.checkpoint(3), log.checkpoint(3))
    check_advance(log.checkpoint(3), log.checkpoint(4))
    with pytest.raises(RollbackError, match="does not follow"):
        check_advance(log.checkpoint(4), log.checkpoint(3))
    with pytest.raises(RollbackError, match="does not follow"):
        check_advance(log.checkpoint(4), dataclasses.replace(log.checkpoint(5), origin="other.test/log/1"))
    with pytest.raises(RollbackError, match="different roots"):
        check_advance(log.checkpoint(4), dataclasses.replace(log.checkpoint(4), root_hash=bytes(32)))
