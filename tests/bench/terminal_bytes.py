"""How many bytes the console sends to a terminal of 80x24: what a slow line has to carry."""

from __future__ import annotations

from tests.bench import place, terminal
from tests.bench.measure import Bar, Judged, Line

KB = 1000
COMMAND = "for i in 1 2 3 4 5 6 7 8; do echo line $i of the run; sleep 0.5; done"
RUN_SECONDS = 4.0
"""As long as the command prints."""
SETTLED = 2.0
"""Seconds without a byte after which the first picture stands whole."""


async def measure(quick: bool) -> list[Line]:
    """First paint, idle, and a run that prints twice a second."""
    idle_seconds = 2.0 if quick else 5.0
    with place.temporary() as home:
        await place.run(place.product("onboard", "--no-input"), home)
        with terminal.opened(place.product(), home) as window:
            await window.until(b"local")
            first = await window.quiet(SETTLED)
            idle = await window.during(idle_seconds)
            running = await _run(window)
    return [
        Line("80x24: first paint, with its node", "KB", [first / KB], bar=Bar(Judged.ITSELF, at_most=25)),
        Line("80x24: nothing changes", "B/s", [idle / idle_seconds], bar=Bar(Judged.ITSELF, at_most=0)),
        Line(
            "80x24: a run prints 2 lines/s",
            "KB/s",
            [running / RUN_SECONDS / KB],
            bar=Bar(Judged.ITSELF, at_most=4),
        ),
    ]


async def _run(window: terminal.Terminal) -> int:
    """Start the command by its keys; the bytes while it prints."""
    window.type("x")
    await window.quiet(0.5)
    window.type(COMMAND)
    await window.quiet(0.5)
    window.type("\r")
    await window.quiet(1.0)
    window.type("\r")
    await window.until(b"line 1 of the run")
    return await window.during(RUN_SECONDS)
