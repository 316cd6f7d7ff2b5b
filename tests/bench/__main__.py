"""`python -m tests.bench [--quick] [--only WORD] [--json FILE]`: measures, prints a table, writes JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

from tests.bench import (
    audit,
    daemon_memory,
    dispatch,
    fanout,
    first_paint,
    hand_over,
    relay_memory,
    startup,
    terminal_bytes,
)
from tests.bench.measure import Line
from tests.bench.report import as_json, table

Measurement = Callable[[bool], Awaitable[list[Line]]]

MEASUREMENTS: Mapping[str, Measurement] = {
    "startup": startup.measure,
    "first_paint": first_paint.measure,
    "hand_over": hand_over.measure,
    "terminal_bytes": terminal_bytes.measure,
    "fanout": fanout.measure,
    "dispatch": dispatch.measure,
    "relay_memory": relay_memory.measure,
    "daemon_memory": daemon_memory.measure,
    "audit": audit.measure,
}


def main() -> int:
    """The program; its exit code is 0 whatever the verdicts say: a busy machine is no error."""
    wanted = _arguments().parse_args()
    names = [name for name in MEASUREMENTS if not wanted.only or name in wanted.only]
    begun = time.monotonic()
    lines: list[Line] = []
    for name in names:
        print(f"measuring {name}", file=sys.stderr, flush=True)
        lines += asyncio.run(_run(MEASUREMENTS[name], wanted.quick))
    print(table(lines))
    found = as_json(lines, wanted.quick, time.monotonic() - begun)
    wanted.json.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    print(f"{found['seconds']:.0f} s in all; every round is in {wanted.json}")
    return 0


async def _run(measurement: Measurement, quick: bool) -> list[Line]:
    return await measurement(quick)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer rounds and smaller sizes")
    parser.add_argument("--only", nargs="*", choices=list(MEASUREMENTS), help="only these")
    parser.add_argument("--json", type=Path, default=Path("bench-results.json"), metavar="FILE")
    return parser


if __name__ == "__main__":
    sys.exit(main())
