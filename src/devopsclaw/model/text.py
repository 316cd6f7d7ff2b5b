"""Text from elsewhere, made harmless to show. It changes what a terminal could act on, and nothing else.

A terminal obeys escape sequences (ECMA-48: they begin with ESC or a C1 control), moves on C0 controls, and
reorders or hides text on Unicode's format characters. Each such character becomes visible text here, so a
sequence is shown as `␛[31m` and has no power. Not here: masking secrets, colouring, wrapping.
"""

from __future__ import annotations

import codecs
import re

REPLACEMENT = "\ufffd"
"""Stands for bytes that are not UTF-8, and for surrogates, which no terminal can be sent."""

_CONTROL_PICTURES, _DELETE_PICTURE = 0x2400, "\u2421"
"""Unicode's own pictures of the C0 controls, in the order of the controls, and of DEL."""

_LINE_FEED_AND_TAB = {code: chr(_CONTROL_PICTURES + code) for code in (0x09, 0x0A)}

_C0_AND_DELETE = "\x00-\x08\x0b-\x1f\x7f"
_C1 = "\x80-\x9f"
_SEPARATORS = "\u2028\u2029"
_SURROGATES = "\ud800-\udfff"
_FORMAT = (
    "\u00ad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001345f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Unicode's category Cf: bidirectional marks, zero-width characters, tags, interlinear marks."""
_BLANK = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\ufe00-\ufe0d\uffa0"
"""Other characters that are shown as nothing (Default_Ignorable_Code_Point). Not U+FE0E and U+FE0F, which
only say whether the sign before them is drawn in colour."""

_UNSAFE = re.compile(f"\r\n|[{_C0_AND_DELETE}{_C1}{_SEPARATORS}{_SURROGATES}{_FORMAT}{_BLANK}]")


def safe(data: bytes | str, *, tab_size: int = 0) -> str:
    """The text with nothing left that a terminal would act on, but line feeds and tabs.

    Bytes are read as UTF-8; what is not becomes U+FFFD. `\\r\\n` is a line feed, a lone `\\r` is shown.
    With a `tab_size` above 0 tabs become spaces up to the next multiple of it. Never raises.
    """
    text = data.decode("utf-8", "replace") if isinstance(data, bytes) else data
    shown = _UNSAFE.sub(_visible, text)
    return shown.expandtabs(tab_size) if tab_size > 0 else shown


def one_line(data: bytes | str) -> str:
    """`safe`, with line feeds and tabs shown as well: for a cell, or within a sentence. Never raises."""
    return safe(data).translate(_LINE_FEED_AND_TAB)


class SafeStream:
    """`safe` for bytes that come in pieces: wherever they are cut, the joined text is the same."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""

    def feed(self, data: bytes) -> str:
        """The safe text of this piece. A cut character or a `\\r` at its end waits for the next piece."""
        text = self._held + self._decoder.decode(data)
        self._held = "\r" if text.endswith("\r") else ""
        return safe(text.removesuffix(self._held))

    def end(self) -> str:
        """What was still held back, as the stream goes no further."""
        text = self._held + self._decoder.decode(b"", final=True)
        self._held = ""
        return safe(text)


def _visible(match: re.Match[str]) -> str:
    """The harmless picture of one character, or of a carriage return with its line feed."""
    found = match[0]
    if found == "\r\n":
        return "\n"
    code = ord(found)
    if code < 0x20:
        return chr(_CONTROL_PICTURES + code)
    if code == 0x7F:
        return _DELETE_PICTURE
    return REPLACEMENT if 0xD800 <= code <= 0xDFFF else f"<U+{code:04X}>"
