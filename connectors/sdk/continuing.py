"""Whether a log that continues another continues what this connector saw of it, and what of that is lost.

The operator's statement (`audit.continuation`) names the last checkpoint under which the old log can be proved, and the
largest size it had. Held against the newest checkpoint that this connector verified:

    saw less than is provable       a proof must show that what it saw is the beginning
    saw exactly that                the roots are equal
    saw more                        what lies between is lost: this connector holds the proof that it was there
    saw more than was published     the statement makes the gap smaller than it is

Nothing is read or sent here. Source: the architecture, section 6, "Way back"; RFC 6962, section 2.1.2.
"""

from collections.abc import Sequence

from audit.checkpoint import Checkpoint
from audit.continuation import Continuation
from connectors.sdk.proving import prove_consistency
from schemas.errors import EvidenceError


def needs_proof(continuation: Continuation, *, last: Checkpoint | None) -> bool:
    """Whether a consistency proof is needed: from what was seen to what is provable."""
    return last is not None and 0 < last.size < continuation.provable.size


def check_continues(continuation: Continuation, *, last: Checkpoint | None, proof: Sequence[bytes] = ()) -> range:
    """Check that what is continued is the log that this connector saw.

    Args:
        continuation: From a verified statement.
        last: The newest checkpoint of the old log that this connector verified; None if it never saw one.
        proof: Where it is needed, the consistency proof.

    Returns:
        The indices that this connector saw in the old log and that are lost.

    Raises:
        EvidenceError: It is another log than the one that was seen, or the statement hides a part of the gap.
    """
    seen = 0 if last is None else last.size
    if seen > continuation.published:
        text = f"the statement says that the log had {continuation.published} entries, and {seen} were seen"
        raise EvidenceError(text, code="hub.continuation.understated")
    if last is not None and seen <= continuation.provable.size:
        prove_consistency(earlier=last, later=continuation.provable, proof=proof)
    return range(continuation.provable.size, max(seen, continuation.provable.size))
