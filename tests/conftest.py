"""Fixtures that every kind of test may ask for; a server starts only when a test does."""

pytest_plugins = ["tests.support.postgresql", "tests.support.valkey"]
