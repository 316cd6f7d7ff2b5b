"""Staying connected: the pauses, what they follow from, and coming back to a relay that was restarted."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.core.clock import SystemClock
from devopsclaw.model.errors import ClawError
from devopsclaw.relay.stay import LONGEST_PAUSE, STABLE_AFTER, Pauses, stay
from devopsclaw.wire.channel import Channel, Closed

LIMIT = 10.0


class Highest(Random):
    """Draws the upper end."""

    def uniform(self, a: float, b: float) -> float:
        """See `Random.uniform`."""
        return b


def test_pauses_double_up_to_a_minute() -> None:
    pauses = Pauses(Highest())

    assert [pauses.next() for _ in range(9)] == [0.5, 1, 2, 4, 8, 16, 32, 60, 60]


@given(st.integers(), st.integers(1, 2000))
@settings(deadline=None, max_examples=50)
def test_every_pause_is_drawn_from_the_whole_range(seed: int, tries: int) -> None:
    pauses = Pauses(Random(seed))

    drawn = [pauses.next() for _ in range(tries)]

    assert all(0 <= pause <= min(LONGEST_PAUSE, 0.5 * 2.0 ** min(n, 10)) for n, pause in enumerate(drawn))


def test_a_session_that_held_makes_pauses_small_again_and_a_short_one_does_not() -> None:
    pauses = Pauses(Highest())
    for _ in range(5):
        pauses.next()

    assert pauses.after(STABLE_AFTER - 1, Closed("broke")) == 16
    assert pauses.after(STABLE_AFTER, Closed("broke")) == 0.5


def test_a_relay_that_drains_says_when_and_one_that_says_goodbye_is_left_alone() -> None:
    pauses = Pauses(Highest())

    assert pauses.after(1, Closed("drain", retry=3.25)) == 3.25
    assert pauses.after(1, Closed("removed", is_final=True)) == LONGEST_PAUSE


class Watcher:
    """Collects what is reported, and keeps a session until it ends."""

    def __init__(self) -> None:
        self.words: list[tuple[str, str]] = []
        self.hints: list[str] = []
        self.changed = asyncio.Event()
        self.epochs: list[int] = []

    def report(self, word: str, why: ClawError | None) -> None:
        """See `stay.Report`."""
        self.words.append((word, why.message if why else ""))
        self.hints.append(why.hint if why else "")
        self.changed.set()

    async def use(self, channel: Channel) -> None:
        """Read until the end, inside a task group as real users of a channel do."""
        self.epochs.append(channel.welcome.epoch)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read(channel))

    async def until(self, word: str, times: int = 1) -> str:
        """Wait until this was reported so many times; why the last one was."""
        async with asyncio.timeout(LIMIT):
            while [each for each, _ in self.words].count(word) < times:
                self.changed.clear()
                await self.changed.wait()
        return [why for each, why in self.words if each == word][-1]

    async def _read(self, channel: Channel) -> None:
        while True:
            await channel.receive()


async def test_a_client_comes_back_when_its_relay_was_restarted(fleet: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("devopsclaw.relay.server.RETURN_WITHIN", 0.1)
    watcher = Watcher()
    async with fleet.relay() as relay:
        work = stay(fleet.node(relay.url), watcher.use, SystemClock(), Random(1), watcher.report)
        staying = asyncio.ensure_future(work)
        await watcher.until("connected")
    await watcher.until("lost")
    assert ("lost", "the relay ended the session") in watcher.words
    async with fleet.relay(address=f"127.0.0.1:{relay.port}"):
        await watcher.until("connected", 2)
        staying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await staying

    assert watcher.epochs[0] < watcher.epochs[1]


async def test_why_there_is_no_session_is_reported(fleet: Any) -> None:
    watcher = Watcher()
    async with fleet.relay() as relay:
        node = fleet.node(relay.url, token="wrong")
        staying = asyncio.ensure_future(stay(node, watcher.use, SystemClock(), Random(1), watcher.report))
        why = await watcher.until("lost")
        staying.cancel()
        with pytest.raises(asyncio.CancelledError):
            await staying

    assert "wrong token" in why and "compare the token" in watcher.hints[-1]
    assert watcher.words[0] == ("connecting", "")
