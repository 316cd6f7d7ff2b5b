"""The tiny shell that runs a command, and the meaning of the file it writes. Spawning is process.py's.

The shim outlives a killed or upgraded daemon, because it needs nothing of it: stdout and stderr of
the command are plain files, and how it ended is written to a third. Its lines are, in this order:

    1234                 pid of the shim, before the command begins
    Killed               what the shell says of a death by signal (not for INT and PIPE, not every shell)
    137 end              exit status and the closing sentinel; without it the file is torn

TERM, INT and the like to the group end the command, while the shim catches them and still writes.
A caught signal is the default again in the command (POSIX, 2.11 "Signals and Error Handling").
"""

from __future__ import annotations

import signal
from dataclasses import dataclass

SHELL = "/bin/sh"

SHIM = """\
trap : HUP INT QUIT TERM USR1 USR2
echo $$ >&3
cd -- "$HOME" 2>/dev/null || cd /
(exec "$@" 2>&4 3>&- 4>&-)
echo "$? end" >&3
"""
"""stdin is /dev/null, 1 the spill of stdout, 4 that of stderr; 2 and 3 are the exit file.

The redirections stand in a subshell, because dash would print `Killed` with them in force.
"""

SENTINEL = " end"
STATUS_OF_SIGNALS = 128
"""A shell adds the number of the signal to this (POSIX, 2.8.2 "Exit Status for Commands")."""


@dataclass(frozen=True, slots=True)
class ExitFile:
    """What the file says so far. `status` is None while it is not whole; `words` are the shell's."""

    pid: int = 0
    status: int | None = None
    words: str = ""

    @property
    def exit_code(self) -> int | None:
        """The exit status, None for a death by signal and for a torn file."""
        return None if self.signal else self.status

    @property
    def signal(self) -> int | None:
        """The signal that ended the command, where the shell said it was one.

        Without the shell's words 137 is an exit status like any other: `git` ends with 129.
        """
        number = (self.status or 0) - STATUS_OF_SIGNALS
        return number if self.words and number in signal.valid_signals() else None


def arguments(command: str) -> list[str]:
    """The shim's argv: the command is one word of it, never part of a shell's text."""
    return [SHELL, "-c", SHIM, "devopsclaw", SHELL, "-c", command]


def parse_exit(data: bytes) -> ExitFile:
    """Read an exit file, whole, torn or still empty. Bytes that no shim writes make it torn."""
    lines = data.decode("utf-8", "replace").split("\n")
    complete = [line for line in lines[:-1] if line]
    if not complete or not complete[0].isascii() or not complete[0].isdigit():
        return ExitFile()
    pid, rest = int(complete[0]), complete[1:]
    last = rest[-1] if rest else ""
    number = last.removesuffix(SENTINEL)
    if last.endswith(SENTINEL) and number.isascii() and number.isdigit():
        return ExitFile(pid, int(number), " ".join(rest[:-1]))
    return ExitFile(pid, None, " ".join(rest))
