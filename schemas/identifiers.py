"""Identifiers: each checks itself on the way in and masks itself in `repr` and `str`.

An identifier says what it is only where somebody asks for `.value`; a log line, a traceback or an f-string shows the
mask. Personal identifiers (BSN, RNI, pseudonym) show nothing at all of themselves.

    >>> OIN("00000099000000001000")
    OIN(…1000)
    >>> OIN("00000099000000001000").urn
    'urn:nld:oin:00000099000000001000'

Sources: Logius, OIN-stelsel; Wet algemene bepalingen burgerservicenummer; RFC 9562 (UUIDv7).
"""

import re
from dataclasses import dataclass
from typing import ClassVar, Self

from schemas.errors import DocumentError, Issue

OIN_URN_PREFIX = "urn:nld:oin:"
BSN_SYSTEM = "http://fhir.nl/fhir/NamingSystem/bsn"
RNI_SYSTEM = "https://ketenhub.nl/fhir/NamingSystem/rni"
"""Provisional: no published naming system for `anp.identificatie` was found."""
SKJ_SYSTEM = "https://ketenhub.nl/fhir/NamingSystem/skj"
"""Provisional: SKJ publishes no naming system and no number format."""
BIG_SYSTEM = "http://fhir.nl/fhir/NamingSystem/big"

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
"""One label of a DNS name. RFC 1123, section 2.1."""


@dataclass(frozen=True, slots=True, repr=False, order=True)
class Identifier:
    """A checked identifier. `value` is its text; everything else shows a mask.

    Raises:
        DocumentError: The text is not one of these; the error does not repeat it.
    """

    value: str

    _pattern: ClassVar[re.Pattern[str]] = re.compile(r"(?!)")
    _code: ClassVar[str] = "identifier"
    _shown: ClassVar[int] = 0

    def __post_init__(self) -> None:
        if not self._pattern.fullmatch(self.value) or not self._holds():
            code = f"sender.{self._code}.invalid"
            raise DocumentError(
                f"not a valid {type(self).__name__}",
                code=code,
                issues=[Issue(pointer="", code=code, text=f"not a valid {type(self).__name__}")],
            )

    def _holds(self) -> bool:
        """Whether the check digits and the like hold; the pattern already does."""
        return True

    def __repr__(self) -> str:
        tail = self.value[-self._shown :] if self._shown else ""
        return f"{type(self).__name__}(…{tail})"

    def __str__(self) -> str:
        return repr(self)


class OIN(Identifier):
    """Organisatie-identificatienummer: 20 digits. Test organisations start with `00000099`."""

    __slots__ = ()
    _pattern = re.compile(r"[0-9]{20}")
    _code = "oin"
    _shown = 4

    @property
    def urn(self) -> str:
        """The OIN as URN, as it stands in `iss`."""
        return OIN_URN_PREFIX + self.value

    @classmethod
    def from_urn(cls, urn: str) -> Self:
        """Read `urn:nld:oin:<20 digits>`.

        Raises:
            DocumentError: It is not such a URN.
        """
        return cls(urn.removeprefix(OIN_URN_PREFIX) if urn.startswith(OIN_URN_PREFIX) else "")


class BSN(Identifier):
    """Burgerservicenummer: 9 digits, leading zeros kept, passing the 11-test."""

    __slots__ = ()
    _pattern = re.compile(r"[0-9]{9}")
    _code = "bsn"
    _weights: ClassVar[tuple[int, ...]] = (9, 8, 7, 6, 5, 4, 3, 2, -1)

    def _holds(self) -> bool:
        total = sum(w * int(d) for w, d in zip(self._weights, self.value, strict=True))
        return total % 11 == 0 and self.value != "000000000"


class RNI(Identifier):
    """Number of somebody who is not a resident (`anp.identificatie`): 17 digits."""

    __slots__ = ()
    _pattern = re.compile(r"[0-9]{17}")
    _code = "rni"


class ProfessionalNumber(Identifier):
    """A professional's number in a register (SKJ, BIG) or with the employer: 1 to 20 visible characters."""

    __slots__ = ()
    _pattern = re.compile(r"[!-~](?:[ -~]{0,18}[!-~])?")
    _code = "professional"
    _shown = 2


class MessageId(Identifier):
    """A UUIDv7 in lower case: `jti` of messages, releases, receipts and requests. RFC 9562, section 5.7."""

    __slots__ = ()
    _pattern = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
    _code = "jti"
    _shown = 12


class CaseId(Identifier):
    """Random for each case and pair of organisations: 16 random bytes as 32 lower-case hex digits."""

    __slots__ = ()
    _pattern = re.compile(r"[0-9a-f]{32}")
    _code = "case"
    _shown = 4


class SubjectTag(Identifier):
    """A pseudonym, `<epoch>.<base64url of 16 bytes>`: personal data, see the architecture, section 3."""

    __slots__ = ()
    _pattern = re.compile(r"(?:0|[1-9][0-9]{0,5})\.[A-Za-z0-9_-]{21}[AQgw]")
    _code = "tag"

    @property
    def epoch(self) -> int:
        """Number of the chain-key epoch this tag was made in."""
        return int(self.value.partition(".")[0])


class Thumbprint(Identifier):
    """RFC 7638 SHA-256 thumbprint of a JWK, base64url, 43 characters. It is a `kid`."""

    __slots__ = ()
    _pattern = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]")
    _code = "kid"
    _shown = 6


class HubName(Identifier):
    """Name of a hub: a DNS name in lower case (not a log origin)."""

    __slots__ = ()
    _pattern = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")
    _code = "hub"
    _shown = 253
