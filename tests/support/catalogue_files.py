"""Catalogues that differ from the packaged one in one place: the text of a row replaced, or a row added."""

from typing import Final

from consent.grounds import Catalogue, load_catalogue, packaged_catalogue

PACKAGED: Final = packaged_catalogue()

HEALTH_FOR_A_GEMEENTE: Final = """
[[ground]]
code = "FOUT"
name = "FOUT"
title = { nl = "Fout", en = "Fault" }
valid_from = 2015-01-01
in_force = true
carries = "elements"
from = { roles = ["veilig-thuis"], capacities = [] }
to = { roles = ["gemeente"], capacities = [] }
message_types = ["casusinformatie"]
ties = []
consent = "none"
inform_parents = false
categories = ["gezondheid"]
only = {}
necessary = []
duty = "proposed"
categories_status = "proposed"
basis = [{ law = "Jw", article = "3.1" }]
purpose = { nl = "Een fout.", en = "A fault." }
"""
"""A row that lets data on health go to a gemeente, for nothing."""


def edited(row: str, old: str, new: str, *, of: Catalogue = PACKAGED) -> Catalogue:
    """A catalogue with a text replaced in one row.

    Args:
        row: Name of the row.
        old: What stands there; it must.
        new: What stands there instead.
        of: The catalogue.
    """
    text = of.data.decode()
    start = text.index(f'name = "{row}"\n')
    end = text.find("[[ground]]", start)
    end = len(text) if end < 0 else end
    part = text[start:end]
    assert old in part, f"row {row} has no {old}"
    return load_catalogue((text[:start] + part.replace(old, new, 1) + text[end:]).encode())


def with_row(row: str) -> Catalogue:
    """The packaged catalogue with a row added."""
    return load_catalogue(PACKAGED.data + row.encode())
