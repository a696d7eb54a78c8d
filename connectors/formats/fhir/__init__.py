"""FHIR R4 in JSON: message bundles of every message type and their answers."""

from connectors.formats.fhir.format import FhirFormat
from connectors.formats.fhir.reading import read_bundle
from connectors.formats.fhir.writing import write_bundle

__all__ = ["FhirFormat", "read_bundle", "write_bundle"]
