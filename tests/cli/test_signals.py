"""Signals as news beside what is waited for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from devopsclaw.cli.signals import NUMBERS, Signals, Told

SECOND = """
import os, signal, sys
from devopsclaw.cli.signals import Signals, Told
with Signals() as signals:
    for name in sys.argv[1:]:
        os.kill(os.getpid(), getattr(signal, name))
        try:
            signals.check()
        except Told as told:
            print(told.number, flush=True)
print("left in peace")
"""


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    os.close(reader)
    os.close(writer)


@pytest.mark.parametrize("number", NUMBERS)
def test_a_signal_ends_what_is_waited_for(pipe: tuple[int, int], number: signal.Signals) -> None:
    with Signals() as signals:
        threading.Timer(0.01, os.kill, (os.getpid(), number)).start()

        with pytest.raises(Told) as told:
            signals.wait_for(pipe[0])

    assert told.value.number == number


def test_what_can_be_read_ends_the_waiting(pipe: tuple[int, int]) -> None:
    with Signals() as signals:
        os.write(pipe[1], b"x")

        signals.wait_for(pipe[0])
        signals.check()


def test_a_signal_that_came_before_is_told_first(pipe: tuple[int, int]) -> None:
    with Signals() as signals:
        os.write(pipe[1], b"x")
        os.kill(os.getpid(), signal.SIGTERM)

        with pytest.raises(Told):
            signals.wait_for(pipe[0])
        signals.wait_for(pipe[0])


def test_patience_has_an_end(pipe: tuple[int, int]) -> None:
    with Signals() as signals, pytest.raises(TimeoutError):
        signals.wait_for(pipe[0], 0.01)


def test_afterwards_signals_mean_what_they_meant() -> None:
    before = [signal.getsignal(number) for number in NUMBERS]

    with Signals():
        assert [signal.getsignal(number) for number in NUMBERS] != before

    assert [signal.getsignal(number) for number in NUMBERS] == before


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as under nohup
    try:
        with Signals():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def sent(*names: str) -> tuple[int, list[str]]:
    """Exit code and lines of a process that is sent these signals."""
    done = subprocess.run([sys.executable, "-c", SECOND, *names], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


@pytest.mark.parametrize(
    ("names", "code"),
    [(("SIGINT", "SIGINT"), 130), (("SIGINT", "SIGTERM"), 143), (("SIGHUP", "SIGTERM"), 143)],
)
def test_a_second_signal_soon_after_ends_the_process(names: tuple[str, ...], code: int) -> None:
    first = str(int(getattr(signal, names[0])))

    assert sent(*names) == (code, [first])


def test_a_dropped_link_is_told_twice_and_is_still_one() -> None:
    assert sent("SIGHUP", "SIGHUP") == (0, ["1", "1", "left in peace"])
