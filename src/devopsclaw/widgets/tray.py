"""What is docked above the status line: the oldest request for a yes. It holds no key and takes no focus."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from devopsclaw.model.approval import Approval
from devopsclaw.model.nodeset import fold
from devopsclaw.model.text import one_line
from devopsclaw.widgets.glyphs import UNICODE, Glyphs
from devopsclaw.widgets.request_words import command, subject
from devopsclaw.widgets.words import left

COMMAND_LINES = {1: 1, 2: 1, 3: 3}
"""Lines of a command that are shown, by the size of the tray: small, usual, large."""

GO = "A or F8: read it, answer it"


class Tray(Widget):
    """Two, four or up to six lines; none while nothing waits. What is cut here stands whole in the inbox."""

    DEFAULT_CSS = """
    Tray {
        height: auto; display: none; background: $panel; text-wrap: nowrap; text-overflow: ellipsis;
        &.-docked { display: block; }
        &> .tray--title { color: $warning; text-style: bold; }
        &> .tray--grave { color: $error; text-style: bold; }
        &> .tray--strong { text-style: bold; }
        &> .tray--dim { color: $claw-muted; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"tray--{name}" for name in ("title", "grave", "strong", "dim")}

    def __init__(self, glyphs: Glyphs = UNICODE) -> None:
        super().__init__()
        self._glyphs = glyphs
        self._lines: tuple[tuple[str, str, str], ...] = ()

    def show(self, docked: Sequence[Approval], wall: float, size: int = 2) -> None:
        """Dock the first of these; `size` is 1 (small), 2 (usual) or 3 (large)."""
        lines = tuple(self._said(docked, wall, size)) if docked else ()
        if lines != self._lines:
            is_other = len(lines) != len(self._lines)
            self._lines = lines
            self.set_class(bool(lines), "-docked")
            self.refresh(layout=is_other)

    def render(self) -> Text:
        """Each line cut to the width, what stands at its right end kept."""
        text, room = Text(no_wrap=True, end=""), self.size.width
        for number, (line, right, tone) in enumerate(self._lines):
            tail = f" {right} " if right else ""
            shown = Text(f" {line}", self._style(tone))
            shown.truncate(max(room - len(tail), 0), overflow="ellipsis", pad=True)
            text.append("\n" if number else "").append_text(shown).append(tail, self._style(tone))
        return text

    def get_content_height(self, *_: object) -> int:
        """As many as there are lines."""
        return len(self._lines)

    def _said(self, docked: Sequence[Approval], wall: float, size: int) -> list[tuple[str, str, str]]:
        """Text, right end and tone of each line."""
        asked = docked[0]
        head = f"{self._glyphs.warn} APPROVAL 1/{len(docked)}  {asked.id}  {asked.risk.upper()}"
        title = f"{head}  {subject(asked)}"
        asker = one_line(f"{asked.user} at the {asked.door}")
        remaining = f"{left(asked.expires_at - wall)} left"
        lines = [(title, remaining, "grave" if asked.phrase else "title"), *self._command(asked, size)]
        if size == 1:
            line, _, tone = lines[1]
            return [lines[0], (line, f"by {one_line(asked.user)}  A or F8", tone)]
        nodes = one_line(fold(asked.plan.nodes) or asked.plan.target)
        why = f": {one_line(asked.plan.reason)}" if asked.plan.reason else ""
        risk = f"risk {asked.risk}, {asked.plan.effect.value}, undo {one_line(asked.plan.undo)}"
        return [*lines, (f"on {nodes}", risk, ""), (f"asked by {asker}{why}", GO, "dim")]

    def _command(self, asked: Approval, size: int) -> list[tuple[str, str, str]]:
        """Its first lines; that there are more stands at the end of the last."""
        lines, most = command(asked), COMMAND_LINES[size]
        more = f"+{len(lines) - most} lines" if len(lines) > most else ""
        shown = [f"{'|' if number else '$'} {line}" for number, line in enumerate(lines[:most])]
        return [(line, more if line is shown[-1] else "", "strong") for line in shown]

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"tray--{name}", partial=True) if name else Style()
