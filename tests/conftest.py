"""Fixtures that every test may use."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from devopsclaw.core.redact import KNOWN


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Async tests run on asyncio only."""
    return "asyncio"


@pytest.fixture(autouse=True)
def _no_secret_is_known() -> Iterator[None]:
    """What one test's process read is no secret of the next."""
    yield
    KNOWN.forget()
