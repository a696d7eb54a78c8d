"""The floor: a handler that verifies one signature and commits the bytes by the same group commit, and nothing else.

    python -m tests.performance.floor --database URL --guard FOLDER --port N

It is to a hub what an empty room is to a house: the same web server, the same sequencer with its checkpoint and its
guard, the same tables. It does not read the message, knows no rules, and takes the sender from a header.
"""

import argparse
import asyncio
import gc
import signal
from pathlib import Path
from typing import Final

from aiohttp import web

from audit.entries import EntryDraft
from audit.note import NoteSigner
from audit.records import token_digest
from hub.changes import LogMember, SubmissionAccepted
from hub.storage.postgresql.database import Database, open_database
from hub.storage.postgresql.migrate import migrate
from schemas.canonical import b64url_decode
from schemas.clock import SystemClock
from schemas.codes import EntryKind
from schemas.identifiers import OIN, CaseId, Thumbprint
from schemas.randomness import SystemRandomness, new_message_id
from tests.performance.pairs import HUB, pair

_TOKEN_FROM: Final = len('{"message":"')
_CASE: Final = CaseId("0" * 32)
_KID: Final = Thumbprint("k" * 42 + "A")
_RANDOMNESS: Final = SystemRandomness()
_CLOCK: Final = SystemClock()


def make_handler(database: Database) -> web.Application:
    """Make the floor's application."""

    async def take(request: web.Request) -> web.Response:
        body = await request.read()
        signer = pair(int(request.headers["X-Pair"])).sender
        token = body[_TOKEN_FROM : body.index(b'"', _TOKEN_FROM)]
        signing_input, _, signature = token.rpartition(b".")
        signer.signing.public.verify(signature=b64url_decode(signature.decode()), data=signing_input)
        appended = await database.log.append(_member(body, token=token.decode(), sender=signer.oin))
        return web.json_response({"index": appended.index}, status=202)

    app = web.Application()
    app.router.add_post("/floor", take)
    return app


def _member(body: bytes, *, token: str, sender: OIN) -> LogMember:
    """Make the smallest member that carries bytes."""
    at = _CLOCK.now()
    message_id = new_message_id(at=at, randomness=_RANDOMNESS)
    return LogMember(
        draft=EntryDraft(
            kind=EntryKind.REFUSAL,
            id=message_id.value,
            sender=sender,
            message=token_digest(token),
            pad=_RANDOMNESS.bytes(16),
        ),
        shown=None,
        kept=(),
        watches=frozenset(),
        touches=frozenset(),
        change=SubmissionAccepted(
            id=message_id,
            jws="",
            sender=sender,
            recipient=sender,
            type="",
            purpose="",
            case=_CASE,
            reply_to=None,
            issued_at=0,
            pickup_by=0,
            sealing_kid=_KID,
            sealed_key=b"",
            elements={0: body},
            hashes=b"",
            tags=(),
            trace_id="",
        ),
    )


async def serve(*, database_url: str, guard: Path, port: int) -> None:
    """Serve the floor until SIGTERM."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    signer = NoteSigner.from_seed(name=f"{HUB}/log/1", seed=_RANDOMNESS.bytes(32))
    async with open_database(database_url, signer=signer, guard_folder=guard, clock=_CLOCK) as database:
        runner = web.AppRunner(make_handler(database), handle_signals=False, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        gc.collect()
        gc.freeze()
        await stop.wait()
        await runner.cleanup()


def main() -> None:
    """Migrate and serve."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--database", required=True)
    parser.add_argument("--guard", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    migrate(options.database)
    serving = serve(database_url=options.database, guard=options.guard, port=options.port)
    try:
        import uvloop  # not on every platform
    except ImportError:
        asyncio.run(serving)
    else:
        uvloop.run(serving)


if __name__ == "__main__":
    main()
