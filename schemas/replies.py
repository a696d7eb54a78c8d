"""What may answer what, and how often: what sender and hub say of a reply that is none.

A message type names the types that it answers, and what it waits for itself: one reply, or replies until one says by a
value that it is the last (`final_reply`). The hub sees types and cannot read values, so of the second kind only the two
organisations know which one was the last (`schemas.fhir.is_last_reply`).

Source: DOMAIN 3; the architecture, section 4, `reply_to`.
"""

from typing import Final

from schemas.errors import Issue

NO_ANSWER: Final = Issue(
    pointer="/reply_to",
    code="sender.reply-to.type",
    text="a message of this type does not answer one of the type that it names",
    text_nl="een bericht van dit type is geen antwoord op het bericht dat het noemt",
)
ANSWERED: Final = Issue(
    pointer="/reply_to",
    code="sender.reply-to.answered",
    text="this is answered already; what was wrong goes as a correction, what is new after a new question",
    text_nl="hierop is al geantwoord; wat onjuist was gaat als correctie, wat nieuw is na een nieuwe vraag",
)
