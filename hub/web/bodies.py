"""Reading bodies: bounded in size, in time, and in how much of them one process holds at once.

A body is read whole before anything is done with it, and nothing about it is stored or logged. What it may cost:

- it says its length (`Content-Length`), or it is refused;
- over the unauthenticated limit it needs an access token, over the large limit it is refused;
- its bytes are taken from the process's allowance before the first is read, and given back when the answer is made;
- it must come in a time that grows with its length, so that a slow sender holds little for little time.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web
from aiohttp.web_exceptions import HTTPException

from hub.settings import WebSettings
from hub.web.problems import BusyError, InterruptedBodyError, RequestError
from schemas.errors import AuthenticationError, DocumentError

BYTES_PER_SECOND_MIN: Final = 64 * 1024
FORM_FIELDS_MAX: Final = 16


@dataclass(slots=True)
class BodyAllowance:
    """How many bytes of bodies this process may hold, and holds.

    Attributes:
        bytes_max: The limit.
        held: Bytes taken and not given back.
    """

    bytes_max: int
    held: int = field(default=0, init=False)

    def take(self, count: int) -> None:
        """Take bytes.

        Raises:
            BusyError: They are not there; nothing was taken.
        """
        if self.held + count > self.bytes_max:
            raise BusyError("the hub holds as many bodies as it may: send the same again in a moment")
        self.held += count

    def give_back(self, count: int) -> None:
        """Give back what was taken."""
        self.held -= count
        assert self.held >= 0, "more bytes given back than taken"


def body_length(request: web.BaseRequest, *, settings: WebSettings, authenticated: bool, unverified_max: int) -> int:
    """Return how long the body says that it is, if such a body may come.

    Args:
        request: The request.
        settings: The limits.
        authenticated: Whether a token came.
        unverified_max: Largest body that needs no token, where it is another than the setting; 0: it is not.

    Raises:
        RequestError: No length, too large, or compressed.
        AuthenticationError: A body of this length needs an access token.
    """
    if "Content-Encoding" in request.headers:
        # A compressed body is a promise about its size that nobody has to keep.
        raise RequestError("a body must not be compressed", code="sender.request.content-encoding")
    length = request.content_length
    if length is None:
        raise RequestError("a body must have a Content-Length", code="sender.request.length-required")
    if length > settings.body_bytes_max:
        raise RequestError(f"a body has at most {settings.body_bytes_max} bytes", code="sender.request.too-large")
    unverified_max = unverified_max or settings.body_bytes_max_unauthenticated
    if length > unverified_max and not authenticated:
        raise AuthenticationError(
            f"a body of more than {unverified_max} bytes needs an access token",
            code="sender.token.needed",
        )
    return length


async def read_body(request: web.BaseRequest, *, length: int, settings: WebSettings) -> bytes:
    """Read the body; its bytes were taken from the allowance before.

    Raises:
        InterruptedBodyError: It came too slowly, or not whole.
    """
    try:
        if request.content.is_eof():
            # All of it is here already: a small body came with its headers.
            return await request.content.read()
        async with asyncio.timeout(settings.body_seconds_max + length / BYTES_PER_SECOND_MIN):
            body = await request.content.readexactly(length)
    except TimeoutError as error:
        raise InterruptedBodyError(
            "the body came too slowly", code="sender.request.too-slow", headers=_CLOSE
        ) from error
    except (asyncio.IncompleteReadError, HTTPException, ConnectionError) as error:
        raise InterruptedBodyError(
            "the body did not come whole", code="sender.request.interrupted", headers=_CLOSE
        ) from error
    return body


def parse_form(body: bytes) -> Mapping[str, tuple[str, ...]]:
    """Read `application/x-www-form-urlencoded`.

    Raises:
        DocumentError: Not such a body, or more than 16 fields.
    """
    try:
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, strict_parsing=True, max_num_fields=FORM_FIELDS_MAX
        )
    except ValueError as error:
        raise DocumentError("not a form", code="sender.oauth.request") from error
    form: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        form[name] = (*form.get(name, ()), value)
    return form


_CLOSE: Final = {"Connection": "close"}
