"""StUF Jeugdzorg 1.0.9: `vtoDi01`, `notificatieDi01` and their receipts and errors."""

from connectors.formats.stuf.answers import AnswerCode, Fault, FaultPlace, StufAnswer, read_answer, write_answer
from connectors.formats.stuf.conventions import Conventions
from connectors.formats.stuf.format import StufFormat
from connectors.formats.stuf.reading import read_stuf
from connectors.formats.stuf.writing import write_document, write_stuf

__all__ = [
    "AnswerCode",
    "Conventions",
    "Fault",
    "FaultPlace",
    "StufAnswer",
    "StufFormat",
    "read_answer",
    "read_stuf",
    "write_answer",
    "write_document",
    "write_stuf",
]
