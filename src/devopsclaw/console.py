"""Opens the console on a core of its own process. Not the console itself: that is `app`."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from devopsclaw.app import Console
from devopsclaw.core.config import load
from devopsclaw.core.door import Door
from devopsclaw.core.paths import Home, home


@dataclass(frozen=True, slots=True)
class Handle:
    """See `screens.desk.CoreHandle`."""

    door: Door
    stack: AsyncExitStack

    async def close(self) -> None:
        """See `CoreHandle.close`."""
        await self.stack.aclose()


def open_console(settings: Any, pane: str = "fleet") -> int:
    """The face: a full-screen console until the person leaves it; its exit code."""
    return run_console(home(), pane)


def run_console(where: Home, pane: str = "fleet") -> int:
    """The console on this home. Nothing but its settings is read before the first picture stands."""
    config = load(where, os.environ).config

    async def open_core() -> Handle:
        from devopsclaw import boot  # the engines cost as much as the picture, so they come after it

        stack = AsyncExitStack()
        opening = boot.open(where, face="console", links=boot.LinksAre.WANTED)
        core = await stack.enter_async_context(opening)
        return Handle(core.door, stack)

    console = Console(
        open_core,
        protected=config.fleet.protected_envs,
        demo=(where.root / "demo").exists(),
        theme=config.ui.theme,
        pane=pane,
    )
    return console.run(mouse=False) or 0
