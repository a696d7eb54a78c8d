"""Standard base64 (RFC 4648, section 4) in its one canonical spelling: what the C2SP text formats are written in."""

import base64
import binascii

from audit.errors import refused


def b64(data: bytes) -> str:
    """Write bytes as standard base64 with padding."""
    # Not by `base64`, whose own work takes as long again: a proof is written of some twenty of these, for each entry.
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def b64_decode(text: str, *, code: str) -> bytes:
    """Read standard base64 with padding, and refuse every other spelling of the same bytes.

    Args:
        text: What came.
        code: Code of the error, by where the text stands.

    Raises:
        DocumentError: It is not canonical base64.

    Source: RFC 4648, sections 3.5 and 4.
    """
    try:
        data = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error) as error:
        raise refused(code, "not base64") from error
    # The library ignores the unused bits of the last character; writing again finds them.
    if b64(data) != text:
        raise refused(code, "not canonical base64")
    return data
