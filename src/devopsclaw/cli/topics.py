"""The pages of `devopsclaw help TOPIC`. The list of variables is generated with the commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

ENVIRONMENT = Path(__file__).with_name("environment.json")

EXIT_CODES: dict[int, str] = {
    0: "all ok, or nothing to do",
    1: "some node or step failed",
    2: "usage or targeting error, nothing ran",
    3: "denied or rejected: what was asked did not run",
    4: "only unreachable nodes",
    5: "stopped by a failure budget or gate",
    6: "only timeouts",
    7: "an outcome is unknown",
    8: "detached, still running",
    9: "approval needed and nobody could be asked",
    13: "aborted, cancelled",
    130: "interrupted",
    143: "terminated",
}

TARGETS = """\
A target says which nodes a command goes to. It never means all by accident: an empty target and one
that matches nothing are errors, exit 2. With no target at all it is the one node where there is one.

  -t, --target EXPR      the whole grammar
  --node NAME            that node                       the same as   NAME
  --tag KEY=VALUE        nodes with that label           the same as   KEY=VALUE
  --env NAME             nodes of that environment       the same as   env=NAME
  --group NAME           nodes of that group             the same as   @NAME

Two tags of different keys narrow; two values of one key widen. See who it would be with --dry-run.

  devopsclaw run uptime -t 'role=web and not prod-web-2'
  devopsclaw run uptime -t 'prod-web-[1-4]'
  devopsclaw run uptime -t '@staging or env=test'
  devopsclaw run uptime -t all
"""

KEYS = """\
The console is driven by single keys; press ? there for the keys of the pane you are in, made from
what the pane really binds.
"""


def exit_codes() -> str:
    """The table of exit codes (design §10), without those of commands that do not exist yet."""
    return "".join(f"{code:>3}  {meaning}\n" for code, meaning in EXIT_CODES.items())


def environment() -> str:
    """Every variable that overrides a setting, with its default."""
    rows = json.loads(ENVIRONMENT.read_text(encoding="utf-8"))
    head = "A flag wins over a variable, a variable over the file. DEVOPSCLAW_HOME moves the whole home.\n"
    return head + "".join(f"\n{row['variable']}\n    {row['help']}{row['default']}\n" for row in rows)


TOPICS: dict[str, Callable[[], str]] = {
    "exit-codes": exit_codes,
    "targets": lambda: TARGETS,
    "env": environment,
    "keys": lambda: KEYS,
}
