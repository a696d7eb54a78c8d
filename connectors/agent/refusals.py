"""One finding of our own about what somebody asks of the connector, in Dutch and in English."""

from schemas.errors import DocumentError, Issue


def refused(text: str, text_nl: str, *, code: str, pointer: str = "") -> DocumentError:
    """Make the error that refuses for one reason.

    Args:
        text: The reason in English, lower case, without a value of a document.
        text_nl: The same in Dutch, for people.
        code: Stable code; its prefix says who must act.
        pointer: JSON Pointer to what is wrong in what was given.
    """
    return DocumentError(text, code=code, issues=[Issue(pointer=pointer, code=code, text=text, text_nl=text_nl)])
