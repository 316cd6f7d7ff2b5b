"""Audit logs that were closed cleanly (tests copy them before they damage them), and a guarded gate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.core.audit_home import write
from tests.core.guarded_house import House, open_house

from devopsclaw.core import audit_seal


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that was closed cleanly, all in the main file."""
    home = tmp_path_factory.mktemp("written")
    asyncio.run(write(home))
    return home


@pytest.fixture(scope="session")
def written_beside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log that was closed cleanly with entries still in the file beside it."""
    home = tmp_path_factory.mktemp("beside")
    asyncio.run(write(home, 3))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit_seal, "SMALL", 0)
        asyncio.run(write(home))
    assert (home / "audit" / "audit.db-wal").stat().st_size > 0
    return home


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A gate whose guards are the core's."""
    async with open_house(tmp_path) as opened:
        yield opened
