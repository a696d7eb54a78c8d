"""`ketenhub-connector log accept` without a hub: what it refuses, and that it ends what was interrupted."""

import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import pytest

from audit.continuation import make_continuation, sign_continuation
from audit.entries import EntryDraft, finalise_entry
from audit.note import NoteSigner
from connectors.agent.continuing import LOG
from connectors.agent.journal import Journal, remember
from connectors.agent.lock import locked
from connectors.cli.common import EXIT_REFUSED, EXIT_UNAVAILABLE, CommandError
from connectors.cli.continuing import repinned
from connectors.cli.main import main
from connectors.settings import load_settings
from schemas.canonical import b64url
from schemas.codes import EntryKind
from tests.support.log_files import MemoryLog
from tests.support.members import Members
from tests.support.parties import REGISTRAR

OLD = MemoryLog()
OLD.append(Members().epoch(1).draft)
NEXT = NoteSigner.from_seed(name="hub.ketenhub.test/log/2", seed=sha256(b"next").digest())


@dataclass(frozen=True, slots=True)
class Office:
    """A home that was made, and a statement."""

    home: Path
    statement: Path

    @property
    def settings(self) -> str:
        return (self.home / "connector.toml").read_text("utf-8")

    def accept(self, *options: str) -> int:
        return main(["log", "accept", str(self.statement), "--home", str(self.home), *options])


@pytest.fixture
def office(tmp_path: Path) -> Office:
    registrar, home, statement = tmp_path / "registrar.json", tmp_path / "home", tmp_path / "statement.txt"
    registrar.write_text(json.dumps(REGISTRAR.public.to_jwk()))
    words = ["init", "--home", str(home), "--oin", "00000099000000001000", "--name", "Gemeente", "--role", "gemeente"]
    words += ["--hub", "http://127.0.0.1:1", "--hub-name", "hub.ketenhub.test", "--registrar", str(registrar)]
    assert main([*words, "--log-vkey", OLD.signer.public.vkey]) == 0
    statement.write_text(_statement(NEXT, OLD.signer))
    return Office(home, statement)


def _statement(*signers: NoteSigner) -> str:
    draft = EntryDraft(
        kind=EntryKind.CONTINUATION,
        id="0" * 32,
        pad=bytes(16),
        predecessor=OLD.signer.name,
        root=b64url(OLD.checkpoint().root_hash),
        provable=1,
        published=1,
    )
    entry = finalise_entry(draft, index=0, time=OLD.time, newest_participant=None).text
    return str(
        sign_continuation(make_continuation(predecessor=OLD.signer.public, successor=NEXT.public, entry=entry), signers)
    )


def test_it_is_shown_and_nothing_changes_without_a_yes(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    before = office.settings
    assert office.accept() == EXIT_REFUSED
    said = capsys.readouterr().out
    assert f"new key:  {NEXT.public.vkey}" in said
    assert "signed by the new key and the old log key" in said
    assert "Nothing was changed" in said
    assert office.settings == before


def test_without_the_hub_nothing_changes(office: Office) -> None:
    """Whether the new log knows everybody cannot be seen then."""
    before = office.settings
    assert office.accept("--yes") == EXIT_UNAVAILABLE
    assert office.settings == before


def test_a_statement_that_nobody_vouches_for_is_refused(office: Office, capsys: pytest.CaptureFixture[str]) -> None:
    office.statement.write_text(_statement(NEXT))
    assert office.accept("--yes") == EXIT_REFUSED
    assert "hub.continuation.unvouched" in capsys.readouterr().err


def test_the_service_must_not_run(office: Office) -> None:
    with locked(office.home):
        assert office.accept("--yes") == EXIT_REFUSED


def test_what_was_interrupted_before_the_key_was_pinned_is_ended(office: Office) -> None:
    """The journal is on the new log, `connector.toml` is not yet: nothing works, and the same command ends it."""
    before = office.settings
    journal = Journal(office.home / "journal.sqlite")
    with journal.step("moved") as db:
        remember(db, LOG, NEXT.public.vkey)
    journal.close()
    assert office.accept() == 0
    assert office.settings == before.replace(OLD.signer.public.vkey, NEXT.public.vkey)
    assert office.accept() == 0


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        ('[hub]\n  log_vkey = "OLD"  # since 2026\n', '[hub]\n  log_vkey = "NEW"  # since 2026\n'),
        ("[hub]\nlog_vkey='OLD'\n", '[hub]\nlog_vkey="NEW"\n'),
        ('# log_vkey = "OLD"\n[hub]\nlog_vkey = "OLD"\n', '# log_vkey = "OLD"\n[hub]\nlog_vkey = "NEW"\n'),
    ],
)
def test_pinning_changes_the_key_and_nothing_else(office: Office, was: str, becomes: str) -> None:
    settings = load_settings(office.home)
    rest = office.settings.replace(f'log_vkey = "{OLD.signer.public.vkey}"\n', "")
    before, after = (
        rest.replace("[hub]\n", text.replace("OLD", OLD.signer.public.vkey).replace("NEW", NEXT.public.vkey))
        for text in (was, becomes)
    )
    assert repinned(before, settings=settings, old=OLD.signer.public, new=NEXT.public).decode() == after


@pytest.mark.parametrize("text", ['hub = { log_vkey = "OLD" }', 'log_vkey = """OLD"""', ""])
def test_a_key_that_is_written_otherwise_is_left_to_a_person(office: Office, text: str) -> None:
    settings = load_settings(office.home)
    with pytest.raises(CommandError):
        repinned(text.replace("OLD", OLD.signer.public.vkey), settings=settings, old=OLD.signer.public, new=NEXT.public)
