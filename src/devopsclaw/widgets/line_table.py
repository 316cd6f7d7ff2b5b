"""Rows drawn line by line: cursor, marks, and a repaint of the lines that changed and of no other.

Base of every table of the console. A DataTable pays 33 to 43 ms a frame for one changed cell (design §14.10).
Not here: what the rows mean, sorting, filtering.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.cache import LRUCache
from textual.events import Resize
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from devopsclaw.widgets.glyphs import UNICODE, Glyphs

Cell = tuple[str, str]
"""Text and tone; a tone is a component class of `LineTable`, or empty. The text is safe, and one line."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `key` names it for ever; a `flowing` row's cells follow each other and ignore the columns."""

    key: str
    cells: tuple[Cell, ...]
    flowing: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `width` cells (0: what is left), drawn only where the table is `at_least` so wide."""

    heading: str
    width: int
    at_least: int = 0


class LineTable(ScrollView, can_focus=True, inherit_bindings=False):
    """A list with one cursor. Set it with `replace`, change one row with `update_row`."""

    DEFAULT_CSS = """
    LineTable {
        height: 1fr;
        overflow: hidden hidden;
        scrollbar-size: 0 0;
        &> .line-table--head { color: $claw-muted; text-style: bold; }
        &> .line-table--cursor { background: $claw-cursor; }
        &> .line-table--ok { color: $success; }
        &> .line-table--busy { color: $primary; }
        &> .line-table--warn { color: $warning; }
        &> .line-table--bad { color: $error; }
        &> .line-table--note { color: $accent; }
        &> .line-table--dim { color: $claw-muted; }
        &> .line-table--strong { text-style: bold; }
    }
    """
    TONES: ClassVar[frozenset[str]] = frozenset(
        {"head", "cursor", "ok", "busy", "warn", "bad", "note", "dim", "strong"}
    )
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"line-table--{tone}" for tone in TONES}

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "down", id="table.down", show=False),
        Binding("k,up", "move(-1)", "up", id="table.up", show=False),
        Binding("ctrl+d,pagedown", "page(1)", "page down", id="table.page_down", show=False),
        Binding("ctrl+u,pageup", "page(-1)", "page up", id="table.page_up", show=False),
        Binding("g,home", "end(False)", "first line", id="table.first", show=False),
        Binding("G,end", "end(True)", "last line", id="table.last", show=False),
    ]

    class Moved(Message):
        """The cursor stands on another row, or the row under it changed."""

    class Chosen(Message):
        """Enter was pressed on the row with this key."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    def __init__(self, columns: Sequence[Column] = (), glyphs: Glyphs = UNICODE, *, id: str = "") -> None:  # noqa: A002
        super().__init__(id=id or None)
        self.columns = tuple(columns)
        self.glyphs = glyphs
        self.rows: list[Row] = []
        self.marked: frozenset[str] = frozenset()
        self.cursor = 0
        self._places: dict[str, int] = {}
        self._strips: LRUCache[tuple[Row, int, bool, bool, bool], Strip] = LRUCache(1024)

    @property
    def head(self) -> int:
        """Lines taken by the heading: 1, or 0 without columns."""
        return 1 if self.columns else 0

    @property
    def current(self) -> Row | None:
        """The row under the cursor."""
        return self.rows[self.cursor] if self.rows else None

    @property
    def position(self) -> str:
        """Which lines are on screen, as `1-18 of 43`; empty when all are."""
        room = max(self.size.height - self.head, 0)
        top = int(self.scroll_offset.y)
        if not room or len(self.rows) <= room:
            return ""
        return f"{top + 1}-{min(top + room, len(self.rows))} of {len(self.rows)}"

    def row_at(self, key: str) -> Row | None:
        """The row with this key."""
        place = self._places.get(key)
        return None if place is None else self.rows[place]

    def place_of(self, key: str) -> int:
        """Where the row with this key stands; the cursor's place where it is gone."""
        return self._places.get(key, self.cursor)

    def replace(self, rows: Sequence[Row]) -> None:
        """Show these rows. The cursor stays on its row, at its place on the screen, where it still exists."""
        wanted = list(rows)
        if wanted == self.rows:
            return
        held, place = (self.current.key if self.current else ""), self.cursor - int(self.scroll_offset.y)
        length = len(self.rows)
        self.rows = wanted
        self._places = {row.key: index for index, row in enumerate(self.rows)}
        self.cursor = self._places.get(held, min(self.cursor, max(len(self.rows) - 1, 0)))
        if length != len(self.rows):
            self._fit()
        self._scroll(self.cursor - place)
        self._follow()
        self.refresh()
        self.post_message(self.Moved())

    def update_row(self, row: Row) -> None:
        """Show this row in place of the one with its key, repainting its line only; a stranger is ignored."""
        place = self._places.get(row.key)
        if place is None or self.rows[place] == row:
            return
        self.rows[place] = row
        self._repaint(place)
        if place == self.cursor:
            self.post_message(self.Moved())

    def mark(self, keys: frozenset[str]) -> None:
        """Mark exactly these rows; repaints the lines whose mark changed."""
        changed, self.marked = self.marked ^ keys, keys
        for key in changed & self._places.keys():
            self._repaint(self._places[key])

    def move_to(self, place: int) -> None:
        """Put the cursor on this row, or the nearest there is."""
        wanted = max(0, min(place, len(self.rows) - 1))
        if wanted == self.cursor:
            return
        self._repaint(self.cursor)
        self.cursor = wanted
        self._repaint(wanted)
        self._follow()
        self.post_message(self.Moved())

    def action_move(self, by: int) -> None:
        """Move the cursor by so many rows."""
        self.move_to(self.cursor + by)

    def action_page(self, by: int) -> None:
        """Move the cursor by a screenful."""
        self.move_to(self.cursor + by * max(self.size.height - self.head - 1, 1))

    def action_end(self, last: bool) -> None:
        """Move the cursor to the first or the last row."""
        self.move_to(len(self.rows) - 1 if last else 0)

    def on_resize(self, event: Resize) -> None:
        """The virtual size is the widget's width, so that nothing scrolls sideways."""
        self._fit()
        self._follow()
        self.post_message(self.Moved())

    def on_focus(self) -> None:
        """The cursor's line looks different with the focus."""
        self._repaint(self.cursor)

    def on_blur(self) -> None:
        """See `on_focus`."""
        self._repaint(self.cursor)

    def notify_style_update(self) -> None:
        """The theme changed: drop what was drawn with the old one."""
        super().notify_style_update()
        self._strips.clear()

    def forget_strips(self) -> None:
        """The columns changed: draw every line anew."""
        self._strips.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line at `y` of the widget: the heading, or a row, or nothing."""
        width = self.size.width
        ground = self.rich_style
        if self.columns and y == 0:
            head = Row("", tuple((column.heading, "head") for column in self.columns))
            return self.paint(head, width).apply_style(ground)
        place = y - self.head + int(self.scroll_offset.y)
        if place >= len(self.rows):
            return Strip.blank(width, ground)
        return self._strip(self.rows[place], width, place == self.cursor).apply_style(ground)

    def paint(self, row: Row, width: int) -> Strip:
        """The row's cells as a strip of exactly `width` cells, without cursor and marks."""
        if row.flowing:
            return self._flow(row, width)
        shown = [
            (column, cell)
            for column, cell in zip(self.columns, row.cells, strict=False)
            if width >= column.at_least
        ]
        fixed = sum(column.width + 1 for column, _ in shown if column.width)
        loose = max(width - 2 - fixed - sum(1 for column, _ in shown if not column.width), 4)
        segments = [Segment("  ")]
        for column, (text, tone) in shown:
            room = column.width or loose
            segments.append(Segment(self.fitted(text, room) + " ", self._style(tone)))
        return Strip(segments).adjust_cell_length(width)

    def fitted(self, text: str, width: int) -> str:
        """The text in exactly `width` cells; what was cut ends in an ellipsis."""
        if cell_len(text) <= width:
            return set_cell_size(text, width)
        return set_cell_size(text, width - 1) + self.glyphs.ellipsis

    def _flow(self, row: Row, width: int) -> Strip:
        segments = [Segment("  "), *(Segment(text, self._style(tone)) for text, tone in row.cells)]
        strip = Strip(segments)
        if strip.cell_length <= width:
            return strip.adjust_cell_length(width)
        return Strip([*strip.crop(0, width - 1), Segment(self.glyphs.ellipsis)])

    def _strip(self, row: Row, width: int, is_current: bool) -> Strip:
        is_lit, is_marked = is_current and self.has_focus, row.key in self.marked
        named = (row, width, is_current, is_lit, is_marked)
        if named not in self._strips:
            painted = self.paint(row, width)
            strip = self._dress(painted, is_marked, ">" if is_current else " ")
            self._strips[named] = self._lit(strip) if is_lit else strip
        return self._strips[named]

    def _lit(self, strip: Strip) -> Strip:
        over = self.get_component_rich_style("line-table--cursor", partial=True)
        segments = [Segment(each.text, (each.style or Style()) + over) for each in strip]
        return Strip(segments, strip.cell_length)

    def _dress(self, strip: Strip, is_marked: bool, cursor: str) -> Strip:
        """Put cursor and mark, as characters, into the first two cells."""
        gutter = Segment(cursor + ("*" if is_marked else " "), self._style("note" if is_marked else "strong"))
        return Strip([gutter, *strip.crop(2)], strip.cell_length)

    def _style(self, tone: str) -> Style | None:
        return self.get_component_rich_style(f"line-table--{tone}", partial=True) if tone else None

    def _repaint(self, place: int) -> None:
        line = place + self.head - int(self.scroll_offset.y)
        if self.head <= line < self.size.height:
            self.refresh(Region(0, line, self.size.width, 1))

    def _fit(self) -> None:
        self.virtual_size = Size(self.size.width, len(self.rows) + self.head)

    def _follow(self) -> None:
        """Scroll as little as it takes to have the cursor on screen."""
        room = max(self.size.height - self.head, 1)
        top = int(self.scroll_offset.y)
        if self.cursor < top:
            self._scroll(self.cursor)
        elif self.cursor >= top + room:
            self._scroll(self.cursor - room + 1)

    def _scroll(self, top: int) -> None:
        last = max(len(self.rows) + self.head - self.size.height, 0)
        self.scroll_to(y=max(0, min(top, last)), animate=False, force=True, immediate=True)
