"""Tables: stable columns, upper-case header, one line per item, whole off a terminal. Pure text."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from devopsclaw.cli.glyphs import is_state
from devopsclaw.model.text import one_line

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_STATE_FIELDS = frozenset({"status", "state", "link"})

Mark = Callable[[str], str]


def table_lines(
    items: Sequence[dict[str, Any]], columns: Sequence[Sequence[str]], mark: Mark, width: int = 0
) -> Iterator[str]:
    """Header and one line per item. `columns` holds (heading, dotted field); `mark` dresses words of
    state; lines are cut at `width` cells, 0 leaves them whole.
    """
    rows = [[heading.upper() for heading, _ in columns]]
    rows += [[_cell(item, field, mark) for _, field in columns] for item in items]
    widths = [max(cells(row[index]) for row in rows) for index in range(len(columns))]
    for row in rows:
        padded = [text + " " * (size - cells(text)) for text, size in zip(row, widths, strict=True)]
        line = "  ".join(padded).rstrip()
        yield cut(line, width) if width else line


def _cell(item: dict[str, Any], field: str, mark: Mark) -> str:
    value: Any = item
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    text = shown(value)
    is_marked = field.rsplit(".", 1)[-1] in _STATE_FIELDS and is_state(text)
    return mark(text) if is_marked else text


def shown(value: Any) -> str:
    """One value in one line: `-` for nothing, `k=v` pairs by comma, nothing in it that a terminal acts on."""
    if value in (None, "", [], {}):
        return "-"
    match value:
        case bool():
            return "yes" if value else "no"
        case dict():
            return ",".join(f"{one_line(str(key))}={one_line(str(each))}" for key, each in value.items())
        case list():
            return ",".join(shown(each) for each in value)
        case float():
            return f"{value:g}"
    return one_line(str(value))


def cells(text: str) -> int:
    """Columns of a terminal that the text takes; colours take none, wide characters two."""
    return sum(_cells_of(character) for character in _ANSI.sub("", text))


def _cells_of(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def cut(line: str, width: int) -> str:
    """The line in at most `width` cells, an ellipsis where something is missing; colours stay whole."""
    if cells(line) <= width:
        return line
    kept, taken = "", 0
    for piece in re.findall(r"\x1b\[[0-9;]*m|.", line):
        size = cells(piece)
        if taken + size > width - 1:
            break
        kept, taken = kept + piece, taken + size
    return kept + ("\x1b[0m" if "\x1b[" in kept else "") + "…"
