"""`log accept`: take the log that continues the pinned one, by the statement that its operator signed.

1. the statement is about the pinned log, signed by the new key, and by the old one or by the registrar
2. it continues what this connector saw of the old log; what of that is lost is shown
3. a person who compared the new key with a second source says yes
4. the new log is the one of the statement, and knows of every organisation what the old one knew
5. statement, last checkpoint and a policy of the old log are kept; then the journal goes on with the new log
6. the new key is pinned in `connector.toml`

Interrupted anywhere, the same command goes on from there. Until 5 nothing of the connector has changed.
"""

import asyncio
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from audit.continuation import Continuation, Voucher, parse_continuation, verify_continuation
from audit.note import NoteKey, parse_note
from audit.policy import policy_text
from connectors.agent.continuing import LOG, Moved, carry_over, last_seen, move_to, own_entries
from connectors.agent.directory import CHECKPOINT
from connectors.agent.disk import Disk
from connectors.agent.journal import Journal
from connectors.agent.lock import AlreadyRunningError, locked
from connectors.cli.common import EXIT_REFUSED, CommandError, pinned_log, pinned_registrar, read_file
from connectors.cli.connecting import connected
from connectors.sdk.continuing import check_continues, needs_proof
from connectors.settings import SETTINGS_FILE, Settings, load_settings, parse_settings
from schemas.canonical import b64url_decode, parse_json
from schemas.clock import SystemClock
from schemas.errors import DocumentError

FORMER: Final = "former-logs"
STATEMENT: Final = "statement.txt"
LAST_CHECKPOINT: Final = "checkpoint.txt"
POLICY: Final = "policy.txt"


def accept(home: Path, statement: Path, *, proof: Path | None, confirmed: bool) -> int:
    """Take a continued log.

    Returns:
        Exit code: 0 taken, or taken before; 1 shown and not confirmed.

    Raises:
        CommandError: The service runs, or something is needed first.
        ExchangeError: The statement, or the log that it is about, does not hold.
    """
    data = read_file(statement)
    try:
        with locked(home):
            return asyncio.run(_accept(load_settings(home), data, proof=proof, confirmed=confirmed))
    except AlreadyRunningError as error:
        raise CommandError(
            "stop eerst de dienst (`ketenhub-connector run`), en start hem daarna weer",
            "stop the service (`ketenhub-connector run`) first, and start it afterwards",
        ) from error


async def _accept(settings: Settings, data: bytes, *, proof: Path | None, confirmed: bool) -> int:
    pinned, now = pinned_log(settings), SystemClock().now()
    if parse_continuation(parse_note(data)).successor == pinned:
        print(f"{pinned.name} is al het vastgelegde log.\n{pinned.name} is the pinned log already.")
        return 0
    # 1.
    continuation, vouchers = verify_continuation(data, pinned=pinned, registrar=pinned_registrar(settings))
    pinning = repinned(_settings_text(settings), settings=settings, old=pinned, new=continuation.successor)
    journal = Journal(settings.journal)
    try:
        if journal.meta(LOG) != continuation.successor.vkey:
            # 2.
            lost = _check(journal, continuation, proof=proof)
            _show(journal, continuation, vouchers, lost=lost)
            # 3.
            if not confirmed:
                print("\nEr is niets veranderd. Vergelijk de nieuwe sleutel met een tweede bron, dan `--yes`.")
                print("Nothing was changed. Compare the new key with a second source, then `--yes`.")
                return EXIT_REFUSED
            _tell(await _move(settings, journal, continuation, data=data, at=now))
    finally:
        journal.close()
    # 6.
    Disk().put(settings.home / SETTINGS_FILE, pinning)
    print(f"Vastgelegd: {continuation.successor.vkey}. Start de dienst weer.")
    print(f"Pinned: {continuation.successor.vkey}. Start the service again.")
    return 0


def repinned(text: str, *, settings: Settings, old: NoteKey, new: NoteKey) -> bytes:
    """Return `connector.toml` with another log key and every other character as it was.

    Raises:
        CommandError: The key does not stand there as `log_vkey = "…"`, once.
    """
    pattern = re.compile(rf"""^(\s*log_vkey\s*=\s*)(["']){re.escape(old.vkey)}\2""", re.MULTILINE)
    changed, count = pattern.subn(lambda found: f'{found[1]}"{new.vkey}"', text)
    if count != 1 or parse_settings(changed, home=settings.home).hub.log_vkey != new.vkey:
        raise CommandError(
            'in connector.toml staat de logsleutel niet als één regel `log_vkey = "…"`; schrijf hem eerst zo',
            'connector.toml does not have the log key as one line `log_vkey = "…"`; write it so first',
        )
    return changed.encode()


def _settings_text(settings: Settings) -> str:
    return (settings.home / SETTINGS_FILE).read_bytes().decode()


def _check(journal: Journal, continuation: Continuation, *, proof: Path | None) -> range:
    """Step 2; where a consistency proof is needed and is not there, say how the operator makes it."""
    last = last_seen(journal, log=continuation.predecessor)
    hashes: Sequence[bytes] = ()
    if last is not None and needs_proof(continuation, last=last):
        command = f"ketenhub log consistency --from {last.size} --to {continuation.provable.size}"
        if proof is None:
            raise CommandError(
                "deze connector was weg toen het oude log doorging. Vraag de beheerder van de hub om"
                f" `{command}`, en geef wat dat schrijft als `--consistency BESTAND`",
                "this connector was away when the old log went on. Ask the hub's operator for"
                f" `{command}`, and give what that writes as `--consistency FILE`",
            )
        hashes = _hashes(proof, sizes=(last.size, continuation.provable.size))
    return check_continues(continuation, last=last, proof=hashes)


def _hashes(path: Path, *, sizes: tuple[int, int]) -> tuple[bytes, ...]:
    """Read a consistency proof as the hub's API and `ketenhub log consistency` write it."""
    proof = parse_json(read_file(path))
    hashes = proof.get("hashes") if isinstance(proof, dict) else None
    if not isinstance(proof, dict) or not isinstance(hashes, list) or (proof.get("from"), proof.get("to")) != sizes:
        raise DocumentError(f"not a consistency proof from {sizes[0]} to {sizes[1]}", code="hub.continuation.proof")
    return tuple(b64url_decode(each if isinstance(each, str) else "=") for each in hashes)


def _show(journal: Journal, continuation: Continuation, vouchers: frozenset[Voucher], *, lost: range) -> None:
    """Say in words what the statement says, who vouches for it, and what of ours is lost."""
    by = {
        frozenset({Voucher.PREDECESSOR}): ("de oude logsleutel", "the old log key"),
        frozenset({Voucher.REGISTRAR}): ("de registrar", "the registrar"),
    }.get(vouchers, ("de oude logsleutel en de registrar", "the old log key and the registrar"))
    print("\n".join(continuation.words))
    print(f"  ondertekend door de nieuwe sleutel en {by[0]} / signed by the new key and {by[1]}")
    if not lost:
        print("Van wat deze connector van het oude log zag, is niets verloren.")
        print("Nothing is lost of what this connector saw of the old log.")
        return
    own = own_entries(journal, among=lost)
    first, last = lost[0], lost[-1]
    print(f"Deze connector zag de logregels {first} tot en met {last}; die zijn verloren. Van ons daarvan: {len(own)}")
    print(f"This connector saw the entries {first} to {last}, which are lost. Of these ours: {len(own)}")
    for each in own:
        print(f"  {each.index}  {each.kind}  {each.about}")


async def _move(
    settings: Settings, journal: Journal, continuation: Continuation, *, data: bytes, at: datetime
) -> Moved:
    """Steps 4 and 5."""
    registrar = pinned_registrar(settings)
    async with connected(settings, None) as hub:
        trial = await carry_over(journal, continuation, oin=settings.oin, registrar=registrar, hub=hub, at=at)
    try:
        folder = settings.home / FORMER / continuation.predecessor.key_id.hex()
        folder.mkdir(parents=True, exist_ok=True)
        policy = policy_text(logs=(continuation.predecessor,), registrars=(registrar,))
        kept = {STATEMENT: data, LAST_CHECKPOINT: (journal.meta(CHECKPOINT) or "").encode(), POLICY: policy.encode()}
        for name, content in kept.items():
            Disk().put(folder / name, content)
        return move_to(journal, continuation, trial=trial)
    finally:
        trial.close()


def _tell(moved: Moved) -> None:
    print(f"\nOpnieuw aangeboden worden {moved.submitted} berichten, opnieuw opgehaald {moved.collected}.")
    print(f"{moved.submitted} messages are submitted again, {moved.collected} are collected again.")
