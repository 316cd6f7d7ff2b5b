"""One open session, as the relay holds it: who it is, and how bytes get to it without waiting for ever."""

from __future__ import annotations

import asyncio

from websockets.asyncio.server import ServerConnection, broadcast
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State

from devopsclaw.core.clock import Clock
from devopsclaw.wire.frames import Frame, encode
from devopsclaw.wire.table import Role

SEND_TIMEOUT = 20.0
"""Seconds one frame may take to leave; then the reader is taken for gone (security reference §2.12)."""
PING_TIMEOUT = 5.0
"""Seconds an old session has to show that it is alive, when its key turns up a second time."""
WRITE_LIMIT = 64 * 1024
"""Bytes waiting for a peer from which on a sender waits: one body."""
PUSH_LIMIT = 1024 * 1024
"""Bytes waiting for a peer from which on it is cut, where nobody can wait for it."""


class Peer:
    """A node or a controller with an open session. Slots, because there are thousands."""

    __slots__ = ("_blocked_since", "_clock", "connection", "epoch", "last_heard", "role", "uid", "was_slow")

    def __init__(self, connection: ServerConnection, role: Role, uid: str, epoch: int, clock: Clock) -> None:
        self.connection = connection
        self.role = role
        self.uid = uid
        self.epoch = epoch
        self.last_heard = clock.steady()
        self.was_slow = False
        self._clock = clock
        self._blocked_since: float | None = None

    async def deliver(self, data: bytes) -> bool:
        """Send, and wait while the peer is slow; False if it is gone, or too slow and therefore cut."""
        if self._is_free():
            return self.push(data)
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                await self.connection.send(data)
        except TimeoutError:
            self.cut_slow()
            return False
        except ConnectionClosed:
            return False
        return True

    def _is_free(self) -> bool:
        """Whether nothing waits for it: then there is nothing to wait for, at half the price of a send."""
        is_open = self.connection.state is State.OPEN
        return is_open and not self.connection.transport.get_write_buffer_size()

    def push(self, data: bytes) -> bool:
        """Send without waiting, for a sender that others depend on; False if the peer was cut for it.

        A peer that has much more waiting than credit allows does not read; it is better off connecting again.
        """
        if self.connection.transport.get_write_buffer_size() > PUSH_LIMIT:
            self.cut_slow()
            return False
        broadcast([self.connection], data)
        return True

    def tell(self, frame: Frame) -> None:
        """Push a frame of the relay's own."""
        self.push(encode(frame))

    def is_stuck(self) -> bool:
        """Whether bytes have been waiting for this peer for too long; to be asked every few seconds."""
        if self.connection.transport.get_write_buffer_size() <= WRITE_LIMIT:
            self._blocked_since = None
            return False
        if self._blocked_since is None:
            self._blocked_since = self._clock.steady()
        return self._clock.steady() - self._blocked_since > SEND_TIMEOUT

    async def answers(self) -> bool:
        """Whether the other side is alive: it answers a WebSocket ping within five seconds."""
        try:
            async with asyncio.timeout(PING_TIMEOUT):
                await (await self.connection.ping())
        except (TimeoutError, ConnectionClosed):
            return False
        return True

    async def end(self, frame: Frame, code: int) -> None:
        """Tell it why, then close the WebSocket with this code (RFC 6455 §7.4)."""
        self.tell(frame)
        await self.connection.close(code, frame.type.name.lower())

    def cut_slow(self) -> None:
        """Drop it for not reading."""
        self.was_slow = True
        self.abort()

    def abort(self) -> None:
        """Drop the connection at once, without the farewell that a slow or dead peer would not read."""
        self.connection.transport.abort()
