"""JSON Schemas of what the API takes and gives; for people and generators, the parsers are stricter.

What a token says is in the architecture, section 4; here a token is a text. `_BYTES` is base64url without padding.
"""

from collections.abc import Mapping
from typing import Final

from schemas.document import JSONValue

_TEXT: Final[JSONValue] = {"type": "string"}
_BYTES: Final[JSONValue] = {"type": "string", "pattern": "^[A-Za-z0-9_-]*$"}
_DIGEST: Final[JSONValue] = {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"}
_OIN: Final[JSONValue] = {"type": "string", "pattern": "^[0-9]{20}$"}
_ID: Final[JSONValue] = {"type": "string", "format": "uuid"}
_INDEX: Final[JSONValue] = {"type": "integer", "minimum": 0}
_JWS: Final[JSONValue] = {"type": "string", "pattern": "^[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+$"}
_URL: Final[JSONValue] = {"type": "string", "format": "uri"}
_DAY: Final[JSONValue] = {"type": "string", "format": "date"}
_TAG: Final[JSONValue] = {"type": "string", "pattern": "^[0-9]{1,6}\\.[A-Za-z0-9_-]{22}$"}
_SECONDS: Final[JSONValue] = {"type": "integer", "description": "NumericDate"}


def _object(*, optional: tuple[str, ...] = (), **properties: JSONValue) -> JSONValue:
    required: list[JSONValue] = [name for name in properties if name not in optional]
    return {"type": "object", "properties": dict(properties), "required": required, "additionalProperties": False}


def _list(items: JSONValue) -> JSONValue:
    return {"type": "array", "items": items}


def _or_null(schema: JSONValue) -> JSONValue:
    return {"anyOf": [schema, {"type": "null"}]}


def _ref(name: str) -> JSONValue:
    return {"$ref": f"#/components/schemas/{name}"}


_PROBLEM: Final[Mapping[str, JSONValue]] = {
    "type": _URL,
    "title": _TEXT,
    "status": {"type": "integer"},
    "detail": _TEXT,
    "code": {"type": "string", "description": "stable; its prefix says who must act: sender, recipient or hub"},
    "issues": _list(
        _object(
            pointer={"type": "string", "description": "JSON Pointer (RFC 6901)"},
            code=_TEXT,
            text=_TEXT,
            text_nl=_TEXT,
        )
    ),
    "retryable": {"type": "boolean", "description": "whether the same request may succeed later"},
    "instance": {"type": "string", "description": "trace id"},
}
_PERSON_RECORD: Final[JSONValue] = _object(id=_ID, record=_JWS, index=_INDEX, entry=_TEXT, tlog_proof=_TEXT)
_OPEN_OBJECT: Final[JSONValue] = {"type": "object"}
_ENTRY: Final[Mapping[str, JSONValue]] = {"index": _INDEX, "entry": _TEXT, "tlog_proof": _TEXT}
_TOLD: Final[Mapping[str, JSONValue]] = {"code": _TEXT, "nl": _TEXT, "en": _TEXT}
_STANDING: Final[JSONValue] = _object(
    optional=(),
    proposal=_ID,
    digest=_DIGEST,
    version=_TEXT,
    replaces=_or_null(_DIGEST),
    definitions=_DIGEST,
    **{"from": _DAY},
    obstacles=_list(_object(optional=(), **_TOLD)),
    unheeded=_list(_object(optional=(), step=_ID, **_TOLD)),
    approvals=_list(_ID),
    advice=_list(_ID),
    rejections=_list(_ID),
)

CATALOGUE_SCHEMAS: Final[Mapping[str, JSONValue]] = {
    "Board": _object(board=_JWS),
    "CatalogueStep": _object(optional=("document",), step=_JWS, document=_or_null(_TEXT)),
    "CatalogueStepTaken": _object(
        optional=(), **_ENTRY, standing=_or_null(_STANDING), enacted=_or_null(_object(optional=(), **_ENTRY))
    ),
    "Catalogues": _object(
        in_force=_or_null(
            _object(
                digest=_DIGEST,
                version=_TEXT,
                since=_INDEX,
                valid_from=_or_null(_DAY),
                proposal=_or_null(_ID),
            )
        ),
        board=_or_null(_object(id=_ID, members=_list(_object(office=_TEXT, thumbprint=_DIGEST)))),
        boards=_list(_object(optional=(), board=_JWS, **_ENTRY)),
        proposals=_list(
            _object(proposal=_ID, standing=_or_null(_STANDING), steps=_list(_object(optional=(), step=_JWS, **_ENTRY)))
        ),
        enacted=_list(_object(optional=(), **_ENTRY)),
    ),
}

_VERSIONED: Final[JSONValue] = _object(digest=_DIGEST, version=_TEXT)

SCHEMAS: Final[Mapping[str, JSONValue]] = {
    "Problem": _object(optional=(), **_PROBLEM),
    "TokenProblem": _object(optional=(), error=_TEXT, error_description=_TEXT, **_PROBLEM),
    "AuthorizationServer": {
        "type": "object",
        "properties": {"issuer": _URL, "token_endpoint": _URL},
        "required": ["issuer", "token_endpoint"],
        "description": "RFC 8414",
    },
    "Hub": _object(
        hub=_TEXT,
        issuer=_URL,
        api=_URL,
        log=_object(origin=_TEXT, vkey=_TEXT, predecessors=_list(_TEXT)),
        registrar=_OPEN_OBJECT,
        limits={"type": "object", "additionalProperties": {"type": "integer"}},
        definitions=_VERSIONED,
        catalogue=_or_null(_VERSIONED),
        versions=_list(_TEXT),
    ),
    "TokenRequest": _object(
        grant_type={"const": "client_credentials"},
        client_assertion_type={"const": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
        client_assertion=_JWS,
    ),
    "Token": _object(access_token=_TEXT, token_type={"const": "DPoP"}, expires_in={"type": "integer"}),
    "Join": _object(
        optional=("admission", "replaced", "statement"),
        admission=_or_null(_JWS),
        statement=_or_null(_JWS),
        replaced=_or_null(_JWS),
    ),
    "Joined": _object(oin=_OIN, index=_INDEX, entry=_TEXT, tlog_proof=_TEXT),
    "Participants": _object(
        participants=_list(
            _object(
                oin=_OIN,
                index=_INDEX,
                entry=_TEXT,
                admission=_or_null(_JWS),
                statement=_or_null(_JWS),
                replaced=_or_null(_JWS),
                previous_index=_or_null(_INDEX),
            )
        ),
        newest=_or_null(_INDEX),
        next={"type": "integer", "minimum": -1},
    ),
    "ChainEpoch": _object(signed=_JWS),
    "ChainEpochs": _object(
        epochs=_list(_object(index=_INDEX, entry=_TEXT, epoch={"type": "integer"}, signed=_JWS, tlog_proof=_TEXT))
    ),
    "ChainKey": _object(handover=_JWS),
    "ChainKeys": _object(handovers=_list(_object(id=_ID, giver=_OIN, epoch={"type": "integer"}, handover=_JWS))),
    "Stored": _object(id=_ID),
    "Grounds": _object(digest=_DIGEST, version=_TEXT, text=_TEXT),
    "Definitions": _object(digest=_DIGEST, version=_TEXT, profiles=_list(_TEXT), message_types=_list(_TEXT)),
    "Definition": {"type": "object", "description": "a JSON Schema"},
    "Submission": _object(
        message=_JWS,
        tags=_list(_TEXT),
        key=_BYTES,
        elements=_list({"anyOf": [_BYTES, _object(part=_INDEX)]}),
    ),
    "Accepted": _object(
        jti=_ID,
        index=_INDEX,
        decision=_object(
            ground=_TEXT,
            permitted=_list(_TEXT),
            withheld=_list(_object(label=_TEXT, reasons=_list(_TEXT))),
        ),
        catalogue=_VERSIONED,
        entry=_TEXT,
        shown=_TEXT,
        shown_salt=_BYTES,
        tlog_proof=_TEXT,
        newest_participant=_INDEX,
    ),
    "MessageState": _object(
        jti=_ID,
        state={"enum": ["waiting", "released", "received", "refused", "expired", "recalled"]},
        index=_INDEX,
        recipient=_OIN,
        term=_or_null(_DAY),
        answered_by=_list(_object(jti=_ID, index=_INDEX, type=_TEXT)),
        released_at=_or_null(_SECONDS),
        denied=_or_null(_object(since=_SECONDS, reasons=_list(_object(code=_TEXT, text=_TEXT, text_nl=_TEXT)))),
        receipt=_or_null(_object(receipt=_JWS, index=_INDEX, entry=_TEXT, tlog_proof=_TEXT)),
        warnings=_list(_object(code=_TEXT, text=_TEXT, text_nl=_TEXT, pickup_by=_SECONDS)),
    ),
    "Inbox": _object(
        items=_list(
            _object(
                id=_ID,
                index=_INDEX,
                type=_TEXT,
                sender=_OIN,
                size_class={"enum": ["s", "m", "l"]},
                pickup_by=_SECONDS,
            )
        ),
        next={"type": "integer", "minimum": -1},
    ),
    "Compact": _JWS,
    "Released": _object(
        releases=_list(
            _object(
                id=_ID,
                message=_JWS,
                key=_BYTES,
                elements=_list({"anyOf": [_object(index=_INDEX, sealed=_BYTES), _object(index=_INDEX, part=_INDEX)]}),
                hashes=_list(_DIGEST),
                shown=_TEXT,
                shown_salt=_BYTES,
                entry=_TEXT,
                tlog_proof=_TEXT,
                index=_INDEX,
            )
        ),
        later=_list(_ID),
        refused=_list(_object(id=_ID, problem=_ref("Problem"))),
    ),
    "Entry": _object(index=_INDEX, entry=_TEXT, tlog_proof=_TEXT),
    **CATALOGUE_SCHEMAS,
    "Entries": _object(entries=_list(_object(index=_INDEX, entry=_TEXT)), next={"type": "integer", "minimum": -1}),
    "Taken": _object(id=_ID, index=_INDEX, entry=_TEXT, tlog_proof=_TEXT),
    "PersonSearch": _object(
        optional=("after",),
        tags={"type": "array", "items": _TAG, "minItems": 1, "maxItems": 16, "uniqueItems": True},
        after={"type": "integer", "minimum": -1},
    ),
    "PersonRecords": _object(
        access=_ref("Entry"),
        records=_list(_PERSON_RECORD),
        links=_list(_PERSON_RECORD),
        next={"type": "integer", "minimum": -1},
    ),
    "Notices": _object(
        items=_list(
            _object(
                number=_INDEX,
                kind={"type": "string", "description": "what it is about, such as `consent-withdrawn`"},
                message=_or_null(_ID),
                record=_or_null(_ID),
                index=_or_null(_INDEX),
                at=_SECONDS,
            )
        ),
        next={"type": "integer", "minimum": -1},
    ),
    "ReviewSearch": _object(
        optional=("after", "limit"),
        after={"type": "integer", "minimum": -1},
        limit={"type": "integer", "minimum": 1, "maximum": 200},
    ),
    "Reviews": _object(
        reviews=_list(
            _object(
                about=_ID,
                mark=_TEXT,
                index=_INDEX,
                sender=_OIN,
                recipient=_OIN,
                supervised={"type": "boolean", "description": "a party answers it; a supervisor closes it"},
                answers=_list(_object(oin=_OIN, index=_INDEX, finding=_TEXT, review=_JWS)),
            )
        ),
        next={"type": "integer", "minimum": -1},
    ),
    "Reviewed": _object(index=_INDEX, entry=_TEXT, tlog_proof=_TEXT, closed={"type": "boolean"}),
    "RecordSearch": _object(
        optional=("after", "limit", "message", "about"),
        after={"type": "integer", "minimum": -1},
        limit={"type": "integer", "minimum": 1, "maximum": 200},
        message=_or_null(_ID),
        about=_or_null(_ID),
    ),
    "Records": _object(
        records=_list(
            _object(index=_INDEX, kind=_TEXT, entry=_TEXT, shown=_or_null(_TEXT), shown_salt=_or_null(_BYTES))
        ),
        next={"type": "integer", "minimum": -1},
    ),
    "InclusionProof": _object(index=_INDEX, size=_INDEX, hashes=_list(_DIGEST)),
    "ConsistencyProof": {
        "type": "object",
        "properties": {"from": _INDEX, "to": _INDEX, "hashes": _list(_DIGEST)},
        "required": ["from", "to", "hashes"],
    },
    "Status": {
        "type": "object",
        "properties": {"status": _TEXT},
        "required": ["status"],
        "additionalProperties": _TEXT,
    },
    "Text": _TEXT,
    "Bytes": {"type": "string", "format": "binary"},
    "OpenAPI": {"type": "object", "description": "this description"},
}
"""Name to schema."""
