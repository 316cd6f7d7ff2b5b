"""A runner on real processes; whatever a test leaves behind is ended by its id."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest

from devopsclaw.host.census import residents
from devopsclaw.host.runner import Runner
from devopsclaw.model.process import Printed


@pytest.fixture
def command_id() -> Iterator[str]:
    """A new id; every process that carries it is killed after the test."""
    identifier = uuid4().hex
    yield identifier
    while living := [each.pid for each in residents() if each.execution.startswith(identifier)]:
        for pid in living:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def told() -> list[Printed]:
    """What the runner told of growing output."""
    return []


@pytest.fixture
async def runner(tmp_path: Path, told: list[Printed]) -> AsyncIterator[Runner]:
    """A runner with a folder of its own."""
    opened = Runner(tmp_path / "output", told.append)
    yield opened
    await opened.close()
