"""Keeps an asynchronous block open in the loop of another thread, for a caller that has no loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

Value = TypeVar("Value")


@contextmanager
def in_thread(block: AbstractAsyncContextManager[Value]) -> Iterator[Value]:
    """Enter the block in a thread of its own, leave it at the end; its errors come out here.

    It is left whole however the caller ends: also by an interrupt, also while it is still being entered.
    """
    end: Future[Callable[[], object]] = Future()
    entered: Future[Value] = Future()
    with ThreadPoolExecutor(1, "demo") as threads:
        life = threads.submit(asyncio.run, _stay(block, end, entered))
        either: list[Future[Any]] = [entered, life]
        try:
            wait(either, return_when=FIRST_COMPLETED)
            if life.done():
                life.result()
            yield entered.result()
        finally:
            if not life.done():
                end.result()()
            wait([life])
        life.result()


async def _stay(
    block: AbstractAsyncContextManager[Value], end: Future[Callable[[], object]], entered: Future[Value]
) -> None:
    """Be in the block until the function that `end` is given is called, from whatever thread."""
    loop, told = asyncio.get_running_loop(), asyncio.current_task()
    if told is not None:
        end.set_result(partial(loop.call_soon_threadsafe, told.cancel))
    with suppress(asyncio.CancelledError):
        async with block as value:
            entered.set_result(value)
            await loop.create_future()
