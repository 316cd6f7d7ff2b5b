"""Every key that acts where `?` was pressed, written from the bindings themselves."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from devopsclaw.screens.base import Frame
from devopsclaw.screens.desk import Desk
from devopsclaw.screens.keys import KeyAction
from devopsclaw.widgets.page import Page
from devopsclaw.widgets.rule import Rule


class Help(Frame):
    """The keys, those of the screen first."""

    CSS_PATH = "help.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "back", id="help.back")]

    def __init__(self, desk: Desk, actions: list[KeyAction], mode: str = "fleet") -> None:
        super().__init__(desk)
        self.mode = mode
        self._actions = actions

    def body(self) -> ComposeResult:
        """The list."""
        yield Rule(self.desk.glyphs, "KEYS")
        yield Page(self.desk.glyphs)

    def on_mount(self) -> None:
        """Fill it."""
        super().on_mount()
        page = self.query_one(Page)
        page.focus()
        page.show(help_lines(self._actions))

    def position(self) -> str:
        """See `Frame.position`."""
        return self.query_one(Page).position

    def action_back(self) -> None:
        """Go back."""
        self.dismiss()


def help_lines(actions: list[KeyAction]) -> list[tuple[str, str]]:
    """Keys and what they do, with the operation behind them; here first, then everywhere."""
    lines: list[tuple[str, str]] = []
    for place, heading in (("here", "HERE"), ("everywhere", "EVERYWHERE")):
        found = [each for each in actions if each.place == place]
        if found:
            lines += [(heading, "")] if not lines else [(" ", ""), (heading, "")]
        for each in found:
            lines.append((" ".join(each.keys), f"{each.label:<22}{each.operation}".rstrip()))
    return lines
