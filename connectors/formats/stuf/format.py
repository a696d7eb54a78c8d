"""StUF Jeugdzorg as a `Format`: what the agent uses."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from lxml import etree

from connectors.formats.ports import Answered, AnswerKind, Written
from connectors.formats.stuf.answers import (
    DUPLICATE,
    AnswerCode,
    Fault,
    FaultPlace,
    StufAnswer,
    fault_code,
    write_answer,
)
from connectors.formats.stuf.conventions import Conventions
from connectors.formats.stuf.names import NAMESPACES
from connectors.formats.stuf.parsing import parse_xml
from connectors.formats.stuf.reading import read_stuf
from connectors.formats.stuf.values import stuf_time
from connectors.formats.stuf.writing import write_document
from schemas.document import Address, Document
from schemas.errors import DocumentError

_LOOKED_AT_BYTES = 4096
_UNNAMED_SYSTEM = "onbekend"
_REFERENCE_MAX = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class StufFormat:
    """Reads and writes StUF Jeugdzorg 1.0.9 and answers it.

    Attributes:
        conventions: Settings of the format.
        name: `stuf`.
    """

    conventions: Conventions = field(default_factory=Conventions)
    name: str = "stuf"

    def recognises(self, name: str, data: bytes) -> bool:
        """Whether a file looks like StUF: an XML name, or StUF's namespace near its beginning."""
        beginning = data[:_LOOKED_AT_BYTES].replace(b"\x00", b"")
        spoken = any(NAMESPACES[prefix].encode() in beginning for prefix in ("JZ", "StUF"))
        return spoken or name.casefold().endswith(".xml")

    def read(self, data: bytes) -> Document:
        """Read a file; see `read_stuf`."""
        return read_stuf(data, conventions=self.conventions)

    def header(self, data: bytes) -> Answered | None:
        """Return the header of a file, also of one with defects; None if it has none, or is no XML."""
        try:
            root = parse_xml(data)
        except DocumentError:
            return None
        header = next((child for child in root if etree.QName(child).localname == "stuurgegevens"), None)
        if header is None:
            return None

        def text(*path: str) -> str:
            # By local name: a file of another version of StUF is refused, and its sender told so.
            found = header.find("/".join(f"{{*}}{name}" for name in path))
            return (found.text or "").strip() if found is not None else ""

        reference = text("referentienummer")
        if not reference or len(reference) > _REFERENCE_MAX:
            return None

        def address(system: str) -> Address:
            return Address(
                organisation=text(system, "organisatie")[:200],
                application=text(system, "applicatie")[:50] or None,
                unit=text(system, "administratie")[:50] or None,
                user=text(system, "gebruiker")[:100] or None,
            )

        return Answered(reference=reference, sender=address("zender"), receiver=address("ontvanger"))

    def write(self, document: Document, *, withheld: Collection[str], at: datetime) -> Written:
        """Write a document; see `write_document`."""
        return write_document(document, withheld=withheld, at=at, conventions=self.conventions)

    def answer(
        self,
        kind: AnswerKind,
        *,
        answered: Answered,
        reference: str,
        at: datetime,
        error: DocumentError | None = None,
        duplicate: bool = False,
    ) -> bytes | None:
        """Write `Bv03` for what was read, `Bv01` for what was accepted, `Fo01` for what was refused."""
        codes = {
            AnswerKind.READ: AnswerCode.BV03,
            AnswerKind.ACCEPTED: AnswerCode.BV01,
            AnswerKind.REFUSED: AnswerCode.FO01,
        }
        return write_answer(
            StufAnswer(
                code=codes[kind],
                sender=_named(answered.receiver),
                receiver=_named(answered.sender),
                reference=reference,
                time=stuf_time(at),
                cross_reference=answered.reference,
                fault=_fault(error, duplicate=duplicate) if kind is AnswerKind.REFUSED else None,
            )
        )


def _named(address: Address) -> Address:
    """Return an address whose application has a name StUF accepts: at least three characters."""
    application = address.application or ""
    name = application if len(application) >= 3 else _UNNAMED_SYSTEM
    return Address(organisation=address.organisation, application=name, unit=address.unit, user=address.user)


def _fault(error: DocumentError | None, *, duplicate: bool) -> Fault:
    if duplicate:
        return Fault(
            code=DUPLICATE,
            place=FaultPlace.CLIENT,
            description="Combinatie van zender en referentienummer is al gebruikt voor een ander bericht",
        )
    if error is None:
        raise AssertionError("a refusal has its error")
    code = fault_code(error)
    place = FaultPlace.CLIENT if error.code.startswith("sender.") else FaultPlace.SERVER
    # The same may be so of every element: it is said once, with its first place.
    places = {issue.text_nl or issue.text: issue for issue in reversed(error.issues)}
    details = "; ".join(f"{issue.pointer or '/'}: {text} ({issue.code})" for text, issue in reversed(places.items()))
    # Officers read it: in Dutch where there is Dutch.
    description = next((issue.text_nl for issue in error.issues if issue.text_nl), error.public_message)
    return Fault(code=code, place=place, description=_harmless(description)[:200], details=_harmless(details)[:1000])


def _harmless(text: str) -> str:
    """Leave out what XML cannot hold: a text of another system must not stop the answer."""
    return "".join(each if each.isprintable() else " " for each in text)
