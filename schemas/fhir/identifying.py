"""Identifiers as FHIR values: a number counts in a naming system, and some systems can be checked.

Source: DOMAIN 2; FHIR R4B, datatype Identifier.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

from schemas.errors import DocumentError
from schemas.fhir.places import JSONObject
from schemas.identifiers import BIG_SYSTEM, BSN, BSN_SYSTEM, RNI, RNI_SYSTEM, SKJ_SYSTEM, ProfessionalNumber

RSIN_SYSTEM: Final = "https://ketenhub.nl/fhir/NamingSystem/rsin"
"""Provisional: no published naming system for the RSIN was found."""
ESTABLISHMENT_SYSTEM: Final = "https://ketenhub.nl/fhir/NamingSystem/vestigingsnummer"
"""Provisional: no published naming system for the number of an establishment was found."""

AGB_SYSTEM: Final = "http://fhir.nl/fhir/NamingSystem/agb-z"

_IDENTIFIER_MAX: Final = 200
_EIGHT_DIGITS: Final = re.compile(r"[0-9]{8}")
_TWELVE_DIGITS: Final = re.compile(r"[0-9]{12}")


def check_identifier(value: JSONObject, *, personal: bool) -> str | None:
    """Check the number of an Identifier.

    Args:
        value: A FHIR Identifier that is not absent.
        personal: Whether it is a person's own: then it must say in which system it counts, or no pseudonym can be made.

    Returns:
        The last part of an issue's code, or None if there is nothing to say.
    """
    system, number = value.get("system"), value.get("value")
    if not isinstance(number, str) or not 0 < len(number) <= _IDENTIFIER_MAX:
        return "identifier-value"
    if personal and not isinstance(system, str):
        return "identifier-system"
    holds = _SYSTEMS.get(system) if isinstance(system, str) else None
    if holds is None or holds(number):
        return None
    return "bsn" if system == BSN_SYSTEM else "identifier-form"


def _makes(kind: Callable[[str], object]) -> Callable[[str], bool]:
    def holds(number: str) -> bool:
        try:
            kind(number)
        except DocumentError:
            return False
        return True

    return holds


_SYSTEMS: Final[Mapping[str, Callable[[str], bool]]] = {
    BSN_SYSTEM: _makes(BSN),
    RNI_SYSTEM: _makes(RNI),
    SKJ_SYSTEM: _makes(ProfessionalNumber),
    BIG_SYSTEM: _makes(ProfessionalNumber),
    RSIN_SYSTEM: _makes(BSN),  # numbers of one range, issued by one office: the same nine digits and 11-test
    AGB_SYSTEM: lambda number: bool(_EIGHT_DIGITS.fullmatch(number)),
    ESTABLISHMENT_SYSTEM: lambda number: bool(_TWELVE_DIGITS.fullmatch(number)),
}
