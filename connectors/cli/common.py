"""What the subcommands share: exit codes, small files, pinned keys, and saying what went wrong in Dutch and English.

Exit codes: 0 done · 1 refused or failed, the text says why and what to do · 2 wrong command line · 3 a proof of the hub
does not hold, call someone · 75 not now, the same command may succeed later (`EX_TEMPFAIL`).
"""

import os
import sqlite3
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from audit.note import NoteKey, parse_vkey
from connectors.sdk.dutch import headline
from connectors.settings import Settings
from schemas.document import JSONValue
from schemas.errors import EvidenceError, ExchangeError, UnavailableError
from schemas.jwk import VerificationKey

EXIT_REFUSED: Final = 1
EXIT_EVIDENCE: Final = 3
EXIT_UNAVAILABLE: Final = 75
EXIT_INTERRUPTED: Final = 130
FILE_BYTES_MAX: Final = 1 << 20
HOME_VARIABLE: Final = "KETENHUB_CONNECTOR_HOME"


class CommandError(Exception):
    """The command cannot be done; Dutch and English text for the one who gave it."""

    def __init__(self, text_nl: str, text_en: str) -> None:
        super().__init__(text_en)
        self.text_nl = text_nl
        self.text_en = text_en


def run(command: Callable[[], int | None]) -> int:
    """Run a command and turn what went wrong into texts on standard error and an exit code."""
    try:
        return command() or 0
    except CommandError as error:
        print(f"fout: {error.text_nl}\nerror: {error.text_en}", file=sys.stderr)
        return EXIT_REFUSED
    except ExchangeError as error:
        return _tell(error)
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone; nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, sqlite3.OperationalError) as error:
        print(f"fout: een bestand kan niet worden gelezen of geschreven: {error}", file=sys.stderr)
        print(f"error: a file cannot be read or written: {error}", file=sys.stderr)
        print("Geef de opdracht als de gebruiker onder wie de dienst draait, en doe anders `doctor`.", file=sys.stderr)
        print("Give the command as the user that the service runs as; else try `doctor`.", file=sys.stderr)
        return EXIT_REFUSED


def check_owner(home: Path) -> None:
    """Refuse to work as root on another user's home: the keys that it would write there, the service could not read.

    Raises:
        CommandError: It is the home of another user.
    """
    if sys.platform == "win32" or os.geteuid() != 0 or not home.exists() or home.stat().st_uid == 0:
        return
    import pwd  # noqa: PLC0415 - Windows has none

    number = home.stat().st_uid
    try:
        owner = pwd.getpwuid(number).pw_name
    except KeyError:
        owner = f"#{number}"
    raise CommandError(
        f"`{home}` is van gebruiker {owner}; zet `sudo -u {owner}` voor de opdracht",
        f"`{home}` belongs to user {owner}; put `sudo -u {owner}` before the command",
    )


def _tell(error: ExchangeError) -> int:
    nl, en = headline(error)
    print(f"fout: {nl} ({error.code})\nerror: {en} ({error.code})", file=sys.stderr)
    for issue in error.issues:
        print(f"  {issue.pointer or '/'}: {' / '.join(filter(None, (issue.text_nl, issue.text)))}", file=sys.stderr)
    if isinstance(error, EvidenceError):
        return EXIT_EVIDENCE
    return EXIT_UNAVAILABLE if isinstance(error, UnavailableError) else EXIT_REFUSED


def read_file(path: Path) -> bytes:
    """Read a small file.

    Raises:
        CommandError: It cannot be read, or is no file of this kind.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CommandError(
            f"`{path}` kan niet worden gelezen: {error.strerror}", f"`{path}` cannot be read: {error.strerror}"
        ) from error
    if len(data) > FILE_BYTES_MAX:
        raise CommandError(f"`{path}` is te groot voor dit soort bestand", f"`{path}` is too large for such a file")
    return data


def write_new(path: Path, data: bytes) -> None:
    """Write a file that may be read by others, and must not be there yet.

    Raises:
        CommandError: It is there, or cannot be written.
    """
    try:
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise CommandError(
            f"`{path}` bestaat al en wordt niet overschreven", f"`{path}` is there already and is not replaced"
        ) from error
    except OSError as error:
        raise CommandError(
            f"`{path}` kan niet worden geschreven: {error.strerror}", f"`{path}` cannot be written: {error.strerror}"
        ) from error


def pinned_log(settings: Settings) -> NoteKey:
    """Return the pinned key of the hub's log.

    Raises:
        CommandError: It is not in the settings yet.
    """
    if not settings.hub.log_vkey:
        raise CommandError(
            "in connector.toml staat nog geen `log_vkey` van de hub; vraag hem aan de beheerder van de hub",
            "connector.toml has no `log_vkey` of the hub yet; ask the hub's operator for it",
        )
    return parse_vkey(settings.hub.log_vkey)


def pinned_registrar(settings: Settings) -> VerificationKey:
    """Return the pinned key of the registrar.

    Raises:
        CommandError: It is not in the settings yet.
    """
    if settings.hub.registrar is None:
        raise CommandError(
            "in connector.toml staat onder [hub] nog geen `registrar`: neem de inhoud van registrar.jwk.json over als"
            ' registrar = { kty = "OKP", … }',
            "connector.toml has no `registrar` under [hub] yet: put what registrar.jwk.json holds there as"
            ' registrar = { kty = "OKP", … }',
        )
    jwk: dict[str, JSONValue] = dict(settings.hub.registrar)
    return VerificationKey.from_jwk(jwk)
