"""Bring a catalogue into force on its day: when nothing stands in the way, at every process at once.

It happens in the log: from the entry on nothing is decided by the catalogue before, at whatever process, because every
decision watches it. Nothing but the board's own steps makes such an entry. Any process may do it; of several, one does.

Source: the architecture, section 6: the order of the log is the order of effect.
"""

import logging
from collections.abc import Iterable
from typing import Final

from audit.entries import GROUNDS, PAD_BYTES, EntryDraft
from consent.lifecycle import Standing
from hub.catalogues import read_catalogue
from hub.changes import CatalogueEnacted, LogMember
from hub.exchange.catalogues import LIFE, known_life
from hub.exchange.services import Services
from hub.exchange.stages import Arrival
from hub.logs import Event, record
from hub.ports import Appended, DecisionOutdatedError, MemberLostError
from schemas.civil_day import civil_day
from schemas.codes import EntryKind
from schemas.errors import DocumentError

ATTEMPTS_MAX: Final = 3
"""How often it is looked anew because a step came meanwhile; a later sweep looks again."""


async def enact(*, arrival: Arrival, services: Services) -> Appended | None:
    """Bring the catalogue into force whose day has come and in whose way nothing stands; None: there is none.

    1. look: the steps and the board of this moment, as the log has them at one size
    2. choose: nothing stands in the way, its day, in the Netherlands, has come, and its text is here, for nothing could
       be decided by it without; of several the earliest day, then the earliest proposal: the others are overtaken by it
       and have to be proposed anew
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
        due = [each for each in standings if day is not None and each.may_come_into_force(on=day)]
        chosen = await _first_readable(sorted(due, key=lambda each: each.enactment.valid_from), services=services)
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


async def _first_readable(due: Iterable[Standing], *, services: Services) -> Standing | None:
    """Pass over what this process could not decide by: the text is lost, or is for a later version of the software."""
    for each in due:
        try:
            await read_catalogue(each.enactment.digest, catalogues=services.catalogues)
        except DocumentError as error:
            record(Event.CATALOGUE_UNREADABLE, level=logging.ERROR, code=error.code, detail=error.public_message)
        else:
            return each
    return None


def _member(chosen: Standing, *, as_of: int, services: Services) -> LogMember:
    enactment = chosen.enactment
    return LogMember(
        draft=EntryDraft(
            kind=EntryKind.CATALOGUE,
            id=GROUNDS,
            catalogue=enactment.digest,
            version=enactment.version,
            request=chosen.proposal.digest,
            as_of=as_of,
            pad=services.randomness.bytes(PAD_BYTES),
        ),
        shown=None,
        kept=(),
        watches=frozenset({LIFE}),
        touches=frozenset({"*", LIFE}),
        change=CatalogueEnacted(digest=enactment.digest, version=enactment.version, replaces=enactment.replaces),
    )
