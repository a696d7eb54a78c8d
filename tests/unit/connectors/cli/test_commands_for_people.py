"""What somebody who keeps a connector running reads: whether it runs, who must act, and why a file does not go."""

import hashlib
import json
import os
import sys
from pathlib import Path

import pytest

from audit.note import NoteSigner
from connectors.agent.journal import Journal
from connectors.agent.keystore import load_keys
from connectors.agent.lock import is_running, locked
from connectors.cli.main import main
from connectors.cli.rotating import _activate
from schemas.clock import FrozenClock

AT = FrozenClock().now()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    vkey = NoteSigner.from_seed(name="hub.ketenhub.test/log/1", seed=b"1" * 32).public.vkey
    arguments = "--oin 00000099000000001000 --name Voorbeeldstad --role gemeente --hub-name hub.ketenhub.test"
    folder = tmp_path / "home"
    hub = ["--hub", "http://127.0.0.1:1", "--log-vkey", vkey]
    assert main(["init", "--home", str(folder), *arguments.split(), *hub]) == 0
    return folder


def test_status_and_doctor_say_whether_the_service_runs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert not is_running(home)
    main(["status", "--home", str(home)])
    assert "DE CONNECTOR DRAAIT NIET" in capsys.readouterr().out
    main(["doctor", "--home", str(home)])
    assert "let op  De connector draait niet" in capsys.readouterr().out
    with locked(home):
        assert is_running(home)
        main(["status", "--home", str(home)])
        assert "De connector draait. " in capsys.readouterr().out
        main(["doctor", "--home", str(home)])
        assert "draait niet" not in capsys.readouterr().out


def test_status_tells_a_monitor_whether_the_service_runs(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    main(["status", "--home", str(home), "--json"])
    assert json.loads(capsys.readouterr().out)["running"] is False
    with locked(home):
        main(["status", "--home", str(home), "--json"])
        assert json.loads(capsys.readouterr().out)["running"] is True


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such users")
def test_root_does_not_work_on_the_home_of_another_user(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Keys that root writes there are root's alone, and the service would not start again."""
    if os.geteuid() == 0:
        os.chown(home, 54321, -1)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    before = sorted(home.rglob("*"))
    assert main(["status", "--home", str(home)]) == 1
    assert "sudo -u" in capsys.readouterr().err
    assert sorted(home.rglob("*")) == before


def test_doctor_names_a_file_that_cannot_be_taken(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "out" / ("x" * 201)).write_bytes(b"x")
    assert main(["doctor", "--home", str(home)]) == 1
    assert "blijft in `out` staan: de naam is langer dan 200 bytes" in capsys.readouterr().out


def test_status_says_who_must_act(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = Journal(home / "journal.sqlite")
    with journal.step("files") as db:
        for number, code in enumerate(("hub.unreachable: the hub is away", "sender.chain-key.missing: no key")):
            db.execute(
                "INSERT INTO files (name, digest, taken_at, target, trouble) VALUES (?, '', 0, ?, ?)",
                (f"{number}.xml", f"{number}.xml", code),
            )
        db.execute(
            "INSERT INTO received (id, log_index, sender, type, pickup_by, listed_at, state)"
            " VALUES ('m1', 1, 'o', 't', 0, 0, 'refused')"
        )
    journal.close()
    assert main(["status", "--home", str(home)]) == 0
    shown = capsys.readouterr().out
    assert "aan zet / must act: de beheerder van de hub" in shown
    assert "aan zet / must act: de afzender" in shown
    assert "refused: niet geopend, de afzender is aan zet" in shown


@pytest.mark.parametrize("name", ["brief.part", "brief.tmp", ".brief", "x" * 201])
def test_send_refuses_a_name_that_would_never_be_taken(
    home: Path, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_bytes(b"<x/>")
    assert main(["send", "--home", str(home), "--seconds", "0", str(tmp_path / name)]) == 1
    assert "de naam" in capsys.readouterr().err
    assert list((home / "out").iterdir()) == []


def test_send_writes_over_no_file_that_waits(home: Path, tmp_path: Path) -> None:
    (home / "out" / "brief.xml").write_bytes(b"first")
    (tmp_path / "brief.xml").write_bytes(b"second")
    assert main(["send", "--home", str(home), "--seconds", "0", str(tmp_path / "brief.xml")]) == 1
    assert (home / "out" / "brief.xml").read_bytes() == b"first"


def test_send_tells_the_fate_of_this_file_and_not_of_the_same_one_earlier(home: Path, tmp_path: Path) -> None:
    """With a running service the file is taken a moment later; what it said last time is no answer."""
    (tmp_path / "brief.xml").write_bytes(b"<x/>")
    journal = Journal(home / "journal.sqlite")
    with journal.step("refused before") as db:
        db.execute(
            "INSERT INTO files (name, digest, taken_at, target, state, outcome)"
            " VALUES ('brief.xml', ?, 0, 'brief.xml', 'filed', 'refused')",
            (hashlib.sha256(b"<x/>").hexdigest(),),
        )
    journal.close()
    with locked(home):
        assert main(["send", "--home", str(home), "--seconds", "0", str(tmp_path / "brief.xml")]) == 75


@pytest.mark.parametrize("command", [["status"], ["confirm", "1"]])
def test_a_home_that_cannot_be_read_is_told_in_words(
    home: Path, command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "journal.sqlite").unlink(missing_ok=True)
    (home / "journal.sqlite").mkdir()
    assert main([*command, "--home", str(home)]) == 1
    assert "de gebruiker onder wie de dienst draait" in capsys.readouterr().err


def test_init_writes_no_settings_that_it_could_not_read_itself(tmp_path: Path) -> None:
    arguments = "--oin 00000099000000001000 --name X --role gemeente --hub-name hub.example.nl"
    hub = ["--hub", "http://hub.example.nl"]
    assert main(["init", "--home", str(tmp_path / "home"), *arguments.split(), *hub]) == 1
    assert not (tmp_path / "home").exists()


def test_a_replacement_that_was_interrupted_after_its_last_move_is_finished(home: Path) -> None:
    """The statement lies in the home already; the mark that says so does not."""
    following = home / "keys" / "next"
    following.mkdir()
    (following / "replaced.jwt").write_bytes(b"x")
    before = (home / "participant-statement.jwt").read_bytes()
    _activate(home / "keys", home=home, now=AT)
    assert not following.exists()
    assert (home / "participant-statement.jwt").read_bytes() == before
    assert load_keys(home / "keys").signing is not None


def test_status_says_how_many_questions_wait(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = Journal(home / "journal.sqlite")
    with journal.step("questions") as db:
        for number, term in enumerate(("2020-01-01", "2999-01-01")):
            db.execute(
                "INSERT INTO threads (message, direction, other, type, case_id, at, purpose, asks)"
                " VALUES (?, 'received', '00000099000000003000', 'informatieverzoek', 'c', 0, 'GI-OTS-VRAAG', ?)",
                (
                    f"01940000-0000-7000-8000-00000000000{number}",
                    json.dumps({"categories": ["zorgen"], "term": term}),
                ),
            )
    journal.close()
    capsys.readouterr()
    assert main(["status", "--home", str(home)]) == 0
    said = capsys.readouterr().out
    assert "Onbeantwoorde vragen / questions without an answer: 2, te laat / overdue: 1" in said
    assert main(["status", "--home", str(home), "--json"]) == 0
    assert [each["overdue"] for each in json.loads(capsys.readouterr().out)["questions"]] == [True, False]


def test_status_names_the_records_that_wait_for_the_hub(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever took something back and closed the window must see that the hub does not know it yet, and why."""
    rows = (
        ("1", "LINK", "signed", None),
        ("2", "RECALL", "signed", "hub.unreachable: de hub is niet bereikbaar / the hub is away"),
        ("3", "RECALL", "recorded", None),
        ("4", "MEASURE", "refused", "sender.measure.invalid: nee / no"),
    )
    journal = Journal(home / "journal.sqlite")
    with journal.step("records") as db:
        for number, kind, state, trouble in rows:
            db.execute(
                "INSERT INTO records (id, kind, token, signed_at, state, trouble) VALUES (?, ?, '', 60000, ?, ?)",
                (number, kind, state, trouble),
            )
    journal.close()
    capsys.readouterr()
    assert main(["status", "--home", str(home)]) == 0
    said = capsys.readouterr().out
    assert "Vastleggingen die wachten op de hub / records that wait for the hub: 2" in said
    assert "  1  koppeling / link  sinds / since 1970-01-01 00:01\n" in said
    assert "  2  intrekking / recall  sinds / since 1970-01-01 00:01\n      hub.unreachable: de hub is niet" in said
    assert "aan zet / must act: de beheerder van de hub" in said
    assert main(["status", "--home", str(home), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["records"] == [
        {"id": number, "kind": kind, "signed_at": "1970-01-01T00:01:00+00:00", "trouble": trouble}
        for number, kind, _, trouble in rows[:2]
    ]
