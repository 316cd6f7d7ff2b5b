"""What the console says to the terminal itself: mouse reports, and text for its clipboard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from textual.app import App

CLIPBOARD_LIMIT = 74_000
"""Bytes of OSC 52 that terminals and multiplexers let pass; a longer one is dropped without a word."""

MOUSE_MODES = ("?1000", "?1003", "?1006")
"""Report buttons, motion, in SGR coordinates. Source: xterm's ctlseqs, "Mouse Tracking"."""

Copier = Callable[[str], Awaitable[str]]
"""Sends text to a clipboard and says how it did."""


def report_mouse(app: App[Any], wanted: bool) -> None:
    """Ask the terminal to report the mouse, or to keep it for its own selection."""
    # Textual decides this once, at start; its driver is the only way to the terminal after that.
    driver = app._driver
    if driver is not None:
        driver.write("".join(f"\x1b[{mode}{'h' if wanted else 'l'}" for mode in MOUSE_MODES))
        driver.flush()


async def send(app: App[Any], copier: Copier | None, text: str, what: str) -> str:
    """Send text to the clipboard; what to say about it. Whether it arrives cannot be known, so: "sent"."""
    length = len(text.encode())
    if copier is not None:
        return f"sent {what}: {await copier(text)}"
    if length > CLIPBOARD_LIMIT:
        return f"not sent: {length} bytes are more than a terminal's clipboard takes ({CLIPBOARD_LIMIT})"
    app.copy_to_clipboard(text)
    return f"sent {what} to the terminal's clipboard (OSC 52)"
