"""Stays connected: dials again and again, with pauses that spread a fleet out. Not what is said meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from random import Random

from devopsclaw.core.clock import Clock
from devopsclaw.model.errors import ClawError, Denied, Dismissed, Retry, Unreachable
from devopsclaw.relay.dial import Dialer
from devopsclaw.wire.channel import Channel, Closed

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 60.0
"""Seconds; the pause before try n is U(0, min(60, 0.5·2^n)): full jitter (security reference §2.11)."""
STABLE_AFTER = 60.0
"""Seconds a session has to hold before the pauses start small again."""

Report = Callable[[str, ClawError | None], None]
"""Told of each change: `connecting`, `connected`, or `lost` with why and what to do about it."""


class Pauses:
    """How long to wait before the next try."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._tries = 0

    def next(self) -> float:
        """After one more failure."""
        ceiling = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self._tries, 10))
        self._tries += 1
        return self._random.uniform(0, ceiling)

    def after(self, lasted: float, ended: Closed) -> float:
        """After a session that lasted this many seconds."""
        if lasted >= STABLE_AFTER:
            self._tries = 0
        if ended.is_final:
            return LONGEST_PAUSE
        return self.next() if ended.retry is None else ended.retry


async def stay(
    dialer: Dialer,
    on_channel: Callable[[Channel], Awaitable[None]],
    clock: Clock,
    random: Random,
    report: Report,
) -> None:
    """Keep a session open until cancelled; `on_channel` uses each, and returns or raises Closed at its end.

    A refusal is tried again once a minute: a person may meanwhile mend what it names. Raises Dismissed where
    that cannot help.
    """
    pauses = Pauses(random)
    while True:
        report("connecting", None)
        why: ClawError
        try:
            channel = await dialer.connect()
        except Dismissed:
            raise
        except Denied as denied:
            pause, why = LONGEST_PAUSE, denied
        except Retry as gone:
            pause, why = pauses.next(), gone
        else:
            report("connected", None)
            since = clock.steady()
            ended = await _use(channel, on_channel)
            pause, why = pauses.after(clock.steady() - since, ended), Unreachable(ended.reason)
        report("lost", why)
        await asyncio.sleep(pause)


async def _use(channel: Channel, on_channel: Callable[[Channel], Awaitable[None]]) -> Closed:
    """How the session ended; also where it ended inside a task group."""
    ended = Closed("the session was left")
    try:
        await on_channel(channel)
    except* Closed as group:
        ended = _first(group)
    finally:
        await channel.close()
    return ended


def _first(group: BaseExceptionGroup[Closed]) -> Closed:
    """One of them: all parts of a session end for the same reason."""
    inner: BaseException = group
    while isinstance(inner, BaseExceptionGroup):
        inner = inner.exceptions[0]
    return inner if isinstance(inner, Closed) else Closed(str(inner))
