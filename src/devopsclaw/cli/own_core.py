"""A core in a thread of this process, for a command that finds none running. It answers on the home's socket
like any, so that the command asks it as it would ask another's. Not the core itself: that is `boot`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, suppress
from functools import partial
from threading import Event
from typing import Any

from devopsclaw.cli.signals import Signals

GLANCE = 0.05
"""Seconds between two looks at the signals while the core opens."""

Opening = Callable[[], AbstractAsyncContextManager[Any]]


class OwnCore:
    """A core that opens with `start` and closes with `end`. What fails in it comes out of these two."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._opened = Event()
        self._stop: Future[Callable[[], object]] = Future()
        threads = ThreadPoolExecutor(1, "core")
        self._life = threads.submit(self._live)
        threads.shutdown(wait=False)  # one life is all there is

    def start(self, signals: Signals) -> None:
        """Wait until it is open. Raises what the opening raises, and Told where a signal came meanwhile."""
        while not self._opened.wait(GLANCE):
            signals.check()
            if self._life.done():
                self._life.result()

    def end(self) -> None:
        """Close it, and wait for that. Raises what went wrong in it."""
        with suppress(RuntimeError):  # its loop is closed: it has ended by itself
            self._stop.result()()
        self._life.result()

    def _live(self) -> None:
        asyncio.run(self._stay())

    async def _stay(self) -> None:
        loop, enough = asyncio.get_running_loop(), asyncio.Event()
        self._stop.set_result(partial(loop.call_soon_threadsafe, enough.set))
        async with self._opening():
            self._opened.set()
            await enough.wait()
