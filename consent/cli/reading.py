"""Files of the policy command: catalogues, the packaged proof and the packaged list of articles."""

from importlib import resources
from pathlib import Path

from consent.coverage import Articles, load_articles
from consent.grounds import PACKAGED, Catalogue, load_catalogue, packaged_catalogue

ARTICLES = "jeugdwet.toml"
PROOF = PACKAGED.removesuffix(".toml") + ".proof.json"
"""The report of the proof of the packaged catalogue, byte for byte as `prove --report` writes it."""


class UnreadableError(Exception):
    """A file that was named cannot be read."""


def read_catalogue(path: Path | None) -> Catalogue:
    """Read a catalogue; the packaged one where no file is named.

    Raises:
        UnreadableError: There is no such file, or it cannot be read.
        DocumentError: It is not a catalogue that can be used.
    """
    if path is None:
        return packaged_catalogue()
    try:
        return load_catalogue(path.read_bytes())
    except OSError as error:
        raise UnreadableError(f"could not read `{path}`: {error.strerror}") from error


def packaged_proof() -> bytes:
    """Read the report of the proof that this version of the software was shipped with."""
    return resources.files("consent").joinpath("catalogue", PROOF).read_bytes()


def read_articles() -> Articles:
    """Read the packaged list of articles."""
    return load_articles(resources.files("consent").joinpath("law", ARTICLES).read_bytes())


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file that does not exist yet.

    Raises:
        UnreadableError: The file exists, or cannot be written.
    """
    try:
        with path.open("xb") as file:
            file.write(data)
    except OSError as error:
        raise UnreadableError(f"could not write `{path}`: {error.strerror}") from error


def write_text(path: Path | None, text: str) -> None:
    """Write a text to a file that does not exist yet, or to standard output.

    Raises:
        UnreadableError: The file exists, or cannot be written.
    """
    if path is None:
        print(text, end="" if text.endswith("\n") else "\n")
        return
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UnreadableError(f"could not write `{path}`: {error.strerror}") from error
