"""A connector decides by what the board brought into force, and tells people where the hub decides otherwise."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from audit.entries import EntryDraft
from connectors.agent.catalogues import BEGAN, CATALOGUE_FILE, NO_LIST, counted, known_catalogue, newest_at_hub
from connectors.agent.journal import NoticeKind, remember
from connectors.agent.watching import watch_log
from connectors.formats.stuf.examples import vto_example
from connectors.sdk.answers import Catalogues, ProvenText
from connectors.sdk.catalogues import Enacted, NotEnacted
from connectors.sdk.composing import Policy
from connectors.sdk.dutch import headline, why
from consent.grounds import load_catalogue, packaged_catalogue
from schemas.board import Enactment
from schemas.canonical import b64url
from schemas.codes import EntryKind
from schemas.errors import DocumentError, RejectedMessageError, UnavailableError
from tests.support.connector_agents import Agent
from tests.support.connector_world import AT, GEMEENTE, RAAD, World
from tests.support.enactments import BoardLog
from tests.support.log_files import MemoryLog
from tests.support.memory_hub import Caller, MemoryHub
from tests.support.parties import seeded_key

PACKAGED = packaged_catalogue()
NEXT = PACKAGED.data.replace(b'version = "2026-1"', b'version = "2026-2"').decode()
THEN = PACKAGED.data.replace(b'version = "2026-1"', b'version = "2026-3"').decode()
WITHOUT_VTO = "[[ground]]".join(
    part for part in NEXT.split("[[ground]]") if not part.startswith('\nname = "VTO"') and 'code = "VTO"' not in part
)
OTHERS = tuple(seeded_key(f"board/other-{number}") for number in range(3))


def digest_of(text: str) -> str:
    return b64url(hashlib.sha256(text.encode()).digest())


@pytest.fixture
def gemeente(tmp_path: Path) -> Agent:
    """A gemeente at a hub whose board brought the packaged catalogue into force."""
    world = World()
    hub = MemoryHub(world=world)
    hub.board = BoardLog(log=world.log, registrar=world.registrar)
    hub.board.appoint()
    enact(hub, PACKAGED.data.decode())
    return Agent(world=world, hub=hub, oin=GEMEENTE, home=tmp_path / "gemeente")


@pytest.fixture
def raad(gemeente: Agent, tmp_path: Path) -> Agent:
    return Agent(world=gemeente.world, hub=gemeente.hub, oin=RAAD, home=tmp_path / "raad")


def enactment(hub: MemoryHub, text: str) -> Enactment:
    assert hub.board is not None
    hub.board.texts[digest_of(text)] = text
    before = hub.board.proven(hub.board.enacted[-1]).entry.catalogue if hub.board.enacted else None
    version = text.split('version = "')[1].split('"', maxsplit=1)[0]
    return hub.board.enactment(digest_of(text), replaces=before, version=version)


def enact(hub: MemoryHub, text: str) -> int:
    """Let the board bring a catalogue into force; the hub decides by it."""
    assert hub.board is not None
    about = enactment(hub, text)
    index = hub.board.enact(about, by=hub.board.decide(about))
    decide_by(hub, text)
    return index


def force(hub: MemoryHub, text: str) -> int:
    """Let the hub bring a catalogue into force without the board."""
    assert hub.board is not None
    index = hub.board.enact(enactment(hub, text), by=None)
    decide_by(hub, text)
    return index


def decide_by(hub: MemoryHub, text: str) -> None:
    catalogue = load_catalogue(text.encode())
    hub.world.policy = Policy.of(definitions=hub.world.policy.definitions, catalogue=catalogue)


def told(agent: Agent) -> dict[NoticeKind, str]:
    return {notice.kind: notice.text_nl for notice in agent.journal.open_notices()}


async def test_the_catalogue_that_it_was_shipped_with_is_followed_from_the_start(gemeente: Agent) -> None:
    await watch_log(gemeente.services)
    assert [each.digest for each in counted(gemeente.journal)] == [PACKAGED.digest]
    assert told(gemeente) == {}


async def test_who_sends_nothing_follows_a_normal_change_too(gemeente: Agent) -> None:
    await watch_log(gemeente.services)
    enact(gemeente.hub, NEXT)
    await watch_log(gemeente.services)
    assert gemeente.services.policy.catalogue.version == "2026-2"
    assert known_catalogue(gemeente.home).digest == digest_of(NEXT)
    assert "Catalogus 2026-2 geldt" in told(gemeente)[NoticeKind.CATALOGUE]


async def test_who_was_away_follows_the_newest_of_several_changes(gemeente: Agent) -> None:
    enact(gemeente.hub, NEXT)
    enact(gemeente.hub, THEN)
    await watch_log(gemeente.services)
    assert gemeente.services.policy.catalogue.version == "2026-3"
    assert [each.digest for each in counted(gemeente.journal)] == [PACKAGED.digest, digest_of(NEXT), digest_of(THEN)]


async def test_a_message_that_is_accepted_by_a_newer_catalogue_makes_its_sender_follow_it(gemeente: Agent) -> None:
    gemeente.drop("verzoek.xml", vto_example())
    enact(gemeente.hub, NEXT)
    gemeente.services.policy = Policy.of(definitions=gemeente.world.policy.definitions, catalogue=PACKAGED)
    await gemeente.rounds()
    assert gemeente.services.policy.catalogue.version == "2026-2"
    assert gemeente.names("sent") == ["verzoek.xml", "verzoek.xml.result.json"]


async def test_a_catalogue_of_the_hub_alone_is_not_followed_and_people_are_told(gemeente: Agent) -> None:
    await watch_log(gemeente.services)
    force(gemeente.hub, NEXT)
    await watch_log(gemeente.services)
    assert gemeente.services.policy.catalogue.digest == PACKAGED.digest
    assert known_catalogue(gemeente.home).digest == PACKAGED.digest
    alarm = told(gemeente)[NoticeKind.ALARM]
    assert "zonder dat het bestuur van de catalogus eraan te pas kwam" in alarm
    assert "Deze connector beslist verder met catalogus 2026-1" in alarm


async def test_the_alarm_ends_when_the_board_brings_one_into_force(gemeente: Agent) -> None:
    force(gemeente.hub, NEXT)
    await watch_log(gemeente.services)
    assert NoticeKind.ALARM in told(gemeente)
    enact(gemeente.hub, THEN)
    await watch_log(gemeente.services)
    assert list(told(gemeente)) == [NoticeKind.CATALOGUE]
    assert gemeente.services.policy.catalogue.version == "2026-3"


async def test_what_the_board_decided_before_counts_also_where_the_hub_went_on_alone(gemeente: Agent) -> None:
    enact(gemeente.hub, NEXT)
    force(gemeente.hub, THEN)
    await watch_log(gemeente.services)
    assert gemeente.services.policy.catalogue.version == "2026-2"
    assert {NoticeKind.ALARM, NoticeKind.CATALOGUE} == told(gemeente).keys()


async def test_the_hub_brings_back_no_earlier_catalogue_alone(gemeente: Agent) -> None:
    """Not even the one that the software was shipped with."""
    enact(gemeente.hub, NEXT)
    await watch_log(gemeente.services)
    force(gemeente.hub, PACKAGED.data.decode())
    await watch_log(gemeente.services)
    assert gemeente.services.policy.catalogue.version == "2026-2"
    assert NoticeKind.ALARM in told(gemeente)


async def test_the_hub_brings_back_no_earlier_catalogue_to_who_was_away(gemeente: Agent) -> None:
    """The one that we decide by counts no more once another took its place, also where we see both at once."""
    await watch_log(gemeente.services)
    enact(gemeente.hub, NEXT)
    force(gemeente.hub, PACKAGED.data.decode())
    await watch_log(gemeente.services)
    assert gemeente.services.policy.catalogue.version == "2026-2"
    assert NoticeKind.ALARM in told(gemeente)


async def test_a_hub_that_hides_what_is_in_force_from_who_saw_it_is_found(gemeente: Agent) -> None:
    """What the board signed about the catalogue before is overtaken, whatever the hub leaves out of its list."""
    board = gemeente.hub.board
    assert board is not None
    overtaken = enactment(gemeente.hub, THEN)
    proposal = board.decide(overtaken)
    enact(gemeente.hub, NEXT)
    await watch_log(gemeente.services)
    hidden = board.enacted.pop()
    board.enact(overtaken, by=proposal)
    await watch_log(gemeente.services)
    assert gemeente.services.policy.catalogue.version == "2026-2"
    assert "inmiddels een andere catalogus" in told(gemeente)[NoticeKind.ALARM]
    assert hidden in {each.index for each in counted(gemeente.journal)}


async def test_what_was_signed_before_the_log_began_is_of_the_one_before(gemeente: Agent) -> None:
    """Whoever kept the steps of a log that was lost brings nothing back with them into the one that continues it."""
    board = gemeente.hub.board
    assert board is not None
    with gemeente.journal.step("continued") as db:
        remember(db, BEGAN, str(board.seconds + 1))
    await watch_log(gemeente.services)
    assert counted(gemeente.journal) != ()  # the one that we decide by goes on
    enact(gemeente.hub, NEXT)
    await watch_log(gemeente.services)
    assert gemeente.services.policy.catalogue.version == "2026-1"
    assert NoticeKind.ALARM in told(gemeente)
    board.log.time += 2000
    enact(gemeente.hub, THEN)
    await watch_log(gemeente.services)
    assert gemeente.services.policy.catalogue.version == "2026-3"


DAY = 86_400_000


@pytest.fixture
def newcomer(tmp_path: Path) -> Agent:
    """A gemeente that joined first when the log already continued another; the catalogue is in force by new steps."""
    log = MemoryLog()
    log.time = int(AT.timestamp() * 1000) + DAY - 1000
    old = EntryDraft(
        kind=EntryKind.CONTINUATION,
        id="0" * 32,
        pad=bytes(16),
        predecessor="hub.ketenhub.test/log/0",
        root=b64url(bytes(32)),
        provable=0,
        published=0,
    )
    log.append(old)
    world = World(log=log)
    hub = MemoryHub(world=world)
    hub.board = BoardLog(log=log, registrar=world.registrar)
    hub.board.appoint()
    log.time += DAY
    enact(hub, PACKAGED.data.decode())
    log.time -= DAY
    return Agent(world=world, hub=hub, oin=GEMEENTE, home=tmp_path / "gemeente")


async def test_who_joined_a_continued_log_first_takes_nothing_that_was_signed_for_the_lost_one(newcomer: Agent) -> None:
    """A hub that kept the steps of the lost log puts them into the new one: they were signed before it began."""
    enact(newcomer.hub, NEXT)
    await watch_log(newcomer.services)
    assert newcomer.services.policy.catalogue.version == "2026-1"
    assert NoticeKind.ALARM in told(newcomer)
    assert isinstance(await newest_at_hub(newcomer.services), NotEnacted)
    newcomer.world.log.time += DAY
    decide_by(newcomer.hub, PACKAGED.data.decode())
    enact(newcomer.hub, THEN)
    await watch_log(newcomer.services)
    assert newcomer.services.policy.catalogue.version == "2026-3"


@pytest.mark.parametrize("shown", ["another", "none"])
async def test_a_hub_that_does_not_show_how_its_log_began_is_not_followed(
    newcomer: Agent, monkeypatch: pytest.MonkeyPatch, shown: str
) -> None:
    entry = Caller.entry

    async def hide(self: Caller, index: int) -> ProvenText:
        if shown == "none":
            raise RejectedMessageError("for its parties", code="sender.token.insufficient")
        return await entry(self, index + 1)

    enact(newcomer.hub, NEXT)
    monkeypatch.setattr(Caller, "entry", hide)
    await watch_log(newcomer.services)
    assert newcomer.services.policy.catalogue.version == "2026-1"
    assert NoticeKind.ALARM in told(newcomer)
    assert newcomer.journal.meta(BEGAN) is None


async def test_what_is_followed_is_kept_when_the_software_brings_another(gemeente: Agent) -> None:
    assert not (gemeente.home / CATALOGUE_FILE).exists()
    await watch_log(gemeente.services)
    assert (gemeente.home / CATALOGUE_FILE).read_bytes() == PACKAGED.data


@pytest.mark.parametrize("written", [b"version = ", b'version = "2027-1"\nof_a_newer_version = true\n'])
async def test_a_catalogue_that_this_version_cannot_read_is_named_with_what_to_do(
    gemeente: Agent, written: bytes
) -> None:
    """And what we then do helps: without the file it is taken from the hub again, which decides by it."""
    enact(gemeente.hub, NEXT)
    await watch_log(gemeente.services)
    path = gemeente.home / CATALOGUE_FILE
    path.write_bytes(written)
    with pytest.raises(DocumentError) as caught:
        known_catalogue(gemeente.home)
    said = str(headline(caught.value)), str(why(caught.value))
    assert all(str(path) in each for each in said)
    assert "installeer de versie die hem overnam, of een nieuwere" in said[1]
    path.unlink()
    policy = gemeente.services.policy
    gemeente.services.policy = Policy.of(definitions=policy.definitions, catalogue=known_catalogue(gemeente.home))
    await watch_log(gemeente.services)
    assert known_catalogue(gemeente.home).digest == digest_of(NEXT)


async def test_a_hub_that_never_had_a_board_keeps_what_is_in_force(gemeente: Agent) -> None:
    """An installation from before the board: its catalogue is the one that the connector has."""
    board = gemeente.hub.board
    assert board is not None
    board.boards, board.steps, board.enacted = [], [], []
    force(gemeente.hub, PACKAGED.data.decode())
    await watch_log(gemeente.services)
    assert told(gemeente) == {}
    board.appoint()
    enact(gemeente.hub, NEXT)
    await watch_log(gemeente.services)
    assert gemeente.services.policy.catalogue.version == "2026-2"


async def test_a_board_that_was_seen_counts_where_the_hub_hides_it(gemeente: Agent) -> None:
    """The registrar took three members off the board; the hub shows only the board before."""
    board = gemeente.hub.board
    assert board is not None
    board.appoint(*OTHERS)
    board.log.time += 120_000
    await watch_log(gemeente.services)
    enact(gemeente.hub, NEXT)  # by the members of before
    board.boards.pop()
    await watch_log(gemeente.services)
    assert gemeente.services.policy.catalogue.digest == PACKAGED.digest
    assert "niemand van het bestuur heeft het gedaan" in told(gemeente)[NoticeKind.ALARM]


async def test_another_text_than_the_log_names_is_not_followed(gemeente: Agent) -> None:
    assert gemeente.hub.board is not None
    texts = gemeente.hub.board.texts
    enact(gemeente.hub, NEXT)
    texts[digest_of(NEXT)] = THEN
    await watch_log(gemeente.services)
    assert gemeente.services.policy.catalogue.digest == PACKAGED.digest
    assert "een andere tekst dan het log noemt" in told(gemeente)[NoticeKind.ALARM]
    texts[digest_of(NEXT)] = NEXT
    await watch_log(gemeente.services)
    assert gemeente.services.policy.catalogue.version == "2026-2"
    assert list(told(gemeente)) == [NoticeKind.CATALOGUE]


async def test_a_catalogue_that_this_version_cannot_read_counts_all_the_same(gemeente: Agent, raad: Agent) -> None:
    """No alarm: the connector is too old. What is released by it is handed over."""
    board = gemeente.hub.board
    assert board is not None
    about = board.enactment(digest_of("newer = 1"), replaces=PACKAGED.digest)
    index = board.enact(about, by=board.decide(about))
    board.texts[about.digest] = "newer = 1"
    await watch_log(raad.services)
    assert "werk de connector bij" in told(raad)[NoticeKind.CATALOGUE]
    assert NoticeKind.ALARM not in told(raad)
    assert counted(raad.journal)[-1].index == index


async def test_a_list_that_ends_before_what_is_followed_says_nothing(gemeente: Agent) -> None:
    enact(gemeente.hub, NEXT)
    await watch_log(gemeente.services)
    assert gemeente.hub.board is not None
    gemeente.hub.board.enacted.pop()
    await watch_log(gemeente.services)
    assert gemeente.services.policy.catalogue.version == "2026-2"
    assert NoticeKind.ALARM not in told(gemeente)


def other_entries(shown: Catalogues) -> Catalogues:
    """Every entry of the list says something else than it is shown for."""
    return msgspec.structs.replace(
        shown, enacted=tuple(msgspec.structs.replace(each, entry=shown.boards[0].entry) for each in shown.enacted)
    )


def of_a_board(shown: Catalogues) -> Catalogues:
    first = shown.boards[0]
    line = msgspec.structs.replace(shown.enacted[-1], index=10_000, entry=first.entry, tlog_proof=first.tlog_proof)
    return msgspec.structs.replace(shown, enacted=(*shown.enacted, line))


@pytest.mark.parametrize(
    ("alter", "code"), [(other_entries, "hub.proof.inclusion"), (of_a_board, "hub.catalogue.entry")]
)
async def test_a_list_that_the_log_does_not_hold_is_an_alarm(
    gemeente: Agent, alter: Callable[[Catalogues], Catalogues], code: str
) -> None:
    enact(gemeente.hub, NEXT)
    gemeente.hub.alter_catalogues = alter
    await watch_log(gemeente.services)
    assert gemeente.services.policy.catalogue.digest == PACKAGED.digest
    assert code in told(gemeente)[NoticeKind.ALARM]


async def test_a_decision_by_a_catalogue_that_was_never_in_force_is_an_alarm(gemeente: Agent) -> None:
    await watch_log(gemeente.services)
    decide_by(gemeente.hub, NEXT)
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    assert "hub.catalogue.not-in-force" in told(gemeente)[NoticeKind.ALARM]


async def test_a_hub_that_is_away_is_asked_again(gemeente: Agent) -> None:
    enact(gemeente.hub, NEXT)

    def away(call: str) -> None:
        if call == "catalogue":
            raise UnavailableError("not now", code="hub.unreachable")

    gemeente.hub.before = away
    with pytest.raises(UnavailableError):
        await watch_log(gemeente.services)
    gemeente.hub.before = lambda _: None
    await watch_log(gemeente.services)
    assert gemeente.services.policy.catalogue.version == "2026-2"


async def test_a_hub_of_before_the_board_is_no_alarm_as_long_as_it_decides_by_ours(gemeente: Agent) -> None:
    def unknown(_: Catalogues) -> Catalogues:
        raise RejectedMessageError("no such place", code=NO_LIST)

    gemeente.hub.alter_catalogues = unknown
    await watch_log(gemeente.services)
    assert told(gemeente) == {}
    decide_by(gemeente.hub, NEXT)
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    assert "hub.catalogue.not-in-force" in told(gemeente)[NoticeKind.ALARM]


# ---- what is released by a catalogue that does not count ----


async def test_what_ours_may_permit_is_handed_over_and_the_evidence_names_the_catalogue(
    gemeente: Agent, raad: Agent
) -> None:
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    force(gemeente.hub, NEXT)
    await raad.rounds()
    (evidence,) = [name for name in raad.names("in") if name.endswith(".evidence.json")]
    assert digest_of(NEXT) in (raad.home / "in" / evidence).read_text()
    assert "beslist met een catalogus die deze connector niet volgt" in told(raad)[NoticeKind.ALARM]


async def test_what_ours_never_permits_is_held_until_the_catalogue_counts(gemeente: Agent, raad: Agent) -> None:
    """The Raad follows a catalogue without the ground of the message; the hub went on alone."""
    gemeente.drop("verzoek.xml", vto_example())
    await gemeente.rounds()
    enact(gemeente.hub, WITHOUT_VTO)
    await watch_log(raad.services)
    force(gemeente.hub, THEN)
    await raad.rounds()
    assert raad.names("in") == []
    notice = told(raad)[NoticeKind.BLOCKED]
    assert "volgens onze catalogus mag dit nooit" in notice
    assert gemeente.hub.board is not None
    gemeente.hub.board.enacted.pop()
    enact(gemeente.hub, THEN)  # the board takes it over
    raad.world.clock.advance(hours=1)
    await watch_log(raad.services)
    await raad.rounds()
    assert [name.partition(".")[2] for name in raad.names("in")] == ["evidence.json", "fhir.json", "xml"]
    assert NoticeKind.BLOCKED not in told(raad)


async def test_doctor_can_say_by_which_board_without_following(gemeente: Agent) -> None:
    enact(gemeente.hub, NEXT)
    newest = await newest_at_hub(gemeente.services)
    assert isinstance(newest, Enacted)
    assert newest.version == "2026-2"
    force(gemeente.hub, THEN)
    newest = await newest_at_hub(gemeente.services)
    assert isinstance(newest, NotEnacted)
    assert gemeente.services.policy.catalogue.digest == PACKAGED.digest
