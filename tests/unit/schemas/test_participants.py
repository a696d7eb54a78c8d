"""The directory: every key vouched for by the one before it, and every state remembered with its place in the log."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from schemas.codes import Capacity, Role
from schemas.errors import DocumentError, RejectedMessageError, SignatureError
from schemas.participants import Directory, Participant, next_participant
from tests.support.parties import (
    GEMEENTE,
    GI,
    ISSUED_AT,
    RAAD,
    REGISTRAR,
    Documents,
    Party,
    message_id,
    seeded_key,
    seeded_sealing_key,
    signed_admission,
    signed_statement,
)

PARTY = Party()
NEXT = Party(key=seeded_key("gemeente/2"), sealing=seeded_sealing_key("gemeente/2"))
AT = datetime.fromtimestamp(ISSUED_AT + 10, UTC)


def directory(*records: Documents) -> Directory:
    return Directory.empty(registrar=REGISTRAR.public).extended(records)


def joined() -> Participant:
    return next_participant(None, PARTY.joining(), registrar=REGISTRAR.public)


def rotation(index: int = 10) -> Documents:
    """A new signing key, signed by both."""
    statement = NEXT.statement(issued_at=ISSUED_AT + 100, id=message_id(10))
    return Documents(
        index=index,
        statement=signed_statement(statement, NEXT.key),
        replaced=signed_statement(statement, PARTY.key),
    )


def code(before: Participant | None, record: Documents) -> str:
    with pytest.raises(RejectedMessageError) as refused:
        next_participant(before, record, registrar=REGISTRAR.public)
    return refused.value.code


def test_a_participant_joins_with_an_admission_and_a_statement() -> None:
    participant = joined()
    assert (participant.oin, participant.name, participant.role) == (GEMEENTE, "Gemeente Voorbeeldstad", Role.GEMEENTE)
    assert participant.capacities == frozenset()
    assert participant.verification_key == PARTY.key.public
    assert participant.sealing_key == PARTY.sealing.public
    assert participant.signing_key(PARTY.key.public.thumbprint) == PARTY.key.public
    assert participant.signing_key(NEXT.key.public.thumbprint) is None
    assert participant.in_force(AT)
    assert (participant.admission_token, participant.statement_token) == (
        PARTY.joining().admission,
        PARTY.joining().statement,
    )


def test_a_gi_joins_with_its_capacities() -> None:
    party = Party(oin=GI, role=Role.GI, capacities=frozenset({Capacity.OTS}))
    participant = next_participant(None, party.joining(), registrar=REGISTRAR.public)
    assert (participant.role, participant.capacities) == (Role.GI, frozenset({Capacity.OTS}))


def test_an_admission_may_come_before_the_first_statement() -> None:
    record = PARTY.joining()
    admitted = next_participant(None, replace(record, statement=None), registrar=REGISTRAR.public)
    assert (admitted.sealing_key, admitted.verification_key) == (None, None)
    assert admitted.signing_key(PARTY.key.public.thumbprint) is None
    later = replace(record, admission=None, index=5)
    assert next_participant(admitted, later, registrar=REGISTRAR.public).verification_key == PARTY.key.public


def test_nobody_joins_otherwise() -> None:
    record = PARTY.joining()
    other = Party(key=seeded_key("other"))
    assert code(None, Documents()) == "sender.participant.empty"
    assert code(None, replace(record, admission=None)) == "sender.participant.unknown"
    assert code(None, replace(record, statement=None, replaced=record.statement)) == "sender.statement.replaced"
    assert code(None, replace(record, oin=RAAD)) == "sender.admission.oin"
    assert code(None, replace(record, statement=signed_statement(PARTY.statement(oin=RAAD), PARTY.key))) == (
        "sender.statement.oin"
    )
    assert code(None, replace(record, statement=signed_statement(other.statement(), other.key))) == (
        "sender.statement.key"
    )
    assert code(None, replace(record, replaced=record.statement)) == "sender.statement.replaced"


def test_the_registrar_alone_admits() -> None:
    forged = replace(PARTY.joining(), admission=signed_admission(PARTY.admission(), PARTY.key))
    with pytest.raises(SignatureError):
        next_participant(None, forged, registrar=REGISTRAR.public)


def test_a_new_signing_key_is_vouched_for_by_the_one_that_it_replaces() -> None:
    participant = next_participant(joined(), rotation(), registrar=REGISTRAR.public)
    assert participant.verification_key == NEXT.key.public
    assert participant.signing_key(PARTY.key.public.thumbprint) is None
    assert not participant.has_revoked_sealing_key(PARTY.sealing.public.kid)


def test_a_new_signing_key_is_not_taken_on_its_own_word() -> None:
    record = rotation()
    other = NEXT.statement(issued_at=ISSUED_AT + 101)
    assert code(joined(), replace(record, replaced=None)) == "sender.statement.key"
    assert code(joined(), replace(record, replaced=record.statement)) == "sender.token.kid"
    assert code(joined(), replace(record, replaced=signed_statement(other, PARTY.key))) == "sender.statement.replaced"


def test_a_sealing_key_changes_under_the_same_signing_key() -> None:
    statement = PARTY.statement(issued_at=ISSUED_AT + 1, sealing_key=NEXT.sealing.public)
    record = Documents(index=3, statement=signed_statement(statement, PARTY.key))
    assert next_participant(joined(), record, registrar=REGISTRAR.public).sealing_key == NEXT.sealing.public
    assert code(joined(), replace(record, replaced=record.statement)) == "sender.statement.replaced"


def test_an_old_statement_does_not_bring_back_its_keys() -> None:
    statement = PARTY.statement(issued_at=ISSUED_AT + 1, sealing_key=NEXT.sealing.public)
    record = Documents(index=3, statement=signed_statement(statement, PARTY.key))
    changed = next_participant(joined(), record, registrar=REGISTRAR.public)
    assert code(changed, Documents(index=4, statement=PARTY.joining().statement)) == "sender.statement.old"
    assert code(changed, replace(record, index=4)) == "sender.statement.old"


def test_an_old_admission_does_not_bring_back_its_first_key() -> None:
    rotated = next_participant(joined(), rotation(), registrar=REGISTRAR.public)
    again = PARTY.statement(issued_at=ISSUED_AT + 200)
    record = Documents(index=20, statement=signed_statement(again, PARTY.key))
    assert code(rotated, record) == "sender.statement.key"
    assert code(rotated, replace(record, admission=PARTY.joining().admission)) == "sender.admission.old"


def test_who_lost_its_key_begins_anew_with_a_new_admission() -> None:
    admission = NEXT.admission(issued_at=ISSUED_AT + 100)
    statement = NEXT.statement(issued_at=ISSUED_AT + 100)
    record = Documents(index=9, admission=signed_admission(admission), statement=signed_statement(statement, NEXT.key))
    assert next_participant(joined(), record, registrar=REGISTRAR.public).verification_key == NEXT.key.public


def test_a_revoked_key_never_comes_back_and_is_remembered() -> None:
    statement = NEXT.statement(
        issued_at=ISSUED_AT + 100, revoked=(PARTY.key.public.thumbprint, PARTY.sealing.public.kid)
    )
    record = Documents(
        index=10,
        statement=signed_statement(statement, NEXT.key),
        replaced=signed_statement(statement, PARTY.key),
    )
    revoked = next_participant(joined(), record, registrar=REGISTRAR.public)
    assert revoked.has_revoked_sealing_key(PARTY.sealing.public.kid)
    for back in (
        PARTY.statement(issued_at=ISSUED_AT + 300, sealing_key=seeded_sealing_key("x").public),
        NEXT.statement(issued_at=ISSUED_AT + 300, sealing_key=PARTY.sealing.public),
    ):
        key = PARTY.key if back.signing_key == PARTY.key.public else NEXT.key
        admission = signed_admission(PARTY.admission(issued_at=ISSUED_AT + 300))
        returning = Documents(index=11, admission=admission, statement=signed_statement(back, key))
        assert code(revoked, returning) == "sender.statement.revoked"
    later = NEXT.statement(issued_at=ISSUED_AT + 400)
    record = Documents(index=12, statement=signed_statement(later, NEXT.key))
    assert next_participant(revoked, record, registrar=REGISTRAR.public).revoked == revoked.revoked


@pytest.mark.parametrize("canary", [True, False])
def test_a_canary_stays_one_and_nobody_becomes_one(*, canary: bool) -> None:
    before = next_participant(None, PARTY.joining(canary=canary), registrar=REGISTRAR.public)
    assert before.canary is canary
    other = signed_admission(PARTY.admission(issued_at=ISSUED_AT + 5, canary=not canary))
    assert code(before, Documents(index=2, admission=other)) == "sender.admission.canary"
    same = signed_admission(PARTY.admission(issued_at=ISSUED_AT + 5, canary=canary))
    after = next_participant(before, Documents(index=2, admission=same), registrar=REGISTRAR.public)
    assert after.canary is canary


def test_a_suspended_participant_is_not_in_force() -> None:
    admission = PARTY.admission(issued_at=ISSUED_AT + 5, valid_until=ISSUED_AT + 5)
    record = Documents(index=2, admission=signed_admission(admission))
    suspended = next_participant(joined(), record, registrar=REGISTRAR.public)
    assert not suspended.in_force(AT)
    assert suspended.statement == joined().statement
    assert suspended.in_force(datetime.fromtimestamp(ISSUED_AT + 4, UTC))
    assert not suspended.in_force(datetime.fromtimestamp(ISSUED_AT - 1, UTC))


def test_the_directory_knows_each_state_at_its_place_in_the_log() -> None:
    raad = Party(oin=RAAD, role=Role.RAAD, key=seeded_key("raad"), sealing=seeded_sealing_key("raad"))
    found = directory(PARTY.joining(index=0), raad.joining(index=4), rotation(index=10))
    assert (len(found), found.newest, {each.oin for each in found}) == (2, 10, {GEMEENTE, RAAD})
    keys = {}
    for index in (0, 1, 10, 11, 999):
        then = found.participant(GEMEENTE, at_index=index)
        keys[index] = then and then.verification_key
    assert keys == {
        0: None,
        1: PARTY.key.public,
        10: PARTY.key.public,
        11: NEXT.key.public,
        999: NEXT.key.public,
    }
    assert [state.index for state in found.history(GEMEENTE)] == [0, 10]
    assert found.participant(RAAD, at_index=4) is None
    now = found.participant(GEMEENTE)
    assert now is not None
    assert now.verification_key == NEXT.key.public
    assert found.participant(GI) is None
    assert found.history(GI) == ()


def test_a_directory_does_not_change_when_it_is_extended() -> None:
    before = directory(PARTY.joining())
    after = before.extended([rotation()])
    assert (before.newest, after.newest) == (0, 10)
    assert before.participant(GEMEENTE) != after.participant(GEMEENTE)


def test_entries_out_of_order_are_refused() -> None:
    with pytest.raises(DocumentError) as refused:
        directory(PARTY.joining(index=11), rotation(index=10))
    assert refused.value.code == "hub.directory.order"
    with pytest.raises(DocumentError):
        directory(PARTY.joining(index=10)).extended([rotation(index=10)])
