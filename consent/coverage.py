"""Which article of the law is carried by which row of a catalogue, and which by none.

The list of articles is data (`consent/law/jeugdwet.toml`): a number, a subject in our own words, and whether the
article speaks of an exchange. What carries an article follows from the catalogue: a row carries it if the row names it
as its basis. So each article is one of three:

- *carried*: one or more rows name it;
- *no exchange*: no row names it, and it has no organisation give data about a person to another;
- *not covered*: no row names it, though it speaks of giving data; to or from a participant, or somebody outside.

Everything in the list is our reading and marked to be confirmed by a lawyer. A row that names a chapter without an
article (`3.x`) carries no article: it is listed apart.

Source: Jeugdwet 3.1 to 7.4.5.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from consent.grounds import Catalogue, Ground, Text
from schemas.errors import DocumentError, Issue

TO_BE_CONFIRMED: Final = Text(
    nl="door een jurist te bevestigen, aan de hand van de geldende tekst",
    en="to be confirmed by a lawyer, against the text in force",
)

_NUMBER: Final = re.compile(r"[0-9]+(?:\.[0-9]+)+")
_RANGE: Final = re.compile(rf"({_NUMBER.pattern}) tot en met ({_NUMBER.pattern})")


class Exchange(StrEnum):
    """Whether the text of an article has one organisation give data about a person to another."""

    NONE = "none"
    OUTSIDE = "outside"
    BETWEEN = "between"


class Covered(StrEnum):
    """What the catalogue does with an article."""

    CARRIED = "carried"
    NO_EXCHANGE = "no-exchange"
    NOT_COVERED = "not-covered"


COVERED: Final = {
    Covered.CARRIED: Text(nl="gedragen door", en="carried by"),
    Covered.NO_EXCHANGE: Text(nl="geen uitwisseling", en="no exchange"),
    Covered.NOT_COVERED: Text(nl="niet gedekt", en="not covered"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """An article of the law.

    Attributes:
        number: As the law writes it, such as `7.3.11`.
        subject: What it is about, in our words.
        exchange: Whether it speaks of giving data to another organisation.
        note: What one should know; None if nothing.
    """

    number: str
    subject: Text
    exchange: Exchange
    note: Text | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Articles:
    """The articles of one law, in the order of their numbers.

    Attributes:
        law: Short name of the law, as catalogues write it.
        first: Number of the first one listed.
        last: Number of the last one listed.
        articles: All of them.
    """

    law: str
    first: str
    last: str
    articles: tuple[Article, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """One article and the rows that name it."""

    article: Article
    covered: Covered
    rows: tuple[Ground, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageReport:
    """Every article of the list, and the rows that name a place in the law that is no article of it.

    Attributes:
        articles: The list.
        coverage: One for each article, in their order.
        unplaced: Row and the words of its basis, where those name no article of the list but lie within it.
    """

    articles: Articles
    coverage: tuple[Coverage, ...]
    unplaced: tuple[tuple[Ground, str], ...]

    def of(self, covered: Covered) -> tuple[Coverage, ...]:
        """The articles with this outcome."""
        return tuple(each for each in self.coverage if each.covered is covered)


def load_articles(data: bytes) -> Articles:
    """Read a list of articles.

    Args:
        data: The bytes of a TOML file as `consent/law/jeugdwet.toml`.

    Raises:
        DocumentError: It is not such a file: a member is missing or unknown, a number stands twice or out of order, or
            lies outside `first` and `last`.
    """
    try:
        file = tomllib.loads(data.decode("utf-8"))
        articles = tuple(_article(row) for row in file.pop("article"))
        found = Articles(law=file.pop("law"), first=file.pop("first"), last=file.pop("last"), articles=articles)
    except (ValueError, KeyError, TypeError) as error:
        raise _wrong("not a list of articles", detail=str(error)) from error
    places = [_place(article.number) for article in articles]
    if file or places != sorted(set(places)) or not places:
        raise _wrong("articles stand once each, in the order of their numbers, and nothing else")
    if places[0] != _place(found.first) or places[-1] != _place(found.last):
        raise _wrong("the list does not run from its first to its last article")
    return found


def cover(catalogue: Catalogue, articles: Articles) -> CoverageReport:
    """Find for each article the rows that name it.

    Args:
        catalogue: The rows.
        articles: The list.
    """
    first, last = _place(articles.first), _place(articles.last)
    named: dict[str, dict[str, Ground]] = {article.number: {} for article in articles.articles}
    unplaced: list[tuple[Ground, str]] = []
    for row in catalogue.grounds:
        for words in (basis.article for basis in row.basis if basis.law == articles.law and basis.article):
            numbers = _numbers(words, articles)
            for number in numbers:
                named[number][row.name] = row
            chapter = _place(words.partition(".")[0]) if words[:1].isdigit() else ()
            if not numbers and first[:1] <= chapter <= last[:1]:
                unplaced.append((row, words))
    coverage = [
        Coverage(
            article=article, covered=_covered(article, named[article.number]), rows=(*named[article.number].values(),)
        )
        for article in articles.articles
    ]
    return CoverageReport(articles=articles, coverage=tuple(coverage), unplaced=tuple(unplaced))


def _covered(article: Article, rows: Mapping[str, Ground]) -> Covered:
    if rows:
        return Covered.CARRIED
    return Covered.NO_EXCHANGE if article.exchange is Exchange.NONE else Covered.NOT_COVERED


def _numbers(words: str, articles: Articles) -> tuple[str, ...]:
    """The articles of the list that the words of a basis name: `7.3.11 lid 4`, or `7.4.1 tot en met 7.4.5`."""
    if many := _RANGE.match(words):
        first, last = _place(many[1]), _place(many[2])
        return tuple(each.number for each in articles.articles if first <= _place(each.number) <= last)
    one = _NUMBER.match(words)
    return tuple(each.number for each in articles.articles if one and each.number == one[0])


def _place(number: str) -> tuple[int, ...]:
    return tuple(int(part) for part in number.split(".") if part.isdigit())


def _article(row: dict[str, object]) -> Article:
    number, note = row.pop("number"), row.pop("note", None)
    if not isinstance(number, str) or not _NUMBER.fullmatch(number):
        raise ValueError("an article has a number such as 7.3.11")
    article = Article(
        number=number,
        subject=_text({"nl": row.pop("nl"), "en": row.pop("en")}),
        exchange=Exchange(str(row.pop("exchange"))),
        note=None if note is None else _text(note),
    )
    if row:
        raise ValueError(f"article {number} has a member that is not known")
    return article


def _text(value: object) -> Text:
    if (
        not isinstance(value, dict)
        or value.keys() != {"nl", "en"}
        or not all(isinstance(v, str) for v in value.values())
    ):
        raise ValueError("a text in Dutch and English is needed")
    return Text(nl=value["nl"], en=value["en"])


def _wrong(text: str, *, detail: str = "") -> DocumentError:
    issue = Issue(pointer="/article", code="hub.catalogue.form", text=text)
    return DocumentError("the list of articles cannot be used", detail=detail, issues=[issue])
