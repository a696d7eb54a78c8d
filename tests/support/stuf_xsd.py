"""The published schemas of StUF Jeugdzorg 1.0.9, compiled for tests; the product does not carry them."""

from functools import cache

from lxml import etree

from tests.support.shared import shared_path

_STUF = "{http://www.egem.nl/StUF/StUF0301}"
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"
_XMIME = "{http://www.w3.org/2005/05/xmlmime}"

Said = tuple[str, str, str | None, str | None, str | None, str | None, str | None, str | None]


@cache
def _schema(path: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(path, etree.XMLParser(no_network=True, resolve_entities=False)))


def xsd_errors(data: bytes) -> list[str]:
    """Return what the schema has against a message; skips the test where the schemas are absent."""
    schema = _schema(str(shared_path("stuf/xsd/jr/jz0100_msg_jzberichten_resolved2025.xsd")))
    schema.validate(etree.fromstring(data))
    return [f"line {error.line}: {error.message}" for error in schema.error_log]


def xsd_errors_of_answer(data: bytes) -> list[str]:
    """Return what the schema has against a receipt or error."""
    schema = _schema(str(shared_path("stuf/xsd/jr/jz0100_msg_stuf_jzberichten_resolved2025.xsd")))
    schema.validate(etree.fromstring(data))
    return [f"line {error.line}: {error.message}" for error in schema.error_log]


def what_it_says(data: bytes, *, header: bool = True) -> set[Said]:
    """Return the set by which two files say the same thing, and a little more: names of extra elements, nil and keys.

    Args:
        data: A StUF file.
        header: Whether `stuurgegevens` counts.
    """
    said: set[Said] = set()

    def walk(element: etree._Element, above: str) -> None:
        path = f"{above}/{element.tag!s}"
        said.add(
            (
                path,
                " ".join((element.text or "").split()) if not len(element) else "",
                element.get(f"{_STUF}indOnvolledigeDatum"),
                element.get(f"{_STUF}noValue"),
                element.get(f"{_STUF}bestandsnaam"),
                element.get(f"{_XMIME}contentType"),
                element.get("naam"),
                element.get(f"{_XSI}nil"),
            )
        )
        for child in element:
            walk(child, path)

    root = etree.fromstring(data)
    for child in root:
        if header or not str(child.tag).endswith("stuurgegevens"):
            walk(child, str(root.tag))
    return said
