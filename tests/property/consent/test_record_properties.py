"""Whatever is recorded after a consent, in whatever order: what replaces a record never permits more than before."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from itertools import product
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from consent.consents import Addressee, check_record, consent_facts, weigh_consents
from schemas.codes import AgeBand, Capacity, Category, Role
from schemas.consents import (
    Answer,
    ConsentRecipient,
    ConsentRecord,
    ConsentStatus,
    GivenAnswer,
    Giver,
    consent_to_payload,
    parse_consent,
)
from schemas.errors import DocumentError
from schemas.identifiers import OIN
from tests.support.law_records import OTHER_GI, consent_record
from tests.support.parties import GEMEENTE, GI

ISSUERS: Final = (GEMEENTE, GI, OTHER_GI)
CATEGORIES: Final = (Category.ZORGEN, Category.GEZONDHEID)
DAYS: Final = (date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1))
RECIPIENTS: Final = tuple(ConsentRecipient(oin=oin) for oin in ISSUERS)

answers = st.lists(
    st.builds(GivenAnswer, who=st.sampled_from((Giver.SELF, Giver.PARENT)), answer=st.sampled_from(Answer)),
    min_size=1,
    max_size=3,
).map(tuple)
scopes = st.fixed_dictionaries(
    {
        "categories": st.frozensets(st.sampled_from(CATEGORIES), min_size=1),
        "recipients": st.frozensets(st.sampled_from(RECIPIENTS), min_size=1),
        "givers": answers,
        "holders": st.sampled_from((1, 2)),
        "valid_from": st.sampled_from(DAYS),
        "valid_until": st.sampled_from(DAYS),
        "status": st.sampled_from(ConsentStatus),
    }
)
steps = st.lists(
    st.tuples(st.sampled_from(ISSUERS), st.sampled_from(("first", "replaces", "confirms")), st.integers(0, 9), scopes),
    min_size=1,
    max_size=6,
)


def recorded(script: list[tuple[OIN, str, int, dict[str, object]]]) -> list[ConsentRecord]:
    """Play a script; what could not be recorded is left out."""
    known: list[ConsentRecord] = []
    for number, (issuer, how, which, scope) in enumerate(script, start=1):
        record = next_record(known, number, issuer=issuer, how=how, which=which, scope=scope)
        if record is not None:
            known.append(record)
    return known


def next_record(
    known: Sequence[ConsentRecord], number: int, *, issuer: OIN, how: str, which: int, scope: dict[str, object]
) -> ConsentRecord | None:
    """The record, if its form holds and the rules let it stand beside the others.

    What refers to another takes over half of it, so that the rules let enough of them pass.
    """
    if how == "first" or not known:
        record = consent_record(number, issuer=issuer, **scope)
    else:
        other = known[which % len(known)]
        content = {name: getattr(other, name) for name in scope if which % 2 or name in ("holders", "givers")}
        if how == "replaces":
            issuer = other.issuer
        record = consent_record(number, issuer=issuer, **{**scope, **content, "status": scope["status"], how: other.id})
    try:
        parse_consent(consent_to_payload(record))
    except DocumentError:
        return None
    return None if check_record(record, known=known) else record


def permitted(records: Sequence[ConsentRecord]) -> set[tuple[OIN, OIN, AgeBand, Category, date]]:
    """Everything that may go: from whom to whom, at which age, what, when."""
    found = set()
    for sender, recipient in product(ISSUERS, ISSUERS):
        facts = consent_facts(
            records, sender=sender, recipient=Addressee(oin=recipient, role=Role.GI, capacity=Capacity.PREVENTIEF)
        )
        for band, category, day in product(AgeBand, CATEGORIES, DAYS):
            if not weigh_consents(facts, band=band, purpose="VRIJW", category=category, day=day).reasons:
                found.add((sender, recipient, band, category, day))
    return found


@settings(max_examples=150, deadline=None)
@given(steps, st.integers(0, 9), scopes)
def test_what_replaces_a_record_never_permits_more(
    script: list[tuple[OIN, str, int, dict[str, object]]], which: int, scope: dict[str, object]
) -> None:
    known = recorded(script)
    later = next_record(known, 9, issuer=GEMEENTE, how="replaces", which=which, scope=scope)
    if later is not None and later.replaces is not None:
        assert permitted([*known, later]) <= permitted(known)


@settings(max_examples=100, deadline=None)
@given(steps, st.integers(0, 9))
def test_a_withdrawal_leaves_nothing_of_its_family(
    script: list[tuple[OIN, str, int, dict[str, object]]], which: int
) -> None:
    known = recorded(script)
    if not known:
        return
    head = known[which % len(known)]
    withdrawal = replace(
        head,
        id=consent_record(9).id,
        issued_at=consent_record(9).issued_at,
        replaces=head.id,
        confirms=None,
        status=ConsentStatus.WITHDRAWN,
    )
    if not check_record(withdrawal, known=known):
        relied_on = {
            each
            for sender in ISSUERS
            for fact in consent_facts(
                [*known, withdrawal], sender=sender, recipient=Addressee(oin=GI, role=Role.GI, capacity=None)
            )
            if not fact.withdrawn
            for each in [fact.id]
        }
        assert head.id.value not in relied_on
        assert withdrawal.id.value not in relied_on
        assert permitted([*known, withdrawal]) <= permitted(known)


@settings(max_examples=100, deadline=None)
@given(steps, st.randoms(use_true_random=False))
def test_the_order_in_which_records_arrive_does_not_matter(
    script: list[tuple[OIN, str, int, dict[str, object]]], randomness: object
) -> None:
    known = recorded(script)
    shuffled = [*known]
    randomness.shuffle(shuffled)  # type: ignore[attr-defined]
    assert permitted(shuffled) == permitted(known)


def test_the_scripts_hold_families_and_permits() -> None:
    """The properties above are not about nothing."""
    sizes: list[tuple[int, int]] = []

    @settings(max_examples=150, deadline=None, database=None, derandomize=True)
    @given(steps)
    def play(script: list[tuple[OIN, str, int, dict[str, object]]]) -> None:
        known = recorded(script)
        sizes.append((sum(1 for each in known if each.replaces or each.confirms), len(permitted(known))))

    play()
    assert sum(1 for related, _ in sizes if related) > 10
    assert sum(1 for related, allowed in sizes if related and allowed) > 3
