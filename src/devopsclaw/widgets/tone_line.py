"""One line of words, each in its tone, with more at the right end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

Word = tuple[str, str]
"""Text, safe to show, and tone."""


class ToneLine(Widget):
    """Left words, right words; the left are cut where both do not fit."""

    DEFAULT_CSS = """
    ToneLine {
        height: 1;
        &> .tone-line--here { background: $claw-cursor; text-style: bold; }
        &> .tone-line--ok { color: $success; }
        &> .tone-line--busy { color: $primary; }
        &> .tone-line--warn { color: $warning; }
        &> .tone-line--bad { color: $error; }
        &> .tone-line--dim { color: $claw-muted; }
    }
    """
    TONES: ClassVar[tuple[str, ...]] = ("here", "ok", "busy", "warn", "bad", "dim")
    COMPONENT_CLASSES: ClassVar[set[str]] = set(map("tone-line--{}".format, TONES))

    def __init__(self, *, id: str = "") -> None:  # noqa: A002
        super().__init__(id=id or None)
        self._left: tuple[Word, ...] = ()
        self._right: tuple[Word, ...] = ()

    @property
    def text(self) -> str:
        """All its words, without their tones."""
        return "".join(text for text, _ in (*self._left, *self._right))

    def show(self, left: Sequence[Word], right: Sequence[Word] = ()) -> None:
        """Say this."""
        if (tuple(left), tuple(right)) != (self._left, self._right):
            self._left, self._right = tuple(left), tuple(right)
            self.refresh()

    def render(self) -> Text:
        """The words over the whole width."""
        right = self._said(self._right)
        line = self._said(self._left)
        line.truncate(max(self.size.width - right.cell_len - 1, 0), overflow="ellipsis", pad=True)
        return line.append_text(right).append(" ")

    def _said(self, words: Sequence[Word]) -> Text:
        line = Text(no_wrap=True, end="")
        for text, tone in words:
            line.append(text, self._style(tone))
        return line

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"tone-line--{name}", partial=True) if name else Style()
