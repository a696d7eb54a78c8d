"""May this element go to this recipient: grounds, the decision and its explanation.

See README.md for the model.
"""

from consent.decide import decide, decide_pseudonym
from consent.decision import Decision, Deny, Permit
from consent.explain import Explanation, explain, explain_ground
from consent.grounds import Catalogue, Ground, load_catalogue, packaged_catalogue
from consent.memo import DecisionMemo
from consent.reasons import Mark, Reason
from consent.request import (
    NO_FACTS,
    DataSubject,
    DisclosureRequest,
    Exchange,
    Facts,
    Party,
    ReplyFact,
    Route,
    reply_fact,
)

__all__ = [
    "NO_FACTS",
    "Catalogue",
    "DataSubject",
    "Decision",
    "DecisionMemo",
    "Deny",
    "DisclosureRequest",
    "Exchange",
    "Explanation",
    "Facts",
    "Ground",
    "Mark",
    "Party",
    "Permit",
    "Reason",
    "ReplyFact",
    "Route",
    "decide",
    "decide_pseudonym",
    "explain",
    "explain_ground",
    "load_catalogue",
    "packaged_catalogue",
    "reply_fact",
]
