"""Named SQL: every statement stands in `sql/*.sql`, with its name and the types of its parameters above it.

    -- name: leaf_hashes (start bigint, until bigint)
    SELECT sha256(…) FROM log_entries WHERE index >= $start AND index < $until

    >>> queries.leaf_hashes.parameters
    {'start': 'bigint', 'until': 'bigint'}

No statement is put together at run time.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from hub.storage.postgresql.encoding import TYPE_OIDS, encode

_HEAD: Final = re.compile(r"^-- name: ([a-z_]+) \(([^)]*)\)\n", re.MULTILINE)
_PARAMETER: Final = re.compile(r"\$([a-z_]+)")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Statement:
    """A statement with the types of its parameters.

    Attributes:
        name: Under which it is prepared.
        text: With `$1`, `$2` … for the parameters, in the order of `parameters`.
        parameters: Type of each parameter, by name.
        oids: Types as the server numbers them.
    """

    name: bytes
    text: bytes
    parameters: Mapping[str, str]
    oids: tuple[int, ...]

    def encode(self, values: Mapping[str, Any]) -> list[bytes | None]:
        """Write the parameters in binary form. Their Python types are those of the declared ones, hence `Any`.

        Raises:
            KeyError: A parameter is missing.
        """
        return [encode(type_name, values[name]) for name, type_name in self.parameters.items()]


class Queries:
    """The statements of this driver, by name.

    Raises:
        AttributeError: There is no statement of that name.
        ValueError: A statement is not written as it should be.
    """

    def __init__(self) -> None:
        self.all: dict[str, Statement] = {}
        for file in files("hub.storage.postgresql").joinpath("sql").iterdir():
            _, *parts = _HEAD.split(file.read_text("utf-8"))
            for name, signature, text in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
                if name in self.all:
                    raise ValueError(f"the statement `{name}` is there twice")
                self.all[name] = _statement(name, signature=signature, text=text)

    def __getattr__(self, name: str) -> Statement:
        try:
            return self.all[name]
        except KeyError:
            raise AttributeError(f"there is no statement `{name}`") from None


def _statement(name: str, *, signature: str, text: str) -> Statement:
    words = signature.replace("--", " ").replace(",", " ").split()
    parameters = dict(zip(words[::2], words[1::2], strict=True))
    used = set(_PARAMETER.findall(text))
    if used != parameters.keys():
        raise ValueError(f"the statement `{name}` does not use the parameters that it declares")
    numbers = {parameter: number for number, parameter in enumerate(parameters, start=1)}
    numbered = _PARAMETER.sub(lambda match: f"${numbers[match[1]]}", text.strip())
    return Statement(
        name=name.encode(),
        text=numbered.encode(),
        parameters=parameters,
        oids=tuple(TYPE_OIDS[type_name] for type_name in parameters.values()),
    )


queries: Final = Queries()
