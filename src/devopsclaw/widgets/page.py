"""Names and texts below each other, wrapped and scrolled by key: the detail of anything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from rich.cells import cell_len, chop_cells, set_cell_size

from devopsclaw.widgets.glyphs import UNICODE, Glyphs
from devopsclaw.widgets.line_table import LineTable, Row

NAME = 16
"""Cells of the name column."""


class Page(LineTable):
    """A list of (name, text); a text without a name stands alone, a name without a text is a heading."""

    def __init__(self, glyphs: Glyphs = UNICODE, *, id: str = "page") -> None:  # noqa: A002
        super().__init__((), glyphs, id=id)
        self._lines: Sequence[tuple[str, str]] = ()

    def show(self, lines: Iterable[tuple[str, str]]) -> None:
        """Show these; safe text, and names of one line."""
        self._lines = list(lines)
        self._lay_out()

    def on_resize(self) -> None:  # type: ignore[override]
        """Lines are wrapped to the width."""
        self._lay_out()

    def _lay_out(self) -> None:
        self.replace([row for number, line in enumerate(self._lines) for row in self._rows(number, *line)])

    def _rows(self, number: int, name: str, text: str) -> Iterator[Row]:
        """A heading, or a name with the text beside it; below it, where the name is too long."""
        if not text:
            yield Row(f"{number}", ((name, "strong"),), flowing=True)
            return
        if cell_len(name) > NAME:
            yield Row(f"{number}", ((name, "dim"),), flowing=True)
            name = ""
        room = max(self.size.width - NAME - 4, 8)
        pieces = [piece for line in text.split("\n") for piece in chop_cells(line, room) or [""]]
        for part, piece in enumerate(pieces):
            label = set_cell_size("" if part else name, NAME + 1)
            yield Row(f"{number}.{part}", ((label, "dim"), (piece, "")), flowing=True)
