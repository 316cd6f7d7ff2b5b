"""The only place where processes are spawned, named, awaited and signalled. Not what they print."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pwd
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from devopsclaw.host.shim import SHELL, arguments
from devopsclaw.model.process import Started

EXECUTION = "DEVOPSCLAW_EXECUTION"
"""Names the command in the environment of everything that comes of it."""

ALLOWED = frozenset({"PATH", "HOME", "LANG", "TZ", "USER", "LOGNAME", "SHELL"})
"""What a command gets of the daemon's environment, with `LC_*`; the rest stays here."""

DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
FIRST_FREE = 10
"""Descriptors of the shim's own numbers (0 to 4) may not be overwritten before they are copied."""

RESET = frozenset(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}
"""A daemon started by nohup ignores HUP, Python ignores PIPE: commands start without either."""


@dataclass(frozen=True, slots=True)
class Streams:
    """Descriptors for the shim, open for writing: the two spills and the exit file."""

    stdout: int
    stderr: int
    exit: int

    def close(self) -> None:
        """Give up this process's copies; the shim keeps its own."""
        for descriptor in (self.stdout, self.stderr, self.exit):
            os.close(descriptor)


def base_environment(own: Mapping[str, str]) -> dict[str, str]:
    """What every command gets: the allowed part of the daemon's `own` environment, gaps filled."""
    allowed = {name: value for name, value in own.items() if name in ALLOWED or name.startswith("LC_")}
    return {"PATH": DEFAULT_PATH, **_owner(), **allowed, "TERM": "dumb"}


def _owner() -> dict[str, str]:
    """Names and home of the user this process runs as; a uid without an entry has only `/`."""
    try:
        entry = pwd.getpwuid(os.geteuid())
    except KeyError:
        return {"HOME": "/"}
    return {"HOME": entry.pw_dir, "USER": entry.pw_name, "LOGNAME": entry.pw_name, "SHELL": entry.pw_shell}


def open_stream(path: Path, flags: int) -> int:
    """Create a file for the shim, 0600, numbered past the shim's own, and lock its open description.

    Whoever inherits the description holds the lock, so that a free lock says: nobody is left.
    Raises FileExistsError where the command already has files, OSError where the disk refuses.
    """
    low = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | flags, 0o600)
    descriptor = low
    if low < FIRST_FREE:
        descriptor = fcntl.fcntl(low, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE)
        os.close(low)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor


def spawn(command: str, variables: Mapping[str, str], streams: Streams) -> int:
    """Start the shim in a session of its own; returns its pid. Raises OSError when it cannot.

    `posix_spawn` and not `subprocess`: it takes the same time (0.3 ms, flat in our memory), and
    also resets signals that this process ignores.
    """
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, streams.stdout, 1),
        (os.POSIX_SPAWN_DUP2, streams.exit, 2),
        (os.POSIX_SPAWN_DUP2, streams.exit, 3),
        (os.POSIX_SPAWN_DUP2, streams.stderr, 4),
    ]
    return os.posix_spawn(
        SHELL,
        [word.encode() for word in arguments(command)],  # UTF-8, as it was signed, whatever the locale here
        variables,
        file_actions=actions,
        setsid=True,
        setsigmask=[],
        setsigdef=RESET,
    )


async def spawn_program(
    argv: list[str], variables: Mapping[str, str], output: Path
) -> asyncio.subprocess.Process:
    """Start one of our own programs as a child, in a group of its own; what it prints is added to the
    file `output`.
    """
    with output.open("ab") as sink:
        return await asyncio.create_subprocess_exec(
            *argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sink,
            stderr=asyncio.subprocess.STDOUT,
            env=dict(variables),
            start_new_session=True,
        )


def spawn_successor(
    argv: list[str], variables: Mapping[str, str], descriptors: tuple[int, ...], output: int
) -> int:
    """Start one of our own programs that outlives this process: in a session of its own, what it prints goes
    to `output`, and `descriptors` become its 3, 4, … Returns its pid. Raises OSError.
    """
    high = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE) for each in (output, *descriptors)]
    try:
        return os.posix_spawn(
            argv[0],
            argv,
            dict(variables),
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                *((os.POSIX_SPAWN_DUP2, high[0], number) for number in (1, 2)),
                *((os.POSIX_SPAWN_DUP2, each, number) for number, each in enumerate(high[1:], start=3)),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=RESET,
        )
    finally:
        for each in high:
            os.close(each)


def keep_descriptors() -> None:
    """What this process inherited from its starter, a lock for instance, is not for commands."""
    for name in os.listdir("/dev/fd"):  # noqa: PTH208 (names are numbers here)
        if int(name) > 2:
            with suppress(OSError):  # the listing's own descriptor is closed by now
                os.set_inheritable(int(name), False)


def boot_id() -> str:
    """The kernel's name for this boot; empty where it has none."""
    return BOOT_ID.read_text().strip() if BOOT_ID.exists() else ""


def start_time(pid: int) -> int:
    """Clock ticks from boot to the start of this process; 0 where nobody can tell.

    Source: proc(5), field 22 of `stat`, counted behind the name, which may hold anything.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0
    return int(text.rpartition(b")")[2].split()[19])


def identity(pid: int, boot: str) -> Started:
    """Who this process is, in words that no later process can share."""
    return Started(pid, start_time(pid), boot)


def reap(pid: int) -> bool:
    """Whether this process has ended, as far as a parent can tell; its entry is cleared.

    False for a running child, and for a process that is not our child.
    """
    try:
        return os.waitpid(pid, os.WNOHANG)[0] == pid
    except ChildProcessError:
        return False


class ExitWatch:
    """Calls back once, at once, when a process has ended, whoever its parent is. Linux only."""

    def __init__(self, pid: int, ended: Callable[[], None]) -> None:
        """Raises ProcessLookupError when it has ended and was reaped already."""
        self._descriptor = os.pidfd_open(pid)
        self._ended = ended
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._descriptor, self._fire)

    def _fire(self) -> None:
        self.close()
        self._ended()

    def close(self) -> None:
        """Stop watching; may be called twice."""
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1


def can_watch() -> bool:
    """Whether this system tells of exits by descriptor; else they are asked for in turn."""
    return hasattr(os, "pidfd_open")


def send(process: Started, number: int) -> None:
    """Signal exactly this process, never another that got its pid. Gone or refused: nothing happens.

    What could not be signalled shows up as a survivor, so there is nothing to report here.
    """
    with suppress(ProcessLookupError, PermissionError):
        if not can_watch():
            os.kill(process.pid, number)
            return
        descriptor = os.pidfd_open(process.pid)
        try:
            if start_time(process.pid) == process.start_time:
                signal.pidfd_send_signal(descriptor, number)
        finally:
            os.close(descriptor)


def send_group(group: int, number: int) -> None:
    """Signal a whole process group; nothing happens when it is empty. 0 is nobody, never our own."""
    if group > 0:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, number)


def group_lives(group: int) -> bool:
    """Whether some process of this group exists; 0 is nobody."""
    if group <= 0:
        return False
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
