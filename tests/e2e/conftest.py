"""End-to-end tests: the product as an outsider uses it; nothing is imported from it but what writes test data."""

from collections.abc import Iterator

import pytest

from tests.support.stack import StackUnderTest, stack_under_test


@pytest.fixture(scope="session")
def office() -> Iterator[StackUnderTest]:
    """Give the stack of this worker; it starts when the first test asks for it."""
    with stack_under_test() as running:
        yield running
