"""Taking back a message that was not picked up, for people and for systems."""

from connectors.agent.recording import Unsigned, new_record_id, seconds
from connectors.agent.refusals import refused
from connectors.agent.services import Services
from schemas.identifiers import MessageId
from schemas.requests import RecallClaims, RecallReason, recall_to_payload


def recall_of(services: Services, message: MessageId, *, reason: RecallReason) -> Unsigned:
    """Make what takes a message of ours back; what was picked up stays, and the hub's answer says who has it.

    Raises:
        DocumentError: This connector sent no such message.
    """
    row = services.journal.row("SELECT id FROM submissions WHERE id = ? AND log_index IS NOT NULL", message.value)
    if row is None:
        raise refused(
            "this connector sent no such message",
            "dit bericht is niet door deze connector verstuurd",
            code="sender.recall.unknown",
        )
    claims = RecallClaims(
        issuer=services.settings.oin,
        id=new_record_id(services),
        issued_at=seconds(services),
        hub=services.settings.hub.name,
        message_id=message,
        reason=reason,
    )
    return Unsigned(id=claims.id, payload=recall_to_payload(claims))
