"""What people read of a received message: facts and what is only thought, apart."""

import json
from pathlib import Path

import pytest

from connectors.cli.main import main
from schemas.definitions import load_definitions
from schemas.fhir import BundleHead, document_to_bundle
from schemas.identifiers import MessageId
from tests.support.connector_world import GI, RAAD
from tests.support.example_messages import QUESTION_ID, example_document


def _bundle(tmp_path: Path) -> Path:
    head = BundleHead(
        message_type="raadsrapport",
        message_id=MessageId(QUESTION_ID),
        sender=RAAD,
        recipient=GI,
        timestamp="2026-11-23T12:00:00+00:00",
        withheld=(),
    )
    path = tmp_path / "bericht.fhir.json"
    path.write_text(json.dumps(document_to_bundle(example_document("raadsrapport").items, load_definitions(), head)))
    return path


def test_facts_observations_opinions_and_suspicions_stand_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["read", str(_bundle(tmp_path)), "--home", str(tmp_path)]) == 0
    parts = {part.splitlines()[0].partition(" ")[0]: part for part in capsys.readouterr().out.strip().split("\n\n")}
    assert list(parts) == ["FEITEN", "WAARNEMINGEN", "MENINGEN", "VERMOEDENS", "OVERIG"]
    assert "het gezin moet voor de zomer de woning uit" in parts["FEITEN"]
    assert "oneens, er is uitstel gevraagd" in parts["FEITEN"]
    assert "trekt zich terug op school" in parts["WAARNEMINGEN"]
    assert "stelt grenzen wisselend" in parts["MENINGEN"]
    assert "gesprek met de jeugdige" in parts["VERMOEDENS"]
    assert "Huisvesting" in parts["FEITEN"]
    assert "(bijlage, zie het bestand" in parts["OVERIG"]


def test_what_is_no_received_message_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "x.json").write_text("{}")
    assert main(["read", str(tmp_path / "x.json"), "--home", str(tmp_path)]) == 1
    assert "is geen ontvangen FHIR-bericht" in capsys.readouterr().err
