"""The palette: every action that works where it was opened, found by typing. It offers nothing else."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.fuzzy import Matcher
from textual.screen import ModalScreen

from devopsclaw.screens.keys import KeyAction
from devopsclaw.widgets.field import Field
from devopsclaw.widgets.glyphs import UNICODE, Glyphs
from devopsclaw.widgets.line_table import LineTable, Row

WIDTH = 24
"""Cells of the label column."""


class Palette(ModalScreen[KeyAction | None]):
    """Type to narrow, Enter to do, Esc to leave. The result is the action, or None."""

    CSS_PATH = "palette.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", id="palette.back", show=False),
        Binding("down,ctrl+n", "move(1)", "next", id="palette.next", show=False),
        Binding("up,ctrl+p", "move(-1)", "previous", id="palette.previous", show=False),
    ]

    def __init__(self, actions: list[KeyAction], glyphs: Glyphs = UNICODE) -> None:
        super().__init__()
        self._actions = {f"{number}": action for number, action in enumerate(actions)}
        self._glyphs = glyphs

    def compose(self) -> ComposeResult:
        """The line to type in, and what it leaves."""
        with Vertical(id="palette"):
            yield Field(placeholder="what to do")
            yield LineTable((), self._glyphs)

    def on_mount(self) -> None:
        """All actions at first."""
        self.query_one(Field).focus()
        self._narrow("")

    def action_leave(self) -> None:
        """Esc: nothing was chosen."""
        self.dismiss(None)

    def action_move(self, by: int) -> None:
        """Move the cursor while the line keeps the focus."""
        self.query_one(LineTable).action_move(by)

    def on_app_blur(self, event: events.AppBlur) -> None:
        """The terminal lost the focus: what is typed next may be meant for another window."""
        event.stop()

    @on(Field.Changed)
    def _typed(self, event: Field.Changed) -> None:
        self._narrow(event.value)

    @on(Field.Submitted)
    def _chosen(self) -> None:
        row = self.query_one(LineTable).current
        self.dismiss(self._actions[row.key] if row else None)

    def _narrow(self, query: str) -> None:
        matcher = Matcher(query)
        scored = [(matcher.match(_words(each)) if query else 1.0, key) for key, each in self._actions.items()]
        left = [(score, key) for score, key in scored if score > 0]
        if query:
            left.sort(key=lambda pair: -pair[0])
        table = self.query_one(LineTable)
        table.replace([_row(key, self._actions[key]) for _, key in left])
        table.move_to(0)


def _words(action: KeyAction) -> str:
    return f"{action.label} {action.operation}"


def _row(key: str, action: KeyAction) -> Row:
    keys = " ".join(action.keys)
    cells = ((f"{action.label:<{WIDTH}}", ""), (f"{keys:<10}", "busy"), (action.operation, "dim"))
    return Row(key, cells, flowing=True)
