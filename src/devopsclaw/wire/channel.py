"""A channel carries frames both ways between a client and whatever is behind it: a relay, or a pipe."""

from __future__ import annotations

from typing import Protocol

from devopsclaw.wire.enroll import Welcome
from devopsclaw.wire.frames import Frame


class Closed(Exception):
    """The channel is at its end. `retry` is how long the other side asks to stay away, in seconds;
    `is_final` says that it does not want this client back."""

    def __init__(self, reason: str, *, retry: float | None = None, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry = retry
        self.is_final = is_final


class Channel(Protocol):
    """An open session. One task receives; any task may send."""

    @property
    def welcome(self) -> Welcome:
        """What the other side said when it opened the session: epoch, uid, root."""
        ...

    async def send(self, frame: Frame) -> None:
        """Send one frame, waiting while the other side is slow. Raises Closed."""
        ...

    async def receive(self) -> Frame:
        """The next frame, in the order sent. Raises Closed once there is none."""
        ...

    async def close(self) -> None:
        """End the session; safe to call twice."""
        ...
