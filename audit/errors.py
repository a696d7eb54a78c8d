"""What goes wrong with evidence; the tree itself is in `schemas.errors`.

    EvidenceError                    stored evidence contradicts itself: stop, and call someone
    ├── InclusionProofError          the path does not lead from the leaf to the root
    ├── ConsistencyProofError        the smaller tree is not shown to be the beginning of the larger
    ├── CommitmentError              the record is not the one that was committed to
    └── RollbackError                the database is behind, or beside, what was already published

Texts that do not have their form (notes, checkpoints, proof files, entries) raise `DocumentError`; a signature that is
missing or false raises `SignatureError`.
"""

from schemas.errors import DocumentError, EvidenceError, Issue


class InclusionProofError(EvidenceError):
    """The path does not lead from the leaf to the root."""

    default_code = "hub.proof.inclusion"


class ConsistencyProofError(EvidenceError):
    """The smaller tree is not shown to be the beginning of the larger one."""

    default_code = "hub.proof.consistency"


class CommitmentError(EvidenceError):
    """The record is not the one that was committed to."""

    default_code = "hub.record.commitment"


class RollbackError(EvidenceError):
    """The database is behind, or beside, what was already published."""

    default_code = "hub.log.rollback"


def refused(code: str, text: str, *, pointer: str = "") -> DocumentError:
    """Make the error for one finding in a text that does not have its form."""
    return DocumentError(text, code=code, issues=[Issue(pointer=pointer, code=code, text=text)])
