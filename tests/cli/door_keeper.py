"""What answers on a home's socket in these tests: the sample house, or a script of what a core says."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from functools import partial
from typing import Any

from tests.cli import sample_house

from devopsclaw.cli.own_core import OwnCore
from devopsclaw.cli.signals import Signals
from devopsclaw.core.paths import Home, short
from devopsclaw.model.door import PROTOCOL

WELCOME = {"protocol": PROTOCOL, "version": "1.0", "face": "gateway", "pid": 4711, "demo": False}

PATIENCE = 30.0
"""Seconds that anything here may take on a loaded machine."""


@contextmanager
def resident(home: Home, signals: Signals) -> Iterator[OwnCore]:
    """The sample house, open on this home as another process's core would be."""
    core = OwnCore(partial(sample_house.open_house, home, face="gateway", flags={}))
    core.start(signals)
    try:
        yield core
    finally:
        core.end()


class Conversation:
    """One client, seen from the core's side."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._lines = connection.makefile("rb")

    def hear(self) -> dict[str, Any]:
        """The client's next message; empty where it left."""
        message: dict[str, Any] = json.loads(self._lines.readline() or b"{}")
        return message

    def say(self, *messages: Mapping[str, Any]) -> None:
        """Say these."""
        for message in messages:
            self.connection.sendall(json.dumps(message).encode() + b"\n")

    def welcome(self, **more: Any) -> None:
        """Hear its greeting and answer it."""
        self.hear()
        self.say({"welcome": {**WELCOME, **more}})

    def asked(self) -> dict[str, Any]:
        """Its next call, past what it wants to listen to."""
        while "run" not in (message := self.hear()):
            assert message, "the client left"
        return message

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self.connection.close()


@contextmanager
def scripted(home: Home, *scripts: Callable[[Conversation], None]) -> Iterator[Future[None]]:
    """A core that meets one client with each script, and hangs up after it; then it is gone."""
    home.make()
    with socket.socket(socket.AF_UNIX) as bound, short(home.socket) as name, ThreadPoolExecutor(1) as thread:
        bound.bind(name)
        bound.listen()
        bound.settimeout(PATIENCE)
        done = thread.submit(_play, bound, home, scripts)
        try:
            yield done
        finally:
            with suppress(OSError):
                bound.shutdown(socket.SHUT_RDWR)
            done.result(PATIENCE)


def _play(bound: socket.socket, home: Home, scripts: tuple[Callable[[Conversation], None], ...]) -> None:
    for number, script in enumerate(scripts, start=1):
        connection, _ = bound.accept()
        connection.settimeout(PATIENCE)
        conversation = Conversation(connection)
        try:
            script(conversation)
        finally:
            if number == len(scripts):
                home.socket.unlink()
            conversation.close()


def never(*given: Any, **options: Any) -> AbstractAsyncContextManager[Any]:
    """An opener that must not be asked."""
    raise AssertionError("no core of its own was wanted")
