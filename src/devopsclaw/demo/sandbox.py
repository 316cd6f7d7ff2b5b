"""The walls round a demo node: its own hostname, processes and scratch disk, nothing of the user's.

The daemon itself runs inside, so every command it starts is inside too. bubblewrap does the work;
source of the flags: bwrap(1), version 0.8. Not a boundary for real nodes: those are their owner's.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

SCRATCH = 16 * 1024 * 1024
"""Bytes of `/srv` on each demo node: small, so that one of them can be full."""

START = """
set -e
mkdir -p /srv/log /tmp/bin
[ -z "$FILL" ] || head -c "$FILL" /dev/zero >/srv/log/access.log.1 2>/dev/null || true
if [ -n "$SERVICE" ]; then
  printf '#!/bin/sh\\nwhile :; do sleep 3600; done\\n' >"/tmp/bin/$SERVICE"
  chmod +x "/tmp/bin/$SERVICE"
  if [ -z "$DEAD" ]; then "/tmp/bin/$SERVICE" & echo "$SERVICE: started" >/srv/log/error.log
  else echo "$SERVICE: [emerg] write() to access.log failed (28: No space left on device)" \\
    >/tmp/error.log; fi
fi
exec "$@"
"""
"""What happens inside before the daemon: the disk is filled, the service lives or is dead."""


def available() -> str:
    """The path of bubblewrap, empty where the machine has none."""
    return shutil.which("bwrap") or ""


def wrapped(bubblewrap: str, name: str, folder: Path, argv: list[str]) -> list[str]:
    """The words that run `argv` as the node `name`, with `folder` as its only lasting place."""
    walls = [
        *("--unshare-user", "--unshare-pid", "--unshare-uts", "--unshare-ipc", "--die-with-parent"),
        *("--hostname", name, "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev"),
        *("--tmpfs", "/tmp", "--tmpfs", str(Path.home())),
        *("--size", str(SCRATCH), "--tmpfs", "/srv"),
        *_visible(),
        *("--bind", str(folder), str(folder), "--chdir", "/srv"),
    ]
    return [bubblewrap, *walls, "--", *started(argv)]


def started(argv: list[str]) -> list[str]:
    """The words that prepare the node by `START` and then run `argv`."""
    return ["/bin/sh", "-c", START, "sh", *argv]


def _visible() -> list[str]:
    """The interpreter and the package again, read-only, where a hidden folder would cover them."""
    package = Path(__file__).resolve().parent.parent
    places = {Path(sys.prefix), Path(sys.base_prefix), package, package.parent}
    hidden = (Path.home(), Path("/tmp"))
    words: list[str] = []
    for place in sorted(places):
        if any(place.is_relative_to(covered) for covered in hidden):
            words += ["--ro-bind", str(place), str(place)]
    return words
