"""Reading claims strictly: every member known, every value of its form, every finding listed.

    reader = ClaimsReader(payload, code="sender.receipt.form", members={"iss", "jti"}, optional={"reasons"})
    issuer = reader.convert("iss", OIN.from_urn)
    reader.finish("the receipt does not have its form")

A value that is wrong leaves an issue and a stand-in; nothing read may be used before `finish` has returned.
"""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Final, TypeVar, cast

from schemas.canonical import INTEGER_MAX, b64url_decode, json_pointer, parse_canonical
from schemas.document import JSONValue
from schemas.errors import DocumentError, Issue

PAYLOAD_BYTES_MAX: Final = 1 << 20

DIGEST: Final = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
"""SHA-256 in canonical base64url."""

_T = TypeVar("_T")


class ClaimsReader:
    """Reads one JSON object and collects what is wrong with it.

    Args:
        payload: Canonical JSON, or an object that was parsed already.
        code: Code of the findings.
        members: Names that must be there.
        optional: Names that may be there.
        pointer: Where the object stands, for the findings.
        issues: List to collect into, for an object inside another.

    Raises:
        DocumentError: Not canonical JSON, no object, a member missing, or one that is not known.
    """

    def __init__(
        self,
        payload: "bytes | JSONValue",
        *,
        code: str,
        members: Collection[str],
        optional: Collection[str] = (),
        pointer: str = "",
        issues: list[Issue] | None = None,
    ) -> None:
        self._code = code
        self._pointer = pointer
        self.issues: list[Issue] = [] if issues is None else issues
        if isinstance(payload, bytes):
            if len(payload) > PAYLOAD_BYTES_MAX:
                raise DocumentError(f"the claims are larger than {PAYLOAD_BYTES_MAX} bytes", code=code)
            payload = parse_canonical(payload)
        self._claims = self._object(payload, set(members), set(optional))

    def __contains__(self, name: str) -> bool:
        return name in self._claims

    def wrong(self, name: str, text: str, code: str | None = None) -> None:
        """Note a finding about a member; `""` is the object itself."""
        pointer = self._pointer + (json_pointer(name) if name else "")
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
        found = tuple(self._converted(f"{name}/{number}", item, make) for number, item in enumerate(value))
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

    def objects(
        self, name: str, *, members: Collection[str], at_most: int, optional: Collection[str] = ()
    ) -> Iterator["ClaimsReader"]:
        """Read an array of objects: one reader for each, collecting into this one's findings."""
        value = self._claims.get(name)
        if not isinstance(value, list) or len(value) > at_most:
            self.wrong(name, f"an array of at most {at_most} objects is needed here")
            return
        for number, item in enumerate(value):
            yield ClaimsReader(
                item,
                code=self._code,
                members=members,
                optional=optional,
                pointer=f"{self._pointer}{json_pointer(name, number)}",
                issues=self.issues,
            )

    def finish(self, text: str) -> None:
        """Refuse the claims if anything was wrong.

        Raises:
            DocumentError: It lists every finding.
        """
        if self.issues:
            raise DocumentError(text, issues=self.issues)

    def _converted(self, name: str, value: JSONValue, make: Callable[[str], _T]) -> _T:
        try:
            if isinstance(value, str):
                return make(value)
        except (DocumentError, ValueError):
            pass
        self.issues.append(
            Issue(
                pointer=f"{self._pointer}/{name}",
                code=self._code,
                text=f"not a valid {getattr(make, '__name__', 'value')}",
            )
        )
        return cast("_T", None)  # never used: `finish` raises first

    def _object(self, value: JSONValue, members: set[str], optional: set[str]) -> dict[str, JSONValue]:
        if not isinstance(value, dict):
            self.wrong("", "an object is needed here")
        else:
            for name in sorted(members - value.keys()):
                self.wrong(name, f"member `{name}` is missing")
            unknown = value.keys() - members - optional
            if unknown:
                self.wrong("", f"{len(unknown)} member(s) that this version does not know")
            if members <= value.keys() and not unknown:
                return value
        raise DocumentError("the claims do not have their form", issues=self.issues)
