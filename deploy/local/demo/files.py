"""The FHIR files of the case: the product's own examples, about one child under one case number.

An organisation's own system writes these files. Here the product's `example` writes them, and what such a system would
fill in is put in its place: its case number, the child's birth date, the reference of each message.
"""

import copy
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from deploy.local.stack import Organisation, Stack

NOT_KNOWN_YET: Final = "01900000-0000-7000-8000-000000000000"
"""Stands in an example for the message that it answers, until there is one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """An example to have written.

    Attributes:
        kind: Message type.
        sender: Whose example it is.
        to: For whom.
        more: Further options of `example`.
    """

    kind: str
    sender: Organisation
    to: Organisation
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """A FHIR message bundle that an organisation's system is about to drop."""

    bundle: dict[str, Any] = field(repr=False)

    def data(self, reference: str) -> bytes:
        """The file, under a reference."""
        text = json.dumps(self.bundle, ensure_ascii=False, indent=2)
        return text.replace(self.bundle["identifier"]["value"], reference).encode()

    def answering(self, message: str) -> "CaseFile":
        """The same file as an answer to a message."""
        text = json.dumps(self.bundle).replace(NOT_KNOWN_YET, message)
        return replace(self, bundle=json.loads(text))

    def with_item(self, item: str, *, of: "CaseFile") -> "CaseFile":
        """The same file with an item of another one besides."""
        bundle = copy.deepcopy(self.bundle)
        (entry,) = (each for each in of.bundle["entry"] if each["resource"]["id"] == item)
        entry = copy.deepcopy(entry)
        entry["resource"]["subject"] = {"reference": _child(bundle)["fullUrl"]}
        bundle["entry"].append(entry)
        bundle["entry"][0]["resource"]["focus"].append({"reference": entry["fullUrl"]})
        return replace(self, bundle=bundle)

    def saying(self, item: str, text: str) -> "CaseFile":
        """The same file with another finding in one item."""
        bundle = copy.deepcopy(self.bundle)
        (entry,) = (each for each in bundle["entry"] if each["resource"]["id"] == item)
        entry["resource"]["note"] = [{"text": text}]
        return replace(self, bundle=bundle)

    @property
    def child(self) -> dict[str, Any]:
        """The child whom it is about, as a command wants to be told: see `--person`."""
        patient = _child(self.bundle)["resource"]
        return {"bsn": patient["identifier"][0]["value"], "born": patient["birthDate"]}


def write_file(stack: Stack, wanted: Wanted, *, case_number: str, born: str) -> CaseFile:
    """Have the product write an example, and make it about a child of this birth date, in this case."""
    home = stack.organisation(wanted.sender)
    words: tuple[str | Path, ...] = ("example", wanted.kind, "--home", home, "--to", wanted.to.oin, *wanted.more)
    bundle = json.loads(stack.command("ketenhub-connector", *words))
    number = f"ZAAK-{bundle['identifier']['value'][-12:]}"
    bundle = json.loads(json.dumps(bundle).replace(number, case_number))
    _child(bundle)["resource"]["birthDate"] = born
    return CaseFile(bundle=bundle)


def _child(bundle: dict[str, Any]) -> Any:
    (found,) = (each for each in bundle["entry"] if each["resource"]["resourceType"] == "Patient")
    return found
