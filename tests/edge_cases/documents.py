"""What the gemeente tells a GI about one child, and who that child is."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

from schemas.codes import Capacity
from schemas.document import Address, Document
from tests.support.example_documents import with_item, without_item
from tests.support.example_messages import example_document
from tests.support.offices import Office, today
from tests.support.parties import GEMEENTE, GI

BORN: Final = f"{today().year - 8}-03-02"
CHILD: Final = {"bsn": "999911120", "born": BORN}


def child_file(office: Office) -> Path:
    """The file by which people tell a command whom it is about."""
    return office.file("kind.json", json.dumps(CHILD))


def casus(reference: str, *, purpose: str, capacity: Capacity) -> Document:
    """Case information from the gemeente to the GI, about a child of 8 and nobody else."""
    document = without_item(example_document("casusinformatie"), "g1")
    return replace(
        with_item(document, "p1", birthDate=(BORN,)),
        reference=reference,
        sender=Address(organisation=GEMEENTE.value),
        receiver=Address(organisation=GI.value),
        subjects=(replace(document.subjects[0], birth_date=BORN),),
        purpose=purpose,
        receiver_capacity=capacity,
    )


def allowed(office: Office, *, categories: Sequence[str] = ()) -> list[str]:
    """The words by which both parents allow the gemeente to tell a GI in the voluntary phase."""
    form = office.file("formulier.pdf", b"handtekening")
    until = (today() + timedelta(days=300)).isoformat()
    named = categories or ("identificatie", "zorgen", "hulpverlening", "professional", "document")
    words = ["--person", str(child_file(office)), "--form", str(form), "--holders", "2"]
    words += ["--giver", "gezagsdrager=ja", "--giver", "gezagsdrager=ja", "--recipient", "gi:preventief"]
    return [*words, "--until", until, *(word for each in named for word in ("--category", each))]
