"""How a worker reaches its broker: the same server as the cache, with the same credentials and the same caution."""

import ssl
from pathlib import Path

import pytest

from hub.settings import RedisSettings
from hub.worker.app import broker_url, make_celery


@pytest.fixture
def password(tmp_path: Path) -> Path:
    path = tmp_path / "redis.password"
    path.write_text("a/b@c\n")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://cache:6379/0", "redis://:a%2Fb%40c@cache:6379/1"),
        ("redis://hub@cache:6379/0", "redis://hub:a%2Fb%40c@cache:6379/1"),
        ("rediss://hub@cache/0", "rediss://hub:a%2Fb%40c@cache/1"),
        ("unix:///run/valkey/socket?db=0", "redis+socket://:a%2Fb%40c@/run/valkey/socket?virtual_host=1"),
    ],
)
def test_the_broker_is_asked_by_the_same_user(url: str, expected: str, password: Path) -> None:
    assert broker_url(RedisSettings(url=url, password=password)) == expected


def test_a_user_without_a_password_is_named_too() -> None:
    assert broker_url(RedisSettings(url="redis://hub@cache")) == "redis://hub:@cache/1"


def test_a_broker_by_tls_shows_a_certificate_that_is_checked() -> None:
    """Whoever sits in between would get the password otherwise, and see who is notified."""
    with make_celery(RedisSettings(url="rediss://cache:6379/0")).connection_for_write() as connection:
        assert connection.ssl == {"ssl_cert_reqs": ssl.CERT_REQUIRED, "ssl_check_hostname": True}


def test_a_broker_without_tls_is_asked_without() -> None:
    with make_celery(RedisSettings(url="redis://cache:6379/0")).connection_for_write() as connection:
        assert not connection.ssl
