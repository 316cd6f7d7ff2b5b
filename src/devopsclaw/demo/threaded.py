"""Keeps an asynchronous block open in the loop of another thread, for a caller that has no loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import TypeVar

Value = TypeVar("Value")


@contextmanager
def in_thread(block: AbstractAsyncContextManager[Value]) -> Iterator[Value]:
    """Enter the block in a thread of its own, leave it at the end; its errors come out here."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="demo", daemon=True)
    thread.start()
    leave = asyncio.Event()
    entered: asyncio.Future[Value] = loop.create_future()

    async def stay() -> None:
        async with block as value:
            entered.set_result(value)
            await leave.wait()

    running = asyncio.run_coroutine_threadsafe(stay(), loop)
    running.add_done_callback(lambda done: _pass_on(done.exception(), entered, loop))
    try:
        yield asyncio.run_coroutine_threadsafe(_value(entered), loop).result()
        loop.call_soon_threadsafe(leave.set)
        running.result()
    finally:
        loop.call_soon_threadsafe(leave.set)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _value(entered: asyncio.Future[Value]) -> Value:
    return await entered


def _pass_on(
    failure: BaseException | None, entered: asyncio.Future[Value], loop: asyncio.AbstractEventLoop
) -> None:
    """An error before the block was entered is the caller's."""

    def tell() -> None:
        if failure is not None and not entered.done():
            entered.set_exception(failure)

    loop.call_soon_threadsafe(tell)
