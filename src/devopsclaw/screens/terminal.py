"""What the console says to the terminal itself: mouse reports, and text for its clipboard."""

from __future__ import annotations

from typing import Any, Protocol

from textual.app import App

from devopsclaw.model.errors import ClawError

CLIPBOARD_LIMIT = 74_000
"""Bytes of OSC 52 that terminals and multiplexers let pass; a longer one is dropped without a word."""

MOUSE_MODES = ("?1000", "?1003", "?1006")
"""Report buttons, motion, in SGR coordinates. Source: xterm's ctlseqs, "Mouse Tracking"."""


class Copier(Protocol):
    """The ways to a clipboard beside the terminal's own."""

    @property
    def is_in_tmux(self) -> bool:
        """Whether tmux is around us: by default it drops what a program says to the terminal's clipboard."""
        ...

    async def offer(self, text: str) -> str:
        """Give it to tmux; what took it. Raises ClawError where it was not taken."""
        ...

    def keep(self, text: str) -> str:
        """Write it to a file; its path. Raises ClawError."""
        ...


def report_mouse(app: App[Any], wanted: bool) -> None:
    """Ask the terminal to report the mouse, or to keep it for its own selection."""
    # Textual decides this once, at start; its driver is the only way to the terminal after that.
    driver = app._driver
    if driver is not None:
        driver.write("".join(f"\x1b[{mode}{'h' if wanted else 'l'}" for mode in MOUSE_MODES))
        driver.flush()


async def send(app: App[Any], copier: Copier | None, text: str, what: str) -> str:
    """Send text by the first way that takes it: tmux, the terminal (OSC 52), a file; what to say about it.

    Whether it arrives cannot be known, so: "sent".
    """
    refused = ""
    if copier is not None and copier.is_in_tmux:
        try:
            return f"sent {what}: {await copier.offer(text)}"
        except ClawError as error:
            refused = f"; {error.message}"
    length = len(text.encode())
    if length > CLIPBOARD_LIMIT:
        return _kept(copier, text, what) if copier is not None else _too_long(what)
    app.copy_to_clipboard(text)
    return f"sent {what} to the terminal's clipboard (OSC 52){refused}"


def _kept(copier: Copier, text: str, what: str) -> str:
    try:
        return f"{_too_long(what)}; it is in {copier.keep(text)}"
    except ClawError as error:
        return f"{_too_long(what)}; {error.message}"


def _too_long(what: str) -> str:
    return f"not sent: {what} is too long for a clipboard"
