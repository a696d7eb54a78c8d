"""`join`: an organisation states its keys in the log, with the admission that the registrar signed."""

from pathlib import Path

from audit.records import token_digest
from connectors.agent.directory import DirectoryKeeper
from connectors.agent.journal import Journal, milliseconds
from connectors.agent.keystore import load_keys
from connectors.cli.common import CommandError, pinned_log, pinned_registrar, read_file
from connectors.cli.connecting import connected
from connectors.cli.making import STATEMENT
from connectors.sdk.proving import prove_entry
from connectors.settings import load_settings
from schemas.admissions import verify_admission
from schemas.clock import SystemClock
from schemas.errors import EvidenceError
from schemas.identifiers import OIN
from schemas.participants import Directory


async def join(home: Path, admission_file: Path) -> None:
    """Post the admission with the statement, and check that the statement stands in the log.

    Raises:
        CommandError: The admission is not for this organisation and its key, or something is not set up yet.
        ExchangeError: The hub was not reached or refuses it, or what it shows does not hold.
    """
    settings = load_settings(home)
    keys = load_keys(settings.keys)
    log, registrar = pinned_log(settings), pinned_registrar(settings)
    token = read_file(admission_file).decode("ascii", "replace").strip()
    admission = verify_admission(token, registrar=registrar)
    if admission.oin != settings.oin or admission.first_key != keys.signing.public.thumbprint:
        raise CommandError(
            "deze toelating is voor een andere organisatie of een andere sleutel",
            "this admission is for another organisation or another key",
        )
    statement = read_file(home / STATEMENT).decode("ascii").strip()
    now = SystemClock().now()
    journal = Journal(settings.journal)
    try:
        with journal.step("statement") as db:
            db.execute(
                "INSERT INTO statements (digest, at) VALUES (?, ?) ON CONFLICT DO NOTHING",
                (token_digest(statement), milliseconds(now)),
            )
        async with connected(settings, None) as hub:
            joined = await hub.join(statement=statement, replaced=None, admission=token)
            prove_entry(entry=joined.entry, tlog_proof=joined.tlog_proof, log=log)
            keeper = DirectoryKeeper(journal=journal, oin=settings.oin, log=log, registrar=registrar)
            directory = await keeper.refresh(hub, at=now)
            check_stated(directory, settings.oin, statement=statement)
    finally:
        journal.close()
    print(f"{admission.name} doet mee als {admission.role} (logregel {joined.index}); {len(directory)} deelnemers.")
    print(f"{admission.name} takes part as {admission.role} (log index {joined.index}); {len(directory)} participants.")


def check_stated(directory: Directory, oin: OIN, *, statement: str) -> None:
    """Check that what we posted is what the log now says of us.

    Raises:
        EvidenceError: The hub answered that it logged it, and its log does not have it.
    """
    own = directory.participant(oin)
    if own is None or own.statement_token != statement:
        raise EvidenceError("the log does not have the statement that was posted", code="hub.directory.hidden")
