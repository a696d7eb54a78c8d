"""May this element go to this recipient: grounds, the decision and its explanation.

See README.md for the model.
"""

from consent.consents import Addressee, check_record, consent_facts
from consent.decide import decide, decide_pseudonym
from consent.decision import Decision, Deny, Permit
from consent.explain import Explanation, explain, explain_ground
from consent.facts import ConsentFact, Executor, MeasureFact, PersonFacts
from consent.grounds import Catalogue, Ground, load_catalogue, packaged_catalogue
from consent.measures import Standing, check_statement, contradictions, measure_facts, standing_measures
from consent.memo import DecisionMemo
from consent.reasons import Mark, Reason
from consent.request import (
    NO_FACTS,
    CorrectedFact,
    DataSubject,
    DisclosureRequest,
    Exchange,
    Facts,
    Party,
    QuestionFact,
    ReplyFact,
    Route,
    corrected_fact,
    question_fact,
    reply_fact,
)

__all__ = [
    "NO_FACTS",
    "Addressee",
    "Catalogue",
    "ConsentFact",
    "CorrectedFact",
    "DataSubject",
    "Decision",
    "DecisionMemo",
    "Deny",
    "DisclosureRequest",
    "Exchange",
    "Executor",
    "Explanation",
    "Facts",
    "Ground",
    "Mark",
    "MeasureFact",
    "Party",
    "Permit",
    "PersonFacts",
    "QuestionFact",
    "Reason",
    "ReplyFact",
    "Route",
    "Standing",
    "check_record",
    "check_statement",
    "consent_facts",
    "contradictions",
    "corrected_fact",
    "decide",
    "decide_pseudonym",
    "explain",
    "explain_ground",
    "load_catalogue",
    "measure_facts",
    "packaged_catalogue",
    "question_fact",
    "reply_fact",
    "standing_measures",
]
