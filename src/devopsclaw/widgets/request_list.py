"""The requests that wait, a line each, oldest first; which one is read is marked. It holds no key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from devopsclaw.model.approval import Approval
from devopsclaw.model.text import one_line
from devopsclaw.widgets.glyphs import UNICODE, Glyphs
from devopsclaw.widgets.request_words import command, subject


class RequestList(Widget):
    """Its height does not change with what it lists, so that nothing below it moves."""

    DEFAULT_CSS = """
    RequestList {
        height: 3;
        &> .request-list--here { background: $claw-cursor; text-style: bold; }
        &> .request-list--dim { color: $claw-muted; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"request-list--here", "request-list--dim"}

    def __init__(self, glyphs: Glyphs = UNICODE) -> None:
        super().__init__()
        self._glyphs = glyphs
        self._lines: tuple[tuple[bool, str], ...] = ()

    def show(self, waiting: Sequence[Approval], reading: str) -> None:
        """List these; `reading` is the id of the one that is read."""
        lines = tuple((each.id == reading, _line(each)) for each in waiting)
        if lines != self._lines:
            self._lines = lines
            self.refresh()

    def render(self) -> Text:
        """The lines around the one that is read; how many are not on screen stands in the last."""
        room, height = self.size.width, self.size.height
        place = next((place for place, (is_read, _) in enumerate(self._lines) if is_read), 0)
        first = max(0, min(place - height // 2, len(self._lines) - height))
        text = Text(no_wrap=True, end="")
        for number, (is_read, line) in enumerate(self._lines[first : first + height]):
            sign = self._glyphs.folded if is_read else " "
            shown = Text(f" {sign} {line}", self._style("here" if is_read else ""))
            shown.truncate(room, overflow="ellipsis", pad=True)
            text.append("\n" if number else "").append_text(shown)
        if not self._lines:
            text.append("   no request waits", self._style("dim"))
        return text

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"request-list--{name}", partial=True) if name else Style()


def _line(asked: Approval) -> str:
    said = f"{asked.id:<6}{asked.risk.upper():<9} {one_line(asked.user):<9} {subject(asked)}"
    return f"{said}  $ {command(asked)[0]}"
