"""A block in another thread's loop: it is entered, left whole, and its errors are the caller's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from devopsclaw.demo.threaded import in_thread


class Interrupted(BaseException):
    """As a signal's: no ordinary error."""


class Blocks:
    """Blocks that write down what became of them."""

    def __init__(self) -> None:
        self.story: list[str] = []

    @asynccontextmanager
    async def quiet(self) -> AsyncIterator[int]:
        """Gives the thread it lives in."""
        try:
            yield threading.get_ident()
        finally:
            await asyncio.sleep(0)
            self.story.append("left")

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[int]:
        """Cannot be entered."""
        raise OSError("locked")
        yield 0

    @asynccontextmanager
    async def leaky(self) -> AsyncIterator[int]:
        """Fails on the way out."""
        try:
            yield 0
        finally:
            raise OSError("leaky")


def test_the_block_lives_in_another_thread_and_is_left() -> None:
    blocks = Blocks()

    with in_thread(blocks.quiet()) as thread:
        assert thread != threading.get_ident()
        assert blocks.story == []

    assert blocks.story == ["left"]


@pytest.mark.parametrize("error", [OSError, Interrupted])
def test_it_is_left_whole_before_the_caller_s_own_error_goes_on(error: type[BaseException]) -> None:
    blocks = Blocks()

    with pytest.raises(error), in_thread(blocks.quiet()):
        raise error

    assert blocks.story == ["left"]


def test_an_error_on_the_way_in_is_the_caller_s() -> None:
    with pytest.raises(OSError, match="locked"), in_thread(Blocks().locked()):
        pytest.fail("it was not entered")


def test_an_error_on_the_way_out_is_the_caller_s() -> None:
    with pytest.raises(OSError, match="leaky"), in_thread(Blocks().leaky()):
        pass


def test_no_thread_stays() -> None:
    with in_thread(Blocks().quiet()):
        pass

    assert not [thread for thread in threading.enumerate() if thread.name.startswith("demo")]
