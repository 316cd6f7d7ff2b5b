"""The first line of every screen: what is not normal, by importance. What is normal is dim or absent."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from devopsclaw.model.text import safe
from devopsclaw.widgets.glyphs import UNICODE, Glyphs
from devopsclaw.widgets.words import many

WHY = 40
"""Cells for why the relay is away; the rest of the line has things to say too."""


@dataclass(frozen=True, slots=True)
class Headline:
    """What the header says. `minute` is `HH:MMZ`; `relay` a word of `RelayMoved`, empty: none in use.

    `caution` is what holds here and elsewhere does not.
    """

    minute: str = ""
    environments: tuple[str, ...] = ()
    failing: int = 0
    total: int = 0
    jobs: int = 0
    relay: str = ""
    relay_why: str = ""
    demo: bool = False
    caution: str = ""
    opening: bool = False
    broken: bool = False

    @property
    def is_quiet(self) -> bool:
        """Whether there is a fleet and nothing to say of it."""
        is_joined = self.relay in ("", "none", "connected")
        return bool(self.total) and is_joined and not (self.failing or self.jobs or self.broken)


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
        """The parts from left to right, the minute at the right end; what does not fit is dropped whole."""
        headline, room = self._headline, self.size.width
        line, clock = Text(" "), headline.minute
        for word, tone in self._parts(headline):
            part = Text(word, self._style(tone))
            if line.cell_len + part.cell_len + len(clock) + 3 <= room:
                line.append_text(part).append("  ")
        line.append(" " * max(room - line.cell_len - len(clock) - 1, 0))
        return line.append(clock, self._style("dim")).append(" ")

    def _parts(self, said: Headline) -> list[tuple[str, str]]:
        """Words and tones, the most important first."""
        parts = [(f" {safe(name).upper()} ", "protected") for name in said.environments]
        if said.demo:
            parts.append((" DEMO ", "demo"))
        if said.caution:
            parts.append((said.caution, "warn"))
        if said.broken:
            parts.append((f"{self._glyphs.failed} the core did not open", "bad"))
        parts += self._relay(said)
        if said.failing:
            parts.append((f"{self._glyphs.failed} {said.failing}/{said.total} nodes", "bad"))
        if said.jobs:
            parts.append((f"{self._glyphs.running} {many(said.jobs, 'job')}", "busy"))
        if said.opening:
            parts.append(("opening", "dim"))
        elif said.is_quiet:
            parts.append((f"all quiet  {many(said.total, 'node')}", "dim"))
        return parts

    def _relay(self, said: Headline) -> list[tuple[str, str]]:
        why = f": {safe(said.relay_why)[:WHY]}" if said.relay_why else ""
        words = {
            "connected": ("relay", "dim"),
            "connecting": (f"{self._glyphs.warn} relay connecting{why}", "warn"),
            "lost": (f"{self._glyphs.failed} relay lost{why}", "bad"),
        }
        return [words[said.relay]] if said.relay in words else []

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"header-line--{name}", partial=True)
