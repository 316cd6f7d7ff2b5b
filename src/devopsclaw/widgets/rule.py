"""A line with a title in it, which parts a screen without a box."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.widget import Widget

from devopsclaw.widgets.glyphs import UNICODE, Glyphs


class Rule(Widget):
    """`── title ─────── right ──`."""

    DEFAULT_CSS = """
    Rule {
        height: 1; color: $claw-rule;
        &> .rule--title { color: $foreground; text-style: bold; }
        &> .rule--right { color: $claw-muted; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"rule--title", "rule--right"}

    def __init__(self, glyphs: Glyphs = UNICODE, title: str = "", *, id: str = "") -> None:  # noqa: A002
        super().__init__(id=id or None)
        self._glyphs = glyphs
        self._title, self._right = title, ""

    def show(self, title: str, right: str = "") -> None:
        """Say this; both safe to show, in one line."""
        if (title, right) != (self._title, self._right):
            self._title, self._right = title, right
            self.refresh()

    def render(self) -> Text:
        """The rule over the whole width, the title cut where it does not fit."""
        line = self._glyphs.rule
        right = Text(f" {self._right} ", self.get_component_rich_style("rule--right", partial=True))
        tail = right if self._right else Text("")
        title = Text(f" {self._title} ", self.get_component_rich_style("rule--title", partial=True))
        title.truncate(max(self.size.width - 4 - tail.cell_len, 0), overflow="ellipsis")
        head = Text.assemble(line * 2, title if self._title else "")
        fill = max(self.size.width - head.cell_len - tail.cell_len - 2, 0)
        return Text.assemble(head, line * fill, tail, line * 2, no_wrap=True, end="")
