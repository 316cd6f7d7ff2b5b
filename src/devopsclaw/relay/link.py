"""The client's open session with a relay: a channel of frames over one WebSocket, kept alive by pings."""

from __future__ import annotations

import asyncio
import random

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from devopsclaw.core.clock import Clock
from devopsclaw.wire.channel import Closed
from devopsclaw.wire.enroll import Welcome
from devopsclaw.wire.frames import BadFrame, Frame, FrameType, decode, encode
from devopsclaw.wire.table import Seat, Stage, is_allowed

JITTER = 0.2
"""Pings come at the relay's interval ± 20 %, so that a fleet does not ping in step."""
LONGEST_RETRY = 60.0
"""Seconds; no relay can ask to be left alone for longer than the slowest reconnect."""


class RelayLink:
    """A `wire.channel.Channel`. Pings and the relay's own farewells are dealt with here."""

    def __init__(self, connection: ClientConnection, welcome: Welcome, seat: Seat, clock: Clock) -> None:
        self._connection = connection
        self._welcome = welcome
        self._seat = seat
        self._clock = clock
        self._pings = asyncio.get_running_loop().create_task(self._ping())

    @property
    def welcome(self) -> Welcome:
        """See `Channel.welcome`."""
        return self._welcome

    async def send(self, frame: Frame) -> None:
        """See `Channel.send`. Raises BadFrame for a frame that no relay would take."""
        try:
            await self._connection.send(encode(frame))
        except ConnectionClosed as closed:
            raise _broken(closed) from closed

    async def receive(self) -> Frame:
        """See `Channel.receive`."""
        while True:
            frame = await self._next()
            match frame.type:
                case FrameType.PONG:
                    continue
                case FrameType.DRAIN:
                    raise Closed("the relay ended the session", retry=_retry(frame))
                case FrameType.GOODBYE:
                    raise Closed(
                        plain(frame.header.get("reason", "")) or "the relay said goodbye", is_final=True
                    )
            return frame

    async def close(self) -> None:
        """See `Channel.close`."""
        self._pings.cancel()
        await asyncio.wait([self._pings])
        await self._connection.close()

    async def _next(self) -> Frame:
        try:
            data = await self._connection.recv()
            frame = decode(data if isinstance(data, bytes) else b"")
        except ConnectionClosed as closed:
            raise _broken(closed) from closed
        except BadFrame as wrong:
            raise Closed(f"the relay broke the protocol: {wrong}") from wrong
        if not is_allowed(self._seat, Stage.OPEN, frame.type):
            raise Closed(f"the relay broke the protocol: {frame.type.name} is not let in here")
        return frame

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(self._welcome.ping * random.uniform(1 - JITTER, 1 + JITTER))
            try:
                await self._connection.send(encode(Frame(FrameType.PING, {"at": self._clock.wall()})))
            except ConnectionClosed:
                return  # whoever receives learns of it


def plain(text: object) -> str:
    """A peer's words, safe to print: one short line without control characters."""
    return "".join(each if each.isprintable() else "?" for each in str(text)[:300])


def _retry(frame: Frame) -> float:
    retry = frame.header.get("retry", 0)
    return min(max(float(retry), 0.0), LONGEST_RETRY) if isinstance(retry, int | float) else 0.0


def _broken(closed: ConnectionClosed) -> Closed:
    if closed.rcvd is not None and closed.rcvd.reason:
        return Closed(f"the relay closed the session: {plain(closed.rcvd.reason)}")
    return Closed("the connection to the relay broke")
