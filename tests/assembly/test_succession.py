"""Handing a home over to a process that inherits its lock: real children, real locks."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.assembly.small_town import PATIENCE, eventually

from devopsclaw.assembly import succession
from devopsclaw.assembly.succession import HANDED, Succession, first_of, idle, inherited_lock
from devopsclaw.core.clock import SystemClock
from devopsclaw.core.door_socket import SocketDoor, attached
from devopsclaw.core.lock import hold
from devopsclaw.core.paths import Home
from devopsclaw.host.process import spawn_successor
from devopsclaw.model.errors import Unreachable

PREDECESSOR = """
import asyncio, os, sys
from pathlib import Path
from devopsclaw.assembly.succession import Succession
from devopsclaw.core.clock import SystemClock
from devopsclaw.core.lock import hold
from devopsclaw.core.paths import Home

async def hand_over():
    home = Home(Path(sys.argv[1])).make()
    async with hold(home.run, "core", "console", SystemClock(), 0.0) as lock:
        Succession(home, lock, os.environ).decide()
        print("decided", flush=True)
        await asyncio.Event().wait()

asyncio.run(hand_over())
"""

RESTLESS = """
from devopsclaw import headless
from devopsclaw.assembly import succession
succession.REST, succession.GLANCE = 0.1, 0.02
headless.gateway(None, {})
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").make()


@asynccontextmanager
async def at_successor(home: Home) -> AsyncIterator[SocketDoor]:
    """The door of the core that took over; it is ended with the block."""

    async def reached() -> SocketDoor | None:
        with suppress(Unreachable):
            async with attached(home, "cli", "1.0", lambda name, body: body) as door:
                return door
        return None

    async with asyncio.timeout(PATIENCE):
        while (door := await reached()) is None:
            await asyncio.sleep(0.02)
    try:
        async with attached(home, "cli", "1.0", lambda name, body: body) as again:
            yield again
    finally:
        os.kill(door.welcome["pid"], signal.SIGTERM)


def is_held(home: Home) -> bool:
    """Whether somebody has the lock of this home."""
    with (home.run / "core.lock").open() as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def end_of(pid: int) -> int:
    """Wait for a child of this process; its exit code."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


async def test_a_successor_opens_the_home_once_its_predecessor_has_closed_it(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    children = started(monkeypatch)
    async with hold(home.run, "core", "console", SystemClock(), 0.0) as lock:
        handing = Succession(home, lock, os.environ)
        handing.decide()
        handing.decide()

        assert handing.is_decided and len(children) == 1
        assert os.waitpid(children[0], os.WNOHANG) == (0, 0), "it waits"
        assert not (home.state / "core.db").exists() and not home.socket.exists()
    assert is_held(home), "nobody can come between"
    handing.release()

    async with at_successor(home) as door:
        assert (door.welcome["pid"], door.welcome["face"]) == (children[0], "gateway")
        assert (await door.run("version.show", {}))["schema"] == "devopsclaw.version/1"
    assert end_of(children[0]) == 0
    assert "core: open on" in (home.log / "gateway.txt").read_text()
    assert not is_held(home)


async def test_a_successor_takes_over_from_a_predecessor_that_is_killed(home: Home) -> None:
    words = [sys.executable, "-c", PREDECESSOR, str(home.root)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as predecessor:
        assert predecessor.stdout is not None
        assert predecessor.stdout.readline() == "decided\n"
        predecessor.kill()

    assert is_held(home)
    async with at_successor(home) as door:
        assert door.welcome["pid"] != predecessor.pid
    await eventually(lambda: not is_held(home), "the end of the successor")


async def test_a_successor_without_work_and_company_ends_by_itself(home: Home) -> None:
    async with hold(home.run, "core", "console", SystemClock(), 0.0) as lock:
        its_end, ours = os.pipe()
        variables = {**os.environ, "DEVOPSCLAW_HOME": str(home.root), HANDED: "1"}
        with (home.log / "gateway.txt").open("wb") as output:
            pid = spawn_successor(
                [sys.executable, "-c", RESTLESS], variables, (lock, its_end), output.fileno()
            )
        os.close(its_end)
    os.close(ours)

    assert await asyncio.to_thread(end_of, pid) == 0
    assert "core: ends" in (home.log / "gateway.txt").read_text()


async def test_a_successor_that_cannot_be_started_leaves_nothing_behind(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    handing = Succession(home, 0, os.environ)
    before = len(list(Path("/proc/self/fd").iterdir()))

    with pytest.raises(FileNotFoundError):
        handing.decide()

    assert not handing.is_decided
    assert len(list(Path("/proc/self/fd").iterdir())) == before
    handing.release()


async def test_without_a_predecessor_there_is_nothing_to_inherit() -> None:
    variables = {HANDED: "0", "PATH": "/bin"}

    assert await inherited_lock(variables) is None
    assert await inherited_lock({}) is None
    assert variables == {"PATH": "/bin"}, "and no command sees it"


async def test_who_is_needed_now_and_then_does_not_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(succession, "REST", 0.1)
    monkeypatch.setattr(succession, "GLANCE", 0.01)
    asked = [False] * 5 + [True] + [False] * 1000
    answers = iter(asked)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    needed_at = [begun]

    def is_needed() -> bool:
        needed = next(answers)
        if needed:
            needed_at.append(loop.time())
        return needed

    async with asyncio.timeout(PATIENCE):
        await idle(is_needed)

    assert len(needed_at) == 2
    assert loop.time() - needed_at[-1] >= 0.1


async def test_the_first_that_is_done_ends_the_others() -> None:
    story: list[str] = []

    async def quick() -> None:
        story.append("quick")

    async def slow() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            story.append("cancelled")

    async with asyncio.timeout(PATIENCE):
        await first_of(quick(), slow())

    assert story == ["quick", "cancelled"]


async def test_what_fails_among_several_is_said() -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ExceptionGroup) as several:
        async with asyncio.timeout(PATIENCE):
            await first_of(fail(), asyncio.Event().wait())

    assert several.group_contains(ZeroDivisionError)


def started(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The pids of what is spawned from now on."""
    pids: list[int] = []
    spawn: Callable[..., int] = spawn_successor

    def spawned(*given: Any) -> int:
        pids.append(spawn(*given))
        return pids[-1]

    monkeypatch.setattr(succession, "spawn_successor", spawned)
    return pids
