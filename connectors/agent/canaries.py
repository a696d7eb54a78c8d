"""A round of canaries: each kind is sent once, and what the hub says is held against what it must say.

1. the directory is read from the log, as for every message: are we a canary, and whom can each kind name
2. each kind is composed and sent; nothing of it goes through the journal of messages, and nothing is sent again
3. what should worry somebody stands at once among the notices until it is confirmed; the round is remembered

A hub that accepts one stops itself; this side does not depend on that, and raises its alarm by what it sees.

Source: hub decision 0018.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from connectors.agent.events import Event, say
from connectors.agent.journal import NoticeKind, notify, remember
from connectors.agent.services import Services
from connectors.agent.troubles import LoopHealth, settle
from connectors.sdk.canaries import KINDS, CanaryKeys, CanaryKind, NoCanaryError, compose_canary, find_fault
from schemas.errors import RejectedMessageError, UnavailableError
from schemas.participants import Directory, Participant
from schemas.wire import encode_submission

LAST: Final = "canaries"
"""Under which the newest round is remembered."""

CHANGED: Final = frozenset({"sender.recipient.unknown", "sender.sealing-key.outdated"})
"""What a hub says where the recipient that was named changed its key or left since the directory was read."""

PASSED_CODE: Final = "hub.canary.accepted"
"""What a hub says that found out itself that it would have accepted a canary."""


class Verdict(StrEnum):
    """What came of one canary."""

    REFUSED = "refused"
    """For exactly its own reasons, as it must be."""
    OTHERWISE = "refused-otherwise"
    """Refused for another reason: the check that it is made for may be gone."""
    ACCEPTED = "accepted"
    """It passed, whether the hub noticed that or not."""
    UNKNOWN = "unknown"
    """The hub was not reached, put it off, or knows the recipient otherwise than the directory that was read."""
    NOT_SENT = "not-sent"
    """This canary cannot send it, or nobody is there to name as its recipient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one kind; `detail` is a code or names of reasons, and empty where all is well."""

    kind: str
    verdict: Verdict
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What came of all kinds, and when."""

    at: datetime
    outcomes: tuple[Outcome, ...]

    @property
    def worst(self) -> Verdict:
        """What must be acted upon first; `NOT_SENT` where nothing at all was sent."""
        found = {outcome.verdict for outcome in self.outcomes}
        order = (Verdict.ACCEPTED, Verdict.OTHERWISE, Verdict.UNKNOWN, Verdict.REFUSED)
        return next((verdict for verdict in order if verdict in found), Verdict.NOT_SENT)

    @property
    def silence(self) -> str:
        """Why something was not decided at all, as a code: that is no alarm, but must not last. Empty: all were."""
        nothing_sent = "canary.not-sent" if self.worst is Verdict.NOT_SENT else ""
        return next((each.detail for each in self.outcomes if each.verdict is Verdict.UNKNOWN), nothing_sent)


async def canary_round(services: Services, *, kinds: Sequence[CanaryKind] = KINDS) -> Round:
    """Send each kind once.

    Raises:
        NoCanaryError: The registrar did not admit this participant as a canary.
        UnavailableError: The hub was not reached for the directory.
        EvidenceError: What the hub shows of the log does not hold.
    """
    at = services.clock.now()
    # 1.
    directory = await services.directory.refresh(services.hub, at=at)
    canary = directory.participant(services.settings.oin)
    if canary is None or not canary.canary:
        raise NoCanaryError
    # 2.
    outcomes = []
    for kind in kinds:
        outcome = await _send(kind, canary=canary, directory=directory, services=services)
        # 3.
        _tell(outcome, at=at, services=services)
        outcomes.append(outcome)
    done = Round(at=at, outcomes=tuple(outcomes))
    _remember(done, services=services)
    return done


def heed(done: Round, health: LoopHealth) -> None:
    """Tell people when for a while not everything was decided: a hub that never answers a canary proves nothing."""
    if done.silence:
        health.failed(done.silence)
    else:
        health.worked()


def last_round(services: Services) -> Round | None:
    """Return the newest round that was remembered; None: there was none."""
    text = services.journal.meta(LAST)
    if text is None:
        return None
    read = json.loads(text)
    return Round(
        at=datetime.fromtimestamp(read["at"], UTC),
        outcomes=tuple(
            Outcome(kind=kind, verdict=Verdict(verdict), detail=detail) for kind, verdict, detail in read["outcomes"]
        ),
    )


async def _send(kind: CanaryKind, *, canary: Participant, directory: Directory, services: Services) -> Outcome:
    at = services.clock.now()
    able = [each for each in directory if kind.can_be_for(each, at=at)] if kind.can_be_sent_by(canary) else []
    if not able:
        return Outcome(kind=kind.name, verdict=Verdict.NOT_SENT)
    # Another one each time: nobody's role is looked at for a single name.
    drawn = int.from_bytes(services.randomness.bytes(4), "big") % len(able)
    _, submission = compose_canary(
        kind,
        sender=canary,
        recipient=sorted(able, key=lambda each: each.oin.value)[drawn],
        hub=services.settings.hub.name,
        definitions=services.policy.definitions,
        keys=CanaryKeys(signing=services.keys.signing, sealing=services.keys.sealing),
        at=at,
        randomness=services.randomness,
    )
    content_type, body = encode_submission(submission)
    try:
        await services.hub.submit(content_type, body)
    except RejectedMessageError as error:
        fault = find_fault(kind, error)
        if fault is None:
            return Outcome(kind=kind.name, verdict=Verdict.REFUSED)
        changed = bool(error.issues) and CHANGED.issuperset(issue.code for issue in error.issues)
        return Outcome(kind=kind.name, verdict=Verdict.UNKNOWN if changed else Verdict.OTHERWISE, detail=fault)
    except UnavailableError as error:
        verdict = Verdict.ACCEPTED if error.code == PASSED_CODE else Verdict.UNKNOWN
        return Outcome(kind=kind.name, verdict=verdict, detail=error.code)
    # Whatever the answer says and proves: it should have been a refusal.
    return Outcome(kind=kind.name, verdict=Verdict.ACCEPTED, detail="202")


def _tell(outcome: Outcome, *, at: datetime, services: Services) -> None:
    """Tell people at once: a canary that is killed in the middle of a round has told what it saw."""
    match outcome.verdict:
        case Verdict.ACCEPTED:
            say(Event.CANARY_PASSED, level=logging.CRITICAL, code=f"{outcome.kind}:{outcome.detail}")
        case Verdict.OTHERWISE | Verdict.UNKNOWN:
            say(Event.CANARY_DOUBTED, level=logging.ERROR, code=f"{outcome.kind}:{outcome.detail}")
        case Verdict.REFUSED:
            # Whoever was told of another reason need not look any more; an acceptance stays until it is confirmed.
            settle(services, kind=NoticeKind.CANARY, about=outcome.kind)
        case Verdict.NOT_SENT:
            pass
    told = _notice(outcome)
    if told is not None:
        kind, nl, en = told
        with services.journal.step("canaries") as db:
            notify(db, kind=kind, about=outcome.kind, text_nl=nl, text_en=en, at=at)


def _remember(done: Round, *, services: Services) -> None:
    refused = sum(outcome.verdict is Verdict.REFUSED for outcome in done.outcomes)
    say(Event.CANARIES_REFUSED, count=refused)
    with services.journal.step("canaries") as db:
        written = [(outcome.kind, outcome.verdict.value, outcome.detail) for outcome in done.outcomes]
        remember(db, LAST, json.dumps({"at": int(done.at.timestamp()), "outcomes": written}))


def _notice(outcome: Outcome) -> tuple[NoticeKind, str, str] | None:
    what = f"`{outcome.kind}` ({outcome.detail})"
    match outcome.verdict:
        case Verdict.ACCEPTED:
            nl = (
                f"De hub zou {what} hebben aangenomen, wat hij moet weigeren. Bel zijn beheerder en de registrar:"
                " er wordt niet of niet goed beslist. Antwoordde hij 202, dan heeft hij zich ook niet stilgelegd."
            )
            en = (
                f"The hub would have accepted {what}, which it must refuse. Call its operator and the registrar:"
                " nothing, or the wrong thing, is decided. If it answered 202 it has not stopped either."
            )
            return NoticeKind.ALARM, nl, en
        case Verdict.OTHERWISE:
            nl = (
                f"De hub weigert {what}, maar om een andere reden dan moet. De controle waar het om gaat, kan weg"
                " zijn; of de catalogus laat het nu toe, en dan moet deze connector worden bijgewerkt."
            )
            en = (
                f"The hub refuses {what}, but for another reason than it must. The check that it is about may be"
                " gone; or the catalogue permits it by now, and this connector is to be upgraded."
            )
            return NoticeKind.CANARY, nl, en
        case _:
            return None
