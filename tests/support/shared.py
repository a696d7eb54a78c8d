"""Where the test data is that others made: beside the repository, never in it.

`KETENHUB_SHARED` names another folder in place of `../shared`. A test whose data is absent is skipped with the file
and the folder it looked for.
"""

import os
from pathlib import Path

import pytest

_REPOSITORY = Path(__file__).resolve().parents[2]


def shared_path(relative: str) -> Path:
    """Return the path of a shared file or folder, or skip the calling test.

    Args:
        relative: Path below the shared folder, such as `vectors/merkle/inclusion.json`.
    """
    folder = Path(os.environ.get("KETENHUB_SHARED", _REPOSITORY.parent / "shared"))
    path = folder / relative
    if not path.exists():
        pytest.skip(f"{relative} is not in {folder}; set KETENHUB_SHARED to the folder that holds it")
    return path
