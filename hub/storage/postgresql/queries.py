"""Named SQL: every statement stands in `sql/*.sql`, after a line `-- name: <name>`, and is found by that name.

    queries.message_states      the text after `-- name: message_states`

Parameters are psycopg's named ones, `%(name)s`. No statement is put together at run time.
"""

import re
from importlib.resources import files
from typing import Final, LiteralString, cast

_NAME: Final = re.compile(r"^-- name: ([a-z_]+)\n", re.MULTILINE)


class Queries:
    """The statements of this driver, by name.

    Raises:
        AttributeError: There is no statement of that name.
        ValueError: A name is there twice.
    """

    def __init__(self) -> None:
        for file in files("hub.storage.postgresql").joinpath("sql").iterdir():
            _, *parts = _NAME.split(file.read_text("utf-8"))
            for name, text in zip(parts[::2], parts[1::2], strict=True):
                if name in self.__dict__:
                    raise ValueError(f"the statement `{name}` is there twice")
                # The texts are ours, from files of this package.
                self.__dict__[name] = cast("LiteralString", text.strip().removesuffix(";"))

    def __getattr__(self, name: str) -> LiteralString:
        raise AttributeError(f"there is no statement `{name}`")


queries: Final = Queries()
