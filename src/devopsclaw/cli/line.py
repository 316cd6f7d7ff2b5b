"""The line from a command to a core's socket, for one who can wait: no asyncio, no pydantic, so that a
command that finds a running core starts at once. What is said on it: core/door_words.
"""

from __future__ import annotations

import itertools
import json
import socket
from collections.abc import Iterator
from typing import Any

from devopsclaw.cli.signals import Signals
from devopsclaw.core.paths import Home, short
from devopsclaw.model.door import GREETING, LINE_LIMIT, check_protocol, hello, silent
from devopsclaw.model.errors import BadParams, ClawError, Denied, from_wire

PIECE = 1 << 18
"""Bytes read at a time."""


class NoCore(ClawError):
    """Nobody listens on this home, or whoever did has just ended."""


class Line:
    """An open line. Raises `NoCore` wherever the other side is gone."""

    def __init__(self, connection: socket.socket, signals: Signals) -> None:
        self._connection = connection
        self._signals = signals
        self._numbers = itertools.count(1)
        self._buffer = bytearray()

    @classmethod
    def connect(cls, home: Home, version: str, signals: Signals) -> Line:
        """A line to the core that runs on this home. Raises NoCore, Denied for a stranger, Misused where the
        versions do not fit, Busy where it says nothing.
        """
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with short(home.socket) as name:
                connection.connect(name)
            line = cls(connection, signals)
            line._greet(version)
        except PermissionError:
            connection.close()
            raise Denied(
                f"{home.root} is not yours, and its core lets nobody else in",
                hint="its owner can set core.socket_group and grant you a role",
            ) from None
        except OSError as nobody:
            connection.close()
            raise NoCore(f"no core runs on {home.root}") from nobody
        except BaseException:
            connection.close()
            raise
        return line

    def close(self) -> None:
        """Leave; what was asked for goes on."""
        self._connection.close()

    def ask(self, asked: dict[str, Any]) -> int:
        """Send a request; the number that its answers carry."""
        number = next(self._numbers)
        self.say({"id": number, **asked})
        return number

    def say(self, message: dict[str, Any]) -> None:
        """Send what needs no answer. Raises BadParams for what is too long."""
        raw = json.dumps(message, ensure_ascii=False).encode(errors="backslashreplace") + b"\n"
        if len(raw) > LINE_LIMIT:
            raise BadParams(f"more than {LINE_LIMIT // 1024} KiB were given", hint="put it into a file")
        try:
            self._connection.sendall(raw)
        except OSError as gone:
            raise NoCore("the core has ended") from gone

    def answers(self, patience: float | None = None) -> Iterator[dict[str, Any]]:
        """Messages as they come. Raises `signals.Told` on a signal, TimeoutError where none comes within
        `patience` seconds.
        """
        while True:
            yield self._next(patience)

    def _greet(self, version: str) -> None:
        self.say(hello("cli", version))
        try:
            said = self._next(GREETING)
        except TimeoutError:
            raise silent() from None
        if "refused" in said:
            raise from_wire(said["refused"])
        welcome = said["welcome"]
        who = f"the core in process {welcome.get('pid')} ({welcome.get('face')}, {welcome.get('version')})"
        check_protocol(welcome.get("protocol"), who, f"your devopsclaw {version} (cli)")

    def _next(self, patience: float | None = None) -> dict[str, Any]:
        scanned = 0
        while (end := self._buffer.find(b"\n", scanned)) < 0:
            scanned = len(self._buffer)
            self._buffer += self._piece(patience)
        raw = bytes(self._buffer[:end])
        del self._buffer[: end + 1]
        message: dict[str, Any] = json.loads(raw)
        return message

    def _piece(self, patience: float | None) -> bytes:
        self._signals.wait_for(self._connection.fileno(), patience)
        try:
            piece = self._connection.recv(PIECE)
        except OSError as gone:
            raise NoCore("the core has ended") from gone
        if not piece:
            raise NoCore("the core has ended")
        return piece
