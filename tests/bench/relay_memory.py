"""What an idle node costs the relay in memory: how much more it holds for each node that connects."""

from __future__ import annotations

import asyncio

from tests.bench import place
from tests.bench.measure import Bar, Judged, Line, slope

STEPS, QUICK_STEPS = (100, 400, 700, 1000), (100, 300)
SETTLING = 0.5
"""Seconds for what the last handshakes left to be freed."""


async def measure(quick: bool) -> list[Line]:
    """With TLS and without."""
    steps = QUICK_STEPS if quick else STEPS
    return [
        await _line("without TLS", True, 24, steps),
        await _line("with TLS", False, 100, steps),
    ]


async def _line(how: str, insecure: bool, limit: float, steps: tuple[int, ...]) -> Line:
    with place.temporary() as folder:
        async with place.relay(folder, insecure=insecure) as relay:
            home = folder / "nodes"
            home.mkdir(mode=0o700)
            words = ["idle", relay.url, str(folder / "token"), *(["--insecure"] if insecure else [])]
            argv = [place.PYTHON, "-m", "tests.bench.nodes", *words]
            async with place.child(argv, home, folder / "nodes.txt") as nodes:
                points = []
                for count in steps:
                    await nodes.ask(str(count), f"ready {count}")
                    await asyncio.sleep(SETTLING)
                    points.append((float(count), relay.child.memory))
    note = f"resident memory from {steps[0]} to {steps[-1]} nodes; {points[-1][1] / 1024:.0f} MB at the end"
    bar = Bar(Judged.ITSELF, at_most=limit)
    return Line(f"relay, an idle node {how}", "KiB", [slope(points)], bar=bar, note=note)
