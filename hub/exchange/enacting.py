"""Bring a catalogue into force on its day: when nothing stands in the way, at every process at once.

It happens in the log: from the entry on nothing is decided by the catalogue before, at whatever process, because every
decision watches it. Nothing but the board's own steps makes such an entry. Any process may do it; of several, one does.

Source: the architecture, section 6: the order of the log is the order of effect.
"""

from typing import Final

from audit.entries import PAD_BYTES, EntryDraft, parse_entry
from audit.records import token_digest
from consent.lifecycle import Standing
from hub.changes import CatalogueEnacted, LogMember
from hub.exchange.catalogues import LIFE, known_life
from hub.exchange.services import GROUNDS, Services
from hub.exchange.stages import Arrival
from hub.ports import Appended, DecisionOutdatedError, MemberLostError
from schemas.civil_day import civil_day
from schemas.codes import EntryKind

ATTEMPTS_MAX: Final = 3
"""How often it is looked anew because a step came meanwhile; a later sweep looks again."""


async def enact(*, arrival: Arrival, services: Services) -> Appended | None:
    """Bring the catalogue into force whose day has come and in whose way nothing stands; None: there is none.

    1. look: the steps and the board of this moment, as the log has them at one size
    2. choose: nothing stands in the way and its day, in the Netherlands, has come; of several the earliest day,
       then the earliest proposal: the others are overtaken by it and have to be proposed anew. Each proposal counts
       once: it would else come back whenever the catalogue that it replaces is in force again
    3. log, and with it every process decides by it; anew from 1 if a step or a board came meanwhile

    Raises:
        UnavailableError: It may succeed later; nothing was changed.
        EvidenceError: The log contradicts itself.
    """
    for _ in range(ATTEMPTS_MAX):
        # 1. look
        as_of = await services.log.size()
        life = await known_life(services)
        standings = life.standings(seconds=arrival.seconds, definitions=services.definitions)
        # 2. choose
        day = civil_day(arrival.at)
        used = {parse_entry(each.entry.encode()).request for each in life.life.enacted}
        due = [
            each
            for each in standings
            if day is not None and each.may_come_into_force(on=day) and token_digest(each.proposal.token) not in used
        ]
        chosen = min(due, key=lambda each: each.enactment.valid_from, default=None)
        if chosen is None:
            return None
        # 3. log
        try:
            appended = await services.log.append(_member(chosen, as_of=as_of, services=services))
        except DecisionOutdatedError:
            continue
        except MemberLostError:
            return None  # another process did it
        await services.worlds.refresh()
        return appended
    return None


def _member(chosen: Standing, *, as_of: int, services: Services) -> LogMember:
    enactment = chosen.enactment
    return LogMember(
        draft=EntryDraft(
            kind=EntryKind.CATALOGUE,
            id=GROUNDS,
            catalogue=enactment.digest,
            version=enactment.version,
            request=token_digest(chosen.proposal.token),
            as_of=as_of,
            pad=services.randomness.bytes(PAD_BYTES),
        ),
        shown=None,
        kept=(),
        watches=frozenset({LIFE}),
        touches=frozenset({"*", LIFE}),
        change=CatalogueEnacted(digest=enactment.digest, version=enactment.version, replaces=enactment.replaces),
    )
