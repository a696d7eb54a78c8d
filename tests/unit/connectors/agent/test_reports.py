"""What stands beside a file names its ground as the catalogue does: a proposal as a proposal."""

from datetime import UTC, datetime
from itertools import product

import pytest

from connectors.agent.reports import grounds_to_json
from consent.grounds import Ground, packaged_catalogue
from schemas.codes import Role
from schemas.document import JSONValue

CATALOGUE = packaged_catalogue()


DAYS = [datetime(year, 11, 23, 12, tzinfo=UTC) for year in (2026, 2027)]


@pytest.mark.parametrize("at", DAYS, ids=lambda at: str(at.year))
@pytest.mark.parametrize("row", CATALOGUE.grounds, ids=lambda row: row.name)
def test_each_row_is_named_with_how_sure_we_are_of_it(row: Ground, at: datetime) -> None:
    for kind in row.message_types:
        for sender, recipient in product((None, *row.sender.roles), (None, *row.recipient.roles)):
            said = _said(row.code, message_type=kind, sender=sender, recipient=recipient, at=at)
            if not row.holds_on(at.date()):
                assert row.name not in said
                continue
            assert said[row.name]["proposed"] is row.proposed
            assert ("voorstel" in str(said[row.name]["nl"])) is row.proposed
            assert ("proposed" in str(said[row.name]["en"])) is row.proposed
            assert row.title.nl in str(said[row.name]["nl"])


def test_no_row_for_others_stands_beside_a_message() -> None:
    """The one row that is settled says nothing of a notification by another row, nor that one of it."""
    for recipient, name in ((Role.GEMEENTE, "RVDK-NOT.gemeente"), (Role.GI, "RVDK-NOT.veilig-thuis-gi")):
        kind = "notificatie-onderzoek"
        assert [*_said("RVDK-NOT", message_type=kind, sender=Role.RAAD, recipient=recipient)] == [name]
    kind = "informatieantwoord"
    assert [*_said("RVDK-AANM", message_type=kind, sender=Role.GI, recipient=Role.RAAD)] == ["RVDK-AANM.antwoord"]


@pytest.mark.parametrize("at", DAYS, ids=lambda at: str(at.year))
def test_a_purpose_that_the_catalogue_in_force_does_not_know_has_no_rows(at: datetime) -> None:
    assert _said("WEG", message_type="casusinformatie", sender=None, recipient=None, at=at) == {}


def _said(
    code: str, *, message_type: str, sender: Role | None, recipient: Role | None, at: datetime = DAYS[0]
) -> dict[str, dict[str, JSONValue]]:
    found = grounds_to_json(
        code, message_type=message_type, sender=sender, recipient=recipient, catalogue=CATALOGUE, at=at
    )
    said = [each for each in found if isinstance(each, dict)]
    assert len(said) == len(found)
    return {str(each["code"]): each for each in said}
