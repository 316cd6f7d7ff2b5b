"""One request for a yes, whole and in the order in which it is to be read. It scrolls; it answers nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from devopsclaw.model.approval import Approval
from devopsclaw.widgets.request_words import LABEL, Said, details, facts


class RequestView(VerticalScroll, can_focus=False):
    """`ReadFacts` is posted when all of the first four facts was on screen, the whole command with them."""

    DEFAULT_CSS = """
    RequestView {
        height: 1fr; scrollbar-size: 0 0; padding: 0 1;
        &> Static { height: auto; width: 1fr; }
        &> .request-view--strong { text-style: bold; }
        &> .request-view--warn { color: $warning; text-style: bold; }
        &> .request-view--bad { color: $error; text-style: bold; }
        &> .request-view--dim { color: $claw-muted; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        f"request-view--{name}" for name in ("strong", "warn", "bad", "dim")
    }

    class ReadFacts(Message):
        """The end of the facts is or was on screen."""

        def __init__(self, request: str) -> None:
            super().__init__()
            self.request = request

    def __init__(self, wall: Callable[[], float], *, id: str = "request-view") -> None:  # noqa: A002
        super().__init__(id=id)
        self._wall = wall
        self._request: Approval | None = None
        self._dropping = -1
        self._shown: tuple[list[Said], list[Said]] = ([], [])
        self._deepest = 0

    def compose(self) -> ComposeResult:
        """What has to be read, and what comes after it."""
        yield Static("", id="facts", markup=False)
        yield Static("", id="details", markup=False)

    def show(self, request: Approval | None, dropping: int = -1) -> None:
        """Show this one; another than before from its first line."""
        is_other = (request and request.id) != (self._request and self._request.id)
        self._request, self._dropping = request, dropping
        if is_other:
            self._deepest = 0
            self.scroll_home(animate=False)
        self._draw()

    def page(self, pages: int) -> None:
        """Scroll by so many pages."""
        self.scroll_relative(y=pages * max(self.size.height - 1, 1), animate=False)
        self.look()

    def look(self) -> None:
        """Say once more, after the next picture, whether the facts were read."""
        self.call_after_refresh(self._look)

    def on_resize(self) -> None:
        """Lines are wrapped to the width; more may fit now."""
        self._draw()

    def _draw(self) -> None:
        room, asked = self.content_size.width, self._request
        if asked is None or room <= 0:
            shown: tuple[list[Said], list[Said]] = ([], [])
        else:
            shown = facts(asked, room, self._dropping), details(asked, room, self._wall())
        for place, lines, before in zip(("#facts", "#details"), shown, self._shown, strict=True):
            if lines != before:
                self.query_one(place, Static).update(self._text(lines))
        self._shown = shown
        self.look()

    def _look(self) -> None:
        """Whether the last of the facts is on screen, and none before it was passed over."""
        height, top = self.size.height, int(self.scroll_offset.y)
        if self._request is None or not height or top > self._deepest:
            return
        self._deepest = max(self._deepest, top + height)
        if self._deepest >= len(self._shown[0]):
            self.post_message(self.ReadFacts(self._request.id))

    def _text(self, lines: Sequence[Said]) -> Text:
        text = Text(no_wrap=True, overflow="crop", end="")
        for number, each in enumerate(lines):
            text.append("\n" if number else "")
            if each.label:
                text.append(f"{each.label:<{LABEL}}", self._style("dim"))
            text.append(each.text, self._style(each.tone))
        return text

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"request-view--{name}", partial=True) if name else Style()
