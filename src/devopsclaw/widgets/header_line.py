"""The first line of every screen: what is not normal, by importance. What is normal is dim or absent."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from devopsclaw.model.text import one_line
from devopsclaw.widgets.glyphs import UNICODE, Glyphs
from devopsclaw.widgets.words import many

WHY = 40
"""Cells for why the relay is away; the rest of the line has things to say too."""


@dataclass(frozen=True, slots=True)
class Headline:
    """What the header says. `minute` is `HH:MMZ`; `relay` a word of `RelayMoved`, empty: none in use.

    `relay_since` is the minute in which it was lost, where that is known. `caution` is what holds here
    and elsewhere does not.
    """

    minute: str = ""
    environments: tuple[str, ...] = ()
    failing: int = 0
    total: int = 0
    jobs: int = 0
    approvals: int = 0
    relay: str = ""
    relay_why: str = ""
    relay_since: str = ""
    demo: bool = False
    caution: str = ""
    opening: bool = False
    reconnecting: bool = False
    broken: bool = False

    @property
    def is_quiet(self) -> bool:
        """Whether there is a fleet and nothing to say of it; without a core nobody knows."""
        is_joined = self.relay in ("", "none", "connected")
        is_known = bool(self.total) and not (self.broken or self.reconnecting)
        return is_known and is_joined and not (self.failing or self.jobs or self.approvals)


class HeaderLine(Widget):
    """One line; it repaints only when what it says changes."""

    DEFAULT_CSS = """
    HeaderLine {
        height: 1; background: $panel;
        &> .header-line--protected { background: $error; color: $background; text-style: bold; }
        &> .header-line--demo { background: $accent; color: $background; text-style: bold; }
        &> .header-line--bad { color: $error; text-style: bold; }
        &> .header-line--warn { color: $warning; }
        &> .header-line--busy { color: $primary; }
        &> .header-line--dim { color: $claw-muted; }
    }
    """
    COMPONENT_CLASSES = {
        f"header-line--{name}" for name in ("protected", "demo", "bad", "warn", "busy", "dim")
    }

    def __init__(self, glyphs: Glyphs = UNICODE) -> None:
        super().__init__()
        self._glyphs = glyphs
        self._headline = Headline()

    def show(self, headline: Headline) -> None:
        """Say this."""
        if headline != self._headline:
            self._headline = headline
            self.refresh()

    def render(self) -> Text:
        """The parts from left to right, the minute at the right end.

        Where not all fit, first the relay's reason is left out, then parts are, whole and from the right.
        """
        headline, clock = self._headline, self._headline.minute
        room = self.size.width - len(clock) - 1
        parts = self._parts(headline)
        if sum(cell_len(word) + 2 for word, _ in parts) + 1 > room:
            parts = self._parts(replace(headline, relay_why=""))
        line = Text(" ")
        for word, tone in parts:
            part = Text(word, self._style(tone))
            if line.cell_len + part.cell_len + 2 <= room:
                line.append_text(part).append("  ")
        line.append(" " * max(room - line.cell_len, 0))
        return line.append(clock, self._style("dim")).append(" ")

    def _parts(self, said: Headline) -> list[tuple[str, str]]:
        """Words and tones, the most important first."""
        parts = [(f" {one_line(name).upper()} ", "protected") for name in said.environments]
        if said.demo:
            parts.append((" DEMO ", "demo"))
        if said.caution:
            parts.append((said.caution, "warn"))
        if said.broken:
            parts.append((f"{self._glyphs.failed} the core did not open", "bad"))
        if said.reconnecting:
            parts.append((f"{self._glyphs.warn} the core ended, looking for the next", "warn"))
        if said.approvals:
            parts.append((f"{self._glyphs.warn} {many(said.approvals, 'approval')}", "warn"))
        parts += [] if said.reconnecting else self._relay(said)
        if said.failing:
            parts.append((f"{self._glyphs.failed} {said.failing}/{said.total} nodes", "bad"))
        if said.jobs:
            parts.append((f"{self._glyphs.running} {many(said.jobs, 'job')}", "busy"))
        if said.opening and not said.reconnecting:
            parts.append(("opening", "dim"))
        elif said.is_quiet:
            parts.append((f"all quiet  {many(said.total, 'node')}", "dim"))
        return parts

    def _relay(self, said: Headline) -> list[tuple[str, str]]:
        why = f": {one_line(said.relay_why)[:WHY]}" if said.relay_why else ""
        since = f" since {said.relay_since}" if said.relay_since else ""
        words = {
            "connected": ("relay", "dim"),
            "connecting": (f"{self._glyphs.warn} relay connecting{why}", "warn"),
            "lost": (f"{self._glyphs.failed} relay lost{since}{why}", "bad"),
        }
        return [words[said.relay]] if said.relay in words else []

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"header-line--{name}", partial=True)
