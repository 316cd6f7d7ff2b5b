"""Signals as something to wait for, beside a socket or a terminal. Not what they mean: cli/runner."""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from types import FrameType
from typing import Any

NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SECOND_PRESS = 3.0
"""Seconds within which a second signal means: leave at once (design §10)."""


class Told(Exception):
    """A signal came while something was waited for."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Signals:
    """While the block lasts, a signal is news, and ends what is waited for. A second one soon after ends the
    process; but not a second SIGHUP: kernel and shell both send one when a link drops.
    """

    def __init__(self) -> None:
        self._here, self._there = socket.socketpair()
        self._before: dict[int, Any] = {}
        self._pressed_at: float | None = None

    def __enter__(self) -> Signals:
        for number in NUMBERS:
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(self, *unused: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._here.close()
        self._there.close()

    def wait_for(self, descriptor: int, patience: float | None = None) -> None:
        """Wait until something can be read from this descriptor. Raises Told where a signal comes first,
        TimeoutError where nothing comes within `patience` seconds.
        """
        ready, _, _ = select.select([descriptor, self._here.fileno()], [], [], patience)
        self.check()
        if descriptor not in ready:
            raise TimeoutError

    def check(self) -> None:
        """Raises Told where a signal came that was not told yet."""
        self._here.setblocking(False)
        try:
            told = self._here.recv(1)
        except BlockingIOError:
            return
        raise Told(told[0])

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if (
            self._pressed_at is not None
            and number != signal.SIGHUP
            and now - self._pressed_at <= SECOND_PRESS
        ):
            os._exit(128 + number)
        self._pressed_at = now
        self._there.send(bytes([number]))
