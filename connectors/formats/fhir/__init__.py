"""FHIR R4 in JSON: message bundles of every message type and their answers, and Consents."""

from connectors.formats.fhir.consents import ConsentDraft, read_consent, write_consent
from connectors.formats.fhir.format import FhirFormat
from connectors.formats.fhir.reading import read_bundle
from connectors.formats.fhir.writing import write_bundle

__all__ = ["ConsentDraft", "FhirFormat", "read_bundle", "read_consent", "write_bundle", "write_consent"]
