"""The smallest HTTP/1.1 client that keeps a connection: beside the hub that it loads, it must cost little."""

import asyncio
from dataclasses import dataclass
from typing import Final, Self, cast

_END_OF_HEAD: Final = b"\r\n\r\n"


class AnswerError(Exception):
    """The hub did not answer as it must; the text is its problem."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it came."""

    status: int
    head: bytes
    body: bytes

    def expect(self, status: int) -> bytes:
        """Return the body of an answer with this status.

        Raises:
            AnswerError: It has another.
        """
        if self.status != status:
            raise AnswerError(f"{self.status}: {self.body[:600].decode(errors='replace')}")
        return self.body


class Connection(asyncio.Protocol):
    """One connection: a request at a time, over and over."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._received = bytearray()
        self._wanted = 0
        self._answer: asyncio.Future[Answer] | None = None

    @classmethod
    async def open(cls, *, port: int) -> Self:
        """Connect to a port of this machine."""
        _, connection = await asyncio.get_running_loop().create_connection(cls, "127.0.0.1", port)
        return connection

    async def post(self, path: str, content_type: str, body: bytes | memoryview, *, headers: str = "") -> Answer:
        """Send a request and wait for its answer."""
        assert self._transport is not None, "the connection is open"
        self._answer = asyncio.get_running_loop().create_future()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {content_type}\r\n{headers}"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        self._transport.write(b"".join((head.encode(), body)))
        return await self._answer

    def close(self) -> None:
        """Close the connection."""
        if self._transport is not None:
            self._transport.close()

    # ---- asyncio.Protocol ----

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what writes."""
        # uvloop's transport is one without being of that class.
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Collect an answer until it is whole."""
        self._received += data
        if not self._wanted:
            end = self._received.find(_END_OF_HEAD)
            if end < 0:
                return
            self._wanted = end + len(_END_OF_HEAD) + _content_length(bytes(self._received[:end]))
        if len(self._received) >= self._wanted:
            whole = bytes(self._received[: self._wanted])
            del self._received[: self._wanted]
            self._wanted = 0
            head, _, body = whole.partition(_END_OF_HEAD)
            assert self._answer is not None, "an answer follows a request"
            if not self._answer.done():
                self._answer.set_result(Answer(int(head[9:12]), head, body))

    def connection_lost(self, error: Exception | None) -> None:
        """Tell whoever waits."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(AnswerError(f"the connection was closed: {error}"))


def _content_length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line[15:])
    raise AnswerError("an answer without Content-Length")
