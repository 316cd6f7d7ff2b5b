"""Names and texts below each other, wrapped and scrolled by key: the detail of anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import chop_cells

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
        """Show these; safe text."""
        self._lines = list(lines)
        self._lay_out()

    def on_resize(self) -> None:  # type: ignore[override]
        """Lines are wrapped to the width."""
        self._lay_out()

    def _lay_out(self) -> None:
        room = max(self.size.width - NAME - 4, 8)
        rows: list[Row] = []
        for number, (name, text) in enumerate(self._lines):
            if not text:
                rows.append(Row(f"{number}", ((name, "strong"),), flowing=True))
            pieces = (
                [piece for line in text.split("\n") for piece in chop_cells(line, room) or [""]]
                if text
                else []
            )
            for part, piece in enumerate(pieces):
                label = name if not part else ""
                rows.append(
                    Row(f"{number}.{part}", ((f"{label:<{NAME}} ", "dim"), (piece, "")), flowing=True)
                )
        self.replace(rows)
