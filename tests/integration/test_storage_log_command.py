"""`ketenhub log recover | continue | consistency`, as an operator runs them, and the registrar's `continue-log`."""

import asyncio
import json
from pathlib import Path

import psycopg
import pytest

from audit.continuation import Voucher, verify_continuation
from audit.note import NoteSigner
from audit.proof_file import parse_proof_file
from audit.proofs import verify_consistency
from hub.cli.common import EXIT_EVIDENCE
from hub.cli.main import main
from hub.cli.registrar import main as registrar
from hub.ports import Appended
from hub.storage.postgresql.database import open_database
from schemas.canonical import b64url_decode
from schemas.clock import SystemClock
from schemas.errors import SignatureError
from tests.support.members import Members
from tests.support.parties import REGISTRAR
from tests.support.whole_log import SIGNER

pytestmark = pytest.mark.database

NEXT = NoteSigner.from_seed(name="hub.ketenhub.test/log/2", seed=bytes(range(32, 64)))


def _settings(folder: Path, *, url: str, signer: NoteSigner) -> Path:
    (folder / "log.skey").write_text(signer.skey)
    (folder / "log.skey").chmod(0o600)
    path = folder / "hub.toml"
    path.write_text(
        "\n".join(
            [
                "[hub]",
                'name = "hub.ketenhub.test"',
                'issuer = "http://127.0.0.1:8080"',
                'environment = "local"',
                f'log_origin = "{signer.name}"',
                "[keys]",
                'log = "log.skey"',
                'token = "token.key"',
                'registrar = "registrar.json"',
                "[storage]",
                f'postgresql = "{url}"',
                f'guard = "{folder / "guard"}"',
            ]
        )
    )
    return path


async def _append(url: str, folder: Path) -> list[Appended]:
    members = Members()
    async with open_database(url, signer=SIGNER, guard_folder=folder / "guard", clock=SystemClock()) as database:
        return [await database.log.append(members.submission()) for _ in range(3)]


def test_an_operator_recovers_the_log(database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    appended = asyncio.run(_append(database_url, tmp_path))
    with psycopg.connect(database_url) as connection:
        connection.execute("TRUNCATE log_tree, log_entries, messages, shown_records, kept_records, subject_heads")
    settings = _settings(tmp_path, url=database_url, signer=SIGNER)
    (tmp_path / "handed-in").mkdir()
    command = ["log", "recover", "--settings", str(settings), str(tmp_path / "handed-in")]
    assert main(command) == EXIT_EVIDENCE
    assert "nobody handed in the entries 0, 1, 2" in capsys.readouterr().err
    for each in appended:
        evidence = {"entry": each.entry, "tlog_proof": each.tlog_proof}
        (tmp_path / "handed-in" / f"{each.index}.evidence.json").write_text(json.dumps(evidence))
    assert main(command) == 0
    assert "the database had 0 entries and has 3" in capsys.readouterr().out


@pytest.fixture
def ended(database_url: str, tmp_path: Path) -> Path:
    """A log of three entries whose database is lost; its last checkpoint and key were kept."""
    checkpoint = asyncio.run(_append(database_url, tmp_path))[-1].tlog_proof.partition("\n\n")[2]
    (tmp_path / "checkpoint").write_text(checkpoint)
    (tmp_path / "old.skey").write_text(SIGNER.skey)
    (tmp_path / "old.skey").chmod(0o600)
    with psycopg.connect(database_url) as connection:
        connection.execute("TRUNCATE log_tree, log_entries, messages, shown_records, kept_records, subject_heads")
    return tmp_path


def _continue(ended: Path, url: str, *options: str, vkey: str = SIGNER.public.vkey, published: int = 5) -> int:
    (ended / "second").mkdir(exist_ok=True)
    settings = _settings(ended / "second", url=url, signer=NEXT)
    command = ["log", "continue", "--settings", str(settings), "--published", str(published), "--vkey", vkey]
    command += ["--checkpoint", str(ended / "checkpoint"), "--statement", str(ended / "statement.txt")]
    return main([*command, *options])


def test_an_operator_continues_the_log_in_a_new_database(
    database_url: str, ended: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _continue(ended, database_url, vkey=NEXT.public.vkey) != 0
    assert _continue(ended, database_url, "--old-key", str(ended / "second" / "log.skey")) != 0
    assert not (ended / "statement.txt").exists()
    capsys.readouterr()
    assert _continue(ended, database_url, "--old-key", str(ended / "old.skey")) == 0
    assert "lost:     entries 3 to 4" in capsys.readouterr().out
    found, vouchers = verify_continuation(
        (ended / "statement.txt").read_bytes(), pinned=SIGNER.public, registrar=REGISTRAR.public
    )
    assert (found.successor, found.provable.size, found.published) == (NEXT.public, 3, 5)
    assert vouchers == {Voucher.PREDECESSOR}
    assert '"predecessor":"hub.ketenhub.test/log/1","provable":3,"published":5' in found.entry.text.decode()


def test_continuing_again_writes_the_statement_that_was_not_written(database_url: str, ended: Path) -> None:
    """The first run was cut off after its entry; a second entry there cannot be."""
    assert _continue(ended, database_url) == 0
    first = (ended / "statement.txt").read_bytes()
    assert _continue(ended, database_url) == 1
    (ended / "statement.txt").unlink()
    assert _continue(ended, database_url, published=6) == 1
    assert not (ended / "statement.txt").exists()
    assert _continue(ended, database_url) == 0
    assert (ended / "statement.txt").read_bytes() == first


def test_where_the_old_key_is_lost_the_registrar_vouches(
    database_url: str, ended: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _continue(ended, database_url) == 0
    assert "the registrar must sign it first" in capsys.readouterr().out
    statement, signed = ended / "statement.txt", ended / "signed.txt"
    with pytest.raises(SignatureError):
        verify_continuation(statement.read_bytes(), pinned=SIGNER.public, registrar=REGISTRAR.public)
    (ended / "registrar.pem").write_bytes(REGISTRAR.to_pem())
    (ended / "registrar.pem").chmod(0o600)
    command = ["continue-log", str(statement), "--key", str(ended / "registrar.pem"), "--out", str(signed)]
    assert registrar(command) == 0
    assert "lost:     entries 3 to 4" in capsys.readouterr().out
    _, vouchers = verify_continuation(signed.read_bytes(), pinned=SIGNER.public, registrar=REGISTRAR.public)
    assert vouchers == {Voucher.REGISTRAR}
    statement.write_bytes(statement.read_bytes().replace(b'"published":5', b'"published":6'))
    assert registrar([*command[:-1], str(ended / "other.txt")]) == 1


def test_a_log_that_stands_still_proves_that_it_went_on(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    appended = asyncio.run(_append(database_url, tmp_path))
    proofs = [parse_proof_file(each.tlog_proof.encode()).checkpoint for each in appended]
    settings = _settings(tmp_path, url=database_url, signer=SIGNER)
    command = ["log", "consistency", "--settings", str(settings), "--from", "1", "--to"]
    assert main([*command, "3"]) == 0
    proof = json.loads(capsys.readouterr().out)
    assert (proof["from"], proof["to"]) == (1, 3)
    first, last = (next(each for each in proofs if each.size == size) for size in (1, 3))
    verify_consistency(
        size1=1,
        root1=first.root_hash,
        size2=3,
        root2=last.root_hash,
        proof=[b64url_decode(each) for each in proof["hashes"]],
    )
    assert main([*command, "0"]) == 1
    assert main([*command, "4"]) == EXIT_EVIDENCE
