"""What stands beside a file names its ground as the catalogue does: a proposal as a proposal."""

from datetime import UTC, datetime

import pytest

from connectors.agent.reports import grounds_to_json
from consent.grounds import packaged_catalogue

CATALOGUE = packaged_catalogue()


DAYS = [datetime(year, 11, 23, 12, tzinfo=UTC) for year in (2026, 2027)]


@pytest.mark.parametrize("at", DAYS, ids=lambda at: str(at.year))
@pytest.mark.parametrize("code", sorted({row.code for row in CATALOGUE.grounds}))
def test_every_row_that_holds_is_named_with_how_sure_we_are_of_it(code: str, at: datetime) -> None:
    said = grounds_to_json(code, catalogue=CATALOGUE, at=at)
    rows = {row.name: row for row in CATALOGUE.grounds if row.code == code and row.holds_on(at.date())}
    assert [each["code"] for each in said if isinstance(each, dict)] == list(rows)
    for each in said:
        assert isinstance(each, dict)
        row = rows[str(each["code"])]
        assert each["proposed"] is row.proposed
        assert ("voorstel" in str(each["nl"])) is row.proposed
        assert ("proposed" in str(each["en"])) is row.proposed
        assert row.title.nl in str(each["nl"])


@pytest.mark.parametrize("at", DAYS, ids=lambda at: str(at.year))
def test_a_purpose_that_the_catalogue_in_force_does_not_know_has_no_rows(at: datetime) -> None:
    assert grounds_to_json("WEG", catalogue=CATALOGUE, at=at) == []
