"""How long a home is without a core when the console that is its core is hung up, beside a plain start."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from tests.bench import place, terminal
from tests.bench.measure import Line, interleaved, milliseconds, timed
from tests.bench.resident import answering, gone, resident

START, HANDED = "a core's own start", "hand-over"
DETACHED = 8
WAITS = "while [ -d '{0}' ] && ! [ -e '{0}/go' ]; do sleep 0.05; done"
"""Ends when it is let go, and when a measurement that failed has left."""


async def measure(quick: bool) -> list[Line]:
    """One line."""
    taken = await interleaved({HANDED: _handed_over, START: _started}, rounds=3 if quick else 9)
    ours, beside = milliseconds(taken[HANDED]), milliseconds(taken[START])
    return [Line("hand-over: from SIGHUP until the next core answers", "ms", ours, beside, START)]


async def _handed_over() -> float:
    """A console in the middle of a job is told that its terminal is gone."""
    with place.temporary() as folder:
        home = folder / "home"
        with terminal.opened(place.product(), home) as window:
            await window.until(b"local")
            console = await answering(home)
            await place.run(place.product("run", WAITS.format(folder), "--detach"), home, code=DETACHED)
            cost = await timed(lambda: _hang_up(home, console))
            await gone(console)
        successor = await answering(home)
        (folder / "go").touch()
        await place.run(place.product("jobs", "watch", "X-1"), home)
        os.kill(successor, signal.SIGTERM)
        await gone(successor)
    return cost


async def _hang_up(home: Path, console: int) -> None:
    os.kill(console, signal.SIGHUP)
    await answering(home, after=console)


async def _started() -> float:
    """A resident core on a home where a job once ran."""
    with place.temporary() as folder:
        home = folder / "home"
        await place.run(place.product("run", "true"), home)
        begun = time.perf_counter()
        async with resident(home):
            return time.perf_counter() - begun
