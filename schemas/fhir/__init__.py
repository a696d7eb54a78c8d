"""Values: FHIR R4B shapes, code lists and rules, and items as FHIR resources and bundles.

Only connectors see values, so only they use this package; the hub never imports it.
"""

from schemas.fhir.bundle import BundleHead, bundle_to_items, document_to_bundle
from schemas.fhir.exchange import check_claims, claimed_correction, claimed_question, is_last_reply
from schemas.fhir.resources import item_to_resource, resource_to_item
from schemas.fhir.rules import check_values
from schemas.fhir.shapes import check_resource, warm_up

__all__ = [
    "BundleHead",
    "bundle_to_items",
    "check_claims",
    "check_resource",
    "check_values",
    "claimed_correction",
    "claimed_question",
    "document_to_bundle",
    "is_last_reply",
    "item_to_resource",
    "resource_to_item",
    "warm_up",
]
