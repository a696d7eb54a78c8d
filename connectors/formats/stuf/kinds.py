"""Kinds: for each entity of a message its frames and parts. This is the mapping table of the format.

    kind        entity                               profile
    header      stuurgegevens                        bericht
    request     object of a VTO                      verzoek
    status      object of a notification             status
    child       heeftBetrekkingOp                    jeugdige
    party       heeftAlsBelanghebbende               gezagsdrager, andere-persoon
    reporter    heeftAlsBelanghebbende, 391 and 392  melder
    colleague   heeftAlsBelanghebbende, 411 to 491   professional
    executor    heeftAlsUitvoerende                  professional
    document    heeftRelevant                        document, document-gezondheid
    decision    leidtTot                             besluit

Source: DOMAIN.md, sections 3, 4 and 7.
"""

from typing import Final

from connectors.formats.stuf.case_kinds import (
    DECISION,
    DOCUMENT,
    DOCUMENT_CONTENT,
    DOCUMENT_TYPE,
    HEADER,
    REQUEST,
    STATUS,
)
from connectors.formats.stuf.item_kind import ItemKind
from connectors.formats.stuf.people_kinds import CHILD, COLLEAGUE, EMPLOYEE, EXECUTOR, LEGAL_PERSON, PARTY, REPORTER

KINDS: Final = (HEADER, REQUEST, STATUS, CHILD, PARTY, REPORTER, COLLEAGUE, EXECUTOR, DOCUMENT, DECISION)

__all__ = [
    "CHILD",
    "COLLEAGUE",
    "DECISION",
    "DOCUMENT",
    "DOCUMENT_CONTENT",
    "DOCUMENT_TYPE",
    "EMPLOYEE",
    "EXECUTOR",
    "HEADER",
    "KINDS",
    "LEGAL_PERSON",
    "PARTY",
    "REPORTER",
    "REQUEST",
    "STATUS",
    "ItemKind",
]
