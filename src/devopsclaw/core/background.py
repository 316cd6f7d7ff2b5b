"""Tasks that run beside the work of a block: kept until they end, cancelled and awaited with it.

Not fire and forget: what one of them raises ends the block, since nothing here may fail unseen.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any


class Background:
    """Starts tasks; see `background`."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self._group = group
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run this until it ends, is cancelled, or the block ends."""
        task = self._group.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    def cancel(self) -> None:
        """End all of them."""
        for task in tuple(self._running):
            task.cancel()


@asynccontextmanager
async def background() -> AsyncIterator[Background]:
    """Tasks of the block. An error of a task cancels the block and comes out of it, alone if it is alone:
    then also out of the groups of tasks that the task had itself.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = Background(group)
            try:
                yield tasks
            finally:
                tasks.cancel()
    except BaseExceptionGroup as several:
        alone = _innermost(several)
        if alone is several:
            raise
        raise alone from several


def _innermost(error: BaseException) -> BaseException:
    """The one error that a group consists of, however deep; the group where there are several. What was
    only cancelled because of the others is not counted.
    """
    if isinstance(error, BaseExceptionGroup):
        _, failed = error.split(asyncio.CancelledError)
        error = failed or error
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return error
