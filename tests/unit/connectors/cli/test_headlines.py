"""What a command says when it cannot be done: Dutch first, English second, whoever must act."""

import pytest

from connectors.cli.common import EXIT_EVIDENCE, EXIT_REFUSED, EXIT_UNAVAILABLE, run
from schemas.errors import DocumentError, EvidenceError, ExchangeError, Issue, UnavailableError

ISSUE = Issue(
    pointer="/givers", code="sender.consent.givers", text="the parent is missing", text_nl="de ouder ontbreekt"
)


def _raise(error: Exception) -> int:
    raise error


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (
            DocumentError("this consent would never count", code="sender.consent.refused", issues=[ISSUE]),
            EXIT_REFUSED,
            [
                "fout: deze toestemming zou nooit gelden (sender.consent.refused)",
                "error: this consent would never count (sender.consent.refused)",
                "  /givers: de ouder ontbreekt / the parent is missing",
            ],
        ),
        (
            UnavailableError("the hub does not answer", code="hub.unreachable"),
            EXIT_UNAVAILABLE,
            [
                "fout: de hub is niet bereikbaar (hub.unreachable)",
                "error: the hub does not answer (hub.unreachable)",
            ],
        ),
        (
            EvidenceError("the log is another", code="hub.log.origin"),
            EXIT_EVIDENCE,
            [
                (
                    "fout: het log van de hub klopt niet; vertrouw dit niet, en bel de beheerder van de hub"
                    " (hub.log.origin)"
                ),
                "error: the log is another (hub.log.origin)",
            ],
        ),
    ],
    ids=["refused", "unavailable", "evidence"],
)
def test_a_refusal_is_said_in_dutch_and_then_in_english(
    error: ExchangeError, code: int, lines: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(lambda: _raise(error)) == code
    assert capsys.readouterr().err.splitlines() == lines


def test_a_file_that_cannot_be_read_is_said_in_dutch_first(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(lambda: _raise(PermissionError(13, "Permission denied"))) == EXIT_REFUSED
    first, second, *_ = capsys.readouterr().err.splitlines()
    assert first.startswith("fout: een bestand kan niet worden gelezen")
    assert second.startswith("error: a file cannot be read")
