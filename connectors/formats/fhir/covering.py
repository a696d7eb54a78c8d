"""Finds what a resource says and the item that was read from it does not: nothing is dropped in silence.

Whatever `schemas.fhir` has no place for is not in the resource that it writes back. So a resource is read, written
again and laid beside what came: each member, each entry of a list must be there again.

Not looked at: the text that a system generated from the resource (`text`, status `generated`), and what in `meta` is
the business of the system that keeps it (`versionId`, `lastUpdated`, `source`, profiles of others).
"""

from collections.abc import Iterator
from typing import Final

from schemas.canonical import json_pointer
from schemas.document import JSONValue
from schemas.fhir.places import JSONObject

_KEPT_BY_A_SYSTEM: Final = frozenset({"versionId", "lastUpdated", "source"})


def find_uncovered(resource: JSONObject, written: JSONObject, *, base: str, pointer: str) -> tuple[str, ...]:
    """List the places of a resource that are not, as they are, in the one that was written from what was read.

    Args:
        resource: What came.
        written: What was read from it, written again.
        base: First part of the addresses of our profiles.
        pointer: Where the resource stands.
    """
    return tuple(_uncovered(_without_housekeeping(resource, base), written, pointer))


def _without_housekeeping(resource: JSONObject, base: str) -> JSONObject:
    kept = dict(resource)
    text = kept.get("text")
    if isinstance(text, dict) and text.get("status") == "generated":
        del kept["text"]
    meta = kept.get("meta")
    if isinstance(meta, dict):
        ours = {name: member for name, member in meta.items() if name not in _KEPT_BY_A_SYSTEM}
        profiles = ours.get("profile")
        if isinstance(profiles, list):
            ours["profile"] = [each for each in profiles if isinstance(each, str) and each.startswith(base)]
        kept["meta"] = ours
    return kept


def _uncovered(came: JSONValue, written: JSONValue, pointer: str) -> Iterator[str]:
    if isinstance(came, dict) and isinstance(written, dict):
        for name, member in came.items():
            if name in written:
                yield from _uncovered(member, written[name], pointer + json_pointer(name))
            else:
                yield pointer + json_pointer(name)
    elif isinstance(came, list) and isinstance(written, list):
        yield from _uncovered_entries(came, written, pointer)
    elif type(came) is not type(written) or came != written:
        yield pointer


def _uncovered_entries(came: list[JSONValue], written: list[JSONValue], pointer: str) -> Iterator[str]:
    """Look at a list: each entry that came needs one of its own that was written; their order may be another."""
    left = list(written)
    unmatched: list[tuple[int, JSONValue]] = []
    for index, entry in enumerate(came):
        if entry in left:
            left.remove(entry)
        else:
            unmatched.append((index, entry))
    for index, entry in unmatched:
        place = pointer + json_pointer(index)
        nearest = next((each for each in left if _same_kind(each, entry)), None)
        if nearest is None:
            yield place
        else:
            left.remove(nearest)
            yield from _uncovered(entry, nearest, place)


def _same_kind(one: JSONValue, other: JSONValue) -> bool:
    """Whether two entries are of the same extension or contained resource, so that they may be compared in depth."""
    return (
        isinstance(one, dict)
        and isinstance(other, dict)
        and all(one.get(name) == other.get(name) for name in ("url", "id", "resourceType", "system"))
    )
