"""The evidence of one received message: what an outsider needs to check it without us and without the hub.

The form, and the check, are `audit.evidence_file` and `audit.evidence`. The keys in evidence are for finding, not for
trusting.

Source: the architecture, section 6.
"""

from collections.abc import Mapping

from audit.evidence_file import Evidence, LoggedEntry, ParticipantLink, participant_links
from audit.note import NoteKey
from audit.records import Withheld
from connectors.sdk.opening import Opened
from schemas.canonical import b64url
from schemas.wire import Release


def make_evidence(
    opened: Opened,
    release: Release,
    *,
    log: NoteKey,
    links: Mapping[int, ParticipantLink],
    submission: LoggedEntry | None = None,
) -> Evidence:
    """Put together what proves a message.

    Args:
        opened: The verified content.
        release: As the hub answered.
        log: The log's pinned key.
        links: Every PARTICIPANT entry of our directory, by index.
        submission: The acceptance, where the sender changed its signing key after it.

    Raises:
        KeyError: The directory does not reach back to the beginning of the log.
    """
    key, statement = opened.sender.verification_key, opened.sender.statement_token
    assert key is not None, "an opened message was verified with a stated key"
    assert statement is not None, "an opened message was verified with a stated key"
    newest = opened.newest_participant
    return Evidence(
        sd_jwt=opened.sd_jwt,
        sender_jwk=key.to_jwk(),
        sender_statement=statement,
        admission=opened.sender.admission_token,
        log_vkey=log.vkey,
        entry=release.entry,
        tlog_proof=release.tlog_proof,
        shown=release.shown,
        shown_salt=b64url(release.shown_salt),
        withheld=tuple(Withheld(label=each.label, reasons=each.reasons) for each in opened.withheld),
        participants=participant_links(newest=newest, sender=opened.sender.oin, known=links),
        submission=submission,
    )
