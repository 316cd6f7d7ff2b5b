"""A program under a pseudo-terminal: what it paints, when, and how many bytes that takes."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench import place

SIZE = (24, 80)
"""Lines and columns: the design size."""
_CONTROL = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[PX^_\]].*?(?:\x1b\\|\x07)|\x1b.", re.DOTALL)


class Terminal:
    """The far end of the program's terminal. It never answers queries, as a slow line does."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.begun = time.perf_counter()
        self.bytes = 0
        self._seen = b""

    @property
    def text(self) -> bytes:
        """What was written so far, without control sequences."""
        return _CONTROL.sub(b"", self._seen)

    def type(self, keys: str) -> None:
        """Press these keys."""
        os.write(self._descriptor, keys.encode())

    async def until(self, marker: bytes) -> float:
        """Seconds from the start until this text was painted. Raises TimeoutError."""
        async with asyncio.timeout(place.PATIENCE):
            while marker not in self.text:
                await self._take()
        return time.perf_counter() - self.begun

    async def quiet(self, seconds: float) -> int:
        """Wait until nothing was written for so long; all bytes until then. Raises TimeoutError."""
        async with asyncio.timeout(place.PATIENCE):
            while True:
                try:
                    async with asyncio.timeout(seconds):
                        await self._take()
                except TimeoutError:
                    return self.bytes

    async def during(self, seconds: float) -> int:
        """Bytes that are written in the next so many seconds."""
        before, end = self.bytes, time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(left):
                    await self._take()
            except TimeoutError:
                break
        return self.bytes - before

    async def _take(self) -> None:
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self._descriptor, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._descriptor)
        data = os.read(self._descriptor, 65536)
        self.bytes += len(data)
        self._seen = (self._seen + data)[-200_000:]


@contextmanager
def opened(argv: list[str], home: Path) -> Iterator[Terminal]:
    """Run a program in a terminal while the block lasts; then its session is hung up and killed."""
    environment = {**place.environment(home), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    environment.pop("NO_COLOR", None)
    started = time.perf_counter()
    pid, descriptor = pty.fork()
    if pid == 0:
        fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", *SIZE, 0, 0))
        os.execve(argv[0], argv, environment)
    try:
        terminal = Terminal(descriptor)
        terminal.begun = started
        yield terminal
    finally:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(descriptor)
