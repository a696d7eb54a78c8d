"""`read`: what a received message says, with facts and what is only thought apart.

A report mixes what somebody saw with what somebody thinks. Each finding that travels says which it is, where it comes
from and what the person concerned says of it; here they stand by kind: facts, observations, opinions, suspicions.
"""

import argparse
from collections.abc import Iterator
from typing import Final

from connectors.agent.documents import ATTACHMENT, ATTACHMENT_PROFILES
from connectors.cli.common import CommandError
from schemas.canonical import parse_json
from schemas.definitions import Definitions, load_definitions
from schemas.document import DocumentItem, JSONValue
from schemas.errors import DocumentError
from schemas.fhir import bundle_to_items
from schemas.fhir.parts import read_parts
from schemas.fhir.values import plain

_KINDS: Final = {
    "feit": "FEITEN / facts",
    "waarneming": "WAARNEMINGEN / observations",
    "mening": "MENINGEN / opinions",
    "vermoeden": "VERMOEDENS / suspicions",
}
_APART: Final = frozenset({"statementType", "reaction"})
_OTHER: Final = "OVERIG / further"
_TEXT_MAX: Final = 2000


def read(options: argparse.Namespace) -> int:
    """Print a FHIR file of `in`."""
    definitions = load_definitions()
    try:
        items = bundle_to_items(parse_json(options.file.read_bytes()), definitions)
    except DocumentError as error:
        raise CommandError(
            f"`{options.file}` is geen ontvangen FHIR-bericht", f"`{options.file}` is no received FHIR message"
        ) from error
    for line in lines_of(items, definitions):
        print(line)
    return 0


def lines_of(items: tuple[DocumentItem, ...], definitions: Definitions) -> Iterator[str]:
    """Yield the lines: each kind of finding under its own heading, and what is no finding last."""
    for kind, heading in (*_KINDS.items(), (None, _OTHER)):
        found = [item for item in items if _kind_of(item) == kind]
        if not found:
            continue
        yield heading
        for item in found:
            yield from _item(item, definitions)
        yield ""


def _kind_of(item: DocumentItem) -> JSONValue:
    """Which kind of finding an item is; what says no known kind is none of them."""
    kind = next(map(plain, item.elements.get("statementType", ())), None)
    return kind if kind in _KINDS else None


def _item(item: DocumentItem, definitions: Definitions) -> Iterator[str]:
    profile = definitions.profiles[item.profile]
    yield f"  {profile.nl} ({item.id})"
    for name, values in item.elements.items():
        if name in _APART:
            continue
        if item.profile in ATTACHMENT_PROFILES and name == ATTACHMENT:
            yield "    (bijlage, zie het bestand / attachment, see the file)"
            continue
        for value in values:
            yield f"    {profile.elements[name].nl}: {_text(value, definitions)}"
    for value in item.elements.get("reaction", ()):
        parts = read_parts(value)
        said = ", ".join(str(parts[name]) for name in ("kind", "by", "text") if parts.get(name))
        yield f"    reactie / reaction: {said}"


def _text(value: JSONValue, definitions: Definitions) -> str:
    """Say a value in one line; a coded one by its Dutch name, one of several parts by all of them."""
    if isinstance(value, dict):
        coding = value.get("coding")
        if isinstance(coding, list) and coding and isinstance(coding[0], dict):
            return _name(str(coding[0].get("system")), str(coding[0].get("code")), definitions)
        members = (each for name, each in value.items() if name not in {"system", "resourceType", "use"})
        return ", ".join(_text(each, definitions) for each in members)
    if isinstance(value, list):
        return " ".join(_text(each, definitions) for each in value)
    text = "".join(character if character.isprintable() else " " for character in str(value))
    return text if len(text) <= _TEXT_MAX else f"{text[:_TEXT_MAX]}…"


def _name(system: str, code: str, definitions: Definitions) -> str:
    for known in definitions.code_lists.values():
        if known.system == system and code in known.codes:
            return known.codes[code][-1].nl
    return "".join(character for character in code if character.isprintable())
