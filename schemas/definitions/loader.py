"""Reads the definitions from their data files and checks that they hold together.

The data is TOML in `schemas/definitions/data/`: `definitions.toml` (version), `elements.toml` (titles),
`profiles.toml`, `codelists/*.toml` and `message_types/*.toml`. Unknown members, unknown names, codes whose periods
overlap and rules that nothing can meet are refused: the definitions decide what is lawful to send, so a slip of the
pen must not load.
"""

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from schemas.canonical import b64url, canonical_json
from schemas.codes import Category, Interaction, Role
from schemas.definitions.model import (
    Code,
    CodeList,
    ContentRule,
    ElementDefinition,
    GroupMember,
    GroupRule,
    MessageType,
    Need,
    Part,
    Profile,
    ReplyRule,
    ReplyValue,
    ValueType,
    When,
)
from schemas.document import JSONValue
from schemas.errors import DocumentError

_CLAIMS: Final = frozenset({"asks", "corrects", "recalls", "spoed"})
_DATES: Final = frozenset({ValueType.DATE, ValueType.DATE_TIME})
_STATEMENT: Final = frozenset({"statementType", "source", "reaction"})
"""What a finding is never without: Jeugdwet 3.3, and the national action plan on fact-finding."""

STRING_LENGTH_MAX: Final = 20_000
"""Characters of a string for which no shorter limit is defined."""

# The TOML reader gives plain values of any type; the types are made, and checked, in this module.
_Table = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """Everything that says which message may hold what.

    Attributes:
        version: Of the data as a whole.
        digest: SHA-256 over `data`, base64url.
        data: All data as canonical JSON, as the log publishes it.
        profiles: Name to profile.
        message_types: Name to message type.
        code_lists: Name to code list.
        extension_base: First part of the url of every FHIR extension of ours.
    """

    version: str
    digest: str
    data: bytes = field(repr=False)
    profiles: Mapping[str, Profile]
    message_types: Mapping[str, MessageType]
    code_lists: Mapping[str, CodeList]
    extension_base: str

    def profile(self, name: str) -> Profile:
        """Return the profile of that name.

        Raises:
            DocumentError: `sender.structure.profile-unknown`.
        """
        found = self.profiles.get(name)
        if found is None:
            raise DocumentError("there is no such profile", code="sender.structure.profile-unknown")
        return found

    def message_type(self, name: str) -> MessageType:
        """Return the message type of that name.

        Raises:
            DocumentError: `sender.structure.type-unknown`.
        """
        found = self.message_types.get(name)
        if found is None:
            raise DocumentError("there is no such message type", code="sender.structure.type-unknown")
        return found

    def category(self, profile: str, element: str) -> Category:
        """Return the data category of a label.

        Raises:
            DocumentError: `sender.structure.profile-unknown` or `sender.structure.element-unknown`.
        """
        found = self.profile(profile).elements.get(element)
        if found is None:
            raise DocumentError("the profile has no such element", code="sender.structure.element-unknown")
        return found.category


@cache
def load_definitions() -> Definitions:
    """Read the packaged definitions; the same object each time.

    Raises:
        ValueError: The data contradicts itself; the text says where.
    """
    folder = resources.files("schemas.definitions") / "data"
    data: _Table = {
        name: tomllib.loads((folder / f"{name}.toml").read_text("utf-8"))
        for name in ("definitions", "elements", "profiles")
    }
    for kind in ("codelists", "message_types"):
        files = sorted((folder / kind).iterdir(), key=lambda file: file.name)
        data[kind] = {
            file.name.removesuffix(".toml"): tomllib.loads(file.read_text("utf-8"))
            for file in files
            if file.name.endswith(".toml")
        }
    return read_definitions(data)


def read_definitions(data: Mapping[str, Any]) -> Definitions:
    """Make the definitions from their data.

    Args:
        data: What the TOML files say: `definitions`, `elements`, `profiles`, and `codelists` and `message_types` by
            name.

    Raises:
        ValueError: The data contradicts itself; the text says where.
    """
    head = _Reader("definitions", data["definitions"])
    version = head.take("version")
    head.done()
    titles = data["elements"]["titles"]
    code_lists = {name: _code_list(name, table) for name, table in data["codelists"].items()}
    profiles = _Profiles(data["profiles"], code_lists, titles).read()
    message_types = {name: _message_type(name, table, profiles) for name, table in data["message_types"].items()}
    for kind in message_types.values():
        for other in (*kind.replies, *kind.answers):
            _must(other in message_types, f"{kind.name}: there is no message type `{other}`")
        for value in filter(None, (kind.final_reply, kind.interim_reply)):
            stands = all(message_types[each].may_say(value, profiles) for each in kind.replies)
            _must(stands, f"{kind.name}: no reply can say `{value.code}`")
    canonical = canonical_json(_plain(data))
    return Definitions(
        version=version,
        digest=b64url(hashlib.sha256(canonical).digest()),
        data=canonical,
        profiles=MappingProxyType(profiles),
        message_types=MappingProxyType(message_types),
        code_lists=MappingProxyType(code_lists),
        extension_base=data["profiles"]["extension_base"],
    )


class _Reader:
    """A table of the data whose every member is taken once; what is left over is a mistake."""

    def __init__(self, where: str, table: Mapping[str, Any]) -> None:
        self.where = where
        self._table = dict(table)

    def take(self, name: str) -> Any:
        _must(name in self._table, f"{self.where}: `{name}` is missing")
        return self._table.pop(name)

    def get(self, name: str, default: Any = None) -> Any:
        return self._table.pop(name, default)

    def done(self) -> None:
        _must(not self._table, f"{self.where}: does not know {sorted(self._table)}")


def _must(holds: bool, text: str) -> None:  # noqa: FBT001 - reads as a sentence where it stands
    if not holds:
        raise ValueError(text)


def _plain(value: Any) -> JSONValue:
    """Turn TOML into JSON: dates become their text, so that the digest covers them."""
    if isinstance(value, Mapping):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    if isinstance(value, date):
        return value.isoformat()
    _must(isinstance(value, (str, int, bool)), f"definitions hold no {type(value).__name__}")
    plain: JSONValue = value
    return plain


def _code_list(name: str, table: Mapping[str, Any]) -> CodeList:
    reader = _Reader(f"code list {name}", table)
    _must(reader.take("name") == name, f"code list {name}: has another name than its file")
    codes: dict[str, tuple[Code, ...]] = {}
    for row in reader.take("codes"):
        entry = _code(f"code list {name}", row)
        for other in codes.get(entry.code, ()):
            first, second = sorted((entry, other), key=lambda each: each.valid_from or date.min)
            apart = first.valid_until is not None and (second.valid_from or date.min) > first.valid_until
            _must(apart, f"code list {name}: two periods of `{entry.code}` overlap")
        codes[entry.code] = (*codes.get(entry.code, ()), entry)
    found = CodeList(
        name=name,
        system=reader.take("system"),
        nl=reader.take("nl"),
        en=reader.take("en"),
        source=reader.take("source"),
        codes=MappingProxyType(codes),
    )
    reader.done()
    return found


def _code(where: str, row: Mapping[str, Any]) -> Code:
    reader = _Reader(where, row)
    nl = reader.take("nl")
    entry = Code(
        code=reader.take("code"),
        nl=nl,
        en=reader.get("en", nl),
        valid_from=reader.get("from"),
        valid_until=reader.get("until"),
        properties=frozenset(reader.get("properties", ())),
    )
    reader.done()
    ends = entry.valid_until is None or (entry.valid_from or date.min) <= entry.valid_until
    _must(ends, f"{where}: `{entry.code}` ends before it begins")
    return entry


class _Profiles:
    """Reads the profiles, of which one may be like another, with the elements that every profile has."""

    def __init__(self, data: Mapping[str, Any], code_lists: Mapping[str, CodeList], titles: Mapping[str, Any]) -> None:
        head = _Reader("profiles", data)
        head.take("extension_base")
        self._every = head.take("every")
        self._statement = head.take("statement")
        self._parts = {name: self._read_parts(name, table, code_lists) for name, table in head.take("parts").items()}
        self._tables = head.take("profiles")
        head.done()
        self._code_lists = code_lists
        self._titles = titles

    def read(self) -> dict[str, Profile]:
        return {name: self._profile(name) for name in self._tables}

    def _profile(self, name: str) -> Profile:
        reader = _Reader(f"profile {name}", self._tables[name])
        like = self._tables[other] if (other := reader.get("like")) else {}
        category = reader.get("category", like.get("category"))
        findings = frozenset(reader.get("statement", like.get("statement", ())))
        # The category of a model's element that names its own goes with it; that of one that names none does not.
        rows = {**like.get("elements", {}), **reader.get("elements", {})}
        narrow = {"category": category} if reader.get("narrow", False) else {}
        every = {
            **(self._statement if findings else {}),
            **{key: {**row, **narrow} for key, row in self._every.items()},
        }
        _must(not rows.keys() & every.keys(), f"profile {name}: defines an element that every profile has")
        _must(findings <= rows.keys(), f"profile {name}: has no such finding")
        found = Profile(
            name=name,
            resource=reader.get("resource", like.get("resource")),
            other_resource=reader.get("other_resource", like.get("other_resource")),
            findings=findings,
            elements=MappingProxyType(
                {key: self._element(f"{name}/{key}", key, row, category) for key, row in {**rows, **every}.items()}
            ),
            nl=reader.take("nl"),
            en=reader.take("en"),
        )
        reader.done()
        return found if found.other_resource is None else replace(found, elements=_with_other_places(found))

    def _element(self, where: str, name: str, row: Mapping[str, Any], category: str | None) -> ElementDefinition:
        reader = _Reader(where, row)
        codes, allowed = self._binding(where, reader)
        nl, en = self._titles.get(name, (None, None))
        _must(nl is not None, f"{where}: has no title")
        value = ValueType(reader.take("value"))
        found = ElementDefinition(
            name=name,
            category=Category(reader.get("category", category)),
            value=value,
            max=reader.get("max", 1),
            place=reader.take("place"),
            place_other=reader.get("place_other"),
            codes=codes,
            allowed=allowed,
            preferred=reader.get("binding", "required") == "preferred",
            pattern=reader.get("pattern"),
            length=reader.get("length", STRING_LENGTH_MAX if value is ValueType.STRING else None),
            past=reader.get("past", False),
            url=reader.get("url"),
            parts=self._parts_of(where, reader.get("parts")),
            nl=nl,
            en=en,
            example=json.loads(reader.take("example")),
        )
        reader.done()
        _must((found.url is not None) == (value is ValueType.EXTENSION), f"{where}: an extension needs its `url`")
        _must(found.parts is None or found.url is not None, f"{where}: only an extension has parts")
        _must(not found.past or value in _DATES, f"{where}: only a date lies in the past")
        return found

    def _parts_of(self, where: str, name: str | None) -> Mapping[str, Part] | None:
        _must(name is None or name in self._parts, f"{where}: there are no parts `{name}`")
        return None if name is None else self._parts[name]

    def _read_parts(
        self, name: str, table: Mapping[str, Any], code_lists: Mapping[str, CodeList]
    ) -> Mapping[str, Part]:
        parts = {}
        for key, row in table.items():
            reader = _Reader(f"parts {name}/{key}", row)
            codes, value = reader.get("codes"), ValueType(reader.take("value"))
            _must(codes is None or codes in code_lists, f"{reader.where}: there is no code list `{codes}`")
            parts[key] = Part(
                name=key,
                value=value,
                required=reader.get("required", False),
                past=reader.get("past", False),
                codes=None if codes is None else code_lists[codes],
                pattern=reader.get("pattern"),
            )
            reader.done()
            _must(value.primitive, f"{reader.where}: a part is a primitive")
            _must(not parts[key].past or value in _DATES, f"{reader.where}: only a date lies in the past")
        return MappingProxyType(parts)

    def _binding(self, where: str, reader: _Reader) -> tuple[CodeList | None, frozenset[str] | None]:
        name, only, without = reader.get("codes"), reader.get("only"), reader.get("except", [])
        if name is None:
            _must(only is None and not without, f"{where}: binds codes of no list")
            return None, None
        _must(name in self._code_lists, f"{where}: there is no code list `{name}`")
        known = self._code_lists[name].codes.keys()
        _must({*(only or ()), *without} <= known, f"{where}: names a code that the list does not have")
        return self._code_lists[name], frozenset(known if only is None else only) - frozenset(without)


def _with_other_places(profile: Profile) -> Mapping[str, ElementDefinition]:
    """Give what every profile has its place in the other resource too; it is the same one."""
    return MappingProxyType(
        {
            name: replace(element, place_other=element.place) if name in ("extra", "extraText") else element
            for name, element in profile.elements.items()
        }
    )


def _message_type(name: str, table: Mapping[str, Any], profiles: Mapping[str, Profile]) -> MessageType:
    reader = _Reader(f"message type {name}", table)
    _must(reader.take("name") == name, f"message type {name}: has another name than its file")
    final, interim = reader.get("final_reply"), reader.get("interim_reply")
    categories = frozenset(map(Category, reader.get("categories", Category)))
    content = {key: _content_rule(name, key, row, profiles, categories) for key, row in reader.take("content").items()}
    claims, needs_claims = frozenset(reader.take("claims")), frozenset(reader.get("needs_claims", ()))
    _must(claims <= _CLAIMS, f"message type {name}: uses a claim that there is not")
    _must(needs_claims <= claims, f"message type {name}: needs a claim that it does not use")
    found = MessageType(
        name=name,
        version=reader.take("version"),
        interaction=Interaction(reader.take("interaction")),
        senders=frozenset(map(Role, reader.take("senders"))),
        recipients=frozenset(map(Role, reader.take("recipients"))),
        replies=tuple(reader.get("replies", ())),
        final_reply=ReplyValue(**final) if final else None,
        interim_reply=ReplyValue(**interim) if interim else None,
        answers=tuple(reader.get("answers", ())),
        reply_to=ReplyRule(reader.take("reply_to")),
        answered_by_receipt=reader.get("answered_by_receipt", False),
        claims=claims,
        needs_claims=needs_claims,
        content=MappingProxyType(content),
        groups=tuple(_group_rule(name, row, content) for row in reader.get("groups", ())),
        nl=reader.take("nl"),
        en=reader.take("en"),
        source=reader.take("source"),
    )
    reader.done()
    _must(_is_answered(found), f"message type {name}: an assignment or question needs what answers it")
    return found


def _is_answered(kind: MessageType) -> bool:
    """Whether what waits for an answer can get one, and one kind of answer only."""
    match kind.interaction:
        case Interaction.GEBEURTENIS:
            return True
        case Interaction.INZAGE:
            return bool(kind.replies or kind.answers)
        case Interaction.OPDRACHT:
            return bool(kind.replies) is not kind.answered_by_receipt


def _content_rule(
    kind: str, name: str, row: Mapping[str, Any], profiles: Mapping[str, Profile], categories: frozenset[Category]
) -> ContentRule:
    """Read what of a profile may stand in a message type: no element of a category that the type does not have."""
    where = f"message type {kind}/{name}"
    _must(name in profiles, f"{where}: there is no such profile")
    reader = _Reader(where, row)
    known = profiles[name].elements
    only, without = reader.get("elements"), frozenset(reader.get("without", ()))
    possible = frozenset(element for element in known if known[element].category in categories)
    elements = (possible if only is None else frozenset(only)) - without
    needs = tuple(
        Need(when=When(need.get("when", When.ALWAYS)), any_of=tuple(map(frozenset, need["any_of"])))
        for need in reader.get("needs", ())
    )
    if profiles[name].findings:
        needs += (_finding(profiles[name]),)
    found = ContentRule(
        profile=name,
        min=reader.get("min", 0),
        max=reader.get("max"),
        elements=MappingProxyType({element: known[element].max for element in sorted(elements & known.keys())}),
        needs=needs,
        recommended=frozenset(reader.get("recommended", ())),
        off=reader.get("off", False),
    )
    reader.done()
    named = {element for need in needs for each in need.any_of for element in each} | found.recommended
    _must(elements | without <= known.keys(), f"{where}: names an element that the profile does not have")
    _must(elements <= possible, f"{where}: names an element of a category that the type does not have")
    _must(bool(elements), f"{where}: has no element")
    _must(named <= elements, f"{where}: needs an element that it does not permit")
    _must(found.max is None or found.min <= found.max, f"{where}: needs more than it permits")
    _must(not (found.off and found.min), f"{where}: needs what is switched off")
    return found


def _finding(profile: Profile) -> Need:
    """Make the rule that a statement has a finding, and a finding its kind, its source and a reaction."""
    return Need(when=When.ALWAYS, any_of=tuple(_STATEMENT | {finding} for finding in sorted(profile.findings)))


def _group_rule(kind: str, row: Mapping[str, Any], content: Mapping[str, ContentRule]) -> GroupRule:
    reader = _Reader(f"message type {kind}, group", row)
    members = []
    for table in reader.take("members"):
        member = _Reader(reader.where, table)
        profile, elements = member.take("profile"), frozenset(member.get("elements", ()))
        codes = member.get("codes", {"element": None, "any_of": ()})
        member.done()
        _must(profile in content, f"{reader.where}: has a member that is not in the content")
        _must(elements <= content[profile].elements.keys(), f"{reader.where}: needs an element that is not permitted")
        members.append(
            GroupMember(
                profile=profile, elements=elements, code_element=codes["element"], codes=frozenset(codes["any_of"])
            )
        )
    found = GroupRule(
        name=reader.take("name"),
        when=When(reader.get("when", When.ALWAYS)),
        min=reader.get("min", 0),
        max=reader.get("max"),
        members=tuple(members),
        nl=reader.take("nl"),
        en=reader.take("en"),
    )
    reader.done()
    return found
