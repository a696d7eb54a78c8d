"""A malware scanner's place: a command of the organisation's that sees each attachment, at both ends.

The attachment is written to a private temporary file and its path is the command's last argument, or takes the place
of `{file}`. Exit code 0 lets it pass, 1 holds it back (as `clamdscan` answers); anything else, and a command that
does not end in time, means that nothing is known: the message waits and is tried again.
"""

import asyncio
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from schemas.errors import UnavailableError


class Verdict(StrEnum):
    """What the command says of one attachment."""

    CLEAN = "clean"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scanner:
    """Runs the command.

    Attributes:
        command: Words of the command; empty: everything passes.
        seconds: How long it may take for one attachment.
    """

    command: tuple[str, ...]
    seconds: int

    async def judge(self, attachments: Sequence[tuple[str, bytes]]) -> dict[str, Verdict]:
        """Show each attachment to the command.

        Args:
            attachments: Label and bytes of each.

        Returns:
            What is said of each label.

        Raises:
            UnavailableError: The command could not be run, did not end in time, or ended with another code.
        """
        if not self.command:
            return {label: Verdict.CLEAN for label, _ in attachments}
        return {label: await self._judge_one(data) for label, data in attachments}

    async def _judge_one(self, data: bytes) -> Verdict:
        with tempfile.TemporaryDirectory(prefix="ketenhub-scan-") as folder:
            path = Path(folder) / "attachment"
            path.write_bytes(data)
            words = [word.replace("{file}", str(path)) for word in self.command]
            if words == list(self.command):
                words.append(str(path))
            try:
                process = await asyncio.create_subprocess_exec(
                    *words,
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=asyncio.subprocess.DEVNULL,
                    stderr=asyncio.subprocess.DEVNULL,
                )
            except OSError as error:
                raise UnavailableError("the scan command could not be started", code="sender.scan.failed") from error
            try:
                code = await asyncio.wait_for(process.wait(), self.seconds)
            except TimeoutError as error:
                process.kill()
                await process.wait()
                raise UnavailableError("the scan command did not end in time", code="sender.scan.failed") from error
        match code:
            case 0:
                return Verdict.CLEAN
            case 1:
                return Verdict.HELD
            case _:
                raise UnavailableError(f"the scan command ended with {code}", code="sender.scan.failed")
