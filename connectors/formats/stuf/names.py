"""Names of StUF Jeugdzorg 1.0.9: namespaces, prefixed names, and the addresses of our FHIR extensions and code systems.

Inside this package an XML name is written with a fixed prefix, `BG:geslachtsnaam`, whatever prefix a file uses.

Source: StUF-koppelvlak Jeugdzorg 1.0.9, the target namespaces of its schemas; HL7 FHIR R4B.
"""

from functools import lru_cache
from typing import Final

NAMESPACES: Final = {
    "JZ": "http://www.stufstandaarden.nl/koppelvlak/jz0100",
    "StUF": "http://www.egem.nl/StUF/StUF0301",
    "ZKN": "http://www.egem.nl/StUF/sector/zkn/0310",
    "BG": "http://www.egem.nl/StUF/sector/bg/0310",
    "xsi": "http://www.w3.org/2001/XMLSchema-instance",
    "xmime": "http://www.w3.org/2005/05/xmlmime",
}
_NAMES_CACHED: Final = 2048
_PREFIXES: Final = {uri: prefix for prefix, uri in NAMESPACES.items()}

NIL: Final = "xsi:nil"
NO_VALUE: Final = "StUF:noValue"
INCOMPLETE: Final = "StUF:indOnvolledigeDatum"
ENTITY: Final = "StUF:entiteittype"
METADATA: Final = "StUF:metagegeven"
FILE_NAME: Final = "StUF:bestandsnaam"
CONTENT_TYPE: Final = "xmime:contentType"
SENDING_KEY: Final = "StUF:sleutelVerzendend"
EXTRAS: Final = "StUF:extraElementen"
EXTRA: Final = "StUF:extraElement"
EXTRA_NAME: Final = "naam"

_FHIR: Final = "https://ketenhub.nl/fhir/"
NATIVE_EXTENSION: Final = _FHIR + "StructureDefinition/stuf"
"""Native leaves that FHIR has no place for, on the element they belong to."""
LINES_EXTENSION: Final = _FHIR + "StructureDefinition/stuf-lines"
"""How long the lines were in which base64 came."""
EXTRA_EXTENSION: Final = _FHIR + "StructureDefinition/extra"
"""A native extra element that no table knows: the value of `extra` and `extraText`."""
ABSENT_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
QUALIFIER_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier"
OWN_NAME_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/humanname-own-name"
OWN_PREFIX_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/humanname-own-prefix"
STREET_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-streetName"
HOUSE_NUMBER_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-houseNumber"
SUFFIX_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-buildingNumberSuffix"
UNIT_EXTENSION: Final = "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-unitID"

ROLE_SYSTEM: Final = _FHIR + "CodeSystem/jeugdzorgrol"
CASE_TYPE_SYSTEM: Final = _FHIR + "CodeSystem/zaaktype"
CONFIDENTIALITY_SYSTEM: Final = _FHIR + "CodeSystem/vertrouwelijkheid"
STATUS_SYSTEM: Final = _FHIR + "CodeSystem/statustype"
RESULT_SYSTEM: Final = _FHIR + "CodeSystem/resultaat"
DOCUMENT_TYPE_SYSTEM: Final = _FHIR + "CodeSystem/documentsoort"
ESTABLISHMENT_SYSTEM: Final = _FHIR + "NamingSystem/vestigingsnummer"
RSIN_SYSTEM: Final = _FHIR + "NamingSystem/rsin"


@lru_cache(maxsize=_NAMES_CACHED)
def clark(name: str) -> str:
    """Return `{namespace}local` for a prefixed name; a name without prefix stays as it is."""
    prefix, colon, local = name.partition(":")
    return f"{{{NAMESPACES[prefix]}}}{local}" if colon else name


@lru_cache(maxsize=_NAMES_CACHED)
def prefixed(name: str) -> str:
    """Return `BG:local` for `{namespace}local`; a name of another namespace stays as it is, braces and all."""
    uri, brace, local = name[1:].partition("}") if name.startswith("{") else ("", "", name)
    return f"{_PREFIXES[uri]}:{local}" if brace and uri in _PREFIXES else name


@lru_cache(maxsize=_NAMES_CACHED)
def local(name: str) -> str:
    """Return a prefixed name without its prefix, for places that people read."""
    return name.rpartition(":")[2] if not name.startswith("{") else name.rpartition("}")[2]
