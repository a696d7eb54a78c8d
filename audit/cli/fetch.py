"""The files of a log where they are: in a folder, or at a hub by HTTP."""

import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
FETCH_SECONDS_MAX: Final = 30

_ABSENT: Final = frozenset({HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})


class UnreadableError(Exception):
    """A file that was named cannot be read."""


@dataclass(frozen=True, slots=True)
class FolderFiles:
    """The files of a log below one folder."""

    folder: Path

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None if there is no such file.

        Raises:
            UnreadableError: It is there and cannot be read, or is too large.
        """
        try:
            return read_file(self.folder / path)
        except UnreadableError as error:
            if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
                return None
            raise


@dataclass(frozen=True, slots=True)
class HubFiles:
    """The files of a log below a URL, such as `https://hub.example.nl/log`. Entries need a token and so are absent."""

    url: str

    def read(self, path: str) -> bytes | None:
        """Return a file's bytes, or None if the hub does not have it or does not give it to everybody.

        Raises:
            UnreadableError: The hub cannot be reached, answers something else or breaks off, or the file is too large.
        """
        where = f"{self.url.rstrip('/')}/{path}"
        try:
            request = urllib.request.Request(where, headers={"User-Agent": "ketenhub-log"})  # noqa: S310 - `is_url` held
            with urllib.request.urlopen(request, timeout=FETCH_SECONDS_MAX) as answer:  # noqa: S310 - `is_url` held
                data = _bounded(answer.read(FILE_BYTES_MAX + 1), where)
                # Reading a bounded number of bytes does not notice by itself that the answer ends too early.
                if answer.length:
                    raise UnreadableError(f"could not fetch `{where}`: the answer breaks off")
        except urllib.error.HTTPError as error:
            if error.code in _ABSENT:
                return None
            raise UnreadableError(f"could not fetch `{where}`: status {error.code}") from error
        except (OSError, ValueError, http.client.HTTPException) as error:
            # A ValueError is what a text that is no URL makes.
            raise UnreadableError(f"could not fetch `{where}`: {error}") from error
        return data


def is_url(text: str) -> bool:
    """Whether a word names a place on the web; everything else is a path."""
    return text.startswith(("https://", "http://"))


def read_file(path: Path) -> bytes:
    """Read a file of at most 64 MiB.

    Raises:
        UnreadableError: It cannot be read, or is larger.
    """
    try:
        with path.open("rb") as file:
            data = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise UnreadableError(f"could not read `{path}`: {error.strerror}") from error
    return _bounded(data, str(path))


def _bounded(data: bytes, where: str) -> bytes:
    if len(data) > FILE_BYTES_MAX:
        raise UnreadableError(f"`{where}` is larger than {FILE_BYTES_MAX} bytes")
    return data
