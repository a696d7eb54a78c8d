"""JSON Schemas of what the API takes and gives; the parsers are stricter."""

from collections.abc import Mapping
from typing import Final

from connectors.agent.correcting import REQUESTED_BY
from connectors.agent.questions import QuestionState
from schemas.codes import Capacity, Category, Register, SpoedReason
from schemas.document import JSONValue
from schemas.requests import RecallReason

_TEXT: Final[JSONValue] = {"type": "string"}
_OIN: Final[JSONValue] = {"type": "string", "pattern": "^[0-9]{20}$"}
_ID: Final[JSONValue] = {"type": "string", "format": "uuid"}
_INTEGER: Final[JSONValue] = {"type": "integer"}
_FLAG: Final[JSONValue] = {"type": "boolean"}
_DAY: Final[JSONValue] = {"type": "string", "format": "date"}
_TIME: Final[JSONValue] = {"type": "string", "format": "date-time"}
_DIGEST: Final[JSONValue] = {
    "type": "string",
    "pattern": "^[A-Za-z0-9_-]{43}$",
    "description": "SHA-256 of the form or note in the organisation's own file, in base64url without padding",
}
_OPEN: Final[JSONValue] = {"type": "object"}


def _object(
    more: Mapping[str, JSONValue] | None = None, /, *, optional: tuple[str, ...] = (), **properties: JSONValue
) -> JSONValue:
    every = {**(more or {}), **properties}
    required: list[JSONValue] = [name for name in every if name not in optional]
    return {"type": "object", "properties": every, "required": required, "additionalProperties": False}


def _list(items: JSONValue) -> JSONValue:
    return {"type": "array", "items": items}


def _or_null(schema: JSONValue) -> JSONValue:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> JSONValue:
    return {"$ref": f"#/components/schemas/{name}"}


def _one_of(*values: str) -> JSONValue:
    return {"type": "string", "enum": [*values]}


_ISSUE: Final = _object(
    pointer={"type": "string", "description": "JSON Pointer (RFC 6901)"}, code=_TEXT, text=_TEXT, text_nl=_TEXT
)
_MUST_ACT: Final[JSONValue] = {"type": "string", "description": "stable; its prefix says who must act"}
_REASON: Final = _object(code=_TEXT, nl=_TEXT, en=_TEXT)
_GROUNDS: Final = _list(
    _object(
        code=_TEXT,
        proposed={"type": "boolean", "description": "whether anything of this row waits for a lawyer's confirmation"},
        nl=_TEXT,
        en=_TEXT,
    )
)
_CATEGORIES: Final = _list(_one_of(*Category))
_QUESTION: Final[Mapping[str, JSONValue]] = {
    "message": _ID,
    "direction": _one_of("sent", "received"),
    "other": _OIN,
    "purpose": _TEXT,
    "categories": _CATEGORIES,
    "term": _DAY,
    "overdue": _FLAG,
    "at": _TIME,
}

SCHEMAS: Final[Mapping[str, JSONValue]] = {
    "Problem": _object(
        type={"type": "string", "format": "uri"},
        title=_TEXT,
        status=_INTEGER,
        detail=_TEXT,
        detail_nl=_TEXT,
        code=_MUST_ACT,
        issues=_list(_ISSUE),
        retryable={"type": "boolean", "description": "whether the same request may succeed later"},
    ),
    "Resource": _OPEN,
    "Native": {"type": "string", "description": "the document as it is"},
    "Person": _object(
        optional=("bsn", "pseudonym", "born", "unborn"),
        bsn={"type": "string", "pattern": "^[0-9]{9}$"},
        pseudonym={"type": "string", "description": "of somebody without a BSN, from the evidence file"},
        born={"type": "string", "description": "FHIR date: a day, a month or a year"},
        unborn=_FLAG,
    ),
    "Ask": _object(
        optional=("purpose", "capacity", "recipient_capacity", "responsible", "spoed"),
        to=_OIN,
        person=_ref("Person"),
        categories={"type": "array", "items": _one_of(*Category), "minItems": 1, "uniqueItems": True},
        question=_TEXT,
        term=_DAY,
        purpose=_or_null({"type": "string", "description": "code of the ground, where there is a choice"}),
        capacity=_or_null(_one_of(*Capacity)),
        recipient_capacity=_or_null(_one_of(*Capacity)),
        responsible=_or_null(_object(register=_one_of(*Register), number=_TEXT)),
        spoed=_or_null(_one_of(*SpoedReason)),
    ),
    "Refusal": _object(
        optional=("person",),
        reason={"type": "string", "description": "code of the list `weigeringsgrond`"},
        person=_ref("Person"),
    ),
    "Question": _object(
        _QUESTION,
        grounds=_GROUNDS,
        capacity=_or_null(_one_of(*Capacity)),
        must_answer={"type": "boolean", "description": "whether the law says that we must answer"},
        state=_one_of(*QuestionState),
        answers=_list(_ID),
    ),
    "QuestionPage": _object(questions=_list(_ref("Question")), next=_INTEGER),
    "ConsentSearch": _object(person=_ref("Person")),
    "Confirmation": _object(person=_ref("Person"), form=_DIGEST),
    "Withdrawal": _object(form=_DIGEST),
    "Recall": _object(reason=_one_of(*RecallReason)),
    "Correction": _object(
        optional=("requested_by", "reaction", "person", "right"),
        items=_list({"type": "string", "description": "PROFILE/ID or PROFILE/ID/ELEMENT, as `permitted` names them"}),
        reason={"type": "string", "description": "code of the list `correctiereden`"},
        requested_by=_or_null(_one_of(*REQUESTED_BY)),
        reaction=_or_null({"type": "string", "description": "what the parent or young person says of it"}),
        person=_ref("Person"),
        right=_or_null({"type": "object", "description": "a FHIR message bundle; without it the wrong is taken back"}),
    ),
    "Corrected": _object(
        corrections=_list(
            _object(
                message=_ID,
                recipient=_OIN,
                labels=_list(_TEXT),
                outgoing=_or_null({"type": "integer", "description": "where the correction is followed"}),
                recall={"type": "boolean", "description": "nobody picked the message up yet: take it back instead"},
            )
        ),
        others=_list(_object(message=_ID, recipient=_OIN, at=_TIME, picked_up=_FLAG, labels=_list(_TEXT), ours=_FLAG)),
        others_unknown=_or_null(_object(nl=_TEXT, en=_TEXT)),
    ),
    "Recorded": _object(
        records=_list(
            _object(
                id=_ID,
                state=_one_of("signed", "recorded", "refused"),
                log_index=_or_null(_INTEGER),
                waits_for=_or_null(_TEXT),
            )
        )
    ),
    "Consents": _object(records=_list(_ref("Consent"))),
    "ConsentPage": _object(records=_list(_ref("Consent")), next=_INTEGER),
    "Consent": _object(
        {"from": _DAY},  # no name of an argument
        id=_ID,
        issuer=_OIN,
        issuer_name=_or_null(_TEXT),
        recorded_at=_TIME,
        status=_one_of("given", "withdrawn"),
        replaced=_FLAG,
        expired=_FLAG,
        role=_TEXT,
        age=_TEXT,
        holders=_INTEGER,
        givers=_list({"type": "string", "description": "WHO=ja or WHO=nee"}),
        without_parents=_or_null(_TEXT),
        categories=_CATEGORIES,
        purposes=_list(_TEXT),
        recipients=_list({"type": "string", "description": "an OIN, or ROLE[:CAPACITY]"}),
        until=_DAY,
        form=_DIGEST,
        replaces=_or_null(_ID),
        confirms=_or_null(_ID),
    ),
    "Outgoing": _object(
        number={"type": "integer", "minimum": 1},
        name=_TEXT,
        reference=_or_null(_TEXT),
        state=_one_of("taken", "prepared", "accepted", "refused", "repeated"),
        handed_in_at=_TIME,
        waits_for=_or_null({"type": "string", "description": "why it did not go yet: code and text"}),
        remarks=_list(_TEXT),
        recipients=_list(_ref("Recipient")),
        answers=_list(_one_of("read", "accepted", "refused")),
        problem=_or_null(_ref("FileProblem")),
    ),
    "OutgoingPage": _object(outgoing=_list(_ref("Outgoing")), next=_INTEGER),
    "Recipient": _object(
        oin=_OIN,
        message=_ID,
        type=_TEXT,
        purpose=_TEXT,
        grounds=_GROUNDS,
        state=_TEXT,
        log_index=_INTEGER,
        catalogue=_TEXT,
        permitted=_list(_TEXT),
        withheld=_list(_object(label=_TEXT, by=_one_of("connector", "hub"), reasons=_list(_REASON))),
        marks=_list(_REASON),
        receipt=_or_null(_OPEN),
        denied={"description": "why the hub hands nothing of it out, while that is so; null: it does"},
    ),
    "FileProblem": _object(
        file=_TEXT,
        reference=_or_null(_TEXT),
        at=_TIME,
        code=_MUST_ACT,
        must_act=_one_of("sender", "recipient", "hub"),
        text_nl=_TEXT,
        text=_TEXT,
        issues=_list(_ISSUE),
    ),
    "Received": _object(
        message=_ID,
        sender=_OIN,
        type=_TEXT,
        state=_TEXT,
        log_index=_INTEGER,
        listed_at=_TIME,
        purpose=_or_null(_TEXT),
        grounds=_GROUNDS,
        reply_to=_or_null(_ID),
        case_number=_or_null(_TEXT),
        asks={"type": "boolean", "description": "whether it is a question, to be answered"},
        waits_for=_or_null(_TEXT),
        parts=_list(_one_of("evidence", "fhir", "native")),
    ),
    "ReceivedPage": _object(received=_list(_ref("Received")), next=_INTEGER),
    "Status": _object(
        oin=_OIN,
        name=_TEXT,
        notices=_list(_object(id=_INTEGER, kind=_TEXT, about=_TEXT, at=_TIME, nl=_TEXT, en=_TEXT)),
        files=_list(_OPEN),
        records=_list(_OPEN),
        sent=_list(_OPEN),
        received=_list(_OPEN),
        questions=_list(_object(_QUESTION)),
        assignments=_list(_object(message=_ID, type=_TEXT, other=_OIN, at=_TIME, replies=_INTEGER)),
    ),
}
