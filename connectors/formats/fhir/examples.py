"""An example bundle of every message type, with fictitious people, to try a connection with.

The values are the examples of the definitions, so an example says what each element looks like. What must not lie in
the future, or must lie in it, is reckoned from the day on which the example is made.
"""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from connectors.formats.fhir.writing import write_bundle
from schemas.codes import Capacity, SubjectRole
from schemas.definitions import Definitions
from schemas.document import Address, Document, DocumentItem, DocumentResponsible, DocumentSubject, JSONValue
from schemas.fhir.exchange import MESSAGE_SYSTEM
from schemas.fhir.places import JSONObject
from schemas.identifiers import OIN, MessageId

TERM_DAYS: Final = 28
AGO_DAYS: Final = 14

_STATEMENT: Final = ("statementType", "source", "observedOn", "reaction")
_HEADER: Final = ("bericht", "b1", ("reference", "sentAt"))
_CHILD: Final = ("jeugdige", "p1", ("identifier", "name", "gender", "birthDate"))
_PARENT: Final = ("gezagsdrager", "g1", ("identifier", "name", "relationship", "over", "informed", "telecom"))
_PROFESSIONAL: Final = ("professional", "u1", ("name", "role", "organisation"))
_REACHABLE: Final = ("professional", "u1", ("name", "role", "organisation", "telecom"))
_CONCERN: Final = ("ontwikkelingsbedreiging", "o1", ("code", "description", *_STATEMENT))
_RISK: Final = ("risicofactor", "r1", ("factor", "level", "basis", *_STATEMENT))
_STRENGTH: Final = ("beschermende-factor", "s1", ("code", "finding", *_STATEMENT))
_SKILL: Final = ("opvoedvaardigheid", "v1", ("code", "finding", *_STATEMENT))
_LIFE: Final = ("leefgebied", "l1", ("code", "finding", *_STATEMENT))
_HELP: Final = ("hulpverlening", "h1", ("product", "provider", "period"))
_MEASURE: Final = ("maatregel", "m1", ("type", "period", "court", "caseNumber", "executor", "groundArticle"))
_RUNNING: Final = ("maatregel", "m1", ("type", "period"))
_PLAN: Final = ("plan", "n1", ("dates", "kind"))
_CONTACT: Final = ("contactmoment", "c1", ("dates", "kind"))
_REPORT: Final = ("document", "d1", ("identifier", "title", "fileName", "created", "contentType", "data"))

_Items = tuple[tuple[str, str, tuple[str, ...]], ...]
_CONTENT: Final[Mapping[str, _Items]] = {
    "verzoek-tot-onderzoek": (
        _HEADER,
        ("verzoek", "z1", ("identifier", "occurrence", "reasonText")),
        _CHILD,
        _PARENT,
        _REACHABLE,
        _REPORT,
    ),
    "notificatie-onderzoek": (_HEADER, _CHILD, ("status", "t1", ("businessStatus", "date", "trigger"))),
    "informatieverzoek": (
        _HEADER,
        ("vraag", "q1", ("categories", "term", "question")),
        _CHILD,
        _RUNNING,
        _PROFESSIONAL,
    ),
    "informatieantwoord": (_HEADER, _CHILD, _HELP),
    "raadsrapport": (
        _HEADER,
        _CHILD,
        _PARENT,
        _PROFESSIONAL,
        _MEASURE,
        _CONCERN,
        _RISK,
        _STRENGTH,
        _SKILL,
        _LIFE,
        _REPORT,
    ),
    "maatregel": (_MEASURE, _CHILD, _PROFESSIONAL),
    "bepaling-jeugdhulp": (_HEADER, _CHILD, _HELP, _RUNNING, _PROFESSIONAL),
    "voortgang": (_HEADER, _CHILD, _PROFESSIONAL, _CONTACT, _PLAN),
    "voornemen-beeindigen": (_HEADER, _CHILD, _RUNNING, _CONCERN, _STRENGTH, _HELP, _REPORT),
    "aanmelding-uitvoering": (_HEADER, _CHILD, _PARENT, _PROFESSIONAL, _CONTACT),
    "casusinformatie": (_HEADER, _CHILD, _PARENT, _PROFESSIONAL, _STRENGTH, _LIFE, _HELP),
    "overdracht-gi": (_HEADER, _CHILD, _PARENT, _PROFESSIONAL, _MEASURE, _CONCERN, _RISK, _HELP, _PLAN, _REPORT),
    "klacht": (("bericht", "b1", ("reference",)), ("klacht", "k1", ("step", "theme", "received", "outcome"))),
    "correctie": (_HEADER, ("correctie", "w1", ("corrects", "reason", "requestedBy", "wrong-zorgen")), _LIFE),
}
EXAMPLE_TYPES: Final = tuple(sorted(_CONTENT))
"""Message types of which there is an example."""
NAMES_ANOTHER: Final = frozenset({"informatieantwoord", "correctie"})
"""Message types that are about an earlier message, and so need its id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleHeader:
    """From whom, for whom, and what only the sender knows.

    Attributes:
        sender: Who sends it.
        receiver: For whom it is.
        reference: Its own number.
        purpose: Code of the ground; None where the message type leaves no choice.
        capacity: In which capacity a GI sends.
        receiver_capacity: In which capacity a GI receives.
        about: The message of the exchange that it answers or corrects.
        responsible: Who answers for it; None: as the connector's settings say.
    """

    sender: OIN
    receiver: OIN
    reference: str
    purpose: str | None = None
    capacity: Capacity | None = None
    receiver_capacity: Capacity | None = None
    about: MessageId | None = None
    responsible: DocumentResponsible | None = None


def fhir_example(message_type: str, *, header: ExampleHeader, definitions: Definitions, at: datetime) -> JSONObject:
    """Return an example bundle of a message type.

    Args:
        message_type: One of `EXAMPLE_TYPES`.
        header: From whom to whom.
        definitions: The definitions in force.
        at: The moment at which it is made.

    Raises:
        KeyError: There is no such message type.
    """
    items = tuple(_items(message_type, header=header, definitions=definitions, at=at))
    roles = (SubjectRole.JEUGDIGE, SubjectRole.OUDER)[: 1 + max(max(item.about) for item in items)]
    document = Document(
        type=message_type,
        reference=header.reference,
        sender=Address(organisation=header.sender.value),
        receiver=Address(organisation=header.receiver.value),
        subjects=tuple(DocumentSubject(role=role) for role in roles),
        items=items,
        responsible=header.responsible,
        case_reference=f"ZAAK-{header.reference[-12:]}",
        purpose=header.purpose,
        capacity=header.capacity,
        receiver_capacity=header.receiver_capacity,
        reply_to=header.about if message_type != "correctie" else None,
    )
    return write_bundle(document, definitions, at=at)


def _items(
    message_type: str, *, header: ExampleHeader, definitions: Definitions, at: datetime
) -> Iterator[DocumentItem]:
    own = _own_values(header, at)
    for profile, identity, names in _CONTENT[message_type]:
        known = definitions.profile(profile).elements
        elements: dict[str, tuple[JSONValue, ...]] = {
            name: (own.get((profile, name), own.get(("", name), copy.deepcopy(known[name].example))),) for name in names
        }
        about = (1,) if profile == "gezagsdrager" else (0,)
        yield DocumentItem(profile=profile, id=identity, about=about, elements=elements)


def _own_values(header: ExampleHeader, at: datetime) -> Mapping[tuple[str, str], JSONValue]:
    """Return what differs from one example to the next: by profile and element, or by element alone."""
    before, term = at.date() - timedelta(days=AGO_DAYS), at.date() + timedelta(days=TERM_DAYS)
    corrected: JSONValue = {"system": MESSAGE_SYSTEM, "value": f"urn:uuid:{header.about.value if header.about else ''}"}
    period: JSONValue = {"start": before.isoformat(), "end": before.isoformat()}
    return {
        ("bericht", "reference"): header.reference,
        ("bericht", "sentAt"): at.isoformat(timespec="seconds"),
        ("", "observedOn"): before.isoformat(),
        ("klacht", "received"): before.isoformat(),
        ("status", "date"): before.isoformat(),
        ("contactmoment", "dates"): period,
        ("vraag", "term"): term.isoformat(),
        ("verzoek", "identifier"): {"value": f"ZAAK-{header.reference[-12:]}"},
        ("correctie", "corrects"): corrected,
    }
