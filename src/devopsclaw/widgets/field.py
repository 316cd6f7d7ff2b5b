"""A line to type in: no border, no blinking cursor (design §14.6), and Enter named for what it does."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class Field(Input):
    """One line of text."""

    DEFAULT_CSS = """
    Field, Field:focus { height: 1; border: none; padding: 0 1; background: $surface; }
    Field:focus { background: $panel; }
    Field > .input--placeholder { color: $claw-muted; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "submit", "accept", id="field.accept")]

    def __init__(self, value: str = "", placeholder: str = "", *, id: str = "") -> None:  # noqa: A002
        super().__init__(value, placeholder, id=id or None, compact=True, select_on_focus=False)
        self.set_reactive(Input.cursor_blink, False)
