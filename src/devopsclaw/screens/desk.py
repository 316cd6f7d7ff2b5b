"""What the app lays before each screen: the way to the core, clocks, chance, glyphs, and what is known."""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Protocol

from devopsclaw.core.door import Door
from devopsclaw.model.errors import Unreachable
from devopsclaw.screens.situation import Situation
from devopsclaw.widgets.glyphs import UNICODE, Glyphs, glyphs_for


class CoreHandle(Protocol):
    """An open core, as far as a console needs it."""

    @property
    def door(self) -> Door:
        """The way to run operations."""
        ...

    @property
    def lost(self) -> asyncio.Event:
        """Set when this core has ended, though nobody here closed it."""
        ...

    async def close(self) -> None:
        """Close the core; called from the task that opened it."""
        ...


@dataclass(slots=True)
class Desk:
    """`door` is there once the core is open."""

    wall: Callable[[], float]
    """Seconds since 1970."""
    steady: Callable[[], float]
    """Seconds that only grow."""
    digit: Callable[[], str]
    """A random digit, 2 to 9."""
    glyphs: Glyphs = UNICODE
    situation: Situation = field(default_factory=Situation)
    door: Door | None = None
    uid: int = -1
    """Of the person who sits here, as the core sees it; -1 where that is not known."""
    returned_at: float = -inf
    """Steady time at which the terminal last came to the front."""

    def at_core(self) -> Door:
        """The way to the core. Raises Unreachable while none is open."""
        if self.door is not None:
            return self.door
        if self.situation.broken:
            raise Unreachable("the core did not open", hint="q, then start the console again")
        raise Unreachable("the core is not open yet", hint="wait for the header to say so")


def system_desk(environment: Mapping[str, str]) -> Desk:
    """A desk with the machine's own clock and chance, and the glyphs this terminal can draw."""
    return Desk(
        wall=time.time,
        steady=time.monotonic,
        digit=lambda: str(2 + secrets.randbelow(8)),
        glyphs=glyphs_for(environment),
        uid=os.getuid(),
    )
