"""Handing a home over: a core that has to go starts a resident one, which inherits the lock and goes on.

It is a crash on purpose. The successor opens the databases only once its predecessor is gone or has closed
them: it reads from a pipe that the predecessor holds open until then.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, MutableMapping
from typing import Any

from devopsclaw.core.paths import Home
from devopsclaw.host.process import keep_descriptors, spawn_successor

HANDED = "DEVOPSCLAW_HANDED"
"""Set in the environment of a successor: its descriptors 3 and 4 are the lock and the pipe."""

LOCK, PIPE = 3, 4

REST = 5.0
"""Seconds without work and without anybody there, after which a core that nobody asked to stay ends."""

GLANCE = 0.5
"""Seconds between two looks whether there is work."""


class Succession:
    """The right to name a successor, held by a core. `lock` is the descriptor of the home's lock."""

    def __init__(self, home: Home, lock: int, environment: Mapping[str, str]) -> None:
        self._home = home
        self._lock = lock
        self._environment = environment
        self._held: int | None = None

    @property
    def is_decided(self) -> bool:
        """Whether a successor waits already."""
        return self._held is not None

    def decide(self) -> None:
        """Start the successor; it waits until `release`, or until this process is gone. Raises OSError."""
        if self._held is not None:
            return
        its_end, ours = os.pipe()
        output = os.open(
            self._home.log / "gateway.txt", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        argv = [sys.executable, "-P", "-m", "devopsclaw", "--headless", "gateway"]
        variables = {**self._environment, "DEVOPSCLAW_HOME": str(self._home.root), HANDED: "1"}
        try:
            spawn_successor(argv, variables, (self._lock, its_end), output)
            self._held = ours
        except OSError:
            os.close(ours)
            raise
        finally:
            os.close(its_end)
            os.close(output)

    def release(self) -> None:
        """The databases are closed: the successor may open them."""
        if self._held is not None:
            os.close(self._held)
            self._held = None


async def inherited_lock(environment: MutableMapping[str, str]) -> int | None:
    """The lock's descriptor that a predecessor left to this process, once that is gone; None without one."""
    if environment.pop(HANDED, "") != "1":
        return None
    keep_descriptors()
    gone = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(PIPE, gone.set)
    try:
        await gone.wait()
    finally:
        loop.remove_reader(PIPE)
        os.close(PIPE)
    return LOCK


async def idle(is_needed: Callable[[], bool]) -> None:
    """Return once it was not needed for `REST` seconds."""
    loop = asyncio.get_running_loop()
    since = loop.time()
    while loop.time() - since < REST:
        await asyncio.sleep(GLANCE)
        if is_needed():
            since = loop.time()


async def first_of(*waits: Coroutine[Any, Any, object]) -> None:
    """Return with the first that does; the others are cancelled."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(each) for each in waits]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()
