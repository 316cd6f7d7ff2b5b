"""How long the command line takes from its start to its end, beside Python doing nothing."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from tests.bench import place
from tests.bench.measure import Bar, Judged, Line, Run, interleaved, milliseconds, timed
from tests.bench.resident import resident

BARE = "python3 -c pass"
BARS = {"version": (["version"], 3.0)}
ATTACHED = {
    "--help": (["--help"], 8.0),
    "node list": (["node", "list"], 8.0),
    "status": (["status"], 8.0),
    "run uptime on local": (["run", "uptime"], None),
}
EMBEDDED = {
    "node list": (["node", "list"], None),
    "run uptime on local": (["run", "uptime"], None),
}
"""Where no core runs a command opens one of its own, which costs more than the command."""

Commands = Mapping[str, tuple[list[str], float | None]]


async def measure(quick: bool) -> list[Line]:
    """One line for each command: without a core, on one that runs, and with one of its own."""
    rounds = 5 if quick else 15
    with place.temporary() as folder:
        home = folder / "home"
        await place.run(place.product("onboard", "--no-input"), home)
        lines = await _lines("start", BARS, home, rounds)
        async with resident(home):
            lines += await _lines("attached command start", ATTACHED, home, rounds)
        return lines + await _lines("start with a core of its own", EMBEDDED, home, rounds)


async def _lines(what: str, commands: Commands, home: Path, rounds: int) -> list[Line]:
    contenders: dict[str, Run] = {BARE: partial(_once, [sys.executable, "-c", "pass"], home)}
    contenders |= {name: partial(_once, place.product(*words), home) for name, (words, _) in commands.items()}
    taken = await interleaved(contenders, rounds)
    return [
        _line(f"{what}: {name}", limit, taken[name], taken[BARE]) for name, (_, limit) in commands.items()
    ]


async def _once(argv: list[str], home: Path) -> float:
    return await timed(partial(place.run, argv, home))


def _line(what: str, limit: float | None, ours: list[float], beside: list[float]) -> Line:
    bar = Bar(Judged.TIMES, at_most=limit) if limit else None
    return Line(what, "ms", milliseconds(ours), milliseconds(beside), BARE, bar)
