"""Where a measurement happens: a temporary home, clean environments, our programs as children.

Children run with compiled bytecode in a folder of their own, as an installed product does, whatever the
environment says; it is filled by the first, uncounted round.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

PYTHON = sys.executable
BYTECODE = Path(tempfile.gettempdir()) / f"devopsclaw-bench-bytecode-{os.getuid()}"
SILENT = [(os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0) for number in (0, 1, 2)]
PATIENCE = 60.0
"""Seconds for a child to be ready on a busy machine."""
TOKEN = "the-fleet-token-of-the-bench"
HIDDEN = ("DEVOPSCLAW_", "PYTHON")


@contextmanager
def temporary() -> Iterator[Path]:
    """A folder that goes with the block; outside /tmp limits nothing is measured on another disk."""
    with tempfile.TemporaryDirectory(prefix="devopsclaw-bench-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def environment(home: Path | None = None) -> dict[str, str]:
    """What a child gets: ours without settings of devopsclaw and Python, and its home."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(HIDDEN)}
    own["PYTHONPYCACHEPREFIX"] = str(BYTECODE)
    return {**own, "DEVOPSCLAW_HOME": str(home)} if home else own


def product(*words: str) -> list[str]:
    """A command line of ours, as the installed script runs it."""
    return [str(Path(sys.executable).with_name("devopsclaw")), *words]


async def run(argv: list[str], home: Path | None = None, code: int = 0) -> None:
    """Run a child to its end. Raises RuntimeError with its last words where it ends with another code."""
    child = await asyncio.create_subprocess_exec(
        *argv,
        env=environment(home),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    _, words = await child.communicate()
    if child.returncode != code:
        raise RuntimeError(f"{' '.join(argv[:4])} ended with {child.returncode}: {words.decode()[-300:]}")


async def peak_memory(argv: list[str], home: Path) -> float:
    """Run a child to its end; the most KiB that it had resident. Raises RuntimeError where it fails."""

    def run_and_wait() -> float:
        started = os.posix_spawn(argv[0], argv, environment(home), file_actions=SILENT)
        _, status, used = os.wait4(started, 0)
        if status:
            raise RuntimeError(f"{' '.join(argv[:4])} ended with {os.waitstatus_to_exitcode(status)}")
        return float(used.ru_maxrss)

    return await asyncio.to_thread(run_and_wait)


@dataclass(frozen=True, slots=True)
class Child:
    """A program of ours that runs beside."""

    process: asyncio.subprocess.Process

    @property
    def memory(self) -> float:
        """KiB that are resident now."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return float(line.split()[1])
        raise RuntimeError(f"the system does not tell the memory of {self.process.pid}")

    async def ask(self, line: str, answer: str) -> None:
        """Write a line to it and wait for a line that begins with this answer."""
        if self.process.stdin is not None:
            self.process.stdin.write(f"{line}\n".encode())
        await self.heard(answer)

    async def heard(self, word: str) -> None:
        """Wait until it prints a line that begins with this word. Raises RuntimeError where it ends."""
        stream = self.process.stdout
        async with asyncio.timeout(PATIENCE):
            while stream is not None:
                line = (await stream.readline()).decode()
                if line.startswith(word):
                    return
                if not line:
                    break
        raise RuntimeError(f"the child ended before it said {word!r}")


@asynccontextmanager
async def child(argv: list[str], home: Path | None, log: Path) -> AsyncIterator[Child]:
    """Run a program while the block lasts."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *argv,
            env=environment(home),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    try:
        yield Child(process)
    finally:
        if process.returncode is None:
            process.terminate()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


@dataclass(frozen=True, slots=True)
class RelayPlace:
    """A relay that runs; a core on `home` finds and claims it."""

    home: Path
    url: str
    child: Child


@asynccontextmanager
async def relay(folder: Path, *, insecure: bool = False) -> AsyncIterator[RelayPlace]:
    """Our relay as a process of its own, on a free port of loopback."""
    home = folder / "home"
    home.mkdir(mode=0o700)
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(TOKEN)
    words = ["--addr", "127.0.0.1:0", "--max", "3000", "--token-file", str(token)]
    argv = product("relay", "start", *words, *(["--insecure"] if insecure else []))
    async with child(argv, home, folder / "relay.txt") as process:
        yield RelayPlace(home, await _announced(home, process), process)


async def _announced(home: Path, process: Child) -> str:
    from devopsclaw.core.paths import Home
    from devopsclaw.relay.announcement import read_announcement

    async with asyncio.timeout(PATIENCE):
        while (found := read_announcement(Home(home))) is None:
            if process.process.returncode is not None:
                raise RuntimeError("the relay did not start")
            await asyncio.sleep(0.02)
    return found.url
