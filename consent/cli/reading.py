"""Files of the policy command: catalogues, the packaged proof and the packaged list of articles."""

from importlib import resources
from pathlib import Path

from consent.coverage import Articles, load_articles
from consent.grounds import PACKAGED, Catalogue, load_catalogue, packaged_catalogue
from consent.tables import CATALOGUE_BYTES_MAX

ARTICLES = "jeugdwet.toml"
PROOF = PACKAGED.removesuffix(".toml") + ".proof.json"
"""The report of the proof of the packaged catalogue, byte for byte as `prove --report` writes it."""


class UnreadableError(Exception):
    """The command was used wrongly, or a file that was named cannot be read.

    Args:
        text: What is wrong, in English.
        text_nl: The same in Dutch.
    """

    def __init__(self, text: str, text_nl: str) -> None:
        super().__init__(text)
        self.text_nl = text_nl


def read_catalogue(path: Path | None) -> Catalogue:
    """Read a catalogue; the packaged one where no file is named.

    Raises:
        UnreadableError: There is no such file, or it cannot be read.
        DocumentError: It is not a catalogue that can be used.
    """
    if path is None:
        return packaged_catalogue()
    try:
        with path.open("rb") as file:
            data = file.read(CATALOGUE_BYTES_MAX + 1)  # the loader refuses what is larger
    except OSError as error:
        raise not_read(path, error) from error
    return load_catalogue(data)


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
        raise not_written(path, error) from error


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
        raise not_written(path, error) from error


def check_writable(path: Path) -> None:
    """See before long work that a file can be written after it.

    Raises:
        UnreadableError: It is there already, or its folder is not.
    """
    if path.exists():
        raise UnreadableError(f"`{path}` is there already", f"`{path}` bestaat al")
    if not path.parent.is_dir():
        raise UnreadableError(f"there is no folder `{path.parent}`", f"er is geen map `{path.parent}`")


def not_read(path: Path, error: OSError) -> UnreadableError:
    """Say that a file cannot be read."""
    return UnreadableError(
        f"could not read `{path}`: {error.strerror}", f"`{path}` kan niet worden gelezen: {error.strerror}"
    )


def not_written(path: Path, error: OSError) -> UnreadableError:
    """Say that a file cannot be written."""
    return UnreadableError(
        f"could not write `{path}`: {error.strerror}", f"`{path}` kan niet worden geschreven: {error.strerror}"
    )
