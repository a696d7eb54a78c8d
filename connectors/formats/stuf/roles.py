"""The list Jeugdzorgrol: names and codes of a person's role, and the profile that follows from it.

The list is dated data (`roles.toml`): rows have a first and a last day, and an organisation can load a newer file.

Source: VNG-Realisatie/StUF-Jeugdzorg, reference list JZR 1.0.87 (2026-07-03); DOMAIN.md, section 4.
"""

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

from schemas.errors import DocumentError


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRow:
    """One role.

    Attributes:
        code: Its code, three digits.
        name: Its name, as StUF's `omschrijving` has it.
        profile: The profile of a person in this role.
        parent: Whether it is a parent's role.
        valid_from: First day.
        valid_until: Last day; None while it runs.
    """

    code: str
    name: str
    profile: str
    parent: bool
    valid_from: date
    valid_until: date | None


@dataclass(frozen=True, slots=True)
class Roles:
    """The rows, looked up by code or by name."""

    rows: tuple[RoleRow, ...]

    def by_name(self, name: str) -> RoleRow | None:
        """Return the role of a name, None if there is none."""
        return next((row for row in self.rows if row.name == name), None)

    def by_code(self, code: str) -> RoleRow | None:
        """Return the role of a code, None if there is none."""
        return next((row for row in self.rows if row.code == code), None)


def parse_roles(data: bytes) -> Roles:
    """Read a role file.

    Raises:
        DocumentError: It is not TOML, or a row lacks a member.
    """
    try:
        table = tomllib.loads(data.decode())
        rows = tuple(
            RoleRow(
                code=row["code"],
                name=row["name"],
                profile=row["profile"],
                parent=row.get("parent", False),
                valid_from=row["valid_from"],
                valid_until=row.get("valid_until"),
            )
            for row in table["role"]
        )
    except (ValueError, KeyError, TypeError) as error:
        raise DocumentError("could not read the role list", code="sender.roles.invalid", detail=str(error)) from error
    return Roles(rows)


@cache
def packaged_roles() -> Roles:
    """Return the list that comes with the product."""
    return parse_roles(files(__package__).joinpath("roles.toml").read_bytes())
