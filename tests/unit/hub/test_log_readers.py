"""Who may read which entry of the log."""

from audit.entries import EntryDraft, finalise_entry, parse_entry
from hub.web.log import may_read
from schemas.canonical import b64url
from schemas.codes import EntryKind
from tests.support.connector_world import GI, World

BEGINNING = EntryDraft(
    kind=EntryKind.CONTINUATION,
    id="0" * 32,
    pad=bytes(16),
    predecessor="hub.ketenhub.test/log/0",
    root=b64url(bytes(32)),
    provable=0,
    published=0,
)


def test_everybody_may_read_how_a_log_began() -> None:
    """Who joins a log that continues another never saw the statement that says so."""
    entry = finalise_entry(BEGINNING, index=0, time=1, newest_participant=None, kept=())
    assert may_read(parse_entry(entry.text), World().participant(GI))
