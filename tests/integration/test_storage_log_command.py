"""`ketenhub log recover | continue`, as an operator runs them."""

import asyncio
import json
from pathlib import Path

import psycopg
import pytest

from audit.note import NoteSigner
from hub.cli.common import EXIT_EVIDENCE
from hub.cli.main import main
from hub.ports import Appended
from hub.storage.postgresql.database import open_database
from schemas.clock import SystemClock
from tests.support.members import Members
from tests.support.whole_log import SIGNER

pytestmark = pytest.mark.database


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


def test_an_operator_continues_the_log_in_a_new_database(
    database_url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = asyncio.run(_append(database_url, tmp_path))[-1].tlog_proof.partition("\n\n")[2]
    (tmp_path / "checkpoint").write_text(checkpoint)
    with psycopg.connect(database_url) as connection:
        connection.execute("TRUNCATE log_tree, log_entries, messages, shown_records, kept_records, subject_heads")
    signer = NoteSigner.from_seed(name="hub.ketenhub.test/log/2", seed=bytes(range(32, 64)))
    (tmp_path / "second").mkdir()
    settings = _settings(tmp_path / "second", url=database_url, signer=signer)
    command = ["log", "continue", "--settings", str(settings), "--published", "5"]
    command += ["--checkpoint", str(tmp_path / "checkpoint"), "--vkey"]
    assert main([*command, signer.public.vkey]) != 0
    capsys.readouterr()
    assert main([*command, SIGNER.public.vkey]) == 0
    said = capsys.readouterr().out
    assert "lost: entries 3 to 4" in said
    assert '"predecessor":"hub.ketenhub.test/log/1","provable":3,"published":5' in said
