"""What storage promises about a stop: it holds for every process, across restarts, until it is ended."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest

from hub.attention import Notice
from hub.enforcement import Enforcement, Pass, Proved, Stop
from hub.ports import MemberLostError
from hub.storage.postgresql.database import Database
from schemas.clock import FrozenClock
from schemas.errors import UnavailableError
from schemas.identifiers import MessageId
from tests.support.members import Members
from tests.support.parties import GEMEENTE, GI, RAAD

Opened = Callable[[], AbstractAsyncContextManager[Database]]

NOW = int(FrozenClock().now().timestamp())


async def test_after_a_stop_nothing_is_accepted_or_released_by_any_process(
    database: Database, open_hub_process: Opened, members: Members
) -> None:
    """What records no disclosure goes on: who got something must be able to say so, and a refusal is proof."""
    waiting = members.submission()
    await database.log.append(waiting)
    async with open_hub_process() as other:
        stop = await database.log.append(members.stop())
        for process in (database, other):
            for member in (members.submission(), members.disclosure(waiting)):
                with pytest.raises(UnavailableError) as refused:
                    await process.log.append(member)
                assert refused.value.code == "hub.enforcement.stopped"
            await process.log.append(members.refusal())
            assert (await process.store.enforcement()).stop == Stop(index=stop.index, canary=GEMEENTE, at=NOW)
    async with open_hub_process() as restarted:
        with pytest.raises(UnavailableError):
            await restarted.log.append(members.submission())
        await restarted.log.append(members.resumption(stop.index, record='{"reason":"x"}'))
    await database.log.append(members.submission())
    await database.log.append(members.disclosure(waiting))
    assert (await database.store.enforcement()).stop is None


async def test_a_stop_holds_for_what_is_appended_at_once_with_it(database: Database, members: Members) -> None:
    appended = [members.submission() for _ in range(5)]
    outcomes = await asyncio.gather(
        database.log.append(members.stop()),
        *(database.log.append(member) for member in appended),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in outcomes) == ["Appended", *["UnavailableError"] * 5]
    for member in appended:
        assert await database.store.message(MessageId(member.draft.id)) is None


async def test_a_known_message_is_known_also_after_a_stop(database: Database, members: Members) -> None:
    member = members.submission()
    await database.log.append(member)
    await database.log.append(members.stop())
    with pytest.raises(MemberLostError):
        await database.log.append(members.submission(message_id=MessageId(member.draft.id)))


async def test_a_hub_is_stopped_once_and_resumed_once(database: Database, members: Members) -> None:
    first = await database.log.append(members.stop())
    with pytest.raises(MemberLostError):
        await database.log.append(members.stop())
    for wrong in (first.index + 1, first.index - 1):
        with pytest.raises(MemberLostError):
            await database.log.append(members.resumption(wrong))
    resumed = await database.log.append(members.resumption(first.index, record='{"reason":"x"}'))
    with pytest.raises(MemberLostError):
        await database.log.append(members.resumption(first.index))
    second = await database.log.append(members.stop(canary=GI))
    assert await database.store.stops(limit=10) == (
        Stop(index=second.index, canary=GI, at=NOW),
        Stop(
            index=first.index,
            canary=GEMEENTE,
            at=NOW,
            resumed=resumed.index,
            resumed_at=NOW,
            record='{"reason":"x"}',
        ),
    )
    assert len(await database.store.stops(limit=1)) == 1


async def test_what_canaries_prove_is_counted_by_reason(
    database: Database, members: Members, clock: FrozenClock
) -> None:
    assert await database.store.enforcement() == Enforcement()
    await asyncio.gather(
        database.log.append(members.refusal(proves=("consent-missing",))),
        database.log.append(members.refusal(proves=("consent-missing", "not-asked"))),
        database.log.append(members.refusal()),
    )
    clock.advance(seconds=60)
    last = await database.log.append(members.refusal(proves=("not-asked",)))
    consent, question = (await database.store.enforcement()).proved
    assert (consent.reason, consent.times, consent.at) == ("consent-missing", 2, NOW)
    assert question == Proved(reason="not-asked", times=2, index=last.index, at=NOW + 60)


async def test_what_passed_is_remembered_for_every_process_until_its_form_is_refused_or_the_stop_ends(
    database: Database, open_hub_process: Opened, members: Members
) -> None:
    first, second = (Pass(form=form, canary=GEMEENTE, purpose="VTO", type="t") for form in ("a", "b"))
    stop = await database.log.append(members.stop(passed=first))
    async with open_hub_process() as other:
        for _ in range(2):
            await other.store.remember_pass(second)
        known = await database.store.enforcement()
        assert known.stop == Stop(index=stop.index, canary=GEMEENTE, at=NOW, form="a")
        assert known.passed == (first, second)
        await database.log.append(members.refusal(proves=("not-asked",), form="a"))
        await database.log.append(members.refusal(proves=("not-asked",), form="other"))
        assert (await other.store.enforcement()).passed == (second,)
        await other.store.remember_pass(first)
        assert (await other.store.enforcement()).passed == (first, second), "it passed again"
    await database.log.append(members.resumption(stop.index))
    again = await database.log.append(members.stop(passed=second))
    known = await database.store.enforcement()
    assert (known.stop is not None and known.stop.index, known.passed) == (again.index, (second,))


async def test_a_canary_that_floods_a_stopped_hub_fills_no_table(database: Database, members: Members) -> None:
    await database.log.append(members.stop())
    for number in range(110):
        await database.store.remember_pass(Pass(form=f"{number}", canary=GEMEENTE, purpose="VTO", type="t"))
    assert len((await database.store.enforcement()).passed) == 100


async def test_whom_a_stop_and_its_end_tell_has_a_notice(database: Database, members: Members) -> None:
    stopping = members.stop(tells=(RAAD, GI))
    stop = await database.log.append(stopping)
    resuming = members.resumption(stop.index, tells=(RAAD,))
    resumed = await database.log.append(resuming)
    again = await database.log.append(members.stop(tells=(RAAD,)))

    def of(notice: Notice) -> tuple[str, str | None, int | None]:
        return notice.kind, notice.record_id.value if notice.record_id else None, notice.index

    told = [of(notice) for notice in await database.attention.notices(RAAD, after=-1, limit=10)]
    assert told[:2] == [
        ("enforcement-stopped", stopping.draft.id, stop.index),
        ("enforcement-resumed", resuming.draft.id, resumed.index),
    ]
    assert told[2][2] == again.index
    assert len(await database.attention.notices(GI, after=-1, limit=10)) == 1
