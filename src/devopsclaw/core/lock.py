"""One process per role and home, held by a lock on a file. Not a queue: who is late is told who holds it."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from devopsclaw.core.clock import Clock
from devopsclaw.model.errors import Busy, Damaged

RETRY = 0.02
"""Seconds between two tries: short beside a short-lived core's life of a few tenths."""


@asynccontextmanager
async def hold(
    folder: Path, role: str, face: str, clock: Clock, patience: float, inherited: int | None = None
) -> AsyncIterator[int]:
    """Hold the lock of this role until the block ends; yields its descriptor.

    Tries for `patience` seconds. Raises Busy naming the holder's process and face. The kernel frees
    the lock however the process ends; the descriptor is not inherited by commands. `inherited` is the
    descriptor of a process that hands the home over: it shares that one's lock (flock(2): the lock belongs
    to the open file), so nobody can come between.
    """
    descriptor = _open(folder / f"{role}.lock") if inherited is None else inherited
    try:
        until = clock.steady() + patience
        while not _taken(descriptor):
            if clock.steady() >= until:
                raise _busy(descriptor, role)
            await asyncio.sleep(RETRY)
        _sign(descriptor, face)
        yield descriptor
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as broken:
        raise Damaged(
            f"{path} cannot be opened: {broken.strerror}",
            hint="check the owner and the free space of that folder, or set DEVOPSCLAW_HOME",
        ) from broken


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(descriptor: int, face: str) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "face": face}).encode(), 0)


def _busy(descriptor: int, role: str) -> Busy:
    try:
        holder = json.loads(os.pread(descriptor, 200, 0) or b"{}")
    except ValueError:
        holder = {}
    who = f"process {holder.get('pid', '?')} ({holder.get('face', 'starting')})"
    return Busy(
        f"another devopsclaw {role} has this home open: {who}",
        hint="work there, or leave it with q and try again; another home: DEVOPSCLAW_HOME=…",
    )
