"""What is said to the terminal itself."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from textual.app import App

from devopsclaw.model.errors import Damaged, Unreachable
from devopsclaw.screens.terminal import CLIPBOARD_LIMIT, report_mouse, send


class Clipboard(App[None]):
    """An app that keeps what it is to copy."""

    def __init__(self) -> None:
        super().__init__()
        self.copied: list[str] = []

    def copy_to_clipboard(self, text: str) -> None:
        """Keep it."""
        self.copied.append(text)


@dataclass
class Ways:
    """A copier whose tmux and disk do as they are told."""

    is_in_tmux: bool = True
    refuses: str = ""
    is_full: bool = False
    kept: list[str] = field(default_factory=list)

    async def offer(self, text: str) -> str:
        """See `Copier.offer`."""
        if self.refuses:
            raise Unreachable(self.refuses)
        return "tmux"

    def keep(self, text: str) -> str:
        """See `Copier.keep`."""
        if self.is_full:
            raise Damaged("~/clipboard.txt could not be written: No space left on device")
        self.kept.append(text)
        return "~/clipboard.txt"


LONG = ["x" * (CLIPBOARD_LIMIT + 1), "日" * (CLIPBOARD_LIMIT // 3 + 1)]
"""More bytes than pass, of one and of three bytes a letter."""


async def test_inside_tmux_tmux_is_asked_and_the_terminal_is_not() -> None:
    app = Clipboard()

    assert await send(app, Ways(), "web-1", "1 name") == "sent 1 name: tmux"
    assert app.copied == []


async def test_tmux_takes_also_what_is_too_long_for_a_terminal() -> None:
    ways = Ways()

    assert await send(Clipboard(), ways, LONG[0], "the output") == "sent the output: tmux"
    assert ways.kept == []


@pytest.mark.parametrize("copier", [None, Ways(is_in_tmux=False)])
async def test_else_the_terminal_is_asked_and_only_sent_is_said(copier: Ways | None) -> None:
    app = Clipboard()

    assert await send(app, copier, "web-1", "1 name") == "sent 1 name to the terminal's clipboard (OSC 52)"
    assert app.copied == ["web-1"]


async def test_where_tmux_refuses_the_terminal_is_asked_and_the_refusal_said() -> None:
    app = Clipboard()

    said = await send(app, Ways(refuses="tmux refused it, exit 2"), "web-1", "1 name")

    assert said.endswith("clipboard (OSC 52); tmux refused it, exit 2")
    assert app.copied == ["web-1"]


@pytest.mark.parametrize("text", LONG)
async def test_what_a_terminal_would_drop_is_written_to_a_file(text: str) -> None:
    app, ways = Clipboard(), Ways(is_in_tmux=False)

    said = await send(app, ways, text, "the output")

    assert said == "not sent: the output is too long for a clipboard; it is in ~/clipboard.txt"
    assert (app.copied, ways.kept) == ([], [text])


async def test_on_a_full_disk_the_file_is_not_promised() -> None:
    said = await send(Clipboard(), Ways(is_in_tmux=False, is_full=True), LONG[0], "the output")

    assert said.endswith("could not be written: No space left on device")
    assert "it is in" not in said


async def test_without_a_disk_what_is_too_long_is_not_sent_and_that_is_said() -> None:
    app = Clipboard()

    assert await send(app, None, LONG[0], "the output") == "not sent: the output is too long for a clipboard"
    assert app.copied == []


class Tape:
    """A driver that keeps what is written to the terminal."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, text: str) -> None:
        """Keep it."""
        self.written.append(text)

    def flush(self) -> None:
        """Nothing is held back."""


@pytest.mark.parametrize(("wanted", "letter"), [(True, "h"), (False, "l")])
def test_the_mouse_is_asked_for_in_all_its_modes_or_in_none(wanted: bool, letter: str) -> None:
    app, tape = Clipboard(), Tape()
    app._driver = tape  # type: ignore[assignment]

    report_mouse(app, wanted)

    assert tape.written == ["".join(f"\x1b[{mode}{letter}" for mode in ("?1000", "?1003", "?1006"))]


def test_before_there_is_a_terminal_nothing_is_written() -> None:
    report_mouse(Clipboard(), True)
