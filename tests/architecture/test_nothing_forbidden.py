"""What must never stand in the tree: people, places of a machine, secrets, and where packages come from."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

import pytest

from tests.support.tree import REPOSITORY, texts

OIN_TEST_PREFIX: Final = "00000099"
BSN_TEST_PREFIX: Final = "9999"
BSN_UNKNOWN: Final = "000000000"
"""What CBS writes for an unknown BSN: it passes the 11-test and is nobody's."""

_OIN: Final = re.compile(r"(?<![0-9A-Za-z])[0-9]{20}(?![0-9A-Za-z])")
_BSN: Final = re.compile(r"(?<![0-9A-Za-z_.-])[0-9]{9}(?![0-9A-Za-z_])")
_WEIGHTS: Final = (9, 8, 7, 6, 5, 4, 3, 2, -1)

_HERE: Final = re.escape(str(REPOSITORY)) if len(REPOSITORY.parts) > 2 else "(?!)"
"""Where this checkout lies. A folder right below the root is not looked for: any JSON pointer may be written alike."""

FORBIDDEN: Final = {
    "a path of somebody's machine": re.compile(
        rf"/home/[a-z]|/Users/[A-Za-z]|/root/[\w.]|[A-Z]:\\Users\\|{_HERE}(?![\w.-])", re.ASCII
    ),
    "a package registry": re.compile(
        r"pypi\.org|pythonhosted\.org|index[-]url|find[-]links|registry\.npmjs|docker\.io/|ghcr\.io/|proxy\.golang\.org"
    ),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]"),
    "work that was left lying": re.compile(r"(?:#|<!--)[^\n]*\b(?:T[O]DO|F[I]XME|X[X]X|H[A]CK)\b"),
}


def findings(pattern: "re.Pattern[str]", named: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield `path:line: text` for each hit."""
    for path, text in named:
        for hit in pattern.finditer(text):
            yield f"{path}:{text.count(chr(10), 0, hit.start()) + 1}: {hit[0]}"


def passes_11_test(digits: str) -> bool:
    """Whether nine digits could be somebody's BSN."""
    return sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True)) % 11 == 0


@pytest.mark.parametrize("what", FORBIDDEN)
def test_the_tree_does_not_hold(what: str) -> None:
    """Nothing that belongs to one machine, one person or one moment of the work."""
    assert list(findings(FORBIDDEN[what], texts())) == []


def test_every_number_that_could_be_a_bsn_is_a_test_number() -> None:
    """Nine digits that pass the 11-test begin with 9999, the range that is given to nobody."""
    wrong = [
        found
        for found in findings(_BSN, texts())
        if passes_11_test(found[-9:]) and not found[-9:].startswith(BSN_TEST_PREFIX) and found[-9:] != BSN_UNKNOWN
    ]
    assert wrong == []


def test_every_oin_is_a_test_number() -> None:
    """Twenty digits begin with 00000099, the range of test organisations."""
    assert [found for found in findings(_OIN, texts()) if not found[-20:].startswith(OIN_TEST_PREFIX)] == []


def test_the_patterns_find_what_they_are_for() -> None:
    """A search that finds nothing anywhere would pass too."""
    samples = {
        "a path of somebody's machine": "see /home" + "/jan/x",
        "a package registry": "from pypi" + ".org",
        "a private key": "-----BEGIN PRIVATE" + " KEY-----\nMC4",
        "work that was left lying": "x = 1  # TO" + "DO: later",
    }
    assert {what for what, text in samples.items() if FORBIDDEN[what].search(text)} == set(FORBIDDEN)
    assert passes_11_test("999911120")
    assert not passes_11_test("999911121")
    assert _BSN.findall("bsn 999911120, not 9999111201") == ["999911120"]
    assert _OIN.findall("urn:nld:oin:00000099000000001000") == ["00000099000000001000"]
