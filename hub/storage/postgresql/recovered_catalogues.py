"""What is written about the catalogue of grounds when a log is refilled: boards, steps, what came into force, texts.

Boards and steps are documents that entries commit to: without them the log cannot go on. Of the texts only that of the
catalogue in force is needed; the others are written where somebody handed them in.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from audit.entries import BOARD, DEFINITIONS, GROUNDS, Entry
from hub.storage.postgresql.connection import Call, HubConnection
from hub.storage.postgresql.queries import queries
from schemas.board import CatalogueStep, parse_step
from schemas.codes import TokenType
from schemas.errors import EvidenceError, ExchangeError
from schemas.jws import parse_jws

_CODE: Final = "hub.recovery.impossible"


def catalogue_writes(entry: Entry, *, index: int, signed: str | None, texts: Mapping[str, bytes]) -> Iterator[Call]:
    """Write the rows of a refilled CATALOGUE entry.

    Args:
        entry: The entry.
        index: Its place.
        signed: The document that it commits to: a board, a step, or the proposal that came into force.
        texts: What was handed in, by digest.
    """
    if entry.id in (GROUNDS, DEFINITIONS):
        yield (
            queries.insert_catalogues,
            {
                "indexes": [index],
                "documents": [entry.id],
                "digests": [entry.catalogue],
                "versions": [entry.version],
            },
        )
        yield from _texts_of(entry.catalogue, texts=texts)
    elif entry.id == BOARD:
        yield queries.insert_boards, {"ids": [entry.version], "indexes": [index], "tokens": [signed]}
    else:
        step = _step(signed or "", index=index)
        yield (
            queries.insert_catalogue_steps,
            {
                "ids": [entry.id],
                "indexes": [index],
                "proposals": [(step.proposal or step.id).value],
                "digests": [entry.request],
                "tokens": [signed],
            },
        )
        yield from _texts_of(step.enactment.digest, step.result, texts=texts)


async def check_text_in_force(connection: HubConnection) -> None:
    """Check that the text of the catalogue in force is there, in the transaction that refilled the log.

    Raises:
        EvidenceError: It is not: nothing could be decided.
    """
    (newest,) = await connection.run([(queries.newest_catalogues, {})])
    digest = next((digest for document, digest in newest.rows if document == GROUNDS), None)
    if digest is None:
        return
    (found,) = await connection.run([(queries.document, {"digest": digest})])
    if not found.rows:
        text = f"nobody handed in the text of the catalogue in force, whose SHA-256 is `{digest}`"
        raise EvidenceError(f"{text}: every connector that follows it has it as a file", code=_CODE)


def _step(token: str, *, index: int) -> CatalogueStep:
    try:
        return parse_step(parse_jws(token, typ=TokenType.CATALOGUE_STEP).payload)
    except ExchangeError as error:
        raise EvidenceError(f"the document of entry {index} is no step of the board", code=_CODE) from error


def _texts_of(*digests: str | None, texts: Mapping[str, bytes]) -> Iterator[Call]:
    found = [digest for digest in digests if digest is not None and digest in texts]
    if found:
        yield queries.insert_documents, {"digests": found, "texts": [texts[digest] for digest in found]}
