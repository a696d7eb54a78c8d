"""One message's evidence: what holds, and what every change breaks."""

import dataclasses
from typing import Any

import pytest

from audit.errors import CommitmentError, InclusionProofError
from audit.evidence import EvidenceReport, check_evidence
from audit.evidence_file import (
    Evidence,
    LoggedEntry,
    ParticipantLink,
    parse_evidence,
    participant_links,
    redact_evidence,
)
from audit.note import NoteSigner
from audit.policy import Policy, parse_policy
from audit.records import Withheld
from schemas.canonical import b64url
from schemas.codes import EntryKind
from schemas.errors import EvidenceError, ExchangeError, SignatureError
from schemas.identifiers import Thumbprint
from schemas.jwk import SigningKey
from schemas.randomness import UnsafeSeededRandomness
from schemas.sdjwt import present
from tests.support.evidence_files import (
    GI,
    KEYS,
    PERMITTED,
    POLICY_TEXT,
    SECONDS,
    WITHHELD,
    Sent,
    World,
    admit,
    draft_of,
    evidence_of,
    send,
    shown_of,
    sign_statement,
    state,
    usual_world,
)
from tests.support.log_files import GEMEENTE, RAAD, SIGNER, participant

POLICY = parse_policy(POLICY_TEXT.encode())
SENT = send()
EVIDENCE = evidence_of(usual_world(), SENT)


def check(evidence: Evidence, policy: Policy | None = POLICY) -> EvidenceReport:
    """Check evidence as it is read back from its file."""
    return check_evidence(parse_evidence(evidence.to_bytes()), policy=policy)


def refuse(evidence: Evidence, finding: str, policy: Policy | None = POLICY) -> ExchangeError:
    with pytest.raises(ExchangeError, match=finding) as caught:
        check(evidence, policy)
    return caught.value


def test_evidence_holds_and_tells_what_it_shows() -> None:
    report = check(EVIDENCE)
    assert report.anchored
    assert report.message == SENT.message
    assert (report.sender.oin, report.sender.name) == (GEMEENTE, "gemeente Voorbeeldstad")
    assert report.key.thumbprint == KEYS[0].public.thumbprint
    assert (report.entry.kind, report.index, report.checkpoint.size) == (EntryKind.DISCLOSURE, 3, 4)
    assert report.disclosed == PERMITTED
    assert report.redacted == ()
    assert report.withheld == WITHHELD
    assert report.marks == ("unprompted",)


def test_evidence_of_an_acceptance_holds_too() -> None:
    assert check(evidence_of(usual_world(), send(), kind=EntryKind.SUBMISSION)).entry.kind is EntryKind.SUBMISSION


def test_without_a_policy_the_evidence_is_unanchored() -> None:
    report = check(EVIDENCE, None)
    assert not report.anchored
    assert report.disclosed == PERMITTED
    assert report.as_json()["result"] == "unanchored"


def test_evidence_of_a_stranger_s_log_and_registrar_is_only_ever_unanchored() -> None:
    stranger = SigningKey.generate(randomness=UnsafeSeededRandomness("stranger"))
    world = World()
    world.join(admission=admit(KEYS[0], by=stranger), statement=sign_statement(state(KEYS[0]), KEYS[0]))
    evidence = evidence_of(world, send())
    assert not check(evidence, None).anchored
    error = refuse(evidence, "no registrar of the policy")
    assert error.code == "hub.policy.unknown-registrar"


def test_the_log_must_be_one_of_the_policy() -> None:
    other = NoteSigner.from_seed(name=SIGNER.name, seed=bytes(32))
    refuse(EVIDENCE, "no known key", dataclasses.replace(POLICY, logs=(other.public,)))
    refuse(EVIDENCE, "no registrar", dataclasses.replace(POLICY, registrars={}))


def test_redacted_evidence_still_verifies_and_holds_no_value() -> None:
    redacted = redact_evidence(EVIDENCE)
    report = check(redacted)
    assert (report.disclosed, report.redacted) == ((), PERMITTED)
    assert report.withheld == WITHHELD
    for texts in SENT.disclosures.values():
        for disclosure in texts:
            assert disclosure.text.encode() not in redacted.to_bytes()
    assert b"2014-03-02" not in redacted.to_bytes()
    assert redacted == redact_evidence(redacted)


def test_a_label_counts_as_disclosed_only_with_all_its_values() -> None:
    sent = SENT.disclosures
    some = present(SENT.token, [sent["jeugdige/p1/birthDate"][0].text, sent["jeugdige/p1/identifier"][0].text])
    report = check(dataclasses.replace(EVIDENCE, sd_jwt=some))
    assert (report.disclosed, report.redacted) == (("jeugdige/p1/birthDate",), ("jeugdige/p1/identifier",))


# ---- the parts belong together ----

OTHER = evidence_of(usual_world(), send())


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Evidence) if field.name != "submission"])
def test_no_part_can_be_taken_from_other_evidence(name: str) -> None:
    other = getattr(OTHER, name)
    if other == getattr(EVIDENCE, name):
        changes: dict[str, object] = {
            "sender_jwk": KEYS[1].public.to_jwk(),
            "log_vkey": NoteSigner.from_seed(name=SIGNER.name, seed=bytes(32)).public.vkey,
            "shown": shown_of(EntryKind.DISCLOSURE, marks=()).text,
            "shown_salt": b64url(bytes(32)),
            "withheld": (),
        }
        other = changes[name]
    changed = dataclasses.replace(EVIDENCE, **{name: other})
    with pytest.raises(ExchangeError):
        check(changed)


def test_the_withheld_are_those_that_were_shown() -> None:
    for withheld in ((), (Withheld(label="melder/m1/name", reasons=("other",)),), (*WITHHELD, *WITHHELD)):
        refuse(dataclasses.replace(EVIDENCE, withheld=withheld), "`withheld` is not what was shown")


def test_a_shown_record_that_was_not_committed_to_is_refused() -> None:
    changed = dataclasses.replace(EVIDENCE, shown=shown_of(EntryKind.DISCLOSURE, marks=()).text)
    with pytest.raises(CommitmentError):
        check(changed)


@pytest.mark.parametrize(
    "changes",
    [{"entry_kind": EntryKind.SUBMISSION}, {"ground": "RVDK-NOT"}, {"catalogue": "A" * 43}],
)
def test_a_hub_that_shows_another_decision_than_it_logs_is_found(changes: dict[str, object]) -> None:
    shown = shown_of(EntryKind.DISCLOSURE, **changes)
    refuse(evidence_of(usual_world(), send(), shown=shown), "say different things")


@pytest.mark.parametrize(
    "changes",
    [
        {"permitted": PERMITTED[:1]},
        {"withheld": ()},
        {"permitted": (*PERMITTED, "melder/m1/name")},
        {"permitted": (*PERMITTED, "jeugdige/p1/name")},
    ],
)
def test_permitted_and_withheld_are_together_the_labels_of_the_message(changes: dict[str, object]) -> None:
    shown = shown_of(EntryKind.DISCLOSURE, **changes)
    refuse(evidence_of(usual_world(), send(), shown=shown), "not the labels of the message")


def test_a_hub_that_released_something_else_than_it_shows_is_found() -> None:
    refuse(evidence_of(usual_world(), send(), released="A" * 43), "something else was released")


def test_a_disclosure_of_what_was_withheld_is_refused() -> None:
    refuse(dataclasses.replace(EVIDENCE, sd_jwt=SENT.sd_jwt(*PERMITTED, "melder/m1/name")), "does not belong")
    refuse(dataclasses.replace(EVIDENCE, sd_jwt=SENT.sd_jwt(*PERMITTED, *PERMITTED)), "stands there twice")
    foreign = SENT.sd_jwt(*PERMITTED) + send().disclosures[PERMITTED[0]][0].text + "~"
    refuse(dataclasses.replace(EVIDENCE, sd_jwt=foreign), "does not belong")


def test_a_message_has_no_key_binding() -> None:
    refuse(dataclasses.replace(EVIDENCE, sd_jwt=SENT.sd_jwt(*PERMITTED) + "a.b.c"), "no key binding")


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"message": "A" * 43}, "about another message"),
        ({"id": "other"}, "says another id"),
        ({"recipient": GI}, "says another id"),
        ({"purpose": "RVDK-NOT"}, "say different things|says another id"),
    ],
)
def test_an_entry_about_something_else_is_refused(changes: dict[str, Any], finding: str) -> None:
    refuse(evidence_of(usual_world(), send(), **changes), finding)


def test_only_acceptances_and_disclosures_are_evidence() -> None:
    world = usual_world()
    evidence = evidence_of(world, SENT)
    index = world.log.append(participant(9, RAAD))
    changed = dataclasses.replace(evidence, entry=world.log.texts[index].decode(), tlog_proof=world.log.proof(index))
    refuse(changed, "not about a message")


def test_a_message_dated_after_it_came_is_refused() -> None:
    def dated(later: int) -> Evidence:
        sent = send(
            change=lambda message: dataclasses.replace(
                message, issued_at=SECONDS + later, pickup_by=SECONDS + later + 60
            )
        )
        return evidence_of(usual_world(), sent)

    assert check(dated(120)).anchored
    refuse(dated(1000), "dated after the log says it came")


# ---- the sender's key ----


def rotated(*, submit_first: Sent | None = None) -> tuple[World, int | None]:
    """A world in which the sender replaces its first key by its second, perhaps after a message was accepted."""
    world = usual_world()
    submission = None
    if submit_first is not None:
        submission = world.log.append(draft_of(submit_first, EntryKind.SUBMISSION, shown_of(EntryKind.SUBMISSION)))
    payload = state(KEYS[1], later=10)
    world.join(statement=sign_statement(payload, KEYS[1]), replaced=sign_statement(payload, KEYS[0]))
    return world, submission


def test_a_key_that_replaced_another_counts() -> None:
    world, _ = rotated()
    evidence = evidence_of(world, send(KEYS[1]), key=KEYS[1])
    assert [link.replaced is not None for link in evidence.participants] == [True, False, False, False]
    assert check(evidence).key.thumbprint == KEYS[1].public.thumbprint
    assert not check(evidence, None).anchored


def test_a_key_that_was_replaced_before_counts_no_more() -> None:
    world, _ = rotated()
    evidence = evidence_of(world, send(KEYS[0]), key=KEYS[1])
    assert refuse(evidence, "another key").code == "sender.token.kid"
    refuse(dataclasses.replace(evidence, sender_jwk=KEYS[0].public.to_jwk()), "`sender_jwk`")


def test_a_chain_that_ends_before_the_rotation_does_not_hide_it() -> None:
    world, _ = rotated()
    evidence = evidence_of(world, send(KEYS[0]), key=KEYS[0])
    known = world.links()
    before = participant_links(newest=2, sender=GEMEENTE, known=known)
    old = dataclasses.replace(
        evidence, participants=before, sender_statement=str(before[-1].statement), admission=str(before[-1].admission)
    )
    refuse(old, "the chain of PARTICIPANT entries has a gap")


def test_what_was_accepted_before_the_key_was_replaced_stays_good() -> None:
    sent = send(KEYS[0])
    world, submission = rotated(submit_first=sent)
    evidence = evidence_of(world, sent, submission=submission)
    report = check(evidence)
    assert (report.entry.kind, report.key.thumbprint) == (EntryKind.DISCLOSURE, KEYS[0].public.thumbprint)
    refuse(dataclasses.replace(evidence, submission=None), "the chain of PARTICIPANT entries has a gap")


def test_a_submission_of_another_message_or_place_is_refused() -> None:
    sent = send(KEYS[0])
    world, submission = rotated(submit_first=sent)
    assert submission is not None
    evidence = evidence_of(world, sent, submission=submission)
    disclosure = LoggedEntry(entry=evidence.entry, tlog_proof=evidence.tlog_proof)
    refuse(dataclasses.replace(evidence, submission=disclosure), "`submission` is no acceptance")
    refuse(dataclasses.replace(evidence, submission=world.logged(0)), "`submission` is no acceptance")
    after = world.log.append(draft_of(sent, EntryKind.SUBMISSION, shown_of(EntryKind.SUBMISSION)))
    refuse(dataclasses.replace(evidence, submission=world.logged(after)), "does not lie before")
    other_world, other = rotated(submit_first=send(KEYS[0]))
    assert other is not None
    refuse(dataclasses.replace(evidence, submission=other_world.logged(other)), "about another message")


def test_a_new_admission_begins_anew() -> None:
    world, _ = rotated()
    world.join(
        admission=admit(KEYS[2], issued_at=SECONDS - 10), statement=sign_statement(state(KEYS[2], later=20), KEYS[2])
    )
    evidence = evidence_of(world, send(KEYS[2]), key=KEYS[2])
    assert len(evidence.participants) == 5
    assert check(evidence).key.thumbprint == KEYS[2].public.thumbprint


def test_a_key_that_nobody_vouched_for_is_refused() -> None:
    world = usual_world()
    world.join(statement=sign_statement(state(KEYS[1], later=10), KEYS[1]))
    refuse(evidence_of(world, send(KEYS[1]), key=KEYS[1]), "signature of the key it replaces")


def test_a_statement_signed_by_another_key_is_refused_even_unanchored() -> None:
    world = usual_world()
    world.join(statement=sign_statement(state(KEYS[1], later=10), KEYS[2]))
    evidence = evidence_of(world, send(KEYS[1]), key=KEYS[1])
    for policy in (POLICY, None):
        with pytest.raises(SignatureError):
            check(evidence, policy)


def test_a_sender_whose_admission_had_ended_is_refused() -> None:
    world = World()
    world.join(admission=admit(KEYS[0], valid_until=SECONDS - 500), statement=sign_statement(state(KEYS[0]), KEYS[0]))
    refuse(evidence_of(world, send()), "not admitted at that time")


def test_a_chain_without_a_statement_or_without_an_admission_is_refused() -> None:
    only = World()
    only.join(admission=admit(KEYS[0]))
    index = only.log.append(draft_of(SENT, EntryKind.DISCLOSURE, shown_of(EntryKind.DISCLOSURE)))
    link = dataclasses.replace(only.links()[0])
    evidence = dataclasses.replace(
        EVIDENCE,
        entry=only.log.texts[index].decode(),
        tlog_proof=only.log.proof(index),
        participants=(link,),
        submission=None,
    )
    refuse(evidence, "no statement of the sender")
    refuse(evidence, "no admission and statement", None)
    unadmitted = World()
    unadmitted.join(statement=sign_statement(state(KEYS[0]), KEYS[0]))
    index = unadmitted.log.append(draft_of(SENT, EntryKind.DISCLOSURE, shown_of(EntryKind.DISCLOSURE)))
    logged = unadmitted.logged(index)
    links = (unadmitted.links()[0],)
    evidence = dataclasses.replace(EVIDENCE, entry=logged.entry, tlog_proof=logged.tlog_proof, participants=links)
    refuse(evidence, "nobody joins without an admission")


def test_the_chain_reaches_the_beginning_of_the_log() -> None:
    rotated_world, _ = rotated()
    for whole in (EVIDENCE, evidence_of(rotated_world, send(KEYS[1]), key=KEYS[1])):
        for count in range(len(whole.participants)):
            cut = dataclasses.replace(whole, participants=whole.participants[:count])
            refuse(cut, "does not reach the beginning of the log")
            refuse(cut, "does not reach the beginning of the log", None)


@pytest.mark.parametrize("revoked", [(), (KEYS[0].public.thumbprint,)], ids=["replaced", "revoked"])
def test_a_hub_cannot_bring_back_a_key_with_the_old_admission_that_names_it(revoked: tuple[Thumbprint, ...]) -> None:
    """The attack of decision 0003 of schemas, by a hub that logs it all the same."""
    world, first = World(), admit(KEYS[0])
    world.join(admission=first, statement=sign_statement(state(KEYS[0]), KEYS[0]))
    payload = state(KEYS[1], later=10, revoked=revoked)
    world.join(statement=sign_statement(payload, KEYS[1]), replaced=sign_statement(payload, KEYS[0]))
    world.join(admission=first, statement=sign_statement(state(KEYS[0], later=20), KEYS[0]))
    forged = evidence_of(world, send(KEYS[0]))
    refuse(forged, "not later than the admission in force")
    refuse(dataclasses.replace(forged, participants=forged.participants[:1]), "does not reach the beginning")


def test_the_chain_has_no_gap_no_stranger_and_no_other_order() -> None:
    first, second, third = EVIDENCE.participants
    for links in ((second, third), (first, third), (second, first, third), (first, first, second, third)):
        refuse(dataclasses.replace(EVIDENCE, participants=links), "has a gap")
    refuse(dataclasses.replace(EVIDENCE, participants=(first, second, third, third)), "has a gap")
    entry = ParticipantLink(entry=EVIDENCE.entry, tlog_proof=EVIDENCE.tlog_proof)
    refuse(dataclasses.replace(EVIDENCE, participants=(entry, first, second, third)), "has a gap")


def test_the_chain_is_of_the_same_log() -> None:
    second = NoteSigner.from_seed(name="other.test/log/1", seed=bytes(32))
    world = usual_world()
    world.log.signer = second
    foreign = evidence_of(world, SENT)
    both = dataclasses.replace(POLICY, logs=(SIGNER.public, second.public))
    refuse(dataclasses.replace(EVIDENCE, participants=foreign.participants), "has a gap", both)
    refuse(foreign, "`log_vkey` is not the key", both)


def test_tokens_stand_only_beside_the_sender_s_own_entries() -> None:
    first, second, third = EVIDENCE.participants
    bare = dataclasses.replace(second, admission=None)
    refuse(dataclasses.replace(EVIDENCE, participants=(first, bare, third)), "not those that it commits to")
    for name in ("admission", "statement"):
        dressed = dataclasses.replace(first, **{name: "token"})
        refuse(dataclasses.replace(EVIDENCE, participants=(dressed, second, third)), "not those that it commits to")
    dressed = dataclasses.replace(first, replaced="token")
    refuse(dataclasses.replace(EVIDENCE, participants=(dressed, second, third)), "another participant's entry")


def test_a_message_of_another_sender_than_the_key_is_refused() -> None:
    world = World()
    token = sign_statement(state(KEYS[0], oin=GI), KEYS[0])
    world.join(admission=admit(KEYS[0], oin=GI), statement=token)
    refuse(evidence_of(world, send()), "admission of another participant")
    refuse(evidence_of(world, send()), "another sender than the key", None)


def test_a_key_that_began_after_its_admission_counts() -> None:
    world = World()
    world.tokens[world.log.append(participant(0, RAAD))] = {}
    world.join(admission=admit(KEYS[0]))
    world.join(statement=sign_statement(state(KEYS[0]), KEYS[0]))
    evidence = evidence_of(world, send())
    assert [link.admission is not None for link in evidence.participants] == [False, True, False]
    assert check(evidence).key.thumbprint == KEYS[0].public.thumbprint


# ---- what an error says, and what an entry is ----


def test_no_error_repeats_a_value() -> None:
    withheld = SENT.sd_jwt(*PERMITTED, "melder/m1/name")
    error = refuse(dataclasses.replace(EVIDENCE, sd_jwt=withheld), "does not belong")
    told = str(error) + error.detail + "".join(issue.text for issue in error.issues)
    assert "Voorbeeld" not in told


def test_an_altered_entry_is_not_in_the_log() -> None:
    changed = EVIDENCE.entry.replace('"purpose":"VTO"', '"purpose":"VTA"')
    with pytest.raises(InclusionProofError):
        check(dataclasses.replace(EVIDENCE, entry=changed))


def test_an_entry_that_commits_to_nothing_shows_nothing() -> None:
    with pytest.raises(EvidenceError):
        check(dataclasses.replace(EVIDENCE, shown_salt=b64url(bytes(31))))
