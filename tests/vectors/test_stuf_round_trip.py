"""What goes through the format is valid by the published schemas and says the same thing."""

from connectors.formats.stuf import read_stuf, write_stuf
from connectors.formats.stuf.examples import notification_example, vto_example
from tests.support.stuf_xsd import what_it_says, xsd_errors


def test_an_example_request_is_valid_and_comes_back_saying_the_same() -> None:
    """The thin message: one child, its mother, three attachments."""
    sent = vto_example()
    written = write_stuf(read_stuf(sent))

    assert xsd_errors(sent) == []
    assert xsd_errors(written) == []
    assert what_it_says(sent) == what_it_says(written)


def test_an_example_notification_is_valid_and_comes_back_saying_the_same() -> None:
    """The answer to the thin message."""
    sent = notification_example()
    written = write_stuf(read_stuf(sent))

    assert xsd_errors(sent) == []
    assert xsd_errors(written) == []
    assert what_it_says(sent) == what_it_says(written)
