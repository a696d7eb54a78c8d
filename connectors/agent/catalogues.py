"""The catalogue that this connector decides by: what the board brought into force, whatever the hub decides by.

    look_at_catalogue     now and then: the hub's list of what came into force; who sends nothing hears of it too
    counts                of an entry: did the catalogue count that it names

A catalogue is followed when the board's own steps brought it into force (`connectors.sdk.catalogues`); a connector
begins with the one that it was shipped with. What does not count is not followed: the connector goes on with the one
that it has, people are told why, and no more goes out than both permit, for what is sent was projected by ours and is
decided anew by the hub's. What is released by a catalogue that does not count: see `connectors.sdk.receiving`.

What was followed stands in the journal, by the place of its entry, so that an older list of the hub changes nothing;
and so does every board that was seen, so that the hub cannot hide one again.

Source: the architecture, section 5.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from connectors.agent.concluding import alarm
from connectors.agent.journal import Journal, NoticeKind, notify, remember
from connectors.agent.services import Services
from connectors.agent.troubles import settle
from connectors.sdk.answers import Catalogues, ProvenBoard
from connectors.sdk.catalogues import (
    Enacted,
    NotEnacted,
    Stated,
    Unverified,
    is_grounds,
    verified_boards,
    verify_enactment,
)
from connectors.sdk.composing import Policy
from connectors.sdk.opening import Opened
from connectors.sdk.proving import ProvenEntry, prove_entry
from connectors.sdk.receiving import never_permitted
from consent.grounds import Catalogue, load_catalogue, packaged_catalogue
from consent.reasons import Told
from schemas.canonical import b64url
from schemas.codes import EntryKind
from schemas.errors import DocumentError, EvidenceError, Issue, RejectedMessageError, UnavailableError

CATALOGUE_FILE: Final = "catalogue.toml"
FOLLOWED: Final = "catalogues"
BOARDS: Final = "boards"
"""Under which the journal remembers what was followed, and the boards that were seen: both are of one log."""
BEGAN: Final = "catalogues since"
"""The second in which that log began, if it continues another, else 0: what was signed before was for that one."""

REMEMBERED_MAX: Final = 64
LABELS_SHOWN: Final = 8
NO_LIST: Final = "sender.route.unknown"
UNREADABLE: Final = "sender.catalogue.unreadable"
_ABOUT: Final = "catalogue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """A catalogue that counted from a place in the log on.

    Attributes:
        index: The place.
        digest: Of its file.
        request: Digest of the proposal, which counts once; empty where none brought it into force.
    """

    index: int
    digest: str
    request: str


def known_catalogue(home: Path) -> Catalogue:
    """Return the catalogue that was followed last, else the packaged one.

    Raises:
        DocumentError: This version cannot read it: an older one, or the file was damaged.
    """
    path = home / CATALOGUE_FILE
    if not path.exists():
        return packaged_catalogue()
    try:
        return load_catalogue(path.read_bytes())
    except DocumentError as error:
        text = f"`{path}` cannot be read by this version of the connector"
        todo = Issue(
            pointer="",
            code=UNREADABLE,
            text="install the version that followed it, or a newer one; where that cannot read it either the file is"
            " damaged: move it away, and the connector gets it from the hub again",
            text_nl="installeer de versie die hem overnam, of een nieuwere; kan die hem ook niet lezen, dan is het"
            f" bestand beschadigd: verplaats `{path}`, en de connector haalt het opnieuw bij de hub",
        )
        raise DocumentError(text, code=UNREADABLE, detail=error.detail, issues=(todo, *error.issues)) from error


def counted(journal: Journal) -> tuple[Counted, ...]:
    """Return which catalogues counted, by the place in the log from which on, the oldest first."""
    known = json.loads(journal.meta(FOLLOWED) or "[]")
    return tuple(Counted(index=index, digest=digest, request=request) for index, digest, request in known)


async def counts(services: Services, *, digest: str | None, index: int) -> bool:
    """Say whether the catalogue that an entry names counted at its place; look at the hub's list if need be.

    Args:
        services: The policy in it is replaced if a newer catalogue counts.
        digest: From a proven entry.
        index: Its place.

    Raises:
        UnavailableError: The hub was not reached.
    """
    if _counted_then(services, digest=digest, index=index):
        return True
    await look_at_catalogue(services)
    return _counted_then(services, digest=digest, index=index)


async def keep_up_with_catalogue(services: Services, *, digest: str, index: int) -> None:
    """Look at the catalogue that the hub decided by, if it is not ours; people hear what comes of it.

    Args:
        services: The policy in it is replaced if a newer catalogue counts.
        digest: From a proven entry about a message.
        index: Its place.
    """
    if _counted_then(services, digest=digest, index=index):
        return
    try:
        why = await look_at_catalogue(services)
    except UnavailableError:
        return  # the next message is accepted by the same catalogue, and the log is looked at now and then
    if not why and not _counted_then(services, digest=digest, index=index):
        text = "the hub decided by a catalogue that by its own log was not in force"
        alarm(services, about=f"log-{index}", error=EvidenceError(text, code="hub.catalogue.not-in-force"))


async def look_at_catalogue(services: Services) -> tuple[Told, ...]:
    """Follow what the board brought into force since we last looked; people hear of it, and of what we do not follow.

    Returns:
        Why the catalogue in force at the hub is not followed; empty where it is, or where nothing is in force.

    Raises:
        UnavailableError: The hub was not reached, or is a moment behind.
    """
    try:
        answer = await services.hub.catalogues()
        return await _follow_news(services, answer) if _is_news(services, answer) else ()
    except EvidenceError as error:
        alarm(services, about=_ABOUT, error=error)
    except RejectedMessageError as error:
        if error.code == NO_LIST:
            return ()  # a hub of before there was a board; what it decides by is held against ours at each message
        # Nobody's document is at fault: it is the hub that shows what does not hold.
        alarm(services, about=_ABOUT, error=EvidenceError("what the hub shows does not hold", code=error.code))
    return (Unverified.NO_ENTRY,)


async def check_catalogue_of(services: Services, opened: Opened) -> None:
    """Check that a release was decided by a catalogue that counts, or else holds nothing that ours never permits.

    Raises:
        UnavailableError: It does: it is kept and not handed over until that catalogue counts. Or the hub was not
            reached.
    """
    message = opened.message.id.value
    own = services.directory.directory.participant(services.settings.oin)
    if await counts(services, digest=opened.entry.catalogue, index=opened.index):
        beyond: tuple[str, ...] = ()
    else:
        assert own is not None, "what is released to us was sealed to our key"
        beyond = never_permitted(opened, recipient=own, policy=services.policy)
    if not beyond:
        return
    shown = ", ".join(beyond[:LABELS_SHOWN]) + (" …" if len(beyond) > LABELS_SHOWN else "")
    with services.journal.step("held") as db:
        notify(
            db,
            kind=NoticeKind.BLOCKED,
            about=message,
            text_nl=f"ALARM: bericht {message} is niet overgedragen. De hub gaf het af met een catalogus die deze"
            f" connector niet volgt, en volgens onze catalogus mag dit nooit: {shown}. Het blijft bewaard. Waarschuw de"
            " beheerder van de hub en de registrar.",
            text_en=f"ALARM: message {message} is not handed over. The hub released it by a catalogue that this"
            f" connector does not follow, and by ours this may never be: {shown}. It is kept. Tell the hub's operator"
            " and the registrar.",
            at=services.clock.now(),
        )
    text = "released by a catalogue that does not count, and by ours it is never permitted"
    raise UnavailableError(text, code="hub.catalogue.not-followed")


async def newest_at_hub(services: Services) -> Enacted | NotEnacted:
    """Verify the catalogue that is in force by the hub's list; nothing is followed and nobody is told.

    Raises:
        ExchangeError: The hub was not reached, or shows what does not hold.
    """
    answer = await services.hub.catalogues()
    entries = await _proven_entries(services, answer)
    if not entries:
        return NotEnacted(why=(Unverified.NO_ENTRY,))
    return _verify(services, entries, len(entries) - 1, await _shown(services, answer))


def _is_news(services: Services, answer: Catalogues) -> bool:
    """Whether the list goes on after what we follow; one that ends before it says nothing."""
    newest, followed = max((each.index for each in answer.enacted), default=-1), counted(services.journal)
    if not followed:
        return newest >= 0
    return newest > followed[-1].index or services.policy.catalogue.digest != followed[-1].digest


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What the hub shows as signed, proven to be in the log; boards also as far as they were seen before.

    `began` is the second in which the log began, if it continues another, else 0.
    """

    boards: tuple[Stated, ...]
    steps: tuple[Stated, ...]
    began: int


async def _follow_news(services: Services, answer: Catalogues) -> tuple[Told, ...]:
    """Verify every catalogue that came into force since, follow the newest that counts, and tell people."""
    entries = await _proven_entries(services, answer)
    shown = await _shown(services, answer)
    _remember_boards(services, answer, shown)
    followed = counted(services.journal)
    since = followed[-1].index if followed else -1
    counting: list[ProvenEntry] = []
    why: tuple[Told, ...] = ()
    ours: str | None = services.policy.catalogue.digest
    for number, entry in enumerate(entries):
        if entry.index < since:
            continue
        found, why = _verify(services, entries, number, shown), ()
        if isinstance(found, NotEnacted) and entry.entry.catalogue != ours:
            why = found.why
        else:
            counting.append(entry)
            ours = entry.entry.catalogue
    if counting:
        not_read = await _follow(services, counting[-1])
        known = counting[:-1] if not_read is Unverified.OTHER_TEXT else counting
        _remember_counted(services, known)
        why = why or ((not_read,) if not_read else ())
    if why:
        _tell_of_what_does_not_count(services, why)
    else:
        settle(services, kind=NoticeKind.ALARM, about=_ABOUT)
    return why


async def _follow(services: Services, entry: ProvenEntry) -> Unverified | None:
    """Decide by a catalogue that counts from now on; say why that cannot be."""
    digest, path = entry.entry.catalogue or "", services.settings.home / CATALOGUE_FILE
    if digest == services.policy.catalogue.digest:
        if not path.exists():
            # It stays ours when the next version of the software is shipped with another.
            services.disk.put(path, services.policy.catalogue.data)
        return None
    catalogue = await _read(services, digest)
    if isinstance(catalogue, Unverified):
        return catalogue
    services.disk.put(path, catalogue.data)
    services.policy = Policy.of(definitions=services.policy.definitions, catalogue=catalogue)
    _tell_of_following(services, catalogue)
    return None


async def _read(services: Services, digest: str) -> Catalogue | Unverified:
    text = (await services.hub.catalogue_text(digest)).encode()
    if b64url(hashlib.sha256(text).digest()) != digest:
        return Unverified.OTHER_TEXT
    try:
        return load_catalogue(text)
    except DocumentError:
        return Unverified.UNREADABLE


def _verify(services: Services, entries: Sequence[ProvenEntry], number: int, shown: _Shown) -> Enacted | NotEnacted:
    # What counted is remembered: a hub that leaves it out of its list does not undo it.
    listed = (
        Counted(index=each.index, digest=each.entry.catalogue or "", request=each.entry.request or "")
        for each in entries
    )
    known = {each.index: each for each in (*listed, *counted(services.journal))}
    earlier = [each for index, each in sorted(known.items()) if index < entries[number].index]
    return verify_enactment(
        entries[number],
        before=earlier[-1].digest if earlier else None,
        used={each.request for each in earlier if each.request},
        boards=shown.boards,
        steps=shown.steps,
        registrar=services.directory.registrar,
        began=shown.began,
    )


async def _proven_entries(services: Services, answer: Catalogues) -> list[ProvenEntry]:
    """Prove the entries that say which catalogue is in force, the oldest first.

    Raises:
        ExchangeError: One of them is not in the log, or says something else.
    """
    proven = [
        prove_entry(entry=each.entry, tlog_proof=each.tlog_proof, log=services.log)
        for each in sorted(answer.enacted, key=lambda each: each.index)
    ]
    if not all(is_grounds(each.entry) for each in proven):
        raise EvidenceError("an entry is not about a catalogue that is in force", code="hub.catalogue.entry")
    await _believe(services, proven)
    return proven


async def _shown(services: Services, answer: Catalogues) -> _Shown:
    """Prove what is signed; one that is not in the log counts for nothing, whoever shows it.

    Raises:
        ExchangeError: The hub was not reached, or signed two logs.
    """
    boards = _stated(
        services,
        [
            (each.board, each.entry, each.tlog_proof)
            for each in {each.index: each for each in (*answer.boards, *_known_boards(services.journal))}.values()
        ],
    )
    taken = [step for proposal in answer.proposals for step in proposal.steps]
    steps = _stated(services, [(each.step, each.entry, each.tlog_proof) for each in taken])
    await _believe(services, [each.proven for each in (*boards, *steps)])
    return _Shown(boards=boards, steps=steps, began=await _began(services))


async def _began(services: Services) -> int:
    """Say when the log began; its first entry says so to who was not there when it did, and the hub cannot change it.

    Raises:
        ExchangeError: The hub was not reached, does not show that entry, or shows another.
    """
    known = services.journal.meta(BEGAN)
    if known is None:
        shown = await services.hub.entry(0)
        first = prove_entry(entry=shown.entry, tlog_proof=shown.tlog_proof, log=services.log)
        if first.index != 0:
            raise EvidenceError("another entry is shown than the first of the log", code="hub.proof.inclusion")
        await _believe(services, [first])
        known = str(first.entry.time // 1000 if first.entry.kind is EntryKind.CONTINUATION else 0)
        with services.journal.step("log began") as db:
            remember(db, BEGAN, known)
    return int(known)


def _stated(services: Services, signed: Iterable[tuple[str, str, str]]) -> tuple[Stated, ...]:
    """Prove the entries of what was signed: token, entry and proof."""
    found = []
    for token, entry, tlog_proof in signed:
        try:
            proven = prove_entry(entry=entry, tlog_proof=tlog_proof, log=services.log)
        except (RejectedMessageError, EvidenceError):
            continue
        found.append(Stated(token=token, proven=proven))
    return tuple(found)


async def _believe(services: Services, proven: Sequence[ProvenEntry]) -> None:
    checkpoints = [each.checkpoint for each in proven]
    await services.directory.believe(checkpoints, hub=services.hub, at=services.clock.now())


# ---- what the journal remembers ----


def _counted_then(services: Services, *, digest: str | None, index: int) -> bool:
    """Whether a catalogue is ours, or was the one that counted at a place in the log."""
    then = next((each.digest for each in reversed(counted(services.journal)) if each.index < index), None)
    return digest in (services.policy.catalogue.digest, then)


def _remember_counted(services: Services, entries: Sequence[ProvenEntry]) -> None:
    known = {each.index: (each.index, each.digest, each.request) for each in counted(services.journal)}
    for each in entries:
        known[each.index] = each.index, each.entry.catalogue or "", each.entry.request or ""
    with services.journal.step("catalogue counts") as db:
        remember(db, FOLLOWED, json.dumps([known[index] for index in sorted(known)][-REMEMBERED_MAX:]))


def _known_boards(journal: Journal) -> tuple[ProvenBoard, ...]:
    return msgspec.json.decode(journal.meta(BOARDS) or "[]", type=tuple[ProvenBoard, ...])


def _remember_boards(services: Services, answer: Catalogues, shown: _Shown) -> None:
    """Remember every board that is one, so that it counts also where the hub shows it no more."""
    places = {index for _, index in verified_boards(shown.boards, registrar=services.directory.registrar)}
    known = _known_boards(services.journal)
    kept = {each.index: each for each in (*answer.boards, *known) if each.index in places}
    if len(kept) > len(known):
        newest = [each for _, each in sorted(kept.items())][-REMEMBERED_MAX:]
        with services.journal.step("boards") as db:
            remember(db, BOARDS, msgspec.json.encode(newest).decode())


# ---- what people are told ----


def _tell_of_following(services: Services, catalogue: Catalogue) -> None:
    version = catalogue.version
    with services.journal.step("catalogue") as db:
        notify(
            db,
            kind=NoticeKind.CATALOGUE,
            about=_ABOUT,
            text_nl=f"Catalogus {version} geldt, en deze connector beslist er nu mee: het bestuur van de catalogus"
            " heeft hem in werking gebracht. De catalogus zegt welke gegevens naar wie mogen.",
            text_en=f"Catalogue {version} is in force, and this connector decides by it now: the board of the"
            " catalogue brought it into force. The catalogue says which elements may go to whom.",
            at=services.clock.now(),
        )


def _tell_of_what_does_not_count(services: Services, why: Sequence[Told]) -> None:
    """Tell people why the catalogue of the hub is not ours; that we cannot read it is no alarm but an upgrade."""
    version = services.policy.catalogue.version
    old = tuple(why) == (Unverified.UNREADABLE,)
    nl, en = " ".join(each.nl for each in why), " ".join(each.en for each in why)
    loud = "" if old else "ALARM: "
    act_nl = "" if old else " Waarschuw de beheerder van de hub en de registrar."
    act_en = "" if old else " Tell the hub's operator and the registrar."
    with services.journal.step("catalogue") as db:
        notify(
            db,
            kind=NoticeKind.CATALOGUE if old else NoticeKind.ALARM,
            about=_ABOUT,
            text_nl=f"{loud}De hub beslist met een catalogus die deze connector niet volgt. {nl}"
            f" Deze connector beslist verder met catalogus {version}.{act_nl}",
            text_en=f"{loud}The hub decides by a catalogue that this connector does not follow. {en}"
            f" This connector goes on deciding by catalogue {version}.{act_en}",
            at=services.clock.now(),
        )
