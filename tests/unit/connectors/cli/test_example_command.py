"""`ketenhub-connector example`: a FHIR bundle of every message type, from the organisation of this connector."""

from pathlib import Path

import pytest

from connectors.cli.main import main
from connectors.formats.fhir import FhirFormat
from connectors.formats.fhir.examples import EXAMPLE_TYPES
from tests.support.example_messages import QUESTION_ID

TO = ["--to", "00000099000000003000"]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home that was made and has joined nothing."""
    arguments = "--oin 00000099000000001000 --name X --role gemeente --hub-name hub.example.nl --hub http://127.0.0.1:1"
    assert main(["init", "--home", str(tmp_path), *arguments.split()]) == 0
    return tmp_path


@pytest.mark.parametrize("message_type", EXAMPLE_TYPES)
def test_a_bundle_of_each_type_is_printed(
    home: Path, message_type: str, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    capfdbinary.readouterr()
    options = ["--message", QUESTION_ID, "--purpose", "VRIJW", "--recipient-capacity", "preventief"]
    assert main(["example", message_type, "--home", str(home), *TO, *options]) == 0
    document = FhirFormat().read(capfdbinary.readouterr().out)
    assert (document.type, document.sender.organisation) == (message_type, "00000099000000001000")
    assert (document.receiver.organisation, document.purpose) == ("00000099000000003000", "VRIJW")


def test_what_is_about_another_message_asks_which(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["example", "correctie", "--home", str(home), *TO]) == 1
    assert "`--message`" in capfd.readouterr().err


def test_of_what_there_is_no_example_the_others_are_named(home: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["example", "roddel", "--home", str(home), *TO]) == 1
    assert "raadsrapport" in capfd.readouterr().err
