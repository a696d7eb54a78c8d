"""Every code that can reach a person has a Dutch text; the sources are walked, so that a new one is missed at once."""

import ast
import re
from pathlib import Path

import pytest

from connectors.sdk.dutch import FAMILIES, TEXTS, headline, in_dutch, trouble_text
from schemas.errors import ExchangeError, Issue, RejectedMessageError, UnavailableError

ROOT = Path(__file__).parents[4]
CODE = re.compile(r"(sender|recipient|hub)(\.[a-z0-9]+(-[a-z0-9]+)*)+")
OPERATORS = (
    # What only who runs a hub, admits, or sits on the board sees, at a terminal of their own and in English.
    "audit/cli",
    "consent/cli",
    "hub/bootstrap.py",
    "hub/cli",
    "hub/keys.py",
    "hub/settings.py",
    "hub/storage/postgresql/migrate.py",
    "hub/storage/postgresql/recovery.py",
    "hub/storage/postgresql/recovered_catalogues.py",
    "hub/worker",
)
NO_CODES = frozenset({"hub.invalid", "hub.storage.postgresql"})
"""Names of a package and of a made-up host, which look like codes."""


def codes() -> dict[str, str]:
    """Every literal in the sources that looks like a code, with a file where it stands."""
    found: dict[str, str] = {}
    for package in ("audit", "connectors", "consent", "hub", "schemas"):
        for path in sorted((ROOT / package).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if not name.startswith(OPERATORS) and name != "connectors/sdk/dutch.py":
                found |= dict.fromkeys(_codes(path), name)
    return found


def _codes(path: Path) -> set[str]:
    literals = (node.value for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Constant))
    return {text for text in literals if isinstance(text, str) and CODE.fullmatch(text)} - NO_CODES


def test_every_code_in_the_sources_has_a_dutch_text() -> None:
    found = codes()
    assert len(found) > 250
    missing = {code: name for code, name in found.items() if code not in TEXTS and not code.startswith(tuple(FAMILIES))}
    assert missing == {}


def test_texts_are_lower_case_and_without_full_stop() -> None:
    for text in (*TEXTS.values(), *FAMILIES.values()):
        assert (text[0].islower(), text.endswith(".")) == (True, False), text


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("recipient.message.recalled", "de afzender heeft dit bericht teruggenomen"),
        ("sender.jwk.alg", "een sleutel heeft niet de goede vorm; meld dit aan de beheerder van de software"),
        ("sender.tomorrow.unknown", "de afzender moet iets doen"),
        ("hub.tomorrow", "de beheerder van de hub moet iets doen"),
        ("nonsense", "dit is geweigerd"),
    ],
)
def test_a_code_says_in_dutch_what_it_is(code: str, text: str) -> None:
    assert in_dutch(code) == text


def test_what_holds_something_up_is_said_by_its_findings_in_dutch_first() -> None:
    issue = Issue(pointer="", code="recipient.decision.consent-withdrawn", text="withdrawn", text_nl="ingetrokken")
    error = RejectedMessageError("nothing may go", code="recipient.decision.denied", issues=[issue, issue])
    assert trouble_text(error) == "recipient.decision.denied: ingetrokken / withdrawn"
    assert headline(error) == ("van dit bericht mag niets meer naar deze ontvanger", "nothing may go")
    unreached = UnavailableError("the hub is away", code="hub.unreachable")
    assert trouble_text(unreached) == "hub.unreachable: de hub is niet bereikbaar / the hub is away"


def test_a_finding_in_one_language_is_said_in_that_one() -> None:
    error = ExchangeError("x", issues=[Issue(pointer="", code="hub.failed", text="only english")])
    assert trouble_text(error) == "hub.failed: only english / only english"
