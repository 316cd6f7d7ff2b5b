"""A core in a thread of the command's process."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import wait
from contextlib import asynccontextmanager

import pytest

from devopsclaw.cli.own_core import OwnCore
from devopsclaw.cli.signals import Signals, Told
from devopsclaw.model.errors import Busy


@pytest.fixture
def signals() -> Iterator[Signals]:
    with Signals() as given:
        yield given


class Story:
    """What happened in the core, in order."""

    def __init__(self, before: Exception | None = None, after: Exception | None = None) -> None:
        self.words: list[str] = []
        self._before, self._after = before, after
        self.may_open = threading.Event()
        self.may_open.set()
        self.break_down: Callable[[], object] = lambda: None

    @asynccontextmanager
    async def opening(self) -> AsyncIterator[None]:
        """Stand for `boot.open`."""
        self.words.append("opens")
        while not self.may_open.is_set():
            await asyncio.sleep(0.001)
        if self._before:
            raise self._before
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        self.break_down = lambda: loop.call_soon_threadsafe(task.cancel)
        try:
            yield
        finally:
            self.words.append("closes")
            if self._after:
                raise self._after


def test_it_is_open_after_its_start_and_closed_after_its_end(signals: Signals) -> None:
    story = Story()
    core = OwnCore(story.opening)

    core.start(signals)
    assert story.words == ["opens"]
    core.end()

    assert story.words == ["opens", "closes"]


def test_what_fails_at_the_opening_comes_out_of_its_start(signals: Signals) -> None:
    with pytest.raises(Busy, match="held"):
        OwnCore(Story(before=Busy("held")).opening).start(signals)


def test_what_fails_at_the_closing_comes_out_of_its_end(signals: Signals) -> None:
    core = OwnCore(Story(after=ZeroDivisionError("the boiler")).opening)
    core.start(signals)

    with pytest.raises(ZeroDivisionError, match="the boiler"):
        core.end()


def test_a_core_that_broke_down_meanwhile_says_so_at_its_end(signals: Signals) -> None:
    story = Story(after=ZeroDivisionError("the boiler"))
    core = OwnCore(story.opening)
    core.start(signals)
    story.break_down()
    wait([core._life])

    with pytest.raises(ZeroDivisionError, match="the boiler"):
        core.end()


def test_a_signal_while_it_opens_is_told_and_it_can_be_ended(signals: Signals) -> None:
    story = Story()
    story.may_open.clear()
    core = OwnCore(story.opening)
    threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGTERM)).start()

    with pytest.raises(Told):
        core.start(signals)
    story.may_open.set()
    core.end()

    assert story.words == ["opens", "closes"]


def test_one_that_never_opened_can_be_ended_and_says_why(signals: Signals) -> None:
    core = OwnCore(Story(before=Busy("held")).opening)
    with pytest.raises(Busy):
        core.start(signals)

    with pytest.raises(Busy):
        core.end()
