"""Corrections: what a correction may hold, by the message that it corrects.

A correction goes to a recipient of what it corrects, in the same case, and holds only categories that this recipient
got then. What it got then is what the hub permitted when it accepted the message; a thing that was withheld only later
the hub leaves out again.

Source: AVG 16 and 19; the domain page, section 5, `prior`.
"""

import json
from sqlite3 import Row

from connectors.agent.services import Services
from connectors.agent.submitting import message_of
from consent.request import CorrectedFact, Route, corrected_fact
from schemas.codes import Category
from schemas.definitions import Definitions
from schemas.document import Document
from schemas.fhir import claimed_correction


def find_corrected(document: Document, *, services: Services) -> CorrectedFact | None:
    """Say what the message that a document corrects told its recipient; None if it corrects none of ours."""
    corrects = claimed_correction(document.items)
    if corrects is None:
        return None
    row = services.journal.row("SELECT * FROM submissions WHERE id = ?", corrects.message.value)
    if row is None or row["answer"] is None:
        return None
    message = message_of(row)
    route = Route(sender=message.sender, recipient=message.recipient.oin, case=message.case)
    return corrected_fact(route, corrected=route, released=_released(row, services.policy.definitions))


def _released(row: Row, definitions: Definitions) -> frozenset[Category]:
    """The categories that the recipient of a message may have got."""
    labels = [str(label).split("/") for label in json.loads(row["answer"])["permitted"]]
    return frozenset(definitions.category(profile, element) for profile, _, element in labels if profile != "subject")
