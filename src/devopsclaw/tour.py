"""`devopsclaw demo`: the console on a small real fleet, or without a terminal a short tour as lines."""

from __future__ import annotations

import os
import shlex
import signal
import sys
from types import FrameType
from typing import Any

from devopsclaw.cli.entry import main
from devopsclaw.demo.threaded import in_thread
from devopsclaw.demo.town import Town, settled
from devopsclaw.model.errors import BadParams

EXPECTED = (0, 1)
"""Exit codes that the tour goes on from: on one node a service is dead, which is what it shows."""
MOST = 1000
"""Nodes: past this the machine is measured, not the product."""

SERVICE = "grep -shx nginx /proc/[0-9]*/comm || { tail -1 /tmp/error.log; false; }"
"""`pgrep` would be shorter, and is not on every machine."""

BEHIND_WALLS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Three servers dialled out to a relay; none has an open port.", ("node", "list")),
    ("Nodes that answer the same are shown once.", ("run", "uname -sr", "--env", "prod")),
    ("Which disk is full?", ("run", "df -h /srv", "--env", "prod")),
    ("And is the service alive there?", ("run", SERVICE, "--tag", "role=web")),
    ("Everything stands in the audit trail …", ("audit", "list", "--limit", "5")),
    ("… and any later edit of it shows.", ("audit", "verify")),
)
"""What is said, and the command that shows it."""

IN_THE_OPEN = (
    ("No bubblewrap works here, so commands run as this user: only reads are shown.", ("node", "list")),
    ("Nodes that answer the same are shown once.", ("run", "df -h /", "--env", "prod")),
    ("Anything that writes would ask first.", ("run", "touch here", "--env", "prod", "--dry-run")),
    *BEHIND_WALLS[-2:],
)
"""The tour where the demo's nodes have no walls: nothing on this machine is broken for show."""


def open_demo(settings: Any, nodes: int = 3) -> int:
    """The face; its exit code. Raises BadParams, and ClawError where the demo cannot start."""
    if not 1 <= nodes <= MOST:
        raise BadParams(f"a demo of {nodes} nodes cannot be", hint=f"choose 1 to {MOST}: --nodes 50")
    has_terminal = sys.stdin.isatty() and sys.stdout.isatty()
    sys.stderr.write(f"starting a relay and {nodes} real nodes on this machine …\n")
    _end_well_when_told()
    with in_thread(settled(nodes)) as town:
        if not has_terminal:
            return play(town)
        from devopsclaw.console import run_console

        return run_console(town.home)


def play(town: Town) -> int:
    """Type the tour's commands, with what they say; 0 when each ran."""
    os.environ["DEVOPSCLAW_HOME"] = str(town.home.root)
    for said, words in BEHIND_WALLS if town.walls else IN_THE_OPEN:
        print(f"\n# {said}\n$ devopsclaw {shlex.join(words)}", flush=True)
        code = main(list(words))
        _end_well_when_told()
        if code not in EXPECTED:
            return code
    print("\nThe same, live and by key: run devopsclaw demo in a terminal. ? lists the keys, q leaves.")
    return 0


def _end_well_when_told() -> None:
    """From now on a signal that ends this process unwinds it, so that the demo leaves nothing behind.

    Said again after each command: its loop took the signals, and gave them back as they are at a start.
    """
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _unwind)


def _unwind(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
