"""What is read of a log that stands still: without guard, without key, without appending.

A log that cannot go on stays with its operator, to prove from. These read it, and the first entry of the one that
continues it, whatever the guard says.
"""

from audit.proofs import make_consistency_proof
from hub.storage.postgresql.connection import open_pool, read
from hub.storage.postgresql.nodes import from_tiles
from hub.storage.postgresql.queries import queries


async def first_entry(conninfo: str) -> str | None:
    """Return the exact text of a log's first entry; None if it has none.

    Raises:
        UnavailableError: The database could not be reached.
    """
    async with open_pool(conninfo, size_max=1) as pool:
        (result,) = await read(pool, lambda connection: connection.run([(queries.entries, {"start": 0, "until": 1})]))
    return result.rows[0][0] if result.rows else None


async def prove_consistency(conninfo: str, *, size: int, until: int) -> tuple[bytes, ...]:
    """Prove that the first `size` entries of a log are the beginning of its first `until` ones.

    Nothing is checked about the roots: whoever gets the proof has both, signed.

    Raises:
        EvidenceError: The database does not have so many entries.
        UnavailableError: The database could not be reached.
        ValueError: There is no proof between these sizes.
    """
    async with open_pool(conninfo, size_max=1) as pool:
        return await read(
            pool,
            lambda connection: from_tiles(
                connection,
                size=until,
                make=lambda hash_at: make_consistency_proof(size1=size, size2=until, hash_at=hash_at),
            ),
        )
