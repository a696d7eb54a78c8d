"""Kinds of what is not a person: header, request, status, document, decision. See `kinds` for the whole table."""

from typing import Final

from connectors.formats.stuf.cases import (
    CASE_TYPE,
    GENERIC_TYPE,
    OTHER_CASE,
    OTHER_NUMBER,
    OTHER_TYPE,
    OWN_TYPE,
    STATUS_NAME,
    ReferencePart,
    SystemPart,
    TriggerPart,
    UnitPart,
    case_type_facts,
    case_type_value,
    other_case_facts,
    other_case_value,
    status_facts,
    status_value,
)
from connectors.formats.stuf.conventions import Meaning, Place
from connectors.formats.stuf.facts import Facts, Leaf
from connectors.formats.stuf.grammar import Path
from connectors.formats.stuf.item_kind import ItemKind
from connectors.formats.stuf.names import (
    CONFIDENTIALITY_SYSTEM,
    DOCUMENT_TYPE_SYSTEM,
    EXTRAS,
    RESULT_SYSTEM,
)
from connectors.formats.stuf.parts import (
    RELATED,
    Context,
    ExtraPart,
    LeafPart,
    TogetherPart,
    UnknownExtraPart,
)
from connectors.formats.stuf.values import (
    BINARY,
    DATE,
    LANGUAGE,
    MEDIA_TYPE,
    TIME,
    Codec,
    concept,
    identifier,
    is_boolean,
    text_of,
)
from schemas.document import JSONValue

SENDER_USER: Final = ("StUF:zender", "StUF:gebruiker")
DOCUMENT_CONTENT: Final = (*RELATED, "ZKN:inhoud")
DOCUMENT_TYPE: Final = (*RELATED, "ZKN:dct.omschrijving")

HEADER: Final = ItemKind(
    name="header",
    root="JZ:stuurgegevens",
    frames=(("StUF:zender",), ("StUF:ontvanger",)),
    place=None,
    parts=(
        ReferencePart(),
        LeafPart(name="sentAt", path=("StUF:tijdstipBericht",), codec=TIME),
        SystemPart(name="senderSystem", system="StUF:zender", user=True),
        LeafPart(name="senderUser", path=SENDER_USER),
        SystemPart(name="recipientSystem", system="StUF:ontvanger", user=False),
        UnitPart(),
    ),
)

_OTHER_CASE_FRAMES: Final = (
    OTHER_CASE[:1],
    (*OTHER_CASE[:1], EXTRAS),
    OTHER_CASE,
    (*OTHER_CASE, EXTRAS),
    OTHER_TYPE[:3],
    (*OTHER_TYPE[:3], EXTRAS),
    OTHER_TYPE[:4],
)
_CASE_FRAMES: Final = ((EXTRAS,), CASE_TYPE[:1], (*CASE_TYPE[:1], EXTRAS), CASE_TYPE, *_OTHER_CASE_FRAMES)


def _other_case_part(name: str) -> TogetherPart:
    return TogetherPart(
        name=name,
        owned=(OTHER_NUMBER, OTHER_TYPE),
        shown=(OTHER_NUMBER,),
        make=other_case_value,
        unmake=other_case_facts,
    )


_PRIORITIES: Final = Codec(
    to=lambda leaf: "urgent" if leaf.text.casefold() in {"true", "j", "ja", "1"} else "routine",
    back=lambda value: (
        Leaf("true" if text_of(value) in {"urgent", "asap", "stat"} else "false") if text_of(value) else None
    ),
)

REQUEST: Final = ItemKind(
    name="request",
    root="JZ:object",
    frames=_CASE_FRAMES,
    place=Place.CASE,
    parts=(
        LeafPart(name="identifier", path=("ZKN:identificatie",), codec=identifier()),
        _other_case_part("relatedIdentifier"),
        LeafPart(name="authoredOn", path=("ZKN:registratiedatum",), codec=DATE),
        LeafPart(name="occurrence", path=("ZKN:startdatum",), codec=DATE),
        ExtraPart(name="priority", place=Place.CASE, meaning=Meaning.URGENT, codec=_PRIORITIES, readable=is_boolean),
        TogetherPart(
            name="code",
            owned=(OWN_TYPE, GENERIC_TYPE),
            make=case_type_value,
            unmake=case_type_facts,
        ),
        ExtraPart(
            name="requesterRole",
            place=Place.CASE,
            meaning=Meaning.REQUESTER_ROLE,
            codec=Codec(
                to=lambda leaf: {"text": leaf.text},
                back=lambda value: Leaf(str(value["text"])) if isinstance(value, dict) and value.get("text") else None,
            ),
        ),
        LeafPart(
            name="confidentiality",
            path=(*CASE_TYPE, "ZKN:vertrouwelijkAanduiding"),
            codec=concept(CONFIDENTIALITY_SYSTEM),
        ),
        LeafPart(name="reasonText", path=("ZKN:omschrijving",)),
        UnknownExtraPart(place=Place.CASE),
    ),
)

STATUS: Final = ItemKind(
    name="status",
    root="JZ:object",
    frames=(*_CASE_FRAMES, ("ZKN:resultaat",), STATUS_NAME[:1], STATUS_NAME[:2]),
    place=Place.CASE,
    parts=(
        TogetherPart(
            name="businessStatus",
            owned=(STATUS_NAME, GENERIC_TYPE),
            make=status_value,
            unmake=status_facts,
        ),
        LeafPart(name="date", path=("ZKN:heeft", "ZKN:datumStatusGezet"), codec=TIME),
        LeafPart(name="result", path=("ZKN:resultaat", "ZKN:omschrijving"), codec=concept(RESULT_SYSTEM)),
        LeafPart(name="reference", path=("ZKN:identificatie",), codec=identifier()),
        _other_case_part("relatedReference"),
        TriggerPart(),
        UnknownExtraPart(place=Place.CASE),
    ),
)


def _first(name: str, codec: Codec, path: Path, *also: Path) -> TogetherPart:
    """Return the part of a leaf with which others ride that FHIR has no place for."""

    def make(facts: Facts) -> JSONValue:
        return codec.encode(facts.get(path, Leaf()))

    def unmake(value: JSONValue, _context: Context) -> Facts | None:
        leaf = codec.decode(value)
        return {path: leaf} if leaf else {}

    return TogetherPart(name=name, owned=(path, *also), make=make, unmake=unmake)


DOCUMENT: Final = ItemKind(
    name="document",
    root="ZKN:heeftRelevant",
    frames=(RELATED, (EXTRAS,)),
    shared=(DOCUMENT_CONTENT,),
    place=Place.DOCUMENT,
    parts=(
        LeafPart(name="identifier", path=(*RELATED, "ZKN:identificatie"), codec=identifier()),
        _first("description", concept(DOCUMENT_TYPE_SYSTEM), DOCUMENT_TYPE, (*RELATED, "ZKN:dct.omschrijvingGeneriek")),
        LeafPart(name="title", path=(*RELATED, "ZKN:titel")),
        LeafPart(name="fileName", path=(*DOCUMENT_CONTENT, "@StUF:bestandsnaam")),
        LeafPart(name="language", path=(*RELATED, "ZKN:taal"), codec=LANGUAGE),
        LeafPart(name="status", path=(*RELATED, "ZKN:status")),
        LeafPart(name="created", path=(*RELATED, "ZKN:creatiedatum"), codec=DATE),
        LeafPart(name="author", path=(*RELATED, "ZKN:auteur")),
        LeafPart(
            name="confidentiality",
            path=(*RELATED, "ZKN:vertrouwelijkAanduiding"),
            codec=concept(CONFIDENTIALITY_SYSTEM),
        ),
        LeafPart(name="contentType", path=(*DOCUMENT_CONTENT, "@xmime:contentType"), codec=MEDIA_TYPE),
        _first("data", BINARY, DOCUMENT_CONTENT, (*RELATED, "ZKN:link")),
        UnknownExtraPart(place=Place.DOCUMENT),
    ),
)

DECISION: Final = ItemKind(
    name="decision",
    root="ZKN:leidtTot",
    frames=(RELATED, (*RELATED, EXTRAS)),
    place=Place.DECISION,
    parts=(
        LeafPart(name="decided", path=(*RELATED, "ZKN:datumBeslissing"), codec=DATE),
        LeafPart(name="effective", path=(*RELATED, "ZKN:ingangsdatumWerking"), codec=DATE),
        LeafPart(name="ends", path=(*RELATED, "ZKN:einddatumWerking"), codec=DATE),
        LeafPart(name="note", path=(*RELATED, "ZKN:toelichting")),
        UnknownExtraPart(place=Place.DECISION),
    ),
)
