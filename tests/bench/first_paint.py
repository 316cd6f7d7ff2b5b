"""How long the console takes to its first picture, beside the smallest Textual program."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

from tests.bench import hello, place, terminal
from tests.bench.measure import Bar, Judged, Line, Run, interleaved, milliseconds

HELLO = "textual hello"
CONSOLE = "console"
MARKERS = {HELLO: b"hello-from-textual", CONSOLE: b"2 Fleet"}


async def measure(quick: bool) -> list[Line]:
    """One line."""
    with place.temporary() as home:
        await place.run(place.product("onboard", "--no-input"), home)
        argv = {HELLO: [sys.executable, str(Path(hello.__file__))], CONSOLE: place.product()}
        contenders: dict[str, Run] = {
            name: partial(_painted, words, MARKERS[name], home) for name, words in argv.items()
        }
        taken = await interleaved(contenders, rounds=3 if quick else 9)
    ours, beside = (milliseconds(taken[name]) for name in (CONSOLE, HELLO))
    return [Line("start: console, first paint", "ms", ours, beside, HELLO, Bar(Judged.TIMES, at_most=2.0))]


async def _painted(argv: list[str], marker: bytes, home: Path) -> float:
    with terminal.opened(argv, home) as window:
        return await window.until(marker)
