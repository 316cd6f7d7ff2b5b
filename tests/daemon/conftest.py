"""A real node for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.daemon.daemon_place import House, Life


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A node's disk."""
    return House(tmp_path)


@pytest.fixture
async def life(house: House) -> AsyncIterator[Life]:
    """A daemon on it."""
    async with house.daemon() as living:
        yield living
