"""Opens the console on a core of its own process. Not the console itself: that is `app`."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

from devopsclaw.app import Console
from devopsclaw.core.config import load
from devopsclaw.core.door import Door, os_user
from devopsclaw.core.paths import Home, home


@dataclass(frozen=True, slots=True)
class Handle:
    """See `screens.desk.CoreHandle`."""

    door: Door
    stack: AsyncExitStack

    async def close(self) -> None:
        """See `CoreHandle.close`."""
        await self.stack.aclose()


class QuietConsole(Console):
    """A console that leaves a defect to the program, which says it in one line and keeps it in a log.

    Textual would fill the terminal with the code and every local variable, secrets too.
    """

    @property
    def outcome(self) -> int:
        """The exit code after it was left; raises the defect that ended it."""
        failed = self._exception
        if failed is not None:
            raise getattr(failed, "error", failed)  # a worker's failure carries what went wrong
        return self.return_code or 0

    def _print_error_renderables(self) -> None:
        """Said by `outcome`."""
        self._exit_renderables.clear()


def open_console(settings: Any, pane: str = "fleet") -> int:
    """The face: a full-screen console until the person leaves it; its exit code."""
    return run_console(home(), pane)


def run_console(where: Home, pane: str = "fleet") -> int:
    """The console on this home. Nothing but its settings is read before the first picture stands."""
    config = load(where, os.environ).config

    async def open_core() -> Handle:
        _leave_when_told(console)
        from devopsclaw import boot  # the engines cost as much as the picture, so they come after it

        stack = AsyncExitStack()
        opening = boot.open(where, face="console", links=boot.LinksAre.WANTED)
        core = await stack.enter_async_context(opening)
        return Handle(core.door, stack)

    console = QuietConsole(
        open_core,
        protected=config.fleet.protected_envs,
        demo=bool(where.demo),
        theme=config.ui.theme,
        pane=pane,
    )
    if where.demo == "open":
        console.desk.situation.caution = f"commands run here as {os_user()}, every write asks"
    console.run(mouse=False)
    return console.outcome


def _leave_when_told(console: Console) -> None:
    """A signal that ends this process gives the terminal back first; what runs on nodes goes on."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, partial(console.exit, return_code=128 + number))
