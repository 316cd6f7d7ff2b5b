"""What is said to the terminal itself."""

from __future__ import annotations

from typing import Any

import pytest
from textual.app import App

from devopsclaw.screens.terminal import CLIPBOARD_LIMIT, send


class Clipboard(App[None]):
    """An app that keeps what it is to copy."""

    def __init__(self) -> None:
        super().__init__()
        self.copied: list[str] = []

    def copy_to_clipboard(self, text: str) -> None:
        """Keep it."""
        self.copied.append(text)


async def tmux(text: str) -> str:
    """A copier that is there."""
    return "tmux"


async def test_a_copier_is_used_where_there_is_one() -> None:
    app = Clipboard()

    assert await send(app, tmux, "web-1", "1 name") == "sent 1 name: tmux"
    assert app.copied == []


async def test_else_the_terminal_is_asked_and_only_sent_is_said() -> None:
    app = Clipboard()

    assert await send(app, None, "web-1", "1 name") == "sent 1 name to the terminal's clipboard (OSC 52)"
    assert app.copied == ["web-1"]


@pytest.mark.parametrize("text", ["x" * (CLIPBOARD_LIMIT + 1), "日" * (CLIPBOARD_LIMIT // 3 + 1)])
async def test_what_a_terminal_would_drop_is_not_sent(text: Any) -> None:
    app = Clipboard()

    assert (await send(app, None, text, "output")).startswith("not sent: ")
    assert app.copied == []
