"""The answer of the decision core: a permit or a denial, never an error.

    match decision:
        case Permit():
            ...
        case Deny(reasons=reasons):
            ...
        case _:
            assert_never(decision)

Source: the architecture, section 5.
"""

from dataclasses import dataclass
from typing import TypeAlias

from consent.reasons import Mark, Reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Permit:
    """The disclosure of this element to this recipient may happen.

    Attributes:
        ground: Code of the ground; it is the purpose that the message states.
        row: Name of the catalogue row that permits; one code can have several rows.
        relied_on: Identifiers of the consents and measures that the permit rests on; empty if on none.
        marks: What must be shown with it and looked at afterwards.
    """

    ground: str
    row: str
    relied_on: tuple[str, ...] = ()
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """The disclosure must not happen.

    Attributes:
        reasons: Every reason, in the order of the checks, each once; never empty.
    """

    reasons: tuple[Reason, ...]


Decision: TypeAlias = Permit | Deny
