"""Records by the API: signed once for a request and posted; what the hub was not reached for, the connector posts."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

from connectors.agent.handing_in import find_first, keep_claim
from connectors.agent.journal import Journal
from connectors.agent.recording import Kind, Unsigned, post_records, sign_records
from connectors.api.calls import Answer, Api, Call
from schemas.document import JSONValue
from schemas.identifiers import MessageId


async def record_once(call: Call, api: Api, *, kind: Kind, make: Callable[[], Awaitable[Sequence[Unsigned]]]) -> Answer:
    """Make, sign and post what a request records, unless it was done before.

    Args:
        call: The request.
        api: What there is to work with.
        kind: Which kind of record it is.
        make: Makes the records, or refuses.

    Returns:
        201 with the records if they are in the log; 202 if one is signed, on the disk, and posted later.

    Raises:
        ExchangeError: It is refused, here or by the hub.
    """
    services = api.services
    with api.alone(call.claim):
        first = find_first(services, call.claim)
        if first is None:
            unsigned = await make()
            ids = tuple(each.id for each in unsigned)
            at = services.clock.now()
            sign_records(
                services, unsigned, kind=kind, beside=lambda db: keep_claim(db, call.claim, records=ids, at=at)
            )
            await post_records(services, ids)
        else:
            ids = first.records
    records = [_state(services.journal, each) for each in ids]
    waits = any(each["log_index"] is None for each in records)
    return Answer(status=HTTPStatus.ACCEPTED if waits else HTTPStatus.CREATED, value={"records": [*records]})


def _state(journal: Journal, record: MessageId) -> dict[str, JSONValue]:
    row = journal.row("SELECT * FROM records WHERE id = ?", record.value)
    assert row is not None, "it was signed"
    return {
        "id": record.value,
        "state": row["state"],
        "log_index": row["log_index"],
        "waits_for": row["trouble"] if row["state"] == "signed" else None,
    }
