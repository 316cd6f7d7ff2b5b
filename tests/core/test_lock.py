"""The lock of a home: held once, told who holds it, freed by any death."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from devopsclaw.core.clock import ManualClock, SystemClock
from devopsclaw.core.lock import hold
from devopsclaw.model.errors import Busy, Damaged

HOLDER = """
import fcntl, os, sys, time
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(descriptor, fcntl.LOCK_EX)
os.write(descriptor, b'{"pid": 4711, "face": "console"}')
print("held", flush=True)
time.sleep(60)
"""


async def test_a_lock_is_held_once_and_names_its_holder(tmp_path: Path) -> None:
    async with hold(tmp_path, "core", "console", ManualClock(), 0.0):
        with pytest.raises(Busy, match=r"process \d+ \(console\)"):
            async with hold(tmp_path, "core", "cli", ManualClock(), 0.0):
                pass


async def test_two_roles_share_a_home(tmp_path: Path) -> None:
    async with hold(tmp_path, "core", "cli", ManualClock(), 0.0):
        async with hold(tmp_path, "relay", "relay", ManualClock(), 0.0):
            assert (tmp_path / "relay.lock").stat().st_mode & 0o777 == 0o600


async def test_who_waits_gets_it_when_the_holder_leaves(tmp_path: Path) -> None:
    order: list[str] = []

    async def wait_for_it() -> None:
        async with hold(tmp_path, "core", "second", SystemClock(), 5.0):
            order.append("second")

    async with asyncio.TaskGroup() as group:
        async with hold(tmp_path, "core", "first", SystemClock(), 0.0):
            group.create_task(wait_for_it())
            await asyncio.sleep(0)
            order.append("first")

    assert order == ["first", "second"]


async def test_a_killed_holder_frees_it(tmp_path: Path) -> None:
    path = tmp_path / "core.lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(Busy, match=r"4711 \(console\)"):
            async with hold(tmp_path, "core", "cli", ManualClock(), 0.0):
                pass
        other.kill()
        other.wait()

    async with hold(tmp_path, "core", "cli", SystemClock(), 5.0):
        pass


async def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file, not a folder")

    with pytest.raises(Damaged, match=r"core\.lock cannot be opened"):
        async with hold(tmp_path / "run", "core", "cli", ManualClock(), 0.0):
            pass


async def test_an_inherited_lock_goes_on_where_the_holder_leaves(tmp_path: Path) -> None:
    async with hold(tmp_path, "core", "console", ManualClock(), 0.0) as held:
        left = os.dup(held)  # as a successor has it: the same open file
        assert held_by_others(tmp_path / "core.lock")

    assert held_by_others(tmp_path / "core.lock"), "nobody came between"
    async with hold(tmp_path, "core", "gateway", ManualClock(), 0.0, left) as mine:
        assert mine == left
        assert json.loads((tmp_path / "core.lock").read_text()) == {"pid": os.getpid(), "face": "gateway"}
        with pytest.raises(Busy, match=r"\(gateway\)"):
            async with hold(tmp_path, "core", "cli", ManualClock(), 0.0):
                pass

    assert not held_by_others(tmp_path / "core.lock")


async def test_the_lock_is_not_for_commands(tmp_path: Path) -> None:
    async with hold(tmp_path, "core", "cli", ManualClock(), 0.0) as held:
        assert not os.get_inheritable(held)


def held_by_others(path: Path) -> bool:
    """Whether who comes anew has to wait."""
    with path.open() as other:
        try:
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
