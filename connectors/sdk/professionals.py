"""Who answers for a message: from the document, the organisation's own table, or the connector's default.

StUF carries no registration number, only `medewerker/identificatie`. The organisation's table `professionals.csv` says
which registration that employee has; an employee that it does not know answers under the organisation's own number
(register `eigen`).

    medewerker;register;nummer
    jdv01;SKJ;100000001

The columns may be separated by `;` (as spreadsheets in the Netherlands write) or `,`.

Source: the architecture, section 4, "Responsible".
"""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Final

from schemas.codes import Register
from schemas.document import DocumentResponsible
from schemas.errors import DocumentError, Issue
from schemas.identifiers import ProfessionalNumber
from schemas.message import Responsible

COLUMNS: Final = ("medewerker", "register", "nummer")
ROWS_MAX: Final = 100_000


def parse_professionals(data: bytes) -> Mapping[str, Responsible]:
    """Read the organisation's table.

    Args:
        data: CSV in UTF-8, with or without byte order mark, with a header line.

    Returns:
        Employee number to registration.

    Raises:
        DocumentError: It cannot be read; every wrong line is listed by its number.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong([_issue(0, "not UTF-8")]) from error
    header = next(iter(text.splitlines()), "")
    # However lines end: the reader of CSV sees to that itself.
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in header else ",")
    try:
        return _read(rows)
    except csv.Error as error:
        raise _wrong([_issue(rows.line_num, "not a line of CSV")]) from error


def _read(rows: Iterator[list[str]]) -> Mapping[str, Responsible]:
    if tuple(cell.strip().lower() for cell in next(rows, [])) != COLUMNS:
        raise _wrong([_issue(1, f"the first line must name the columns {', '.join(COLUMNS)}")])
    found: dict[str, Responsible] = {}
    issues: list[Issue] = []
    for line, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        try:
            employee, register, number = (cell.strip() for cell in row)
            registration = Responsible(register=Register(register), number=ProfessionalNumber(number))
        except (ValueError, DocumentError):
            issues.append(_issue(line, "needs an employee number, a register (SKJ, BIG or eigen) and a number"))
            continue
        if not employee or employee in found or len(found) >= ROWS_MAX:
            issues.append(_issue(line, "the employee number is empty or stands here twice, or there are too many"))
            continue
        found[employee] = registration
    if issues:
        raise _wrong(issues)
    return found


def find_responsible(
    named: DocumentResponsible | None, *, professionals: Mapping[str, Responsible], default: Responsible | None
) -> Responsible:
    """Say who answers for a message.

    Args:
        named: Whom the document names.
        professionals: The organisation's table.
        default: Who answers where the document names nobody.

    Raises:
        DocumentError: Nobody is named and there is no default, or the number is none.
    """
    if named is None:
        if default is not None:
            return default
        code = "sender.responsible.missing"
        raise DocumentError(
            "nobody is named who answers for this message",
            code=code,
            issues=[
                Issue(
                    pointer="/responsible",
                    code=code,
                    text="the document names no employee; set a default under [responsible] in connector.toml",
                    text_nl="Het bericht noemt geen medewerker. Stel in connector.toml onder [responsible] in wie dan"
                    " voor een bericht instaat.",
                )
            ],
        )
    if named.register is not None:
        return Responsible(register=named.register, number=ProfessionalNumber(named.number))
    known = professionals.get(named.number)
    return known or Responsible(register=Register.EIGEN, number=ProfessionalNumber(named.number))


def _issue(line: int, text: str) -> Issue:
    return Issue(pointer=f"/{line}", code="sender.professionals.invalid", text=f"line {line}: {text}")


def _wrong(issues: list[Issue]) -> DocumentError:
    return DocumentError("`professionals.csv` is not usable", issues=issues)
