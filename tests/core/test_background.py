"""Tasks beside a block: none is lost, none fails unseen."""

from __future__ import annotations

import asyncio

import pytest

from devopsclaw.core.background import background
from devopsclaw.model.errors import Damaged


async def fail(error: Exception) -> None:
    """Die of this."""
    raise error


async def nest(*errors: Exception) -> None:
    """Die of these in tasks of its own, two groups deep."""
    async with asyncio.TaskGroup() as outer:

        async def inner() -> None:
            async with asyncio.TaskGroup() as group:
                for error in errors:
                    group.create_task(fail(error))

        outer.create_task(inner())


async def test_a_task_that_dies_ends_the_block_with_its_error() -> None:
    with pytest.raises(ZeroDivisionError):
        async with background() as tasks:
            tasks.start(fail(ZeroDivisionError()))
            await asyncio.Event().wait()


async def test_an_error_is_told_as_itself_however_deep_its_task_was() -> None:
    with pytest.raises(Damaged, match="the disk is full"):
        async with background() as tasks:
            tasks.start(nest(Damaged("the disk is full")))
            await asyncio.Event().wait()


async def test_several_errors_are_all_told() -> None:
    with pytest.raises(ExceptionGroup) as several:
        async with background() as tasks:
            tasks.start(nest(Damaged("one"), Damaged("two")))
            await asyncio.Event().wait()

    assert several.value.split(Damaged)[1] is None


class Left(asyncio.CancelledError):
    """A cancelling that says more; a task group takes it for an error."""


async def test_what_is_cancelled_because_of_an_error_does_not_hide_it() -> None:
    with pytest.raises(ZeroDivisionError):
        async with background() as tasks:
            tasks.start(fail(ZeroDivisionError()))
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError as cancelled:
                raise Left from cancelled


async def test_what_is_only_cancelled_stays_a_cancelling() -> None:
    with pytest.raises(asyncio.CancelledError):
        async with background():
            raise Left


async def test_the_end_of_the_block_cancels_and_awaits_what_still_runs() -> None:
    story: list[str] = []
    entered = asyncio.Event()

    async def work() -> None:
        entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            story.append("cleaned up")

    async with background() as tasks:
        tasks.start(work())
        await entered.wait()

    assert story == ["cleaned up"]


async def test_an_error_of_the_block_itself_comes_out_alone_and_ends_the_tasks() -> None:
    with pytest.raises(KeyError):
        async with background() as tasks:
            tasks.start(asyncio.Event().wait())  # type: ignore[arg-type]
            raise KeyError("block")


async def test_a_task_that_ends_is_not_kept() -> None:
    async with background() as tasks:
        done = asyncio.Event()

        async def work() -> None:
            done.set()

        tasks.start(work())
        await done.wait()
        await asyncio.sleep(0)

        assert not tasks._running
