"""The face of the checkup: asks the core, or looks without one, and at the terminal itself.

Not the checks of the home: those are `ops.doctor`.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from devopsclaw.cli.output import Printer
from devopsclaw.cli.settings import Settings
from devopsclaw.core.paths import home
from devopsclaw.model.errors import BadParams, ClawError, Denied
from devopsclaw.model.text import one_line

MARKS = {"ok": ("✔", "+", "32"), "warning": ("▲", "!", "33"), "problem": ("✖", "x", "31")}
"""Status → mark, mark in ASCII, ANSI colour (SGR code)."""

COLUMNS, LINES = 80, 24
"""The size that the console is made for."""

Line = dict[str, str]


class Kept(Printer):
    """Keeps the answer, or why there is none, for what is added to it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.body: dict[str, Any] | None = None
        self.failed: ClawError | None = None

    def result(self, body: dict[str, Any], text: str, columns: list[list[str]]) -> None:
        """See `Printer.result`."""
        self.body = body

    def error(self, error: ClawError) -> None:
        """See `Printer.error`."""
        self.failed = error


def examine(settings: Settings, ask: Callable[[Printer], int]) -> int:
    """Print the checkup; 1 where anything is a problem. `ask` runs the operation in a core and prints."""
    printer, kept = Printer(settings), Kept(settings)
    code = ask(kept)
    if isinstance(kept.failed, BadParams | Denied):
        printer.error(kept.failed)
        return code
    body = _alone(kept.failed) if kept.failed else kept.body
    if body is None:  # told to leave
        return code
    here = terminal(os.environ, shutil.get_terminal_size(), is_terminal=printer.stdout.isatty())
    items: list[Line] = [*here, *body["items"]]
    if settings.json:
        printer.result({**body, "items": items}, "", [])
    else:
        is_utf8 = (printer.stdout.encoding or "").lower().replace("-", "") == "utf8"
        printer.out("\n".join(lines(items, ascii_only=not is_utf8, colored=printer.is_colored())))
    return int(any(item["status"] == "problem" for item in items))


def _alone(failed: ClawError) -> dict[str, Any]:
    from devopsclaw import boot  # only who finds no core pays for the engines

    return asyncio.run(boot.examined(home(), os.environ, failed))


def lines(items: list[Line], *, ascii_only: bool, colored: bool) -> Iterator[str]:
    """A line for each, below it what to type."""
    width = max(len(item["check"]) for item in items)
    for item in items:
        mark, plain, color = MARKS[item["status"]]
        word = f"{plain if ascii_only else mark} {item['status']:<7}"
        shown = f"\x1b[{color}m{word}\x1b[0m" if colored else word
        yield f"{shown}  {item['check']:<{width}}  {one_line(item['text'])}"
        if item["fix"]:
            yield f"  try: {one_line(item['fix'])}"


def terminal(environment: Mapping[str, str], size: tuple[int, int], *, is_terminal: bool) -> Iterator[Line]:
    """What the console would find where this is typed; nothing where there is no terminal."""
    if is_terminal:
        yield _size(*size)
        yield _colors(environment)
        yield _letters(environment)
        yield _tmux(environment)


def _line(check: str, text: str, fix: str = "") -> Line:
    return {"check": check, "status": "warning" if fix else "ok", "text": text, "fix": fix}


def _size(columns: int, rows: int) -> Line:
    text = f"{columns} x {rows}"
    if columns >= COLUMNS and rows >= LINES:
        return _line("terminal size", text)
    return _line("terminal size", f"{text}: parts are cut off", f"enlarge the window to {COLUMNS} x {LINES}")


def _colors(environment: Mapping[str, str]) -> Line:
    term = environment.get("TERM", "")
    if environment.get("NO_COLOR"):
        return _line("terminal colours", "off, by NO_COLOR")
    if environment.get("COLORTERM") in ("truecolor", "24bit") or term.endswith("-direct"):
        return _line("terminal colours", "all")
    if "256color" in term or term.startswith(("xterm-kitty", "alacritty", "foot", "wezterm")):
        return _line("terminal colours", "256")
    return _line("terminal colours", f"few, by TERM={term}", "export TERM=xterm-256color")


def _letters(environment: Mapping[str, str]) -> Line:
    named = ("LC_ALL", "LC_CTYPE", "LANG")
    locale = next((environment[name] for name in named if environment.get(name)), "")
    if "utf8" in locale.lower().replace("-", ""):
        return _line("terminal letters", f"UTF-8, by {locale}")
    return _line("terminal letters", "not UTF-8: drawn in ASCII", "export LC_ALL=C.UTF-8")


def _tmux(environment: Mapping[str, str]) -> Line:
    if not environment.get("TMUX"):
        return _line("tmux", "not here; when the link drops, what runs goes on by itself")
    if environment.get("TERM", "").startswith(("tmux", "screen")):
        return _line("tmux", "around us")
    fix = "tmux set -g default-terminal tmux-256color, and open a new window"
    return _line("tmux", f"around us, but TERM is {environment.get('TERM', '')}", fix)
