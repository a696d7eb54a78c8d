"""What people and systems record by a command: consents, measures, links and recalls, at a hub in memory."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from connectors.agent.services import Services
from connectors.cli import consenting, measuring, recalling
from connectors.cli.common import EXIT_UNAVAILABLE
from connectors.cli.main import main
from connectors.formats.fhir import write_consent
from schemas.codes import AgeBand, Capacity, Category, EntryKind, TokenType
from schemas.consents import ConsentRecord, ConsentStatus, parse_consent
from schemas.errors import UnavailableError
from schemas.identifiers import BSN_SYSTEM, OIN, RNI_SYSTEM, SubjectTag
from schemas.jws import parse_jws
from schemas.links import parse_link
from schemas.measures import MeasureStatement, parse_measure
from tests.support.connector_agents import Agent
from tests.support.connector_world import GEMEENTE, GI, HUB, RAAD, World
from tests.support.memory_hub import MemoryHub

CHILD = "999911120"
OTHER_GI = OIN("00000099000000004000")
Command = Callable[..., int]


@pytest.fixture
def hub() -> MemoryHub:
    return MemoryHub(world=World())


@pytest.fixture
def person(tmp_path: Path) -> str:
    path = tmp_path / "kind.json"
    path.write_text(json.dumps({"bsn": CHILD, "born": "2018-03-02"}))
    return str(path)


@pytest.fixture
def form(tmp_path: Path) -> str:
    path = tmp_path / "formulier.pdf"
    path.write_bytes(b"handtekening")
    return str(path)


@pytest.fixture
def paper(person: str, form: str) -> tuple[str, str]:
    """Person and form."""
    return person, form


@pytest.fixture
def command(hub: MemoryHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Give a command as one of the organisations; each has its home."""
    agents: dict[OIN, Agent] = {}

    def give(oin: OIN, *words: str) -> int:
        if oin not in agents:
            capacity: dict[str, object] = {"capacity": Capacity.OTS} if oin in (GI, OTHER_GI) else {}
            home = tmp_path / oin.value
            agents[oin] = Agent(world=hub.world, hub=hub, oin=oin, home=home, settings_changes=capacity)

        @asynccontextmanager
        async def opened(_: Path) -> AsyncIterator[Services]:
            hub.world.clock.advance(seconds=1)
            yield agents[oin].services

        for module in (consenting, measuring, recalling):
            monkeypatch.setattr(module, "opened", opened)
        return main([*words, "--home", str(tmp_path / oin.value)])

    return give


def consents(hub: MemoryHub) -> list[ConsentRecord]:
    tokens = (each.token for each in hub.records if each.kind is EntryKind.CONSENT)
    return [parse_consent(parse_jws(token, typ=TokenType.CONSENT).payload) for token in tokens]


def measures(hub: MemoryHub) -> list[MeasureStatement]:
    tokens = (each.token for each in hub.records if each.kind is EntryKind.MEASURE)
    return [parse_measure(parse_jws(token, typ=TokenType.MEASURE).payload) for token in tokens]


def give(person: str, form: str, *more: str, givers: tuple[str, ...] = ("gezagsdrager=ja",) * 2) -> list[str]:
    said = [word for giver in givers for word in ("--giver", giver)]
    scope = ["--category", "zorgen", "--category", "identificatie", "--recipient", GI.value, "--until", "2027-11-22"]
    return ["consent", "give", "--person", person, "--form", form, "--holders", "2", *said, *scope, *more]


STATE = [
    *("--type", "ots", "--from", "2026-11-20", "--until", "2027-11-19", "--court", "RBMNE"),
    *("--decided", "2026-11-19", "--case-number", "C/16/000000"),
]


def test_what_two_parents_allow_is_recorded_without_a_name(
    hub: MemoryHub, command: Command, person: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(GEMEENTE, *give(person, form, "--json")) == 0
    said = json.loads(capsys.readouterr().out)
    (record,) = consents(hub)
    assert (said["id"], said["state"], said["form"]) == (record.id.value, "recorded", record.form)
    assert record.tag == hub.world.chain.tag(recipient=HUB, system=BSN_SYSTEM, value=CHILD)
    assert (record.age, record.holders, record.purposes) == (AgeBand.UNDER_12, 2, frozenset({"VRIJW"}))
    assert record.valid_from.isoformat() == "2026-11-23"
    assert CHILD not in hub.records[0].token


@pytest.mark.parametrize(
    "said",
    [
        (("gezagsdrager=ja",), "bij leeftijd 0-11 moeten toestemmen: iedere gezagsdrager"),
        (("zelf=ja",), "bij leeftijd 0-11 moeten toestemmen"),
    ],
)
def test_what_would_never_count_is_refused_and_says_who_must_consent(
    hub: MemoryHub,
    command: Command,
    paper: tuple[str, str],
    said: tuple[tuple[str, ...], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    givers, says = said
    assert command(GEMEENTE, *give(*paper, givers=givers)) == 1
    assert says in capsys.readouterr().err
    assert hub.records == []


def test_a_refusal_of_one_parent_is_recorded(hub: MemoryHub, command: Command, person: str, form: str) -> None:
    """It counts against every older consent."""
    assert command(GEMEENTE, *give(person, form, givers=("gezagsdrager=ja", "gezagsdrager=nee"))) == 0
    assert [giver.answer for giver in consents(hub)[0].givers] == ["ja", "nee"]


@pytest.mark.parametrize(
    "said",
    [
        (("--category", "strafrecht"), "`strafrecht` gaat op deze grondslag nooit"),
        (("--purpose", "VTO"), "op grond van `VTO` gaat niets op toestemming"),
        (("--recipient", OTHER_GI.value), "doet niet mee aan de uitwisseling"),
        (("--recipient", "raad"), "krijgt op deze grondslag niets"),
        (("--recipient", "gi:jeugdreclassering"), "krijgt op deze grondslag niets"),
        (("--from", "2026-01-01", "--until", "2026-11-22"), "de laatste dag is al voorbij"),
    ],
)
def test_what_no_ground_lets_go_by_consent_is_refused(
    hub: MemoryHub,
    command: Command,
    paper: tuple[str, str],
    said: tuple[tuple[str, ...], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    more, says = said
    assert command(GEMEENTE, *give(*paper, *more)) == 1
    assert says in capsys.readouterr().err
    assert hub.records == []


def test_without_an_age_nobody_can_say_who_must_consent(
    command: Command, form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.json").write_text(json.dumps({"bsn": CHILD}))
    assert command(GEMEENTE, *give(str(tmp_path / "p.json"), form)) == 1
    assert "de leeftijd moet bekend zijn" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text", ["x", "{}", '{"bsn": "1"}', '{"bsn": "999911120", "born": "gisteren"}', '{"naam": "x"}']
)
def test_a_file_of_a_person_has_one_form(
    command: Command, form: str, tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "p.json").write_text(text)
    assert command(GEMEENTE, *give(str(tmp_path / "p.json"), form)) == 1
    said = capsys.readouterr().err
    assert "zo wordt een persoon niet genoemd" in said
    assert "999911120" not in said


def test_what_is_missing_is_named(command: Command, person: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(GEMEENTE, "consent", "give", "--person", person) == 1
    assert "--giver, --category, --recipient, --until, --form, --holders" in capsys.readouterr().err


def test_another_organisation_confirms_what_was_recorded_with_its_own_form(
    hub: MemoryHub, command: Command, person: str, form: str
) -> None:
    command(GEMEENTE, *give(person, form))
    (first,) = consents(hub)
    confirm = ["consent", "give", "--person", person, "--form", form, "--confirms", first.id.value]
    assert command(GI, *confirm, "--category", "zorgen") == 0
    assert (consents(hub)[1].issuer, consents(hub)[1].confirms, consents(hub)[1].categories) == (
        GI,
        first.id,
        frozenset({Category.ZORGEN}),
    )


def test_a_confirmation_says_no_more_than_what_it_confirms(
    hub: MemoryHub, command: Command, person: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command(GEMEENTE, *give(person, form))
    confirm = ["consent", "give", "--person", person, "--form", form, "--confirms", consents(hub)[0].id.value]
    assert command(GI, *confirm, "--category", "hulpverlening") == 1
    assert "zegt meer dan de vastlegging" in capsys.readouterr().err


def test_a_consent_is_refined_and_withdrawn_by_who_recorded_it(
    hub: MemoryHub, command: Command, person: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command(GEMEENTE, *give(person, form))
    (first,) = consents(hub)
    refine = ["consent", "give", "--person", person, "--form", form, "--replaces", first.id.value]
    assert command(GEMEENTE, *refine, "--category", "zorgen") == 0
    assert command(GEMEENTE, "consent", "withdraw", first.id.value, "--form", form) == 0
    refined, withdrawn = consents(hub)[1:]
    assert (refined.replaces, refined.categories) == (first.id, frozenset({Category.ZORGEN}))
    assert (withdrawn.replaces, withdrawn.status) == (refined.id, ConsentStatus.WITHDRAWN)
    assert command(GEMEENTE, "consent", "withdraw", first.id.value, "--form", form) == 1
    assert command(GI, "consent", "withdraw", first.id.value, "--form", form) == 1
    assert "niet van deze connector" in capsys.readouterr().err


def test_what_is_recorded_about_a_person_is_shown(
    hub: MemoryHub, command: Command, person: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command(GEMEENTE, *give(person, form))
    capsys.readouterr()
    assert command(GI, "consent", "show", "--person", person, "--json") == 0
    (line,) = json.loads(capsys.readouterr().out)["records"]
    assert (line["status"], line["issuer"], line["givers"]) == ("given", GEMEENTE.value, ["gezagsdrager=ja"] * 2)
    assert command(GEMEENTE, "consent", "show", "--all") == 0
    assert f"{consents(hub)[0].id.value}  gegeven" in capsys.readouterr().out


def test_a_record_waits_where_the_hub_is_away(
    hub: MemoryHub, command: Command, person: str, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def away(name: str) -> None:
        if name == "record":
            raise UnavailableError("away", code="hub.unreachable")

    hub.before = away
    assert command(GEMEENTE, *give(person, form)) == EXIT_UNAVAILABLE
    assert "de connector legt het later vast" in capsys.readouterr().out


def test_a_measure_is_stated_with_a_case_number_that_stays_here(
    hub: MemoryHub, command: Command, person: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(GI, "measure", "state", "--person", person, *STATE) == 0
    assert "Dit telt dertig dagen" in capsys.readouterr().out
    (statement,) = measures(hub)
    assert (statement.executor, statement.issuer) == (GI, GI)
    assert "000000" not in hub.records[0].token
    assert command(GI, "measure", "show", "--all", "--json") == 0
    (line,) = json.loads(capsys.readouterr().out)["statements"]
    assert line["case_number"] == "C/16/000000"


def test_the_raad_confirms_ends_and_annuls(
    hub: MemoryHub, command: Command, person: str, capsys: pytest.CaptureFixture[str]
) -> None:
    command(GI, "measure", "state", "--person", person, *STATE)
    (declared,) = measures(hub)

    def shown() -> list[dict[str, Any]]:
        capsys.readouterr()
        assert command(GEMEENTE, "measure", "show", "--person", person, "--json") == 0
        found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["statements"]
        return found

    assert [(each["counts_today"], each["lapses_on"]) for each in shown()] == [(True, "2026-12-23")]
    words = ["measure", "confirm", declared.id.value, "--person", person, "--case-number", "C/16/000000"]
    assert command(RAAD, *words) == 0
    assert any(each["counts_today"] for each in shown() if each["lapses_on"] is None)
    confirmed = measures(hub)[1]
    assert command(RAAD, "measure", "end", confirmed.id.value, "--on", "2026-11-22") == 0
    assert all(not each["counts_today"] for each in shown())
    assert command(RAAD, "measure", "annul", confirmed.id.value) == 0
    assert measures(hub)[-1].annulled


@pytest.mark.parametrize(
    "said",
    [
        (GEMEENTE, ("--executor", GI.value), "wordt gemeld door de Raad, door de uitvoerende GI"),
        (GEMEENTE, (), "is geen gecertificeerde instelling"),
        (GI, ("--court", "RBXXX"), "is geen rechtbank"),
        (GI, ("--until", "2026-01-01"), "/until"),
    ],
)
def test_what_nobody_would_take_as_a_statement_is_refused(
    hub: MemoryHub,
    command: Command,
    person: str,
    said: tuple[OIN, tuple[str, ...], str],
    capsys: pytest.CaptureFixture[str],
) -> None:
    oin, change, says = said
    assert command(oin, "measure", "state", "--person", person, *STATE, *change) == 1
    assert says in capsys.readouterr().err
    assert hub.records == []


def test_two_gis_that_state_one_measure_are_shown_as_a_contradiction(
    hub: MemoryHub, command: Command, person: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hub.world.admit(OTHER_GI, hub.world.organisations[GI].role, capacities=frozenset({Capacity.OTS}))
    for oin in (GI, OTHER_GI):
        assert command(oin, "measure", "state", "--person", person, *STATE) == 0
    capsys.readouterr()
    assert command(GEMEENTE, "measure", "show", "--person", person) == 0
    assert "LET OP: vandaag noemen vastleggingen verschillende uitvoerders" in capsys.readouterr().out


def test_a_number_that_became_known_is_linked(hub: MemoryHub, command: Command, person: str) -> None:
    tag = "1.EBESExQVFhcYGRobHB0eHw"
    assert command(GEMEENTE, "link", "--pseudonym", tag, "--person", person) == 0
    claims = parse_link(parse_jws(hub.records[0].token, typ=TokenType.LINK).payload)
    assert (claims.random, claims.known) == (
        SubjectTag(tag),
        hub.world.chain.tag(recipient=HUB, system=BSN_SYSTEM, value=CHILD),
    )


def test_only_a_message_of_our_own_is_taken_back(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["recall", "01940000-0000-7000-8000-000000000001", "--reason", "dubbel"]
    assert command(GEMEENTE, *words) == 1
    assert "niet door deze connector verstuurd" in capsys.readouterr().err


def test_a_fhir_consent_is_recorded_as_it_says(
    hub: MemoryHub, command: Command, person: str, form: str, tmp_path: Path
) -> None:
    command(GEMEENTE, *give(person, form))
    path = tmp_path / "consent.json"
    path.write_text(json.dumps(write_consent(consents(hub)[0], person=(BSN_SYSTEM, CHILD))))
    assert command(GEMEENTE, "consent", "give", "--file", str(path)) == 0
    first, second = consents(hub)
    assert replace(second, id=first.id, issued_at=first.issued_at) == first
    assert second.id != first.id


@pytest.mark.parametrize(
    ("identity", "says"),
    [
        ((BSN_SYSTEM, CHILD), "een andere organisatie"),
        ((RNI_SYSTEM, "12345678901234567"), "wie geen BSN heeft"),
    ],
)
def test_a_fhir_consent_of_another_or_about_a_pseudonym_is_not_recorded(
    request: pytest.FixtureRequest,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    identity: tuple[str, str],
    says: str,
) -> None:
    hub, command = request.getfixturevalue("hub"), request.getfixturevalue("command")
    command(GEMEENTE, *give(request.getfixturevalue("person"), request.getfixturevalue("form")))
    issuer = GI if identity[0] == BSN_SYSTEM else GEMEENTE
    path = tmp_path / "consent.json"
    path.write_text(json.dumps(write_consent(replace(consents(hub)[0], issuer=issuer), person=identity)))
    assert command(GEMEENTE, "consent", "give", "--file", str(path)) == 1
    assert says in capsys.readouterr().err
    assert len(hub.records) == 1
