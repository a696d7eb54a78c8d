"""Every package explains itself, every decision record is whole, and what a document points at is there."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.commands import FENCE
from tests.support.tree import PACKAGES, REPOSITORY, files, relative, texts

ROOT_DOCUMENTS: Final = ("README.md", "ARCHITECTURE.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE")
FOLDERS_WITH_README: Final = (*PACKAGES, "deploy/local", "tests")
RECORD_PARTS: Final = ("Drivers", "Options", "Outcome", "Cost")

_LINK: Final = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE: Final = re.compile(r"`([^`\n]+)`")
_PATH: Final = re.compile(rf"(?:{'|'.join((*PACKAGES, 'tests'))})/[A-Za-z0-9_./-]+")
_NUMBERS: Final = r"([0-9]+(?:(?:,| and| to)\s+[0-9]+)*)"
_ARCHITECTURE_CITED: Final = re.compile(rf"the\s+architecture,\s+sections?\s+{_NUMBERS}")
_PASSAGE_CITED: Final = re.compile(r'the\s+architecture,\s+section\s+[0-9]+,\s+"([^"]+)"')
_DOMAIN_CITED: Final = re.compile(rf"DOMAIN(?:\.md,\s+sections?)?\s+{_NUMBERS}")
_MADE_BY_RUNNING: Final = ("hub/keys", "hub/guard")


def prose(text: str) -> str:
    """Return a document without its fenced blocks."""
    return FENCE.sub("", text)


def records() -> Iterator[Path]:
    """Yield every decision record."""
    return (path for path in files(".md") if path.parent.name == "decisions")


def test_the_documents_of_the_root_are_there() -> None:
    """A reader, a reporter of a leak, a contributor and an upgrader each find their page."""
    assert [name for name in ROOT_DOCUMENTS if not (REPOSITORY / name).is_file()] == []


def test_every_package_has_a_readme_with_a_title() -> None:
    """The model, an example, and who is trusted with what: at least it is there and begins with a title."""
    wrong = [
        folder
        for folder in FOLDERS_WITH_README
        if not (path := REPOSITORY / folder / "README.md").is_file() or not path.read_text("utf-8").startswith("# ")
    ]
    assert wrong == []


def test_every_package_says_who_is_trusted_with_what() -> None:
    """Trust is part of the model of each package of the product."""
    wrong = [
        package
        for package in PACKAGES
        if package != "deploy" and "trusted with" not in (REPOSITORY / package / "README.md").read_text("utf-8")
    ]
    assert wrong == []


def test_every_decision_record_has_its_parts() -> None:
    """What drove it, what else was possible, what was chosen, what it costs."""
    wrong = {
        relative(path): missing
        for path in records()
        if (missing := [part for part in RECORD_PARTS if f"\n**{part}.**" not in path.read_text("utf-8")])
    }
    assert wrong == {}


def test_every_decision_record_is_numbered() -> None:
    """The name is number and decision; the title repeats the number; no number is used twice or left out."""
    found: dict[str, list[int]] = {}
    wrong = []
    for path in records():
        name = re.fullmatch(r"([0-9]{4})(?:-[a-z0-9]+)+\.md", path.name)
        title = re.match(r"# 0*([0-9]+)[.:] \S", path.read_text("utf-8"))
        if name is None or title is None or int(name[1]) != int(title[1]):
            wrong.append(relative(path))
        else:
            found.setdefault(relative(path.parent), []).append(int(name[1]))
    assert wrong == []
    assert {folder: numbers for folder, numbers in found.items() if numbers != list(range(1, len(numbers) + 1))} == {}


def test_every_link_leads_somewhere() -> None:
    """A link within the repository names a file or folder that is there."""
    wrong = []
    for name, text in texts(".md"):
        for target in _LINK.findall(prose(text)):
            path = target.partition("#")[0]
            if path and "://" not in path and not (REPOSITORY / name).parent.joinpath(path).exists():
                wrong.append(f"{name}: {target}")
    assert wrong == []


def test_every_path_in_a_document_is_there() -> None:
    """A path in code type, such as `audit/proofs.py`, is one of the repository's."""
    wrong = [
        f"{name}: {code}"
        for name, text in texts(".md")
        for code in _CODE.findall(prose(text))
        if _PATH.fullmatch(code) and not code.startswith(_MADE_BY_RUNNING) and not (REPOSITORY / code).exists()
    ]
    assert wrong == []


def test_the_changelog_has_its_form() -> None:
    """Keep a Changelog: newest first, `Unreleased` at the top, known headings only."""
    text = (REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    versions = re.findall(r"^## \[([^\]]+)\]", text, re.MULTILINE)
    headings = set(re.findall(r"^### (.+)$", text, re.MULTILINE))
    assert versions[:1] == ["Unreleased"]
    assert headings <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
    assert headings


def test_every_section_that_the_code_cites_is_there() -> None:
    """Whoever reads "the architecture, section 6" or "DOMAIN 4" in the code can open it."""
    architecture = (REPOSITORY / "ARCHITECTURE.md").read_text("utf-8")
    sources = {name: text for name, text in texts(".py", ".toml", ".sql") if not name.startswith("tests/")}

    def cited(pattern: re.Pattern[str]) -> set[str]:
        return {
            found for text in sources.values() for each in pattern.findall(text) for found in re.split(r"\D+", each)
        }

    def titled(document: str) -> set[str]:
        return set(re.findall(r"^## ([0-9]+)\. ", document, re.MULTILINE))

    passages = {passage for text in sources.values() for passage in _PASSAGE_CITED.findall(text)}
    named = set(re.findall(r"^(?:- )?(?:\*\*|### )([^*\n]+?)\.?(?:\*\*|$)", architecture, re.MULTILINE))
    assert {"3", "4", "6"} <= cited(_ARCHITECTURE_CITED) <= titled(architecture)
    assert {"3", "4"} <= cited(_DOMAIN_CITED) <= titled((REPOSITORY / "schemas" / "DOMAIN.md").read_text("utf-8"))
    assert {"Labels tell too", "Way back"} <= passages <= named
