"""From bytes to an XML tree that can do no harm: no DTD, no entities, no network, limits on size, depth and number.

The bytes are looked through once with expat before a tree is built, because only a reader that stops at the first
forbidden thing spends nothing on it: a document type declaration ends the reading there, before any entity is declared.

Source: OWASP, XML External Entity Prevention; libxml2 limits text nodes to 10 MB unless `huge_tree` is set, and one
attachment of 16 MiB is 22 MB of base64: hence our own limits first and `huge_tree` only for a file over that size.
"""

from typing import Final, NoReturn
from xml.parsers import expat

from lxml import etree

from schemas.errors import DocumentError, Issue

FILE_BYTES_MAX: Final = 32 * 1024 * 1024
DEPTH_MAX: Final = 64
ELEMENTS_MAX: Final = 50_000
_LIBXML_TEXT_BYTES_MAX: Final = 9_000_000


def parse_xml(data: bytes) -> etree._Element:
    """Build the tree of one XML file.

    Nothing is checked about what the file says. Comments and processing instructions are left out: they are no content.

    Args:
        data: The file, at most 32 MiB.

    Raises:
        DocumentError: Too large, too deep, not well-formed, or with a document type declaration.
    """
    if len(data) > FILE_BYTES_MAX:
        _refuse(
            "sender.stuf.size",
            f"the file is larger than {FILE_BYTES_MAX} bytes",
            "het bestand is groter dan 32 MiB",
        )
    _look_through(data)
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        no_network=True,
        huge_tree=len(data) > _LIBXML_TEXT_BYTES_MAX,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        return etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        # libxml2 is stricter than expat in a few places, and its message may quote the file.
        line = getattr(error, "lineno", None) or 0
        _refuse("sender.stuf.xml.broken", f"not well-formed XML, at line {line}", f"geen geldige XML, regel {line}")


class _Watch:
    """Counts while expat reads, and stops it."""

    def __init__(self) -> None:
        self.depth = 0
        self.elements = 0

    def start(self, _name: str, _attributes: list[str]) -> None:
        self.depth += 1
        self.elements += 1
        if self.depth > DEPTH_MAX:
            _refuse(
                "sender.stuf.xml.depth",
                f"elements are nested deeper than {DEPTH_MAX}",
                "de elementen zijn te diep genest",
            )
        if self.elements > ELEMENTS_MAX:
            _refuse(
                "sender.stuf.xml.elements", f"more than {ELEMENTS_MAX} elements", "het bestand heeft te veel elementen"
            )

    def end(self, _name: str) -> None:
        self.depth -= 1

    def doctype(self, _name: str, _system: str | None, _public: str | None, _internal: bool) -> None:  # noqa: FBT001 - expat's signature
        _refuse(
            "sender.stuf.xml.dtd",
            "a document type declaration is not allowed",
            "een DTD (documenttypedeclaratie) is niet toegestaan",
        )


def _look_through(data: bytes) -> None:
    watch = _Watch()
    reader = expat.ParserCreate()
    reader.ordered_attributes = True
    reader.StartElementHandler = watch.start
    reader.EndElementHandler = watch.end
    reader.StartDoctypeDeclHandler = watch.doctype
    try:
        reader.Parse(data, True)  # noqa: FBT003 - expat takes no keyword here
    except (expat.ExpatError, LookupError, ValueError) as error:
        line = getattr(error, "lineno", 0)
        _refuse("sender.stuf.xml.broken", f"not well-formed XML, at line {line}", f"geen geldige XML, regel {line}")


def _refuse(code: str, text: str, text_nl: str) -> NoReturn:
    raise DocumentError(
        f"could not read the StUF file: {text}",
        code=code,
        issues=[Issue(pointer="", code=code, text=text, text_nl=text_nl)],
    ) from None
