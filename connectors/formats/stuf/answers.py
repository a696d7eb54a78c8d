"""Receipts and errors: `Bv01`, `Bv03`, `Bv04`, `Fo01` and `Fo03`, each naming the message it answers.

    Bv03  the file was read            (technical receipt of an application)
    Bv04  the message can be processed (technical receipt of an adapter)
    Bv01  the message was accepted     (functional receipt)
    Fo01  it was refused               (functional error)
    Fo03  it was refused               (technical error)

Source: StUF 03.01, schema set `jrberichten` 1.0.9, elements `Bv01Bericht` to `Fo03Bericht` and type `Foutbericht`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from lxml import etree

from connectors.formats.stuf.building import Out, complete, to_xml
from connectors.formats.stuf.grammar import Element, SimpleType, group, plain
from connectors.formats.stuf.messages import TIME
from connectors.formats.stuf.names import clark, prefixed
from connectors.formats.stuf.parsing import parse_xml
from connectors.formats.stuf.tree import Node, check_tree
from schemas.document import Address
from schemas.errors import DocumentError, Issue


class AnswerCode(StrEnum):
    """Message codes of receipts and errors."""

    BV01 = "Bv01"
    BV03 = "Bv03"
    BV04 = "Bv04"
    FO01 = "Fo01"
    FO03 = "Fo03"


class FaultPlace(StrEnum):
    """Who must act on an error."""

    CLIENT = "client"
    SERVER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What an error says.

    Attributes:
        code: StUF's code, at most 7 characters, such as `StUF016`.
        place: Who must act.
        description: For people, at most 200 characters.
        details: More for people, at most 1,000 characters; empty if there is no more to say.
        details_xml: The XML of `detailsXML` as text, if there is one; it is carried, not read.
    """

    code: str
    place: FaultPlace
    description: str
    details: str = ""
    details_xml: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StufAnswer:
    """One receipt or error.

    Attributes:
        code: Which one it is.
        sender: Who answers.
        receiver: Who is answered.
        reference: The answer's own number.
        time: Its time as StUF writes it, 8 to 17 digits.
        cross_reference: Number of the message that is answered.
        remarks: Remarks of a `Bv01`, each at most 250 characters.
        fault: What an error says; None in a receipt.
    """

    code: AnswerCode
    sender: Address
    receiver: Address
    reference: str
    time: str
    cross_reference: str
    remarks: tuple[str, ...] = ()
    fault: Fault | None = None


DUPLICATE: Final = "StUF016"
"""The same sender used this number before."""
NOT_BY_SCHEMA: Final = "StUF055"
"""The message is not as the schema has it."""
UNKNOWN_FUNCTION: Final = "StUF034"
"""The function is not one of this interface."""
PROCESS_FAILED: Final = "StUF058"
"""Processing failed."""


def _text(name: str, longest: int, shortest: int = 0) -> SimpleType:
    return SimpleType(name=name, length_max=longest, length_min=shortest)


def _system(name: str) -> Element:
    return group(
        name,
        plain("StUF:organisatie", _text("Organisatie", 200), "0..1"),
        plain("StUF:applicatie", _text("Applicatie", 50, 3)),
        plain("StUF:administratie", _text("Administratie", 50), "0..1"),
        plain("StUF:gebruiker", _text("Gebruiker", 100), "0..1"),
    )


_FAULT_PLACE: Final = SimpleType(name="Foutplek", values=tuple(FaultPlace))


def _table(code: AnswerCode) -> Element:
    header = group(
        "StUF:stuurgegevens",
        plain("StUF:berichtcode", SimpleType(name="Berichtcode", values=(code,))),
        _system("StUF:zender"),
        _system("StUF:ontvanger"),
        plain("StUF:referentienummer", _text("Refnummer", 40)),
        plain("StUF:tijdstipBericht", TIME),
        plain("StUF:crossRefnummer", _text("Refnummer", 40)),
    )
    name = f"StUF:{code}Bericht"
    if code is AnswerCode.BV01:
        return group(name, header, plain("StUF:melding", _text("Melding", 250), "0..*"))
    if code in {AnswerCode.FO01, AnswerCode.FO03}:
        body = group(
            "StUF:body",
            plain("StUF:code", _text("Foutcode", 7)),
            plain("StUF:plek", _FAULT_PLACE),
            plain("StUF:omschrijving", _text("Foutomschrijving", 200)),
            plain("StUF:details", _text("Foutdetails", 1000), "0..1"),
        )
        return group(name, header, body)
    return group(name, header)


TABLES: Final = {f"StUF:{code}Bericht": _table(code) for code in AnswerCode}
_DETAILS_XML: Final = "StUF:detailsXML"


def write_answer(answer: StufAnswer) -> bytes:
    """Write one receipt or error, valid by the schema.

    Raises:
        DocumentError: A text is longer than StUF allows, or a required one is missing.
    """
    name = f"StUF:{answer.code}Bericht"
    table = TABLES[name]
    header = _out(
        "StUF:stuurgegevens",
        _leaf("StUF:berichtcode", answer.code),
        _out("StUF:zender", *_address(answer.sender)),
        _out("StUF:ontvanger", *_address(answer.receiver)),
        _leaf("StUF:referentienummer", answer.reference),
        _leaf("StUF:tijdstipBericht", answer.time),
        _leaf("StUF:crossRefnummer", answer.cross_reference),
    )
    root = _out(name, header, *(_leaf("StUF:melding", remark) for remark in answer.remarks))
    if answer.fault is not None:
        root.children.append(_body(answer.fault))
    if not complete(root, table, ""):
        raise _invalid([Issue(pointer="", code="recipient.stuf.answer", text=f"`{answer.code}` cannot say this")])
    xml = to_xml(root)
    _, issues = check_tree(xml, table)
    if issues:
        raise _invalid(issues)
    if answer.fault is not None and answer.fault.details_xml:
        body = xml.find(clark("StUF:body"))
        if body is None:
            raise AssertionError("an answer with a fault has a body")
        body.append(parse_xml(answer.fault.details_xml.encode()))
    return etree.tostring(xml, encoding="UTF-8", xml_declaration=True, pretty_print=True)


def read_answer(data: bytes) -> StufAnswer:
    """Read one receipt or error.

    Raises:
        DocumentError: It is none, or has defects; `issues` lists each with its place.
    """
    root = parse_xml(data)
    name = prefixed(str(root.tag))
    table = TABLES.get(name)
    if table is None:
        raise _invalid([Issue(pointer="", code="sender.stuf.function", text="not a StUF receipt or error")])
    details_xml = ""
    for body_element in root.findall(clark("StUF:body")):
        for details in body_element.findall(clark(_DETAILS_XML)):
            details_xml = etree.tostring(details, encoding="unicode", with_tail=False)
            body_element.remove(details)
    node, issues = check_tree(root, table)
    if issues:
        raise _invalid(issues)
    header = node.all("StUF:stuurgegevens")[0]
    body = node.find("StUF:body")
    return StufAnswer(
        code=AnswerCode(name.removeprefix("StUF:").removesuffix("Bericht")),
        sender=_read_address(header, "StUF:zender"),
        receiver=_read_address(header, "StUF:ontvanger"),
        reference=_read(header, "StUF:referentienummer"),
        time=_read(header, "StUF:tijdstipBericht"),
        cross_reference=_read(header, "StUF:crossRefnummer"),
        remarks=tuple(remark.text for remark in node.all("StUF:melding")),
        fault=None if body is None else _read_fault(body, details_xml),
    )


def fault_code(error: DocumentError) -> str:
    """Return the StUF code that fits an error best."""
    codes = {error.code, *(issue.code for issue in error.issues)}
    if codes & {"sender.stuf.function", "sender.stuf.version"}:
        return UNKNOWN_FUNCTION
    if any(code.startswith(("sender.stuf.", "sender.document.")) for code in codes):
        return NOT_BY_SCHEMA
    return PROCESS_FAILED


def _invalid(issues: list[Issue]) -> DocumentError:
    return DocumentError("not a valid StUF receipt or error", code=issues[0].code, issues=issues)


def _out(name: str, *children: Out) -> Out:
    return Out(name=name, children=list(children))


def _leaf(name: str, text: str) -> Out:
    return Out(name=name, text=text)


def _address(address: Address) -> list[Out]:
    texts = (
        ("organisatie", address.organisation),
        ("applicatie", address.application or ""),
        ("administratie", address.unit or ""),
        ("gebruiker", address.user or ""),
    )
    return [_leaf(f"StUF:{name}", text) for name, text in texts if text]


def _body(fault: Fault) -> Out:
    texts = (
        ("code", fault.code),
        ("plek", fault.place),
        ("omschrijving", fault.description),
        ("details", fault.details),
    )
    return _out("StUF:body", *(_leaf(f"StUF:{name}", text) for name, text in texts if text or name != "details"))


def _read(node: Node, *path: str) -> str:
    found = node.find(*path)
    return found.text if found is not None else ""


def _read_address(header: Node, system: str) -> Address:
    return Address(
        organisation=_read(header, system, "StUF:organisatie"),
        application=_read(header, system, "StUF:applicatie") or None,
        unit=_read(header, system, "StUF:administratie") or None,
        user=_read(header, system, "StUF:gebruiker") or None,
    )


def _read_fault(body: Node, details_xml: str) -> Fault:
    return Fault(
        code=_read(body, "StUF:code"),
        place=FaultPlace(_read(body, "StUF:plek")),
        description=_read(body, "StUF:omschrijving"),
        details=_read(body, "StUF:details"),
        details_xml=details_xml,
    )
