"""Addresses of FHIR and of ours that the format reads and writes, and how organisations are named in it."""

from typing import Final

from connectors.sdk.addresses import is_oin
from schemas.codes import Register
from schemas.document import JSONValue
from schemas.errors import DocumentError, Issue
from schemas.fhir.places import JSONObject
from schemas.identifiers import BIG_SYSTEM, OIN, SKJ_SYSTEM

EVENT_SYSTEM: Final = "https://ketenhub.nl/fhir/CodeSystem/berichttype"
ANSWER_SYSTEM: Final = "https://ketenhub.nl/fhir/CodeSystem/antwoord"
SPOED_SYSTEM: Final = "https://ketenhub.nl/fhir/CodeSystem/spoedreden"
FINDING_SYSTEM: Final = "https://ketenhub.nl/fhir/CodeSystem/bevinding"
"""Codes of what was found wrong: `sender.fhir.profile-unknown` and so on."""
REFERENCE_SYSTEM: Final = "https://ketenhub.nl/fhir/NamingSystem/referentienummer"
INSTITUTION_SYSTEM: Final = "https://ketenhub.nl/fhir/NamingSystem/instelling"
"""Codes of an address list, such as the one of the institutions of the chain; the address book says whose they are."""
EMPLOYEE_SYSTEM: Final = "https://ketenhub.nl/fhir/NamingSystem/medewerker"
"""An organisation's own employee numbers, where the number itself answers and is not looked up."""

REGISTER_SYSTEMS: Final = {Register.SKJ: SKJ_SYSTEM, Register.BIG: BIG_SYSTEM, Register.EIGEN: EMPLOYEE_SYSTEM}


def endpoint(organisation: str, *, not_stated: str) -> str:
    """Write an organisation as the `endpoint` that FHIR demands: its OIN, or that none is stated."""
    return OIN(organisation).urn if is_oin(organisation) else not_stated


def read_endpoint(value: JSONValue) -> str | None:
    """Read the OIN of an `endpoint`; None if it holds none."""
    try:
        return OIN.from_urn(value).value if isinstance(value, str) else None
    except DocumentError:
        return None


def institution(organisation: str) -> JSONObject:
    """Refer to an organisation by its code in an address list."""
    return {"identifier": {"system": INSTITUTION_SYSTEM, "value": organisation}}


def issue(pointer: str, code: str, text: str, text_nl: str) -> Issue:
    """Make a finding of this format: `sender.fhir.<code>`."""
    return Issue(pointer=pointer, code=f"sender.fhir.{code}", text=text, text_nl=text_nl)
