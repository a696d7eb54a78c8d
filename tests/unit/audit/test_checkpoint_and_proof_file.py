"""Checkpoints and proof files as text."""

import pytest

from audit.checkpoint import Checkpoint, parse_checkpoint, sign_checkpoint
from audit.errors import InclusionProofError
from audit.hashing import EMPTY_ROOT
from audit.note import NoteSigner
from audit.proof_file import parse_proof_file, proof_text
from schemas.errors import DocumentError
from tests.support.log_files import ORIGIN, SIGNER, MemoryLog, participant, submission

ROOT = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


def small_log() -> MemoryLog:
    log = MemoryLog()
    log.append(participant(1))
    for number in range(6):
        log.append(submission(number))
    return log


def test_a_checkpoint_comes_back_as_it_was_written() -> None:
    checkpoint = Checkpoint(origin=ORIGIN, size=0, root_hash=EMPTY_ROOT)
    assert checkpoint.text == f"{ORIGIN}\n0\n{ROOT}\n"
    assert parse_checkpoint(checkpoint.text) == checkpoint


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{ORIGIN}\n0\n{ROOT}",
        f"\n0\n{ROOT}\n",
        f"{'o' * 256}\n0\n{ROOT}\n",
        f"{ORIGIN}\n00\n{ROOT}\n",
        f"{ORIGIN}\n-1\n{ROOT}\n",
        f"{ORIGIN}\n٣\n{ROOT}\n",
        f"{ORIGIN}\n9007199254740992\n{ROOT}\n",
        f"{ORIGIN}\n99999999999999999\n{ROOT}\n",
        f"{ORIGIN}\n0\n{ROOT[:-1]}\n",
        f"{ORIGIN}\n0\nAAAA\n",
        f"{ORIGIN}\n0\n{ROOT}\nextension\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(DocumentError):
        parse_checkpoint(text)


def test_only_the_key_of_the_origin_signs() -> None:
    other = NoteSigner.from_seed(name="other.test/log/1", seed=b"s" * 32)
    with pytest.raises(ValueError, match="named after its origin"):
        sign_checkpoint(small_log().checkpoint(), other)
    assert sign_checkpoint(small_log().checkpoint(), SIGNER) == small_log().note()


@pytest.mark.parametrize("extra", [None, b"", b"context"])
def test_a_proof_file_comes_back_and_proves_its_entry(extra: bytes | None) -> None:
    log = small_log()
    for index, text in enumerate(log.texts):
        proof = parse_proof_file(log.proof(index).encode())
        with_extra = proof_text(index=index, path=proof.path, checkpoint=str(proof.note), extra=extra)
        again = parse_proof_file(with_extra.encode())
        assert (again.extra, str(again)) == (extra, with_extra)
        assert (again.index, again.checkpoint) == (index, log.checkpoint())
        again.verify_entry(text)
        with pytest.raises(InclusionProofError):
            again.verify_entry(text + b" ")


def test_a_proof_of_a_log_of_one_entry_has_no_path() -> None:
    log = MemoryLog()
    log.append(participant(1))
    text = log.proof(0)
    assert text.startswith("c2sp.org/tlog-proof@v1\nindex 0\n\nhub.ketenhub.test/log/1\n1\n")
    parse_proof_file(text.encode()).verify_entry(log.texts[0])


def _without(old: str, new: str) -> str:
    text = small_log().proof(2)
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("@v1", "@v2"),
        ("index 2\n", ""),
        ("index 2", "index 02"),
        ("index 2", "index  2"),
        ("index 2", "index 2\nAAAA"),
        ("index 2", "extra AA=\nindex 2"),
        ("index 2", "index 2\n" + "\n".join([ROOT] * 65)),
        ("index 2", "ïndex 2"),
        ("\n\n", "\n"),
        (f"\n\n{ORIGIN}", f"\n\n\n{ORIGIN}"),
        (f"{ORIGIN}\n7\n", f"{ORIGIN}\n"),
        ("index 2", "index 2\n" + "A" * 140_000),
    ],
)
def test_what_is_no_proof_file_is_refused(old: str, new: str) -> None:
    with pytest.raises(DocumentError):
        parse_proof_file(_without(old, new).encode())
