"""Fixtures that every kind of test may ask for; a server starts only when a test does."""

from collections.abc import Iterator

import pytest

from hub.logs import tear_down

pytest_plugins = ["tests.support.postgresql", "tests.support.valkey"]


@pytest.fixture(autouse=True)
def _log_goes_nowhere_afterwards() -> Iterator[None]:
    """A command sends the application log to a stream that ends with its test; the next test must not write to it."""
    yield
    tear_down()
