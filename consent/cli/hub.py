"""The calls at a hub that the board needs: what it signed goes there, and how it stands comes back.

What a hub says is verified by whoever asks (boards and steps carry signatures) or shown as the hub's word, without
what a terminal would obey.
"""

import http.client
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Annotated, Final, TypeVar

import msgspec

from consent.cli.reading import UnreadableError
from schemas.canonical import canonical_json
from schemas.document import JSONValue
from schemas.errors import Issue, RejectedMessageError

ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024
SECONDS_MAX: Final = 30
ATTEMPTS_MAX: Final = 5
WAIT_SECONDS_MAX: Final = 15
TEXT_CHARACTERS_MAX: Final = 1000
_LATER: Final = frozenset({http.HTTPStatus.TOO_MANY_REQUESTS, http.HTTPStatus.SERVICE_UNAVAILABLE})

_T = TypeVar("_T", bound=msgspec.Struct)


class Logged(msgspec.Struct, frozen=True):
    """What was posted stands in the log at this place."""

    index: int


class HubBoard(msgspec.Struct, frozen=True):
    """A board, as the hub shows it."""

    board: str


class HubStep(msgspec.Struct, frozen=True):
    """A step, as the hub shows it."""

    step: str


class HubProposal(msgspec.Struct, frozen=True):
    """A proposal with its steps, itself among them."""

    steps: tuple[HubStep, ...]


class HubEntry(msgspec.Struct, frozen=True):
    """An entry with which a catalogue came into force."""

    entry: str


class InForce(msgspec.Struct, frozen=True):
    """The catalogue by which the hub decides, and since which entry of its log."""

    digest: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{43}\Z")]
    version: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,64}\Z")]
    since: int


class HubCatalogues(msgspec.Struct, frozen=True):
    """`GET /v1/catalogues`, as far as the board needs it."""

    in_force: InForce | None
    boards: tuple[HubBoard, ...]
    proposals: tuple[HubProposal, ...]
    enacted: tuple[HubEntry, ...]


class _Finding(msgspec.Struct, frozen=True):
    pointer: str = ""
    code: str = ""
    text: str = ""
    text_nl: str = ""


class _Problem(msgspec.Struct, frozen=True):
    code: str = "hub.answer.form"
    detail: str = "the hub refuses it and does not say why"
    issues: tuple[_Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class HubCalls:
    """A hub by its URL; no call needs a token, what is posted carries its own signature."""

    url: str

    def catalogues(self) -> HubCatalogues:
        """Ask what is in force, and what the board did.

        Raises:
            UnreadableError: The hub is not reached or answers something else.
            RejectedMessageError: It refuses.
        """
        return self._call("/v1/catalogues", None, HubCatalogues)

    def post_board(self, token: str) -> Logged:
        """Post a board that the registrar signed; the same again gives the same answer.

        Raises:
            UnreadableError: The hub is not reached or answers something else.
            RejectedMessageError: It refuses.
        """
        return self._call("/v1/boards", {"board": token}, Logged)

    def post_step(self, token: str, *, document: str | None) -> Logged:
        """Post a step with the document that it names; the same again gives the same answer.

        Raises:
            UnreadableError: The hub is not reached or answers something else.
            RejectedMessageError: It refuses.
        """
        return self._call("/v1/catalogue-steps", {"step": token, "document": document}, Logged)

    def _call(self, path: str, body: JSONValue, form: type[_T]) -> _T:
        where = f"{self.url.rstrip('/')}{path}"
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                return _decode(_ask(where, body), form, where)
            except urllib.error.HTTPError as error:
                with error:
                    if error.code in _LATER and attempt < ATTEMPTS_MAX:
                        time.sleep(_wait_seconds(error))
                        continue
                    raise _refusal(error) from error
            except (OSError, ValueError, http.client.HTTPException) as error:
                # A ValueError is what a text that is no URL makes.
                raise UnreadableError(
                    f"could not ask `{where}`: {error}", f"`{where}` antwoordt niet: {error}"
                ) from error
        raise AssertionError("the last attempt returns or raises")


def _ask(where: str, body: JSONValue) -> bytes:
    if not where.startswith(("https://", "http://")):
        raise UnreadableError(f"`{where}` is no place on the web", f"`{where}` is geen adres op het web")
    data = None if body is None else canonical_json(body)
    headers = {"User-Agent": "ketenhub-policy", "Content-Type": "application/json"}
    request = urllib.request.Request(where, data=data, headers=headers)  # noqa: S310 - see above
    with urllib.request.urlopen(request, timeout=SECONDS_MAX) as answer:  # noqa: S310 - see above
        read: bytes = answer.read(ANSWER_BYTES_MAX + 1)
    if len(read) > ANSWER_BYTES_MAX:
        raise UnreadableError(
            f"`{where}` answers more than {ANSWER_BYTES_MAX} bytes",
            f"`{where}` antwoordt meer dan {ANSWER_BYTES_MAX} bytes",
        )
    return read


def _decode(data: bytes, form: type[_T], where: str) -> _T:
    try:
        return msgspec.json.decode(data, type=form)
    except msgspec.MsgspecError as error:
        raise UnreadableError(
            f"`{where}` answers in a form that this version does not know: {error}",
            f"`{where}` antwoordt in een vorm die deze versie niet kent: {error}",
        ) from error


def _wait_seconds(error: urllib.error.HTTPError) -> int:
    said = error.headers.get("Retry-After", "")
    return min(int(said), WAIT_SECONDS_MAX) if said.isdecimal() else 1


def _refusal(error: urllib.error.HTTPError) -> RejectedMessageError:
    """Read the problem that a hub answers."""
    try:
        problem = msgspec.json.decode(error.read(ANSWER_BYTES_MAX), type=_Problem)
    except (OSError, msgspec.MsgspecError):
        problem = _Problem(detail=f"the hub answers with status {error.code}")
    issues = [
        Issue(
            pointer=_plain(each.pointer), code=_plain(each.code), text=_plain(each.text), text_nl=_plain(each.text_nl)
        )
        for each in problem.issues
    ]
    return RejectedMessageError(_plain(problem.detail), code=_plain(problem.code), issues=issues)


def _plain(text: str) -> str:
    """Make a hub's words fit for people: without what a terminal would obey, and not too long."""
    return "".join(each if each.isprintable() else " " for each in text[:TEXT_CHARACTERS_MAX])
