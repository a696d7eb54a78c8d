"""What IHE PCF says that a Consent comes to for one user and one request: refused, or a token with residual rules.

The residual says what single resources may go: what a `forbid` matches (without a condition: everything) is withheld,
what a `permit` matches goes all the same. It is read here as published: an exception is added to the base rule, for
whom and for what it names.

Source: IHE ITI PCF 1.1, "Consent Authorization Server" and its published examples.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.formats.fhir.provisions import Coded, Provision, Rule

Condition = tuple[frozenset[Coded], frozenset[tuple[str, str]], tuple[str | None, str | None] | None]
NOTHING: Condition = (frozenset(), frozenset(), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Residual:
    """One residual rule: `forbid` or `permit`, and what data it is about."""

    type: str
    condition: Condition = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is granted: for these purposes, as far as the residual rules let it go."""

    purposes: frozenset[str]
    residual: tuple[Residual, ...] = ()

    def lets_go(self, label: Coded) -> bool:
        """Whether data with one security label may go."""
        about = {rule.type for rule in self.residual if rule.condition == NOTHING or label in rule.condition[0]}
        return "forbid" not in about or "permit" in about


def evaluate(base: Provision, *, user: frozenset[str], purposes: Sequence[str], day: str) -> Token | None:
    """Say what a Consent grants; None is refused.

    Args:
        base: The base rule with its exceptions.
        user: The user's own reference, and those of the groups and organisations it belongs to.
        purposes: Codes of what the data is asked for.
        day: The day of the request, as FHIR date.
    """
    in_force = _holds(base, day)
    exceptions = [each for each in base.exceptions if _holds(each, day) and _names(each.actors, user)]
    permits = [each for each in exceptions if each.rule is Rule.PERMIT]
    granted = _granted(base, purposes) if base.rule is Rule.PERMIT and _names(base.actors, user) else frozenset()
    for each in permits:
        granted |= _granted(each if each.purposes is not None else base, purposes)
    if not in_force or not granted:
        return None
    permits = [each for each in permits if each.purposes is None or _granted(each, purposes)]
    conditions = [_condition(each) for each in ([base] if base.rule is Rule.PERMIT else permits)]
    residual = [Residual(type="forbid")] if NOTHING not in conditions else []
    if base.rule is Rule.PERMIT and _condition(base) != NOTHING:
        residual.append(Residual(type="permit", condition=_condition(base)))
    for each in exceptions:
        concerns = each.purposes is None or _granted(each, purposes)
        if concerns and (each.rule is Rule.DENY or _condition(each) != NOTHING):
            kind = "permit" if each.rule is Rule.PERMIT else "forbid"
            residual.append(Residual(type=kind, condition=_condition(each)))
    return Token(purposes=granted, residual=tuple(residual))


def _holds(provision: Provision, day: str) -> bool:
    return (provision.start or day)[: len(day)] <= day <= (provision.end or day)


def _names(actors: tuple[Coded, ...] | None, user: frozenset[str]) -> bool:
    return actors is None or any(value in user for _, value in actors)


def _granted(provision: Provision, purposes: Sequence[str]) -> frozenset[str]:
    if provision.purposes is None:
        return frozenset(purposes)
    return frozenset(purposes) & {code for _, code in provision.purposes}


def _condition(provision: Provision) -> Condition:
    return frozenset(provision.labels or ()), frozenset(provision.data or ()), provision.data_period
