"""One finding about what a message is made of, in Dutch by its code."""

from connectors.sdk.dutch import in_dutch
from schemas.errors import DocumentError, Issue


def refused_for(code: str, text: str, *, pointer: str) -> DocumentError:
    """Make the error that refuses for one reason, which needs no other Dutch than its code has.

    Args:
        code: Stable code; its prefix says who must act.
        text: The reason in English, lower case, without a value of a document.
        pointer: JSON Pointer to what is wrong in the document.
    """
    return DocumentError(text, code=code, issues=[Issue(pointer=pointer, code=code, text=text, text_nl=in_dutch(code))])
