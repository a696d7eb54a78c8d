"""Reading claims strictly: every member known, every value of its form, every finding listed.

    reader = ClaimsReader(payload, code="sender.receipt.form", members={"iss", "jti"}, optional={"reasons"})
    issuer = reader.convert("iss", OIN.from_urn)
    reader.finish("the receipt does not have its form")

A value that is wrong leaves an issue and a stand-in; nothing read may be used before `finish` has returned.
"""

import re
from collections.abc import Callable, Collection, Iterator
from datetime import date
from typing import Final, TypeVar, cast

from schemas.canonical import INTEGER_MAX, b64url_decode, json_pointer, parse_canonical
from schemas.document import JSONValue
from schemas.errors import DocumentError, Issue

PAYLOAD_BYTES_MAX: Final = 1 << 20

MOMENT_MAX: Final = 2**37 - 1
"""Largest NumericDate: in the year 6325, so that every moment that was read can be shown, in every time zone."""

DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
"""SHA-256 in canonical base64url."""

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_T = TypeVar("_T")


def read_date(text: str) -> date:
    """Read a day, `YYYY-MM-DD` and no other of the spellings of ISO 8601.

    Raises:
        ValueError: No such day.
    """
    if not _DATE.fullmatch(text):
        raise ValueError
    return date.fromisoformat(text)


class ClaimsReader:
    """Reads one JSON object and collects what is wrong with it.

    Args:
        payload: Canonical JSON, or an object that was parsed already.
        code: Code of the findings.
        members: Names that must be there.
        optional: Names that may be there.
        pointer: Where the document stands in a larger one, for the findings.
        path: Where the object stands in the document, for the findings.
        issues: List to collect into, for an object inside another.

    Raises:
        DocumentError: Not canonical JSON, no object, a member missing, or one that is not known.
    """

    __slots__ = ("_claims", "_code", "_path", "_pointer", "issues")

    def __init__(
        self,
        payload: "bytes | JSONValue",
        *,
        code: str,
        members: Collection[str],
        optional: Collection[str] = (),
        pointer: str = "",
        path: tuple[str | int, ...] = (),
        issues: list[Issue] | None = None,
    ) -> None:
        self._code = code
        self._pointer = pointer
        # Written as a pointer only where there is a finding: nearly always there is none.
        self._path = path
        self.issues: list[Issue] = [] if issues is None else issues
        if isinstance(payload, bytes):
            if len(payload) > PAYLOAD_BYTES_MAX:
                text = f"the claims are larger than {PAYLOAD_BYTES_MAX} bytes"
                raise DocumentError(text, issues=[Issue(pointer=pointer, code=code, text=text)])
            payload = parse_canonical(payload)
        self._claims = self._object(payload, members, optional)

    def __contains__(self, name: str) -> bool:
        return name in self._claims

    def wrong(self, name: str | tuple[str | int, ...], text: str, code: str | None = None) -> None:
        """Note a finding about a member, or about something inside one; `""` is the object itself."""
        tokens = name if isinstance(name, tuple) else (name,) if name else ()
        pointer = self._pointer + json_pointer(*self._path, *tokens)
        self.issues.append(Issue(pointer=pointer, code=code or self._code, text=text))

    def raw(self, name: str) -> JSONValue:
        """Return a member as it is, None where it is absent."""
        return self._claims.get(name)

    def text(self, name: str, pattern: re.Pattern[str]) -> str:
        """Read a string that matches in full."""
        value = self._claims.get(name)
        if isinstance(value, str) and pattern.fullmatch(value):
            return value
        self.wrong(name, "not of the form that this member has")
        return ""

    def integer(self, name: str, *, at_least: int = 0, at_most: int = INTEGER_MAX) -> int:
        """Read an integer within limits."""
        value = self._claims.get(name)
        if type(value) is int and at_least <= value <= at_most:
            return value
        self.wrong(name, f"an integer from {at_least} to {at_most} is needed here")
        return at_least

    def moment(self, name: str) -> int:
        """Read a NumericDate: seconds since the epoch, of a year that the calendar has."""
        return self.integer(name, at_most=MOMENT_MAX)

    def flag(self, name: str) -> bool:
        """Read true or false."""
        value = self._claims.get(name)
        if isinstance(value, bool):
            return value
        self.wrong(name, "true or false is needed here")
        return False

    def convert(self, name: str, make: Callable[[str], _T]) -> _T:
        """Read a string into an identifier, a code or the like."""
        return self._converted(name, self._claims.get(name), make)

    def optional(self, name: str, make: Callable[[str], _T]) -> _T | None:
        """Read as `convert`; None where the member is absent or null."""
        value = self._claims.get(name)
        return None if value is None else self._converted(name, value, make)

    def array(self, name: str, make: Callable[[str], _T], *, at_least: int = 0, at_most: int) -> tuple[_T, ...]:
        """Read an array of strings, each converted, none twice."""
        value = self._claims.get(name)
        if not isinstance(value, list) or not at_least <= len(value) <= at_most:
            self.wrong(name, f"an array of {at_least} to {at_most} is needed here")
            return ()
        found = tuple(self._converted((name, number), item, make) for number, item in enumerate(value))
        if len(set(found)) != len(found):
            self.wrong(name, "the same value stands here twice")
        return found

    def data(self, name: str, *, size: int | None = None, at_most: int | None = None) -> bytes:
        """Read base64url bytes, of an exact or a largest size."""
        value = self._claims.get(name)
        try:
            data = b64url_decode(value) if isinstance(value, str) else None
        except DocumentError:
            data = None
        if data is None or (size is not None and len(data) != size) or (at_most is not None and len(data) > at_most):
            self.wrong(name, "not canonical base64url of the right length")
            return b""
        return data

    def object(self, name: str, *, members: Collection[str], optional: Collection[str] = ()) -> "ClaimsReader | None":
        """Read an object inside this one; None, with findings, where it does not have its members."""
        return self._inside(self._claims.get(name), (name,), members=members, optional=optional)

    def objects(
        self,
        name: str,
        *,
        members: Collection[str],
        at_least: int = 0,
        at_most: int,
        optional: Collection[str] = (),
    ) -> Iterator["ClaimsReader"]:
        """Read an array of objects: a reader for each that has its members, a finding for each that has not."""
        value = self._claims.get(name)
        if not isinstance(value, list) or not at_least <= len(value) <= at_most:
            self.wrong(name, f"an array of {at_least} to {at_most} objects is needed here")
            return
        for number, item in enumerate(value):
            inside = self._inside(item, (name, number), members=members, optional=optional)
            if inside is not None:
                yield inside

    def _inside(
        self, value: JSONValue, tokens: tuple[str | int, ...], *, members: Collection[str], optional: Collection[str]
    ) -> "ClaimsReader | None":
        try:
            return ClaimsReader(
                value,
                code=self._code,
                members=members,
                optional=optional,
                pointer=self._pointer,
                path=self._path + tokens,
                issues=self.issues,
            )
        except DocumentError:
            return None  # its findings are among ours

    def finish(self, text: str) -> None:
        """Refuse the claims if anything was wrong.

        Raises:
            DocumentError: It lists every finding.
        """
        if self.issues:
            raise DocumentError(text, issues=self.issues)

    def _converted(self, name: str | tuple[str | int, ...], value: JSONValue, make: Callable[[str], _T]) -> _T:
        try:
            if isinstance(value, str):
                return make(value)
        except (DocumentError, ValueError):
            pass
        self.wrong(name, f"not a valid {getattr(make, '__name__', 'value')}")
        return cast("_T", None)  # never used: `finish` raises first

    def _object(self, value: JSONValue, members: Collection[str], optional: Collection[str]) -> dict[str, JSONValue]:
        if not isinstance(value, dict):
            self.wrong("", "an object is needed here")
        else:
            needed = members if isinstance(members, frozenset) else frozenset(members)
            if value.keys() == needed:
                return value
            for name in sorted(needed - value.keys()):
                self.wrong(name, f"member `{name}` is missing")
            unknown = value.keys() - needed - frozenset(optional)
            if unknown:
                self.wrong("", f"{len(unknown)} member(s) that this version does not know")
            if needed <= value.keys() and not unknown:
                return value
        raise DocumentError("the claims do not have their form", issues=self.issues)
