"""The way from a command to a core."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from tests.cli import sample_house
from tests.cli.door_keeper import Conversation, never, resident, scripted

from devopsclaw.cli import reach
from devopsclaw.cli.line import Line, NoCore
from devopsclaw.cli.own_core import OwnCore
from devopsclaw.cli.reach import reached
from devopsclaw.cli.signals import Signals, Told
from devopsclaw.core.clock import SystemClock
from devopsclaw.core.lock import hold
from devopsclaw.core.paths import Home
from devopsclaw.model.errors import BadConfig, Busy

Program = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).make()


@pytest.fixture
def signals() -> Iterator[Signals]:
    with Signals() as given:
        yield given


def status(line: Line) -> str:
    """What the core at the other end says of itself."""
    number = line.ask({"run": {"name": "status.show", "params": {}}})
    return str(next(each for each in line.answers() if each["id"] == number)["text"])


def cores(home: Home) -> int:
    """How many were opened here."""
    return len((home.root / "cores").read_text().splitlines())


def is_free(home: Home) -> bool:
    """Whether nobody holds the home any more."""

    async def try_it() -> None:
        async with hold(home.run, "core", "test", SystemClock(), 0.0):
            pass

    try:
        asyncio.run(try_it())
    except Busy:
        return False
    return True


def test_a_core_that_runs_is_asked_and_none_is_opened(home: Home, signals: Signals) -> None:
    with resident(home, signals), reached(home, never, "1.0", signals, {}) as line:
        assert status(line) == "line: all is well"


def test_without_one_a_core_is_opened_and_goes_with_the_command(home: Home, signals: Signals) -> None:
    with reached(home, sample_house.open_house, "1.0", signals, {}) as line:
        assert status(line) == "line: all is well"
        assert not is_free(home)

    assert is_free(home) and not home.socket.exists()


def test_a_socket_that_a_killed_core_left_is_in_nobody_s_way(home: Home, signals: Signals) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(home.socket))

    with reached(home, sample_house.open_house, "1.0", signals, {}) as line:
        assert status(line) == "line: all is well"


def test_a_core_that_holds_the_home_and_never_answers_is_named_after_a_while(
    home: Home, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reach, "PATIENCE", 0.1)

    @asynccontextmanager
    async def held() -> AsyncIterator[None]:
        async with hold(home.run, "core", "console", SystemClock(), 0.0):
            yield

    silent = OwnCore(held)
    silent.start(signals)
    try:
        with pytest.raises(Busy, match=rf"process {os.getpid()} \(console\)"):
            with reached(home, sample_house.open_house, "1.0", signals, {}):
                pass
    finally:
        silent.end()


def test_a_core_that_answers_after_a_while_is_waited_for(home: Home, signals: Signals) -> None:
    may_listen = threading.Event()

    @asynccontextmanager
    async def slow() -> AsyncIterator[None]:
        async with hold(home.run, "core", "console", SystemClock(), 0.0):
            starting.set()
            while not may_listen.is_set():
                await asyncio.sleep(0.001)
        async with sample_house.open_house(home, face="console", flags={}):
            yield

    starting = threading.Event()
    other = OwnCore(slow)
    opening = threading.Thread(target=partial(other.start, signals))
    opening.start()
    starting.wait()
    tries: list[int] = []

    def open_late(*given: Any, **options: Any) -> Any:
        tries.append(1)
        may_listen.set()
        return sample_house.open_house(*given, **options)

    with reached(home, open_late, "1.0", signals, {}) as line:
        assert status(line) == "line: all is well"
    opening.join()
    other.end()
    assert tries


def test_what_hinders_the_opening_is_said(home: Home, signals: Signals) -> None:
    @asynccontextmanager
    async def refuse(*given: Any, **options: Any) -> AsyncIterator[None]:
        raise BadConfig("line 3: a comma is missing")
        yield

    with pytest.raises(BadConfig, match="line 3"):
        with reached(home, refuse, "1.0", signals, {}):
            pass


def test_a_core_of_its_own_that_never_listens_is_closed_and_said(home: Home, signals: Signals) -> None:
    story: list[str] = []

    @asynccontextmanager
    async def deaf(*given: Any, **options: Any) -> AsyncIterator[None]:
        story.append("opens")
        yield
        story.append("closes")

    with pytest.raises(NoCore):
        with reached(home, deaf, "1.0", signals, {}):
            pass

    assert story == ["opens", "closes"]


def test_what_breaks_a_core_of_its_own_is_said_rather_than_that_it_is_gone(
    home: Home, signals: Signals
) -> None:
    @asynccontextmanager
    async def brittle(*given: Any, **options: Any) -> AsyncIterator[None]:
        async with sample_house.open_house(*given, **options):
            yield
        raise ZeroDivisionError("the boiler")

    with pytest.raises(ZeroDivisionError, match="the boiler"):
        with reached(home, brittle, "1.0", signals, {}):
            raise NoCore("the core has ended")


def test_a_signal_while_a_core_of_its_own_opens_closes_it(home: Home, signals: Signals) -> None:
    @asynccontextmanager
    async def told(*given: Any, **options: Any) -> AsyncIterator[None]:
        async with sample_house.open_house(*given, **options):
            os.kill(os.getpid(), signal.SIGTERM)
            await asyncio.sleep(0.2)  # so that it is open only after the signal was seen
            yield

    with pytest.raises(Told):
        with reached(home, told, "1.0", signals, {}):
            pass

    assert is_free(home)


def test_a_signal_before_a_core_said_welcome_leaves_nothing_open(home: Home, signals: Signals) -> None:
    def is_left(client: Conversation) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        while client.hear():
            pass

    with scripted(home, is_left):
        with pytest.raises(Told):
            with reached(home, never, "1.0", signals, {}):
                pass


def test_commands_that_race_for_a_home_all_get_their_answer(program: Program, home: Home) -> None:
    racing = [program("status", "show") for _ in range(4)]

    ended = [(process.communicate(timeout=60), process.returncode) for process in racing]

    assert ended == [(("line: all is well\n", ""), 0)] * len(racing)
    assert 1 <= cores(home) <= len(racing)
    assert is_free(home)
