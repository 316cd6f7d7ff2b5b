"""The smallest Textual program that paints something: what the console's start is compared with."""

from __future__ import annotations

from textual.app import App, ComposeResult
from textual.widgets import Static


class Hello(App[None]):
    """One line."""

    def compose(self) -> ComposeResult:
        """The line that is waited for."""
        yield Static("hello-from-textual")


if __name__ == "__main__":
    Hello().run(mouse=False)
