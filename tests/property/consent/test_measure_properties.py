"""Whatever a GI says by itself, in whatever order and with whatever dates: its own word holds thirty days."""

from datetime import date, timedelta
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from consent.facts import Executor
from consent.measures import check_statement, measure_facts, standing_measures, weigh_measures
from schemas.codes import Capacity, Role
from schemas.measures import MeasureStatement, MeasureType
from tests.support.law_records import measure_statement, on
from tests.support.parties import GEMEENTE, GI, RAAD

RADEN: Final = frozenset({RAAD})
START: Final = date(2026, 7, 1)
SPOKEN_OF: Final = 100
"""A day that every statement of a script is about, counted from the start."""
DAYS: Final = range(0, 260, 3)

Step = tuple[int, int, int, int, str, int, bool, MeasureType]
steps: Final = st.lists(
    st.tuples(
        st.integers(0, 80),  # stated on
        st.integers(0, SPOKEN_OF),  # first day
        st.integers(SPOKEN_OF, 250),  # last day
        st.integers(0, 90),  # decided on
        st.sampled_from(("first", "replaces", "confirms")),
        st.integers(0, 9),
        st.booleans(),  # annulled, where it replaces
        st.sampled_from((MeasureType.OTS, MeasureType.PROVISIONAL_OTS)),
    ),
    min_size=1,
    max_size=7,
)


def day(number: int) -> date:
    """A day, counted from the start."""
    return START + timedelta(days=number)


def said(script: list[Step], *before: MeasureStatement) -> list[MeasureStatement]:
    """What a GI could state, after what was stated before; what would not be taken is left out."""
    known = [*before]
    for number, (stated, first, last, decided, how, which, annulled, kind) in enumerate(script, start=2):
        other = known[which % len(known)] if known else None
        refers = {} if how == "first" or other is None else {how: other.id}
        statement = measure_statement(
            number,
            issuer=GI,
            issued_at=on(day(stated)) + number,
            valid_from=day(first),
            valid_until=day(last),
            decided=day(decided),
            type=kind,
            annulled=annulled and "replaces" in refers,
            **refers,
        )
        if not check_statement(statement, role=Role.GI, known=known):
            known.append(statement)
    return known


def counts(statements: list[MeasureStatement]) -> set[int]:
    """The days on which something may go to the GI, by these."""
    facts = measure_facts(statements, sender=GEMEENTE, recipient=GI, raden=RADEN)
    return {
        number
        for number in DAYS
        if not weigh_measures(facts, acting={Executor.RECIPIENT}, capacity=Capacity.OTS, day=day(number)).reasons
    }


def raads(first: int, last: int) -> MeasureStatement:
    return measure_statement(1, issued_at=on(START), valid_from=day(first), valid_until=day(last))


def annulment(statement: MeasureStatement, *, stated: int) -> MeasureStatement:
    content = {"valid_from": statement.valid_from, "valid_until": statement.valid_until, "annulled": True}
    return measure_statement(90, issued_at=on(day(stated)) + 90, replaces=statement.id, **content)


@settings(max_examples=200, deadline=None)
@given(steps)
def test_of_days_that_a_gi_speaks_of_again_and_again_none_counts_after_thirty(script: list[Step]) -> None:
    known = said(script)
    begun = min((each.issued_at for each in known), default=on(START))
    last = (begun - on(START)) // 86400 + 29
    assert not {number for number in counts(known) if number > last}


@settings(max_examples=200, deadline=None)
@given(steps, st.integers(0, 99), st.integers(100, 250), st.integers(0, 80))
def test_an_annulment_by_the_raad_never_permits_and_leaves_nothing_that_had_begun(
    script: list[Step], first: int, last: int, stated: int
) -> None:
    measure = raads(first, last)
    known = said(script, measure)
    annulled = [*known, annulment(measure, stated=stated)]
    assert counts(annulled) <= counts(known)
    left = standing_measures(annulled, raden=RADEN)
    assert all(each.valid_from > day(stated) for each in left)


@settings(max_examples=100, deadline=None)
@given(steps, st.integers(0, 99), st.integers(100, 250), st.randoms(use_true_random=False))
def test_the_order_in_which_statements_arrive_does_not_matter(
    script: list[Step], first: int, last: int, randomness: object
) -> None:
    known = said(script, raads(first, last))
    shuffled = [*known]
    randomness.shuffle(shuffled)  # type: ignore[attr-defined]  # Hypothesis hands over a `random.Random`
    assert counts(shuffled) == counts(known)


@settings(max_examples=100, deadline=None)
@given(steps, st.integers(0, 99), st.integers(100, 250))
def test_what_the_raad_states_never_shortens_by_what_it_does_not_refer_to(
    script: list[Step], first: int, last: int
) -> None:
    """A GI that says something else beside it takes nothing from itself that the Raad gives."""
    alone = [step for step in script if step[4] == "first"]
    measure = raads(first, last)
    assert counts([measure]) <= counts(said(alone, measure))


def test_the_scripts_hold_measures_that_count() -> None:
    """The properties above are not about nothing."""
    found: list[tuple[int, int, int]] = []

    @settings(max_examples=150, deadline=None, database=None, derandomize=True)
    @given(steps)
    def play(script: list[Step]) -> None:
        known = said(script)
        found.append((len(known), sum(each.replaces is not None for each in known), len(counts(known))))

    play()
    assert sum(size > 2 and counting > 0 for size, _, counting in found) > 10
    assert sum(replacing > 0 and counting > 0 for _, replacing, counting in found) > 5
