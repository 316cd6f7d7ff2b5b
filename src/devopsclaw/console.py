"""Opens the console on the core that runs, else on one of its own process. Not the console itself: `app`."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from threading import Timer
from typing import Any

from devopsclaw.app import Console
from devopsclaw.core.config import Loaded, defaults, load
from devopsclaw.core.door import Door, os_user
from devopsclaw.core.paths import Home, home
from devopsclaw.core.redact import KNOWN, named_secrets

LAST_RESORT = 0.8
"""Seconds for a console that is told to leave; design §3 gives it one."""


@dataclass(frozen=True, slots=True)
class Handle:
    """See `screens.desk.CoreHandle`."""

    door: Door
    lost: asyncio.Event
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
    config = _settings(where).config

    async def open_core() -> Handle:
        from devopsclaw import boot  # the engines cost as much as the picture, so they come after it

        console.copier = boot.Clipboard(where, os.environ)
        stack = AsyncExitStack()
        core = await stack.enter_async_context(boot.reached(where, face="console"))
        _leave_when_told(console, core.hand_over)
        return Handle(core.door, core.lost, stack)

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


def _settings(where: Home) -> Loaded:
    """The settings; those of a home that is another's are that one's own business."""
    is_foreign = where.root.exists() and where.root.stat().st_uid != os.getuid()
    loaded = defaults(where) if is_foreign else load(where, os.environ)
    KNOWN.add({*loaded.secrets, *named_secrets(os.environ)})
    return loaded


def _leave_when_told(console: Console, hand_over: Callable[[], object]) -> None:
    """A signal that ends this process hands over what runs, then gives the terminal back."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, _told_to_leave, console, hand_over, number)


def _told_to_leave(console: Console, hand_over: Callable[[], object], number: int) -> None:
    """The terminal may be gone, and who writes to it may hang: then the process ends as it is, which the core
    that takes over is made for.
    """
    hand_over()
    last_resort = Timer(LAST_RESORT, os._exit, [128 + number])
    last_resort.daemon = True
    last_resort.start()
    console.exit(return_code=128 + number)
