"""The files of the board: keys, boards, and the dossier, a folder with the steps and the documents that they name.

    dossier/<jti>.jwt                  a signed step
    dossier/catalogues/<digest>.toml   a catalogue that was proposed; its name is the SHA-256 of its bytes
    dossier/reports/<digest>.json      the report of a proof or of a comparison
    dossier/notes/<digest>.txt         an advice, or why a proposal was rejected

Files are written once and never over another, so a dossier can lie on a share, in a repository or on a stick: whoever
signs adds a file.
"""

import hashlib
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import Final

from consent.cli.reading import UnreadableError, not_read, not_written
from schemas.board import Board, Member, SignedStep, member_to_json, verify_board, verify_step
from schemas.canonical import b64url, canonical_json, parse_json
from schemas.document import JSONValue
from schemas.errors import AuthenticationError, DocumentError, ExchangeError
from schemas.identifiers import MessageId
from schemas.jwk import SigningKey, VerificationKey

PRIVATE_FILE: Final = "member.pem"
PUBLIC_FILE: Final = "member.json"
STEPS_MAX: Final = 1000
BYTES_MAX: Final = 1 << 20

_OTHERS: Final = 0o077


class Document(Enum):
    """What a step names by its digest, and where it lies in a dossier."""

    CATALOGUE = ("catalogues", "toml")
    REPORT = ("reports", "json")
    NOTE = ("notes", "txt")

    def __init__(self, folder: str, suffix: str) -> None:
        """Make a member of the name of its folder and the ending of its files."""
        self.folder = folder
        self.suffix = suffix


def write_member(folder: Path, member: Member, *, key: SigningKey) -> None:
    """Write the two files of a member: the private key for nobody else, and what the registrar gets.

    Raises:
        UnreadableError: One of them is there already, or cannot be written.
    """
    _write_new(folder / PRIVATE_FILE, key.to_pem(), mode=0o600)
    _write_new(folder / PUBLIC_FILE, canonical_json(member_to_json(member)) + b"\n", mode=0o644)


def read_key(path: Path) -> SigningKey:
    """Read a member's private key.

    Raises:
        UnreadableError: It cannot be read, or others than its owner may read it.
        DocumentError: It is no private key that this exchange takes.
    """
    data = _read(path)
    if sys.platform != "win32" and path.stat().st_mode & _OTHERS:
        raise UnreadableError(
            f"`{path}` is open to others than its owner: take their rights away",
            f"`{path}` is ook voor anderen dan de eigenaar te lezen: neem hun rechten weg",
        )
    return SigningKey.from_pem(data)


def read_boards(paths: Iterable[Path], *, registrar: Path) -> tuple[Board, ...]:
    """Read boards and verify each with the registrar's public key.

    Raises:
        UnreadableError: A file cannot be read.
        DocumentError: A file does not have its form.
        SignatureError: A board is not the registrar's.
    """
    key = read_registrar(registrar)
    return tuple(verify_board(_token(path), registrar=key) for path in paths)


def read_steps(folder: Path, *, boards: Iterable[Board]) -> tuple[SignedStep, ...]:
    """Read every step of a dossier and verify it with the boards that there are; a folder that is not there has none.

    Raises:
        UnreadableError: A file cannot be read, or there are more than a dossier holds.
        ExchangeError: A file is no step of a member; the text names it.
    """
    paths = sorted(folder.glob("*.jwt"))
    if len(paths) > STEPS_MAX:
        raise UnreadableError(
            f"`{folder}` holds more than {STEPS_MAX} steps", f"`{folder}` bevat meer dan {STEPS_MAX} stappen"
        )
    return tuple(_read_step(path, boards) for path in paths)


def write_step(folder: Path, token: str, *, step_id: MessageId) -> Path:
    """Add a step to a dossier and return its file.

    Raises:
        UnreadableError: It cannot be written.
    """
    path = folder / f"{step_id.value}.jwt"
    _write_new(path, token.encode() + b"\n", mode=0o644)
    return path


def digest_of(data: bytes) -> str:
    """Return the digest of a file's bytes, as a step names it."""
    return b64url(hashlib.sha256(data).digest())


def report_bytes(report: JSONValue) -> bytes:
    """Write a report as the bytes that its digest is over."""
    return canonical_json(report)


def write_document(folder: Path, kind: Document, data: bytes) -> str:
    """Add a document to a dossier, unless it is there, and return its digest.

    Raises:
        UnreadableError: It cannot be written.
    """
    digest = digest_of(data)
    path = _place(folder, kind, digest)
    if not path.exists():
        _write_new(path, data, mode=0o644)
    return digest


def read_document(folder: Path, digest: str) -> str:
    """Read the document of a dossier that has a digest.

    Raises:
        UnreadableError: It is not there, or is another one or no text.
    """
    found = next((path for kind in Document if (path := _place(folder, kind, digest)).exists()), None)
    if found is None:
        raise UnreadableError(
            f"`{folder}` does not hold the document `{digest}` that a step names",
            f"in `{folder}` ontbreekt het document `{digest}` dat een stap noemt",
        )
    data = _read(found)
    if digest_of(data) != digest:
        raise UnreadableError(
            f"`{found}` is another document than its name says", f"`{found}` is een ander document dan zijn naam zegt"
        )
    return _text(data, found)


def read_tokens(paths: Iterable[Path]) -> tuple[str, ...]:
    """Read signed documents as they lie; nothing is verified.

    Raises:
        UnreadableError: One of them cannot be read, or is no signed document.
    """
    return tuple(_token(path) for path in paths)


def read_registrar(path: Path) -> VerificationKey:
    """Read the registrar's public key.

    Raises:
        UnreadableError: It cannot be read.
        DocumentError: It is no key that this exchange takes.
    """
    jwk = parse_json(_read(path))
    if not isinstance(jwk, dict):
        raise DocumentError("the registrar's key is a JWK", code="sender.jwk.invalid")
    return VerificationKey.from_jwk(jwk)


def read_note(path: Path) -> bytes:
    """Read an advice or a note: a text, which everybody can read once it is sent.

    Raises:
        UnreadableError: It cannot be read, or is no text.
    """
    data = _read(path)
    _text(data, path)
    return data


def _place(folder: Path, kind: Document, digest: str) -> Path:
    return folder / kind.folder / f"{digest}.{kind.suffix}"


def _text(data: bytes, path: Path) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise UnreadableError(f"`{path}` is no text in UTF-8", f"`{path}` is geen tekst in UTF-8") from error


def _read_step(path: Path, boards: Iterable[Board]) -> SignedStep:
    token = _token(path)
    refused: ExchangeError = AuthenticationError("there is no board", code="sender.catalogue-step.signer")
    for board in boards:
        try:
            return verify_step(token, board=board)
        except AuthenticationError as error:
            refused = error  # a member of another board, perhaps
        except ExchangeError as error:
            refused = error
            break
    raise type(refused)(f"`{path.name}`: {refused.public_message}", code=refused.code, issues=refused.issues)


def _token(path: Path) -> str:
    try:
        return _read(path).decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise UnreadableError(f"`{path}` is no signed document", f"`{path}` is geen ondertekend document") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise not_read(path, error) from error
    if len(data) > BYTES_MAX:
        raise UnreadableError(f"`{path}` is larger than {BYTES_MAX} bytes", f"`{path}` is groter dan {BYTES_MAX} bytes")
    return data


def _write_new(path: Path, data: bytes, *, mode: int) -> None:
    """Write a file that must not be there yet, whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if mode & _OTHERS == 0 else 0o755)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    except OSError as error:
        raise not_written(path, error) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise not_written(path, error) from error
