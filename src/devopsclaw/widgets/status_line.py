"""The last two lines: the keys that act here, and the state word with the last thing said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

Key = tuple[str, str]
"""How a key is written, and what it does."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the two lines say. `tone` is of the notice: ok, warn, bad or empty."""

    word: str = "NORMAL"
    keys: tuple[Key, ...] = ()
    globals: tuple[Key, ...] = ()
    notice: str = ""
    tone: str = ""
    position: str = ""


class StatusLine(Widget):
    """Two lines; whole items are dropped from the right where they do not fit, never cut in the middle."""

    DEFAULT_CSS = """
    StatusLine {
        height: 2;
        &> .status-line--key { text-style: bold; color: $primary; }
        &> .status-line--label { color: $claw-muted; }
        &> .status-line--word { background: $panel; text-style: bold; }
        &> .status-line--alert { background: $warning; color: $background; text-style: bold; }
        &> .status-line--ok { color: $success; }
        &> .status-line--warn { color: $warning; }
        &> .status-line--bad { color: $error; text-style: bold; }
    }
    """
    COMPONENT_CLASSES = {
        f"status-line--{name}" for name in ("key", "label", "word", "alert", "ok", "warn", "bad")
    }

    def __init__(self) -> None:
        super().__init__()
        self._standing = Standing()

    def show(self, standing: Standing) -> None:
        """Say this."""
        if standing != self._standing:
            self._standing = standing
            self.refresh()

    def render(self) -> Text:
        """Keys of the screen above, state word and notice below."""
        room, said = self.size.width, self._standing
        upper = self._keys(said.keys, room)
        style = self._style("alert" if said.word == "ANSWER" else "word")
        lower = Text.assemble((f" {said.word} ", style), " ")
        right = f" {said.position} " if said.position else ""
        left = max(room - lower.cell_len - len(right), 0)
        shown = Text(said.notice, self._style(said.tone)) if said.notice else self._keys(said.globals, left)
        shown.truncate(left, overflow="ellipsis", pad=True)
        lower.append_text(shown).append(right, self._style("label"))
        return Text.assemble(upper, "\n", lower)

    def _keys(self, keys: Sequence[Key], room: int) -> Text:
        line = Text(" ")
        for key, label in keys:
            item = Text.assemble((key, self._style("key")), " ", (label, self._style("label")), "  ")
            if line.cell_len + item.cell_len - 2 > room:
                break
            line.append_text(item)
        line.rstrip()
        return line

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"status-line--{name}", partial=True) if name else Style()
