"""Delivering a notification to a URL that a participant chose: nowhere but to a public address, by https.

A participant's URL is input. Whoever can name a URL that the hub asks can make the hub ask its own network; so the
name is resolved here, every address it has must be public, and the connection goes to exactly those addresses (a name
that changes its address between check and use gains nothing). Redirects are not followed, the answer is not read.
"""

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult

from hub.worker.events import CONTENT_TYPE
from schemas.errors import DocumentError

URL_CHARACTERS_MAX: Final = 2048


class UndeliverableError(Exception):
    """The URL will never do: it is not https, or not public, or it answered that it is gone."""


class UndeliveredError(Exception):
    """It did not work this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryRules:
    """Where notifications may go.

    Attributes:
        timeout_seconds: For one delivery as a whole.
        unsafe_anywhere: Also http, and addresses that are not public: for the local stack only.
    """

    timeout_seconds: float
    unsafe_anywhere: bool = False


def check_url(url: str, *, rules: DeliveryRules) -> None:
    """Check what a URL shows by itself.

    Raises:
        DocumentError: `sender.notification-url`: not https, has a user or a fragment, or an address not public.
    """
    parts = urlsplit(url)
    schemes = ("https", "http") if rules.unsafe_anywhere else ("https",)
    good = len(url) <= URL_CHARACTERS_MAX and parts.scheme in schemes and parts.hostname
    if not good or parts.username is not None or parts.password is not None or parts.fragment:
        raise DocumentError("a notification URL is https, without a user or a fragment", code="sender.notification-url")
    try:
        literal = ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        return
    if not rules.unsafe_anywhere and not is_public(literal):
        raise DocumentError("a notification URL has a public address", code="sender.notification-url")


def is_public(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Whether an address is on the public internet, also behind the ways of writing IPv4 in IPv6."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if inner is not None:
            return is_public(inner)
        if address in _NAT64:
            return is_public(ipaddress.IPv4Address(address.packed[12:]))
    return address.is_global and not address.is_multicast and not address.is_reserved


_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class PublicResolver(AbstractResolver):
    """Resolves a name, and refuses it if one of its addresses is not public."""

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses to connect to. OSError if there are none, or if one is not public."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM, family=family)
        if not found or not all(is_public(ipaddress.ip_address(each[4][0])) for each in found):
            raise OSError(None, "an address of this name is not public")
        return [
            ResolveResult(
                hostname=host,
                host=str(each[4][0]),
                port=port,
                family=each[0],
                proto=each[2],
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for each in found
        ]

    async def close(self) -> None:
        """Nothing is held."""


async def deliver(event: bytes, *, url: str, rules: DeliveryRules) -> None:
    """Post an event once.

    Raises:
        UndeliverableError: Trying again is of no use.
        UndeliveredError: It may work another time.
    """
    try:
        check_url(url, rules=rules)
    except DocumentError as error:
        raise UndeliverableError(error.public_message) from error
    resolver = None if rules.unsafe_anywhere else PublicResolver()
    timeout = aiohttp.ClientTimeout(total=rules.timeout_seconds)
    try:
        async with (
            aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, force_close=True) as connector,
            aiohttp.ClientSession(
                connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False
            ) as session,
            session.post(url, data=event, headers={"Content-Type": CONTENT_TYPE}, allow_redirects=False) as response,
        ):
            status = response.status
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise UndeliveredError(type(error).__name__) from error
    if status in _NEVER:
        raise UndeliverableError(f"it answered {status}")
    if not 200 <= status < 300:
        raise UndeliveredError(f"it answered {status}")


_NEVER: Final = frozenset({301, 302, 303, 307, 308, 404, 405, 410})
"""Answers after which the same URL is of no use: it moved, it is not there, it takes no events."""
