"""Runs one operation for the command line: opens a core, asks where a yes is needed, prints, and
gives the exit code. Loaded only when a command runs.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from devopsclaw.cli import prompts
from devopsclaw.cli.output import Printer
from devopsclaw.cli.progress import Watch
from devopsclaw.cli.settings import Settings
from devopsclaw.core.bus import Subscription
from devopsclaw.core.door import Door
from devopsclaw.core.paths import home
from devopsclaw.model.errors import ApprovalNeeded, ClawError

SECOND_PRESS = 3.0
"""Seconds within which a second Ctrl-C means: leave at once (design §10)."""

DETACHED = 8


class Core(Protocol):
    """What `boot.open` gives a face."""

    @property
    def door(self) -> Door:
        """The way to run operations."""
        ...


Opener = Callable[..., AbstractAsyncContextManager[Core]]


@dataclass(frozen=True, slots=True)
class Request:
    """One command line, understood: which operation, with what, and how it is printed."""

    operation: str
    params: dict[str, Any]
    columns: list[list[str]]
    settings: Settings


def perform(request: Request, opener: Opener, printer: Printer) -> int:
    """Run it to its end, or until a signal ends the watching; the exit code."""
    return asyncio.run(_perform(request, opener, printer))


async def _perform(request: Request, opener: Opener, printer: Printer) -> int:
    watch = Watch(printer, (value for value in request.params.values() if isinstance(value, str)))
    leaving = Leaving(watch, printer)
    leaving.listen()
    flags = {"log.level": "debug"} if request.settings.debug else {}
    try:
        async with opener(home(), face="cli", flags=flags) as core:
            return await Attempt(core.door, request, printer, watch, leaving).run()
    except ClawError as error:
        printer.error(error)
        return error.exit_code
    except asyncio.CancelledError:
        if leaving.code is None:
            raise
        return leaving.code


class Leaving:
    """What a signal does: watching ends, the work on the nodes goes on. Local work is interrupted."""

    def __init__(self, watch: Watch, printer: Printer) -> None:
        self.code: int | None = None
        """The exit code of leaving; None while nobody asked."""
        self.subscription: Subscription | None = None
        """Where the run's id may still wait to be read."""
        self._watch = watch
        self._printer = printer
        self._first = 0.0
        self._task = asyncio.current_task()
        self._loop = asyncio.get_running_loop()

    def listen(self) -> None:
        """From now on signals come here, until the loop ends."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._loop.add_signal_handler(number, self.on_signal, number)

    def on_signal(self, number: signal.Signals) -> None:
        """The first says what goes on and ends the watching; a second one soon after ends everything."""
        if self.code is not None and self._loop.time() - self._first <= SECOND_PRESS:
            os._exit(128 + number)
        if self.subscription is not None:
            self._watch.feed(self.subscription.drain())
        self._first = self._loop.time()
        run = self._watch.run
        self.code = DETACHED if run and number == signal.SIGINT else 128 + number
        self._printer.note(f"detached; {run} goes on: devopsclaw jobs watch {run}" if run else "interrupted")
        if self._task is not None:
            self._task.cancel()


@dataclass(frozen=True, slots=True)
class Attempt:
    """One request at an open door, asked again after each yes."""

    door: Door
    request: Request
    printer: Printer
    watch: Watch
    leaving: Leaving

    async def run(self) -> int:
        """Run, print, and give the exit code. Errors are told here, before the core closes."""
        try:
            return await self._run()
        except ClawError as error:
            self.printer.error(error)
            return error.exit_code

    async def _run(self) -> int:
        request = self.request
        if request.settings.dry_run:
            self.printer.plan(await self._plan())
            return 0
        with self.door.events(self.watch.wants) as subscription:
            self.leaving.subscription = subscription
            result = await self._watched(subscription)
        self.printer.result(result.as_json(), result.text(), request.columns)
        code: int = result.exit
        return code

    async def _watched(self, subscription: Subscription) -> Any:
        """The result, while the progress is drawn. Raises ClawError as itself, not in a group."""
        failure: ClawError | None = None
        result: Any = None
        async with asyncio.TaskGroup() as group:
            follower = group.create_task(self.watch.follow(subscription))
            try:
                result = await self._confirmed()
            except ClawError as error:
                failure = error
            finally:
                follower.cancel()
        self.watch.feed(subscription.drain())
        if failure is not None:
            raise failure
        return result

    async def _confirmed(self) -> Any:
        """The result; asks for a yes as often as the plan changes."""
        consent = prompts.beforehand(self.request.settings)
        while True:
            call = uuid4().hex
            self.watch.calls.add(call)
            try:
                return await self.door.run(
                    self.request.operation, self.request.params, consent=consent, call_id=call
                )
            except ApprovalNeeded as needed:
                was_answered = consent is not None and consent.digest == needed.digest
                if was_answered or not prompts.can_ask(self.request.settings):
                    raise prompts.with_flag(needed) from needed
                consent = await prompts.ask(needed, await self._plan(), self.printer)

    async def _plan(self) -> dict[str, Any]:
        """The plan as JSON, with its digest."""
        plan = await self.door.run(self.request.operation, self.request.params, dry_run=True)
        return {**plan.model_dump(mode="json"), "digest": plan.digest}
