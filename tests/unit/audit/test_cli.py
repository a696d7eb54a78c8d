"""`ketenhub-log` as its users meet it: exit codes, words, files."""

import json
from pathlib import Path

import pytest

from audit.checkpoint import Checkpoint, sign_checkpoint
from audit.cli import fetch
from audit.cli.main import ExitCode, main
from audit.evidence_file import Evidence, redact_evidence
from audit.hashing import EMPTY_ROOT
from audit.note import Note, NoteKeyType, NoteSigner
from audit.policy import parse_policy
from tests.support.evidence_files import (
    KEYS,
    POLICY_TEXT,
    REGISTRAR,
    World,
    admit,
    evidence_of,
    send,
    sign_statement,
    state,
    usual_world,
)
from tests.support.log_files import SIGNER, MemoryLog, submission, write_log

WITNESS = NoteSigner.from_seed(name="witness.test", seed=bytes(32), type=NoteKeyType.COSIGNATURE_V1)


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy"
    path.write_text(POLICY_TEXT, encoding="utf-8")
    return str(path)


@pytest.fixture
def log() -> MemoryLog:
    world = usual_world()
    for number in range(5):
        world.log.append(submission(number))
    return world.log


@pytest.fixture
def folder(tmp_path: Path, log: MemoryLog) -> Path:
    path = tmp_path / "log"
    path.mkdir()
    write_log(log, path)
    return path


@pytest.fixture
def evidence() -> Evidence:
    return evidence_of(usual_world(), send())


@pytest.fixture
def evidence_file(tmp_path: Path, evidence: Evidence) -> Path:
    path = tmp_path / "message.evidence.json"
    path.write_bytes(evidence.to_bytes())
    return path


Output = pytest.CaptureFixture[str]


def test_a_whole_log_is_ok(folder: Path, policy: str, capsys: Output) -> None:
    assert main(["verify", str(folder), "--policy", policy]) == ExitCode.OK
    printed = capsys.readouterr().out
    assert "log        hub.ketenhub.test/log/1" in printed
    assert "entries    8 of 8 read and checked" in printed
    assert "PARTICIPANT 3" in printed
    assert printed.endswith("ok: the log is whole\n")


def test_a_log_without_a_policy_is_unanchored(folder: Path, capsys: Output) -> None:
    assert main(["verify", str(folder)]) == ExitCode.UNANCHORED
    assert "unanchored" in capsys.readouterr().out


def test_hashes_alone_are_ok(folder: Path, policy: str, capsys: Output) -> None:
    assert main(["verify", str(folder), "--policy", policy, "--hashes-only"]) == ExitCode.OK
    printed = capsys.readouterr().out
    assert "entries    0 of 8" in printed
    assert printed.endswith("ok: the tree is whole; what 8 of its 8 entries say was not checked\n")
    (folder / "tile/entries/000.p/8").unlink()
    assert main(["verify", str(folder), "--policy", policy]) == ExitCode.OK
    assert capsys.readouterr().out.endswith("what 8 of its 8 entries say was not checked\n")


def test_what_others_wrote_cannot_speak_for_the_command(
    evidence_file: Path, policy: str, tmp_path: Path, capsys: Output
) -> None:
    """A name in evidence, a policy or a checkpoint shows as it is: no line, colour or direction of its own."""
    world = World()
    name = "gemeente\u202e Voorbeeldstad \x9b2K"
    world.join(admission=admit(KEYS[0], name=name), statement=sign_statement(state(KEYS[0]), KEYS[0]))
    evidence_file.write_bytes(evidence_of(world, send()).to_bytes())
    assert main(["check", str(evidence_file), "--policy", policy]) == ExitCode.OK
    printed = capsys.readouterr().out
    assert "sender     gemeente\ufffd Voorbeeldstad \ufffd2K (gemeente)" in printed
    stranger = tmp_path / "stranger"
    stranger.mkdir()
    signer = NoteSigner.from_seed(name="\x9bstranger.test/log", seed=bytes(32))
    empty = Checkpoint(origin=signer.name, size=0, root_hash=EMPTY_ROOT)
    (stranger / "checkpoint").write_text(str(sign_checkpoint(empty, signer)), encoding="utf-8")
    assert main(["verify", str(stranger)]) == ExitCode.UNANCHORED
    assert "log        \ufffdstranger.test/log\n" in capsys.readouterr().out
    assert main(["verify", str(stranger), "--policy", policy]) == ExitCode.REFUSED
    assert "no log of the policy is `\ufffdstranger.test/log`" in capsys.readouterr().err


def test_a_log_that_was_changed_is_refused_with_its_file(folder: Path, policy: str, capsys: Output) -> None:
    tile = folder / "tile/0/000.p/8"
    tile.write_bytes(bytes(32) + tile.read_bytes()[32:])
    assert main(["verify", str(folder), "--policy", policy]) == ExitCode.REFUSED
    printed = capsys.readouterr()
    assert not printed.out
    assert printed.err.startswith("refused: the log of `hub.ketenhub.test/log/1` contradicts itself")
    assert "/tile/entries/000.p/8: entry 0 does not have the hash that stands in `tile/0/000.p/8`" in printed.err


def test_a_kept_checkpoint_or_proof_must_be_continued(
    folder: Path, policy: str, log: MemoryLog, tmp_path: Path, capsys: Output
) -> None:
    checkpoint, proof = tmp_path / "checkpoint", tmp_path / "message.tlog-proof"
    checkpoint.write_text(str(log.note(3)), encoding="utf-8")
    proof.write_text(log.proof(1, size=5), encoding="utf-8")
    kept = ["--continues", str(checkpoint), "--continues", str(proof)]
    assert main(["verify", str(folder), "--policy", policy, *kept]) == ExitCode.OK
    assert "continues  the checkpoint of 3 entries that you kept" in capsys.readouterr().out
    assert main(["verify", str(folder), *kept]) == ExitCode.UNANCHORED
    capsys.readouterr()
    other = MemoryLog()
    other.append(submission(7))
    checkpoint.write_text(str(other.note()), encoding="utf-8")
    assert main(["verify", str(folder), "--policy", policy, *kept]) == ExitCode.REFUSED
    assert "does not continue the checkpoint of 1 entries" in capsys.readouterr().err


def test_a_log_is_told_as_json(folder: Path, policy: str, log: MemoryLog, capsys: Output) -> None:
    note = log.note()
    cosigned = Note(text=note.text, signatures=(*note.signatures, WITNESS.sign(note.text, at=1_795_432_568)))
    (folder / "checkpoint").write_text(str(cosigned), encoding="utf-8")
    quorum = POLICY_TEXT.replace("quorum none", f"witness W {WITNESS.public.vkey}\nquorum W")
    Path(policy).write_text(quorum, encoding="utf-8")
    assert main(["verify", str(folder), "--policy", policy, "--json"]) == ExitCode.OK
    assert json.loads(capsys.readouterr().out) == {
        "result": "ok",
        "origin": "hub.ketenhub.test/log/1",
        "size": 8,
        "root_hash": log.checkpoint().root_hash.hex(),
        "entries_checked": 8,
        "kinds": {"PARTICIPANT": 3, "SUBMISSION": 5},
        "cosigned_by": ["witness.test"],
        "continues": [],
    }
    assert main(["verify", str(folder), "--policy", policy]) == ExitCode.OK
    assert "witnesses  witness.test" in capsys.readouterr().out


def test_evidence_that_holds_is_ok(evidence_file: Path, policy: str, capsys: Output) -> None:
    assert main(["check", str(evidence_file), "--policy", policy]) == ExitCode.OK
    printed = capsys.readouterr().out
    assert "sender     gemeente Voorbeeldstad (gemeente), OIN 00000099000000001000" in printed
    assert "logged     DISCLOSURE at index 3 of hub.ketenhub.test/log/1, 2026-11-23T11:16:12.000+00:00" in printed
    assert "disclosed  2 labels" in printed
    assert "withheld   melder/m1/name: not-necessary" in printed
    assert "marked     unprompted" in printed
    assert printed.endswith("ok: the evidence holds\n")


def test_evidence_without_a_policy_is_unanchored(evidence_file: Path, capsys: Output) -> None:
    assert main(["check", str(evidence_file)]) == ExitCode.UNANCHORED
    assert capsys.readouterr().out.endswith("nothing says whose log it is\n")
    assert main(["check", str(evidence_file), "--json"]) == ExitCode.UNANCHORED
    assert json.loads(capsys.readouterr().out)["result"] == "unanchored"


def test_a_cosigned_checkpoint_tells_its_witnesses(
    tmp_path: Path, evidence: Evidence, policy: str, capsys: Output
) -> None:
    body, _, signature = evidence.tlog_proof.rpartition("\n\n")
    text = body[body.index("\n\n") + 2 :] + "\n"
    cosigned = f"{body}\n\n{signature}{WITNESS.sign(text, at=1_795_432_568).line}"
    path = tmp_path / "cosigned.json"
    members = {**json.loads(evidence.to_bytes()), "tlog_proof": cosigned}
    path.write_text(json.dumps(members), encoding="utf-8")
    Path(policy).write_text(f"witness W {WITNESS.public.vkey}\n{POLICY_TEXT}", encoding="utf-8")
    assert main(["check", str(path), "--policy", policy]) == ExitCode.OK
    assert "cosigned   witness.test" in capsys.readouterr().out


def test_evidence_that_does_not_hold_is_refused(evidence_file: Path, policy: str, capsys: Output) -> None:
    evidence_file.write_bytes(evidence_file.read_bytes().replace(b'"withheld":[{', b'"withheld":[{"more":1,'))
    for arguments in ([], ["--policy", policy]):
        assert main(["check", str(evidence_file), *arguments]) == ExitCode.REFUSED
    assert "refused: what was withheld has a label and reasons" in capsys.readouterr().err
    assert main(["check", str(evidence_file), "--json"]) == ExitCode.REFUSED
    told = json.loads(capsys.readouterr().out)
    assert (told["result"], told["code"]) == ("refused", "hub.evidence.form")
    assert told["issues"][0]["text"] == "what was withheld has a label and reasons"


def test_a_policy_that_is_wrong_is_refused_with_its_lines(evidence_file: Path, policy: str, capsys: Output) -> None:
    Path(policy).write_text("log nonsense\nquorum none\n", encoding="utf-8")
    assert main(["check", str(evidence_file), "--policy", policy]) == ExitCode.REFUSED
    assert "  line 1: a vkey is" in capsys.readouterr().err


def test_redacting_writes_the_evidence_without_its_values(
    evidence: Evidence, evidence_file: Path, policy: str, tmp_path: Path, capsys: Output
) -> None:
    assert main(["redact", str(evidence_file)]) == ExitCode.OK
    assert capsys.readouterr().out.encode() == redact_evidence(evidence).to_bytes() + b"\n"
    output = tmp_path / "redacted.json"
    assert main(["redact", str(evidence_file), "--output", str(output)]) == ExitCode.OK
    assert main(["check", str(output), "--policy", policy]) == ExitCode.OK
    assert "redacted   2 labels were permitted" in capsys.readouterr().out


def test_redacting_never_writes_over_a_file(evidence_file: Path, capsys: Output) -> None:
    before = evidence_file.read_bytes()
    assert main(["redact", str(evidence_file), "--output", str(evidence_file)]) == ExitCode.USAGE
    assert "could not write" in capsys.readouterr().err
    assert evidence_file.read_bytes() == before


def test_a_file_that_cannot_be_read_is_wrong_usage(
    tmp_path: Path, policy: str, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    assert main(["check", str(tmp_path / "absent.json"), "--policy", policy]) == ExitCode.USAGE
    assert "could not read" in capsys.readouterr().err
    assert main(["verify", str(tmp_path / "absent")]) == ExitCode.USAGE
    assert "is not a folder" in capsys.readouterr().err
    monkeypatch.setattr(fetch, "FILE_BYTES_MAX", 10)
    assert main(["check", policy]) == ExitCode.USAGE
    assert "is larger than 10 bytes" in capsys.readouterr().err


def test_what_cannot_be_read_of_a_log_is_not_taken_for_absent(folder: Path, policy: str, capsys: Output) -> None:
    bundle = folder / "tile/entries/000.p/8"
    bundle.unlink()
    bundle.mkdir()
    assert main(["verify", str(folder), "--policy", policy]) == ExitCode.USAGE
    assert f"could not read `{bundle}`" in capsys.readouterr().err
    (folder / "tile/entries/000.p/8").rmdir()
    (folder / "tile/entries/000.p").rmdir()
    (folder / "tile/entries/000.p").write_bytes(b"")
    assert main(["verify", str(folder), "--policy", policy]) == ExitCode.OK


def test_an_empty_folder_is_no_log(tmp_path: Path, capsys: Output) -> None:
    assert main(["verify", str(tmp_path)]) == ExitCode.REFUSED
    assert "there is no file `checkpoint`" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["verify"], ["check"], ["other"], ["check", "a", "b"]])
def test_wrong_usage_ends_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == ExitCode.USAGE


@pytest.mark.parametrize("name", ["verify", "check", "redact"])
def test_every_command_explains_itself(name: str, capsys: Output) -> None:
    with pytest.raises(SystemExit) as caught:
        main([name, "--help"])
    assert caught.value.code == ExitCode.OK
    assert "usage: ketenhub-log " + name in capsys.readouterr().out


@pytest.fixture
def registrar_file(tmp_path: Path) -> Path:
    path = tmp_path / "registrar.jwk.json"
    path.write_text(json.dumps(REGISTRAR.public.to_jwk(), indent=2), encoding="utf-8")
    return path


def test_a_policy_is_made_of_the_two_keys(folder: Path, registrar_file: Path, tmp_path: Path, capsys: Output) -> None:
    words = ["policy", "--log", SIGNER.public.vkey, "--registrar", str(registrar_file)]
    assert main(words) == ExitCode.OK
    printed = capsys.readouterr().out
    assert parse_policy(printed.encode()) == parse_policy(POLICY_TEXT.encode())
    path = tmp_path / "policy.txt"
    assert main([*words, "--output", str(path)]) == ExitCode.OK
    assert path.read_text(encoding="utf-8") == printed
    assert main(["verify", str(folder), "--policy", str(path)]) == ExitCode.OK


def test_a_policy_of_keys_that_are_none_is_not_written(registrar_file: Path, tmp_path: Path, capsys: Output) -> None:
    path = tmp_path / "policy.txt"
    words = ["policy", "--log", "no key", "--log", "hub.ketenhub.test/log/1+00000000+AQ", "--output", str(path)]
    assert main([*words, "--registrar", str(registrar_file), "--registrar", str(registrar_file)]) == ExitCode.REFUSED
    refused = capsys.readouterr().err
    assert [f"line {number}" in refused for number in (1, 2, 3, 4)] == [True, True, False, True]
    assert not path.exists()


def test_a_policy_does_not_replace_another(registrar_file: Path, policy: str, capsys: Output) -> None:
    words = ["policy", "--log", SIGNER.public.vkey, "--registrar", str(registrar_file), "--output", policy]
    assert main(words) == ExitCode.USAGE
    assert "could not write" in capsys.readouterr().err
    assert Path(policy).read_text(encoding="utf-8") == POLICY_TEXT
