"""Text that a terminal would act on, that breaks lines, or whose letters are not one cell each."""

from __future__ import annotations

import unicodedata

from hypothesis import strategies as st
from rich.cells import cell_len

NASTY = "\x1b[2J\x1b[1;1Hroot\r\n\tweb\u202e1-\u200b\x9b31m\x00日本語" * 2

texts = st.text(
    st.one_of(st.characters(), st.sampled_from("\n\t\r\x1b\x9b\u202e\u200b\u2028日本e\u0301")), max_size=40
)


def wrong(line: str, width: int) -> str:
    """What is wrong with a line of a picture this wide; empty where nothing is."""
    bad = [each for each in line if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    if bad:
        return f"{bad[0]!r} reaches the terminal"
    return "" if cell_len(line) == width else f"{cell_len(line)} cells instead of {width}"
