"""Audit logs on disk, for the tests that damage them."""

from __future__ import annotations

import shutil
from pathlib import Path

from devopsclaw.core.audit import AuditLog
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.keys import Keys
from devopsclaw.model.audit import Draft, Verification

ENTRIES = 12


async def opened(home: Path) -> AuditLog:
    return await AuditLog.open(home / "audit", Keys(home / "keys"), ManualClock())


async def write(home: Path, count: int = ENTRIES) -> None:
    async with await opened(home) as log:
        for number in range(count):
            await log.append(Draft(user=f"user{number}", action="fleet.exec", status="ok"))


async def verified(home: Path) -> Verification:
    async with await opened(home) as log:
        return await log.verify()


def copied(home: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(home, target)
    return target


def flip(path: Path, position: int, bits: int) -> None:
    content = bytearray(path.read_bytes())
    content[position % len(content)] ^= bits
    path.write_bytes(content)
