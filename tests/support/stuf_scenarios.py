"""StUF messages for tests: the official scenarios, and correct messages with one defect each.

    for defect in BAD_REQUESTS:
        ...drop `defect.data()` in a sender's `out/` and look for `defect.code` in the problem file

The scenarios themselves are product code (`connectors.formats.stuf.scenarios`); nothing here is but the defects.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass

from lxml import etree

from connectors.formats.stuf.examples import (
    ATTACHMENTS,
    CHILDREN,
    GEMEENTE,
    PARTIES,
    RAAD,
    Attachment,
    Child,
    Header,
    Notice,
    Party,
    Person,
    Request,
    example_bsn,
    notification_example,
    vto_example,
)
from connectors.formats.stuf.scenarios import (
    NOTIFICATION_SCENARIOS,
    VTO_SCENARIOS,
    notification_scenario,
    vto_scenario,
)

__all__ = [
    "ATTACHMENTS",
    "BAD_REQUESTS",
    "CHILDREN",
    "GEMEENTE",
    "NOTIFICATION_SCENARIOS",
    "PARTIES",
    "RAAD",
    "VTO_SCENARIOS",
    "Attachment",
    "BadRequest",
    "Child",
    "Header",
    "Notice",
    "Party",
    "Person",
    "Request",
    "example_bsn",
    "notification_example",
    "notification_scenario",
    "vto_example",
    "vto_scenario",
]

_BOMB = b"""<?xml version="1.0"?>
<!DOCTYPE bomb [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;">]>
"""
_OUTSIDE = b"""<?xml version="1.0"?>
<!DOCTYPE outside [<!ENTITY file SYSTEM "file:///etc/hostname">]>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRequest:
    """A `vtoDi01` with one defect.

    Attributes:
        name: What is wrong.
        code: Code of the issue it must get.
        change: Makes the file from a reference number.
    """

    name: str
    code: str
    change: Callable[[str], bytes]

    def data(self, reference: str = "VTO-FOUT-1") -> bytes:
        """Return the file."""
        return self.change(reference)


def _good(reference: str) -> bytes:
    return vto_example(header=Header(reference=reference), attachments=ATTACHMENTS[:1])


def _replaced(old: bytes, new: bytes) -> Callable[[str], bytes]:
    def change(reference: str) -> bytes:
        data = _good(reference)
        if old not in data:
            raise AssertionError("the message has nothing to spoil")
        return data.replace(old, new)

    return change


def _with_doctype(prolog: bytes, entity: bytes) -> Callable[[str], bytes]:
    def change(reference: str) -> bytes:
        body = _good(reference).partition(b"?>")[2]
        return prolog + body.replace(b">Testkind<", b">" + entity + b"<")

    return change


def _deep(reference: str) -> bytes:
    return _good(reference).replace(b"</JZ:object>", b"<a>" * 300 + b"</a>" * 300 + b"</JZ:object>")


def _four(reference: str) -> bytes:
    fourth = Attachment(identifier="DOC-4", description="Gezinsgeschiedenis", file_name="vierde.pdf")
    return vto_example(header=Header(reference=reference), attachments=(*ATTACHMENTS, fourth))


def _large_attachments(reference: str) -> bytes:
    large = Attachment(
        identifier="DOC-1", description="Gezinsgeschiedenis", file_name="groot.bin", data=b"\x00" * (17 * 1024 * 1024)
    )
    return vto_example(header=Header(reference=reference), attachments=(large,))


def _large_file(reference: str) -> bytes:
    return _good(reference) + b" " * (33 * 1024 * 1024)


def _unknown_child(reference: str) -> bytes:
    party = Party(role="ouder met gezag", person=PARTIES[0].person, informed=True, over=("geen-kind",))
    return vto_example(header=Header(reference=reference), parties=(party,), attachments=ATTACHMENTS[:1])


def _no_reason(reference: str) -> bytes:
    party = Party(role="ouder met gezag", person=PARTIES[0].person, informed=False)
    return vto_example(header=Header(reference=reference), parties=(party,), attachments=ATTACHMENTS[:1])


def _crowd(reference: str) -> bytes:
    children = tuple(Child(person=Person(bsn=example_bsn(number), gender="V")) for number in range(17))
    return vto_example(header=Header(reference=reference), children=children, attachments=ATTACHMENTS[:1])


def _stranger(reference: str) -> bytes:
    root = etree.fromstring(_good(reference))
    child = root.find(".//{*}geslachtsnaam")
    if child is None:
        raise AssertionError("the message has no name to spoil")
    stranger = etree.Element("{http://www.egem.nl/StUF/sector/bg/0310}burgerlijkeStaat")
    child.addnext(stranger)
    return etree.tostring(root, encoding="UTF-8", xml_declaration=True)


_ONE_FILE = base64.b64encode(ATTACHMENTS[0].data)

BAD_REQUESTS = (
    BadRequest(name="broken-xml", code="sender.stuf.xml.broken", change=lambda reference: _good(reference)[:-40]),
    BadRequest(name="no-xml", code="sender.stuf.xml.broken", change=lambda _reference: b"\x00\x01geen XML"),
    BadRequest(name="empty", code="sender.stuf.xml.broken", change=lambda _reference: b""),
    BadRequest(name="entity-bomb", code="sender.stuf.xml.dtd", change=_with_doctype(_BOMB, b"&c;")),
    BadRequest(name="outside-entity", code="sender.stuf.xml.dtd", change=_with_doctype(_OUTSIDE, b"&file;")),
    BadRequest(name="too-deep", code="sender.stuf.xml.depth", change=_deep),
    BadRequest(name="too-large-a-file", code="sender.stuf.size", change=_large_file),
    BadRequest(name="too-large-attachments", code="sender.stuf.size", change=_large_attachments),
    BadRequest(
        name="wrong-function",
        code="sender.stuf.function",
        change=_replaced(b"<StUF:functie>vtoDi01<", b"<StUF:functie>notificatieDi01<"),
    ),
    BadRequest(
        name="wrong-message", code="sender.stuf.function", change=_replaced(b"JZ:vtoDi01", b"JZ:zorgmeldingDi01")
    ),
    BadRequest(
        name="wrong-version",
        code="sender.stuf.version",
        change=_replaced(b"http://www.egem.nl/StUF/StUF0301", b"http://www.egem.nl/StUF/StUF0302"),
    ),
    BadRequest(
        name="bsn-failing-the-11-test",
        code="sender.stuf.bsn",
        change=_replaced(example_bsn(100).encode(), b"999900001"),
    ),
    BadRequest(
        name="unknown-role-code",
        code="sender.stuf.role.unknown",
        change=_replaced(b"<ZKN:code>112<", b"<ZKN:code>999<"),
    ),
    BadRequest(
        name="role-code-of-another-role",
        code="sender.stuf.role.contradiction",
        change=_replaced(b"<ZKN:code>112<", b"<ZKN:code>191<"),
    ),
    BadRequest(
        name="unknown-role",
        code="sender.stuf.role.unknown",
        change=_replaced(b">ouder met gezag<", b">buurman<"),
    ),
    BadRequest(name="four-attachments", code="sender.stuf.attachments", change=_four),
    BadRequest(name="garbage-base64", code="sender.stuf.base64", change=_replaced(_ONE_FILE, b"dit is geen base64!")),
    BadRequest(name="cut-base64", code="sender.stuf.base64", change=_replaced(_ONE_FILE, _ONE_FILE[:-1])),
    BadRequest(name="impossible-date", code="sender.stuf.date", change=_replaced(b">20140302<", b">20140231<")),
    BadRequest(
        name="impossible-time", code="sender.stuf.time", change=_replaced(b">20261123120000<", b">20261123250000<")
    ),
    BadRequest(
        name="missing-element",
        code="sender.stuf.element.missing",
        change=_replaced(b"<ZKN:startdatum>20261101</ZKN:startdatum>", b""),
    ),
    BadRequest(name="unknown-element", code="sender.stuf.element.unknown", change=_stranger),
    BadRequest(name="unknown-child", code="sender.stuf.child.unknown", change=_unknown_child),
    BadRequest(name="not-informed-and-no-reason", code="sender.stuf.informed.reason", change=_no_reason),
    BadRequest(name="too-many-people", code="sender.stuf.subjects", change=_crowd),
)
