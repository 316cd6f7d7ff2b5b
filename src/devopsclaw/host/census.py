"""Which processes belong to a command: those of its session, and those that carry its id. Linux only.

Neither kills nor judges. Elsewhere than on Linux nobody is found, and a kill reaches the group alone.
"""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path

from devopsclaw.host.process import EXECUTION
from devopsclaw.model.process import Started

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Resident:
    """A living process. `execution` is the id of the command it came of, `""` where it names none."""

    pid: int
    name: str
    session: int
    start_time: int
    execution: str

    @property
    def words(self) -> str:
        """As it is shown: pid and name."""
        return f"{self.pid} {self.name}"

    def as_started(self, boot: str) -> Started:
        """Its identity, for a signal that reaches only it."""
        return Started(self.pid, self.start_time, boot)


def parse_stat(text: bytes) -> tuple[str, str, int, int] | None:
    """Name, state, session and start time out of `/proc/PID/stat`; None for what is no such line.

    Source: proc(5). The name stands in the outermost brackets and may hold brackets and spaces.
    """
    front, bracket, rest = text.rpartition(b")")
    words = rest.split()
    if not bracket or len(words) < 20:
        return None
    name = front.partition(b"(")[2].decode("utf-8", "replace")
    return name, words[0].decode(), int(words[3]), int(words[19])


def parse_execution(text: bytes) -> str:
    """The command's id out of `/proc/PID/environ`, empty where there is none."""
    mark = f"{EXECUTION}=".encode()
    for entry in text.split(b"\0"):
        if entry.startswith(mark):
            return entry[len(mark) :].decode("utf-8", "replace")
    return ""


def residents(proc: Path = PROC) -> list[Resident]:
    """Every living process we may look at, ours and zombies left out, by pid.

    One that ends meanwhile is left out; one whose environment is another user's names no command.
    """
    if not proc.is_dir():
        return []
    pids = sorted(int(name) for name in os.listdir(proc) if name.isdigit())  # noqa: PTH208 (speed)
    found = (_look(proc, pid) for pid in pids if pid != os.getpid())
    return [each for each in found if each is not None]


def _look(proc: Path, pid: int) -> Resident | None:
    parsed = parse_stat(_content(f"{proc}/{pid}/stat"))
    if parsed is None or parsed[1] in "ZX":
        return None
    name, _, session, start = parsed
    return Resident(pid, name, session, start, parse_execution(_content(f"{proc}/{pid}/environ")))


def _content(path: str) -> bytes:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    try:
        return _all_of(descriptor)
    except OSError:
        return b""
    finally:
        os.close(descriptor)


def _all_of(descriptor: int) -> bytes:
    pieces = []
    while piece := os.read(descriptor, 65536):
        pieces.append(piece)
    return b"".join(pieces)


class Census:
    """Counts for many askers at once: all who ask while a count runs share the next one."""

    def __init__(self) -> None:
        self._begun = 0
        self._lock = asyncio.Lock()
        self._seen: list[Resident] = []

    async def take(self) -> list[Resident]:
        """The processes as they were at some moment after this call. Runs in a thread: 15 µs each."""
        wanted = self._begun + 1
        async with self._lock:
            if self._begun < wanted:
                self._begun += 1
                self._seen = await asyncio.to_thread(residents)
            return self._seen

    async def members(self, command_id: str, shim: int) -> list[Resident]:
        """Who came of this command and lives: of the shim's session, or carrying the id. Not the shim.

        `shim` 0: it is not known, and the id alone tells; the kernel's own threads have session 0.
        """
        return [
            each
            for each in await self.take()
            if each.pid != shim and (each.execution == command_id or each.session == shim > 0)
        ]
