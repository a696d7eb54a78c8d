"""`rotate`: new signing and sealing keys, stated in the log with the signature of the key they replace.

1. the new keys lie in `keys/next/` with the signed statement, before anything is posted
2. the statement is posted and stands in the log
3. the new keys take their places; the old sealing key stays for what was sealed to it

Interrupted anywhere, the same command goes on from there: the hub gives the same statement the same answer. What was
composed and not sent yet is composed anew with the new key.

Source: the architecture, section 3.
"""

from datetime import datetime
from pathlib import Path
from typing import Final

from audit.records import token_digest
from connectors.agent.disk import make_private_folder, write_private_file
from connectors.agent.journal import milliseconds
from connectors.agent.keystore import SEALING, SIGNING, Keys, load_keys
from connectors.agent.lock import AlreadyRunningError, locked
from connectors.agent.services import Services
from connectors.cli.common import CommandError
from connectors.cli.joining import check_stated
from connectors.cli.making import STATEMENT
from connectors.cli.opening import opened
from connectors.sdk.proving import prove_entry
from schemas.admissions import Statement, statement_to_payload
from schemas.codes import SignatureAlgorithm, TokenType
from schemas.identifiers import Thumbprint
from schemas.jwk import SigningKey
from schemas.jws import sign_jws
from schemas.randomness import new_message_id
from schemas.sealing import SealingPrivateKey

NEXT: Final = "next"
REPLACED: Final = "replaced.jwt"
KEEP_SECONDS: Final = 31 * 24 * 3600
"""How long a rotated sealing key is kept: a message waits 30 days at most."""


async def rotate(home: Path, *, revoke: bool) -> None:
    """Replace both keys. With `revoke` the old ones must not be used any more: what waits under them is not released.

    Raises:
        CommandError: The agent runs, or this organisation does not take part.
        ExchangeError: The hub was not reached or refuses it, or what it shows does not hold; the old keys stay.
    """
    try:
        with locked(home):
            async with opened(home) as services:
                await _rotate(services, revoke=revoke)
    except AlreadyRunningError as error:
        raise CommandError(
            "stop eerst de dienst (`ketenhub-connector run`), en start hem daarna weer",
            "stop the service (`ketenhub-connector run`) first, and start it afterwards",
        ) from error


async def _rotate(services: Services, *, revoke: bool) -> None:
    now = services.clock.now()
    directory = await services.directory.refresh(services.hub, at=now)
    own = directory.participant(services.settings.oin)
    if own is None or own.statement is None:
        raise CommandError("deze organisatie doet nog niet mee", "this organisation takes no part yet")
    folder = services.settings.keys / NEXT
    # 1.
    if not (folder / REPLACED).exists():
        _prepare(services, folder, before=own.statement, revoke=revoke, now=now)
    # A crash may have come after its last move: then it is the one in the home.
    stated = folder / STATEMENT if (folder / STATEMENT).exists() else services.settings.home / STATEMENT
    statement = stated.read_text("ascii").strip()
    with services.journal.step("statement") as db:
        db.execute(
            "INSERT INTO statements (digest, at) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (token_digest(statement), milliseconds(now)),
        )
    # 2.
    joined = await services.hub.join(
        statement=statement, replaced=(folder / REPLACED).read_text("ascii").strip(), admission=None
    )
    prove_entry(entry=joined.entry, tlog_proof=joined.tlog_proof, log=services.log)
    directory = await services.directory.refresh(services.hub, at=now)
    check_stated(directory, services.settings.oin, statement=statement)
    # 3.
    _activate(services.settings.keys, home=services.settings.home, now=now)
    print(f"De sleutels zijn vervangen (logregel {joined.index}). Start de dienst weer.")
    print(f"The keys are replaced (log index {joined.index}). Start the service again.")


def _prepare(services: Services, folder: Path, *, before: Statement, revoke: bool, now: datetime) -> None:
    """Draw the keys and sign the statement; the signature of the replaced key comes last and says that all is there."""
    make_private_folder(folder)
    for path in folder.iterdir():
        path.unlink()
    randomness, old = services.randomness, services.keys
    signing = SigningKey.generate(SignatureAlgorithm(old.signing.alg), randomness=randomness)
    sealing = SealingPrivateKey.generate(randomness=randomness)
    payload = statement_to_payload(
        Statement(
            oin=services.settings.oin,
            id=new_message_id(at=now, randomness=randomness),
            # A statement is later than the one before it, also within the same second.
            issued_at=max(int(now.timestamp()), before.issued_at + 1),
            signing_key=signing.public,
            sealing_key=sealing.public,
            witness_key=before.witness_key,
            notify=before.notify,
            revoked=_names(old) if revoke else (),
        )
    )
    write_private_file(folder / SIGNING, signing.to_pem())
    write_private_file(folder / SEALING, sealing.to_seed())
    stated = sign_jws(payload, typ=TokenType.PARTICIPANT, key=signing)
    write_private_file(folder / STATEMENT, stated.encode())
    replaced = sign_jws(payload, typ=TokenType.PARTICIPANT, key=old.signing)
    write_private_file(folder / REPLACED, replaced.encode())


def _names(keys: Keys) -> tuple[Thumbprint, ...]:
    return (keys.signing.public.thumbprint, keys.sealing.public.kid)


def _activate(keys: Path, *, home: Path, now: datetime) -> None:
    """Put the new keys in their places; each move can be the last before a crash."""
    folder = keys / NEXT
    old = load_keys(keys)
    kept = keys / f"sealing-{old.sealing.public.kid.value[:16]}.seed"
    if (folder / SEALING).exists():
        if not kept.exists():
            write_private_file(kept, old.sealing.to_seed())
        (folder / SEALING).replace(keys / SEALING)
    if (folder / SIGNING).exists():
        (folder / SIGNING).replace(keys / SIGNING)
    if (folder / STATEMENT).exists():
        (folder / STATEMENT).replace(home / STATEMENT)
    (folder / REPLACED).unlink()
    folder.rmdir()
    for path in keys.glob("sealing-*.seed"):
        if path != kept and now.timestamp() - path.stat().st_mtime > KEEP_SECONDS:
            path.unlink()
