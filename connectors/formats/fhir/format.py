"""FHIR R4 message bundles as a `Format`: what the agent uses."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from connectors.formats.fhir.answers import write_answer
from connectors.formats.fhir.names import read_endpoint
from connectors.formats.fhir.reading import load, read_bundle, reference_of
from connectors.formats.fhir.writing import write_bundle
from connectors.formats.ports import Answered, AnswerKind, Written
from schemas.definitions import Definitions, load_definitions
from schemas.document import Address, Document, JSONValue
from schemas.errors import DocumentError
from schemas.fhir.places import JSONObject

_LOOKED_AT_BYTES = 4096
_ORGANISATION_MAX = 200
_SYSTEM_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class FhirFormat:
    """Reads and writes FHIR R4 message bundles (JSON) of every message type, and answers them.

    Attributes:
        definitions: The definitions in force.
        name: `fhir`.
    """

    definitions: Definitions = field(default_factory=load_definitions)
    name: str = "fhir"

    def recognises(self, name: str, data: bytes) -> bool:
        """Whether a file looks like FHIR in JSON: a JSON name, or a resource type near its beginning."""
        beginning = data[:_LOOKED_AT_BYTES]
        looks = beginning.lstrip().startswith(b"{") and b'"resourceType"' in beginning
        return looks or name.casefold().endswith(".json")

    def read(self, data: bytes) -> Document:
        """Read a file; see `read_bundle`."""
        return read_bundle(data, self.definitions)

    def header(self, data: bytes) -> Answered | None:
        """Return the header of a file, also of one with defects; None if it has no number, or is no JSON."""
        try:
            bundle = load(data)
        except DocumentError:
            return None
        reference = reference_of(bundle)
        if reference is None:
            return None
        entries = bundle.get("entry")
        resource = _object(_first(entries)).get("resource")
        source = _object(_object(resource).get("source"))
        destination = _object(_first(_object(resource).get("destination")))
        named = _object(_object(destination.get("receiver")).get("identifier")).get("value")
        return Answered(
            reference=reference,
            sender=Address(
                organisation=read_endpoint(source.get("endpoint")) or "", application=_system(source.get("software"))
            ),
            receiver=Address(
                organisation=(read_endpoint(destination.get("endpoint")) or _string(named))[:_ORGANISATION_MAX],
                application=_system(destination.get("name")),
            ),
        )

    def write(self, document: Document, *, withheld: Collection[str], at: datetime) -> Written:
        """Write a document; see `write_bundle`. A bundle has a place for everything, so nothing is omitted."""
        return Written(data=_to_json(write_bundle(document, self.definitions, withheld=withheld, at=at)))

    def answer(
        self,
        kind: AnswerKind,
        *,
        answered: Answered,
        reference: str,
        at: datetime,
        error: DocumentError | None = None,
        duplicate: bool = False,
    ) -> bytes | None:
        """Write a bundle with an OperationOutcome; see `write_answer`."""
        return _to_json(
            write_answer(
                kind,
                answered=answered,
                reference=reference,
                at=at,
                base=self.definitions.extension_base,
                error=error,
                duplicate=duplicate,
            )
        )


def _to_json(resource: JSONObject) -> bytes:
    return json.dumps(resource, ensure_ascii=False, indent=2).encode("utf-8")


def _first(value: JSONValue) -> JSONValue:
    return value[0] if isinstance(value, list) and value else None


def _object(value: JSONValue) -> JSONObject:
    return value if isinstance(value, dict) else {}


def _string(value: JSONValue) -> str:
    return value if isinstance(value, str) and value.isprintable() else ""


def _system(value: JSONValue) -> str | None:
    return _string(value)[:_SYSTEM_MAX] or None
