"""Reading what stands in a request: queries, path parameters and small JSON bodies, each strictly."""

import re
from typing import Final

from aiohttp import web

from schemas.canonical import parse_json
from schemas.document import JSONValue
from schemas.errors import DocumentError, Issue
from schemas.identifiers import OIN, MessageId

INTEGER_MAX: Final = 2**53 - 1
"""Beyond it no number is read, and no log has an entry."""

_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,15}|-1")


def read_members(
    body: bytes, *, required: frozenset[str], optional: frozenset[str] = frozenset()
) -> dict[str, JSONValue]:
    """Read a JSON object with exactly these members.

    Raises:
        DocumentError: Not such an object; every missing and unknown member is an issue.
    """
    value = parse_json(body)
    if not isinstance(value, dict):
        raise _refused("", "an object is needed here")
    issues = [
        Issue(pointer=f"/{name}", code="sender.request.member", text=f"member `{name}` is missing")
        for name in sorted(required - value.keys())
    ]
    unknown = len(value.keys() - required - optional)
    if unknown:
        text = f"{unknown} member(s) that this version does not know"
        issues.append(Issue(pointer="", code="sender.request.member", text=text))
    if issues:
        raise DocumentError("the body does not have the form that this call takes", issues=issues)
    return value


def text_member(members: dict[str, JSONValue], name: str) -> str:
    """Return a member that must be a text.

    Raises:
        DocumentError: It is not.
    """
    value = members[name]
    if not isinstance(value, str):
        raise _refused(f"/{name}", "a text is needed here")
    return value


def optional_text_member(members: dict[str, JSONValue], name: str) -> str | None:
    """Return a member that is a text or null, or absent."""
    return None if members.get(name) is None else text_member(members, name)


def integer_member(members: dict[str, JSONValue], name: str, *, default: int, at_least: int, at_most: int) -> int:
    """Return a member that is an integer in a range, or its default where it is absent.

    Raises:
        DocumentError: It is something else.
    """
    value = members.get(name, default)
    if type(value) is not int or not at_least <= value <= at_most:
        raise _refused(f"/{name}", f"an integer from {at_least} to {at_most} is needed here")
    return value


def query_integer(
    request: web.Request, name: str, *, default: int | None, at_least: int = 0, at_most: int = INTEGER_MAX
) -> int:
    """Return a query parameter that is an integer in a range.

    Args:
        request: The request.
        name: Name of the parameter.
        default: What it is where it is absent; None: it must be there.
        at_least: Least value.
        at_most: Largest value.

    Raises:
        DocumentError: It is missing, stands there twice, or is something else.
    """
    values = request.query.getall(name, [])
    if not values and default is not None:
        return default
    if len(values) != 1 or not _NUMBER.fullmatch(values[0]) or not at_least <= int(values[0]) <= at_most:
        raise _refused("", f"query parameter `{name}` must be an integer from {at_least} to {at_most}")
    return int(values[0])


def path_oin(request: web.Request) -> OIN:
    """Return the OIN in the path. DocumentError if it is none."""
    return OIN(request.match_info["oin"])


def path_message_id(request: web.Request) -> MessageId:
    """Return the message id in the path. DocumentError if it is none."""
    return MessageId(request.match_info["jti"])


def path_index(request: web.Request) -> int | None:
    """Return the index in the path; None if no log can have such an entry."""
    text = request.match_info["index"]
    return int(text) if _NUMBER.fullmatch(text) and text != "-1" else None


def _refused(pointer: str, text: str) -> DocumentError:
    code = "sender.request.member"
    return DocumentError(text, code=code, issues=[Issue(pointer=pointer, code=code, text=text)])
