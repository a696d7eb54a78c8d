"""The rules that the schema does not have: numbers, roles, attachments, children; each finding with its place.

Source: the official scenarios (three attachments), the BSN's 11-test, DOMAIN.md, sections 2, 3 and 6.
"""

from collections.abc import Iterator

from connectors.formats.stuf.conventions import Conventions, Meaning, Place
from connectors.formats.stuf.kinds import EMPLOYEE, LEGAL_PERSON
from connectors.formats.stuf.messages import VTO
from connectors.formats.stuf.names import EXTRA, EXTRA_NAME, SENDING_KEY
from connectors.formats.stuf.parts import PERSON, RELATED
from connectors.formats.stuf.tree import Node
from connectors.formats.stuf.values import FALSE
from schemas.errors import DocumentError, Issue
from schemas.identifiers import BSN

ATTACHMENT_BYTES_MAX = 16 * 1024 * 1024
SUBJECTS_MAX = 16


def check_rules(message: Node, conventions: Conventions) -> list[Issue]:
    """Return every finding beyond the schema.

    Args:
        message: The message as far as the table knows it; it may have defects of its own.
        conventions: Settings of the format.
    """
    issues = list(_numbers(message))
    case = next(iter(message.all("JZ:object")), None)
    if case is not None:
        issues += _roles(case, conventions)
        issues += _children(case, conventions)
        issues += _parties(case, message, conventions)
        issues += _documents(case, conventions)
        issues += _executor(case)
        issues += _subjects(case)
    return issues


def _issue(pointer: str, code: str, text: str, text_nl: str) -> Issue:
    return Issue(pointer=pointer, code=f"sender.stuf.{code}", text=text, text_nl=text_nl)


def _numbers(message: Node) -> Iterator[Issue]:
    for node in message.descendants():
        if node.name == "BG:inp.bsn" and node.text:
            try:
                BSN(node.text)
            except DocumentError:
                yield _issue(node.pointer, "bsn", "not a valid BSN", "dit is geen geldig BSN (11-proef)")


def _roles(case: Node, conventions: Conventions) -> Iterator[Issue]:
    for party in case.all("ZKN:heeftAlsBelanghebbende"):
        name, code = party.find("ZKN:omschrijving"), party.find("ZKN:code")
        row = conventions.roles.by_name(name.text) if name is not None else None
        if name is not None and row is None:
            yield _issue(name.pointer, "role.unknown", "an unknown role", "deze rol is niet bekend")
        if code is None or not code.text:
            continue
        if conventions.roles.by_code(code.text) is None:
            yield _issue(code.pointer, "role.unknown", "an unknown role code", "deze rolcode is niet bekend")
        elif row is not None and row.code != code.text:
            yield _issue(
                code.pointer,
                "role.contradiction",
                "the role's code and name are of different roles",
                "rolcode en rolomschrijving horen niet bij elkaar",
            )


def _children(case: Node, conventions: Conventions) -> Iterator[Issue]:
    for relation in case.all("ZKN:heeftBetrekkingOp"):
        if relation.nil:
            continue
        people = (relation.find(*RELATED) or relation).all("ZKN:natuurlijkPersoon")
        for person in people or [relation]:
            if person is relation or person.nil or not person.children:
                text_nl = "dit kind heeft geen enkel gegeven"
                yield _issue(person.pointer, "child.empty", "a child without anything about it", text_nl)
    known = set(_keys(case))
    for party in case.all("ZKN:heeftAlsBelanghebbende"):
        for extra in _extras(party):
            meaning = conventions.meaning(Place.INTERESTED, extra.attributes.get(EXTRA_NAME, ""))
            if meaning is Meaning.OVER and extra.text and extra.text not in known:
                yield _issue(
                    extra.pointer,
                    "child.unknown",
                    "names a child that this message does not have",
                    "dit verwijst naar een kind dat niet in dit bericht staat",
                )


def _keys(case: Node) -> Iterator[str]:
    for relation in case.all("ZKN:heeftBetrekkingOp"):
        for node in relation.descendants():
            if SENDING_KEY in node.attributes and node.name in {relation.name, PERSON[-1]}:
                yield node.attributes[SENDING_KEY]
            if node.text and node.name in {"BG:inp.bsn", "BG:anp.identificatie"}:
                yield node.text
            if node.name == EXTRA and node.attributes.get(EXTRA_NAME) == "anp.identificatie":
                yield node.text


def _extras(entity: Node) -> Iterator[Node]:
    return (node for node in entity.descendants() if node.name == EXTRA)


def _parties(case: Node, message: Node, conventions: Conventions) -> Iterator[Issue]:
    for party in case.all("ZKN:heeftAlsBelanghebbende"):
        name = party.find("ZKN:omschrijving")
        row = conventions.roles.by_name(name.text) if name is not None else None
        said = {
            conventions.meaning(Place.INTERESTED, extra.attributes.get(EXTRA_NAME, "")): extra
            for extra in _extras(party)
        }
        informed = said.get(Meaning.INFORMED)
        reason = said.get(Meaning.NOT_INFORMED_REASON)
        if (
            message.name == VTO.name
            and row is not None
            and row.profile == "gezagsdrager"
            and informed is not None
            and informed.text.casefold() in FALSE
            and (reason is None or not (reason.text or reason.nil))
        ):
            yield _issue(
                informed.pointer,
                "informed.reason",
                "somebody with authority was not informed, and no reason is given",
                "een gezagsdrager is niet geïnformeerd en de reden ontbreekt",
            )
        secret = said.get(Meaning.SECRET_ADDRESS)
        if (
            row is not None
            and row.profile in {"melder", "professional"}
            and secret is not None
            and secret.text.casefold() not in FALSE
        ):
            yield _issue(
                secret.pointer,
                "secret-address",
                "a secret address of a reporter or a professional has no place in the exchange",
                "een geheim adres van een melder of professional kan niet worden uitgewisseld; laat het adres weg",
            )


def _documents(case: Node, conventions: Conventions) -> Iterator[Issue]:
    documents = [document for document in case.all("ZKN:heeftRelevant") if not document.nil]
    for document in documents[conventions.attachments_max :]:
        yield _issue(
            document.pointer,
            "attachments",
            f"more than {conventions.attachments_max} attachments",
            f"meer dan {conventions.attachments_max} bijlagen",
        )
    contents = [node for document in documents for node in document.descendants() if node.name == "ZKN:inhoud"]
    # Four characters of base64 are three bytes; white space in it makes the file larger, not the attachment.
    size = sum(len("".join(node.text.split())) * 3 // 4 for node in contents)
    if size > ATTACHMENT_BYTES_MAX:
        text_nl = "de bijlagen zijn samen groter dan 16 MiB"
        yield _issue(case.pointer, "size", f"attachments of more than {ATTACHMENT_BYTES_MAX} bytes together", text_nl)


def _executor(case: Node) -> Iterator[Issue]:
    for executor in case.all("ZKN:heeftAlsUitvoerende"):
        related = executor.find(*RELATED)
        if related is None or related.nil:
            continue
        for path in (EMPLOYEE, LEGAL_PERSON):
            if len(related.all(path[-1])) != 1:
                yield _issue(
                    related.pointer,
                    "executor",
                    "an executor is exactly one employee and one organisation",
                    "een uitvoerende is precies één medewerker en één organisatie",
                )
                break


def _subjects(case: Node) -> Iterator[Issue]:
    people = [node for node in case.descendants() if node.name == PERSON[-1] and not node.nil]
    if len(people) > SUBJECTS_MAX:
        yield _issue(
            case.pointer,
            "subjects",
            f"more than {SUBJECTS_MAX} persons",
            f"het bericht gaat over meer dan {SUBJECTS_MAX} personen; verdeel het over meer berichten",
        )
