"""The situation column of wide terminals: short sections, the most urgent first. It holds no key."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap

from rich.style import Style
from rich.text import Text
from textual.widget import Widget

from devopsclaw.widgets.glyphs import UNICODE, Glyphs


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its lines as (text, tone); safe text."""

    heading: str
    lines: tuple[tuple[str, str], ...]


class SideColumn(Widget):
    """Sections below each other, long lines wrapped; empty sections are left out."""

    DEFAULT_CSS = """
    SideColumn {
        width: 34; height: 1fr;
        &> .side-column--heading { color: $claw-muted; text-style: bold; }
        &> .side-column--rule { color: $claw-rule; }
        &> .side-column--ok { color: $success; }
        &> .side-column--busy { color: $primary; }
        &> .side-column--warn { color: $warning; }
        &> .side-column--bad { color: $error; }
        &> .side-column--dim { color: $claw-muted; }
    }
    """
    COMPONENT_CLASSES = {
        f"side-column--{name}" for name in ("heading", "rule", "ok", "busy", "warn", "bad", "dim")
    }

    def __init__(self, glyphs: Glyphs = UNICODE) -> None:
        super().__init__()
        self._glyphs = glyphs
        self._sections: tuple[Section, ...] = ()

    def show(self, sections: tuple[Section, ...]) -> None:
        """Show these sections."""
        shown = tuple(section for section in sections if section.lines)
        if shown != self._sections:
            self._sections = shown
            self.refresh()

    def render(self) -> Text:
        """The sections, with a rule at their left over the whole height."""
        room = self.size.width - 3
        lines: list[tuple[str, str]] = []
        for section in self._sections:
            lines.append((section.heading, "heading"))
            lines += [(part, tone) for text, tone in section.lines for part in _wrapped(text, room)]
            lines.append(("", ""))
        lines += [("", "")] * (self.size.height - len(lines))
        text = Text(no_wrap=True, overflow="crop", end="")
        for number, (line, tone) in enumerate(lines[: self.size.height]):
            shown = Text(line, self._style(tone))
            shown.truncate(room, overflow="crop")
            if number:
                text.append("\n")
            text.append(f"{self._glyphs.upright} ", self._style("rule")).append_text(shown)
        return text

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"side-column--{name}", partial=True) if name else Style()


def _wrapped(text: str, room: int) -> list[str]:
    """The text in lines of that many cells, those after the first set in under it."""
    first, *others = wrap(text, max(room, 8), subsequent_indent="  ", max_lines=3, placeholder=" ...") or [""]
    return [first, *others]
