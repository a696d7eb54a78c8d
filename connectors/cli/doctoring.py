"""`doctor`: say in plain words why a first message would not flow."""

from pathlib import Path
from typing import Final

from connectors.agent.examining import Finding, Grade, examine_home, examine_hub, examine_participation, fault
from connectors.api.examining import examine_api
from connectors.cli.common import CommandError
from connectors.cli.opening import opened
from connectors.sdk.dutch import headline
from connectors.settings import load_settings
from schemas.errors import ExchangeError

_MARKS: Final = {Grade.OK: "ok     ", Grade.WARNING: "let op ", Grade.FAULT: "FOUT   "}
_MARKS_EN: Final = {Grade.OK: "ok     ", Grade.WARNING: "warning", Grade.FAULT: "FAULT  "}


async def doctor(home: Path) -> int:
    """Say in plain words why a first message would not flow."""
    settings = load_settings(home)
    findings = [*examine_home(settings), *await examine_api(settings)]
    try:
        async with opened(home) as services:
            at = services.clock.now()
            about_hub, metadata = await examine_hub(services, at=at)
            findings += about_hub
            if metadata is not None:
                findings += await examine_participation(services, metadata, at=at)
    except CommandError as error:
        findings.append(fault(error.text_nl, error.text_en))
    except ExchangeError as error:
        nl, en = headline(error)
        findings.append(fault(f"{nl} ({error.code})", f"{en} ({error.code})"))
    _print(findings)
    return 1 if any(finding.grade is Grade.FAULT for finding in findings) else 0


def _print(findings: list[Finding]) -> None:
    for finding in findings:
        print(f"{_MARKS[finding.grade]} {finding.nl}")
    print()
    for finding in findings:
        print(f"{_MARKS_EN[finding.grade]} {finding.en}")
