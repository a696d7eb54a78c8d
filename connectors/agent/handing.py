"""What is handed over of a received message: evidence, the FHIR bundle and the native file, in this order.

The attachments are seen by the scan command first. One that it holds back stays in the evidence, where it is as the
sender signed it, and is left out of FHIR and the native file; people are told.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from connectors.agent.documents import attachments, first_text, without
from connectors.agent.journal import Delivery, NoticeKind
from connectors.agent.questions import not_asked
from connectors.agent.reports import mark_texts, to_json
from connectors.agent.scan import Verdict
from connectors.agent.services import Services
from connectors.agent.threads import was_answered_before
from connectors.formats.ports import Format, Written
from connectors.sdk.envelope import person_key
from connectors.sdk.opening import Opened
from schemas.codes import SubjectRole
from schemas.document import Address, Document, DocumentItem, DocumentSubject
from schemas.errors import DocumentError
from schemas.fhir import document_to_bundle
from schemas.fhir.bundle import BundleHead
from schemas.identifiers import BSN_SYSTEM, SubjectTag

FHIR = "fhir"
"""Name of the format whose bundle is handed over in any case."""
_PEOPLE = frozenset({"jeugdige", "gezagsdrager", "andere-persoon", "melder"})
_NAMES = frozenset({"identifier", "name", "gender", "birthDate", "expectedDate"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """What goes to the organisation.

    Attributes:
        fhir: The FHIR R4 bundle.
        native: The native file; None if no format can write it.
        number: The native case number under which replies come.
        tags: Role and random pseudonym of persons without a number, by local key.
        notices: What people must see: kind, Dutch, English.
    """

    fhir: bytes = field(repr=False)
    native: bytes | None = field(repr=False)
    number: str | None
    tags: Mapping[str, tuple[SubjectRole, SubjectTag]] = field(repr=False)
    notices: Sequence[tuple[NoticeKind, str, str]]

    def deliveries(self, evidence: bytes, *, folder: Path, message_id: str) -> Iterator[Delivery]:
        """Yield the files in their order; each is `.ID.part` until it has its name."""
        files = ((".evidence.json", evidence), (".fhir.json", self.fhir), (".xml", self.native))
        for suffix, data in files:
            if data is not None:
                yield Delivery(
                    folder=folder,
                    name=f"{message_id}{suffix}",
                    part=f".{message_id}.part",
                    data=data,
                    message=message_id,
                )


async def prepare_files(services: Services, opened: Opened, *, at: datetime) -> Handing:
    """Make the files of an opened message.

    Raises:
        UnavailableError: The scan command could not judge.
    """
    notices: list[tuple[NoticeKind, str, str]] = []
    message = opened.message
    verdicts = await services.scanner.judge(attachments(opened.items))
    held = [label for label, verdict in verdicts.items() if verdict is Verdict.HELD]
    if held:
        notices.append(
            (
                NoticeKind.HELD,
                f"De scanopdracht houdt tegen: {', '.join(held)}. Het origineel staat alleen in het bewijsbestand.",
                f"The scan command holds back: {', '.join(held)}. The original is in the evidence file only.",
            )
        )
    if opened.marks:
        told = [mark_texts(mark) for mark in opened.marks]
        notices.append((NoticeKind.MARKED, " ".join(nl for nl, _ in told), " ".join(en for _, en in told)))
    unprompted = _unprompted(services, opened)
    if unprompted:
        notices.append(
            (NoticeKind.UNPROMPTED, " ".join(nl for nl, _ in unprompted), " ".join(en for _, en in unprompted))
        )
    items = without(opened.items, held)
    withheld = (*(each.label for each in opened.withheld), *held)
    if opened.withheld:
        names = ", ".join(each.label for each in opened.withheld)
        notices.append(
            (
                NoticeKind.WITHHELD,
                f"Niet ontvangen omdat het niet mocht: {names}. De redenen staan in het bewijsbestand.",
                f"Not received because it may not go: {names}. The reasons are in the evidence file.",
            )
        )
    head = BundleHead(
        message_type=message.type,
        message_id=message.id,
        sender=message.sender,
        recipient=message.recipient.oin,
        timestamp=datetime.fromtimestamp(message.issued_at, UTC).isoformat(),
        withheld=withheld,
        reply_to=message.reply_to,
        spoed=message.spoed,
    )
    bundle = document_to_bundle(items, services.policy.definitions, head)
    document = _document(opened, items)
    written, known = _write(services, document, withheld=withheld, at=at, notices=notices)
    again = _read_again(known, written)
    return Handing(
        fhir=to_json(bundle),
        native=written.data if written else None,
        number=again.case_reference if again else first_text(items, "verzoek", "identifier"),
        tags=_tags(opened, items, again),
        notices=notices,
    )


def _unprompted(services: Services, opened: Opened) -> list[tuple[str, str]]:
    """Say in what a message answers something that was not asked, or was answered; in Dutch and English."""
    message, found = opened.message, []
    if message.reply_to is not None and was_answered_before(message, journal=services.journal):
        found.append(
            (
                f"Antwoordt op {message.reply_to.value}, waarop het laatste antwoord al was ontvangen.",
                f"Answers {message.reply_to.value}, to which the last answer had been received already.",
            )
        )
    beyond = not_asked(opened, services=services)
    return [*found, beyond] if beyond else found


def _document(opened: Opened, items: Sequence[DocumentItem]) -> Document:
    """Make the document that a native format writes: what was disclosed, and nothing that we know better."""
    message = opened.message
    return Document(
        type=message.type,
        reference=first_text(items, "bericht", "reference") or message.id.value,
        sender=Address(organisation=message.sender.value, application=first_text(items, "bericht", "senderSystem")),
        receiver=Address(
            organisation=message.recipient.oin.value, application=first_text(items, "bericht", "recipientSystem")
        ),
        subjects=tuple(DocumentSubject(role=subject.role) for subject in message.subjects),
        items=tuple(items),
    )


def _write(
    services: Services,
    document: Document,
    *,
    withheld: Sequence[str],
    at: datetime,
    notices: list[tuple[NoticeKind, str, str]],
) -> tuple[Written | None, Format | None]:
    """Write the native file in the first format that can; what cannot be shown in it, people are told."""
    codes: list[str] = []
    for known in services.formats:
        if known.name == FHIR:
            continue
        try:
            written = known.write(document, withheld=withheld, at=at)
        except DocumentError as error:
            codes += [error.code, *(issue.code for issue in error.issues)]
            continue
        if written.omitted:
            names = ", ".join(written.omitted)
            notices.append(
                (
                    NoticeKind.NOT_WRITTEN,
                    f"Het XML-bestand kan niet tonen: {names}. Zie het FHIR-bestand.",
                    f"The XML file cannot show: {names}. See the FHIR file.",
                )
            )
        return written, known
    if all(code.endswith(".type") for code in codes):
        return None, None  # no native format has messages of this type: FHIR is what there is
    why = ", ".join(dict.fromkeys(codes))
    notices.append(
        (
            NoticeKind.NOT_WRITTEN,
            f"Dit bericht kan niet als XML worden geschreven ({why}); het staat alleen in het FHIR-bestand.",
            f"This message cannot be written as XML ({why}); it is in the FHIR file only.",
        )
    )
    return None, None


def _read_again(known: Format | None, written: Written | None) -> Document | None:
    """Read the native file as the organisation's own system will: what it calls the case and the persons."""
    if known is None or written is None:
        return None
    try:
        return known.read(written.data)
    except DocumentError:
        return None  # with required parts withheld a format may refuse to read what it wrote


def _tags(
    opened: Opened, items: Sequence[DocumentItem], again: Document | None
) -> dict[str, tuple[SubjectRole, SubjectTag]]:
    """Match the random pseudonyms that came with the persons as the native file calls them.

    The n-th item of a profile in the message is the n-th in the file.
    """
    theirs = _people(items)
    found: dict[str, tuple[SubjectRole, SubjectTag]] = {}
    if again is None:
        # Without a native file the persons have no name there; their role in the case finds them again.
        for (profile, number), index in theirs.items():
            if index in opened.yours and _is_random(index, items):
                found[f"{profile}/{number}"] = (opened.message.subjects[index].role, opened.yours[index])
        return found
    for place, index in _people(again.items).items():
        subject, came = again.subjects[index], theirs.get(place)
        tag = opened.yours.get(came) if came is not None else None
        key = person_key(subject)
        if key is not None and tag is not None and (subject.identifier or ("", ""))[0] != BSN_SYSTEM:
            found[key] = (subject.role, tag)
    return found


def _is_random(index: int, items: Sequence[DocumentItem]) -> bool:
    """Whether the pseudonym that came of somebody is the random one: we are told who it is, and there is no BSN."""
    own = [item for item in items if item.profile in _PEOPLE and item.about == (index,)]
    named = any(not _NAMES.isdisjoint(item.elements) for item in own)
    identifiers = [value for item in own for value in item.elements.get("identifier", ())]
    return named and not any(isinstance(each, dict) and each.get("system") == BSN_SYSTEM for each in identifiers)


def _people(items: Sequence[DocumentItem]) -> dict[tuple[str, int], int]:
    """Map profile and place among its kind to the one subject that the item is about."""
    counts: dict[str, int] = {}
    found: dict[tuple[str, int], int] = {}
    for item in items:
        if item.profile in _PEOPLE and len(item.about) == 1:
            found[item.profile, counts.get(item.profile, 0)] = item.about[0]
            counts[item.profile] = counts.get(item.profile, 0) + 1
    return found
