"""Looking for what a disclosure can rest on: keep what passes, and say of each check that nothing passed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from consent.reasons import Mark, Reason

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """What was found.

    Attributes:
        reasons: Why nothing was; empty if something was.
        relied_on: Identifiers of the records that were found.
        marks: What must be shown with them and looked at afterwards.
    """

    reasons: tuple[Reason, ...] = ()
    relied_on: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()

    @classmethod
    def of_all(cls, parts: "Iterable[Weighed]") -> "Weighed":
        """Join findings of which all must hold: each reason, record and mark once, reasons and marks in order."""
        found = tuple(parts)
        if len(found) == 1:
            return found[0]
        reasons = {reason for part in found for reason in part.reasons}
        marks = {mark for part in found for mark in part.marks}
        return cls(
            reasons=tuple(reason for reason in Reason if reason in reasons) if reasons else (),
            relied_on=tuple(dict.fromkeys(each for part in found for each in part.relied_on)),
            marks=tuple(mark for mark in Mark if mark in marks) if marks else (),
        )


FREE: Final = Weighed()
"""Nothing was looked for: it binds nothing."""


def keep(
    candidates: tuple[_T, ...], passes: Callable[[_T], bool], reason: Reason, reasons: list[Reason]
) -> tuple[_T, ...]:
    """Keep the candidates that pass; if none does, note the reason and keep them all.

    So the checks that follow still speak, and whoever is refused learns of everything at once (decision 0003).
    """
    kept = tuple(filter(passes, candidates))
    if not kept:
        reasons.append(reason)
    return kept or candidates
