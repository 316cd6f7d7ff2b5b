"""Conducts single runs: sends by schedule, settles what is sent nothing, closes the run in the log.

Not the protocol (fleet/delivery), and not which runs there are (fleet/execution).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial

from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import Clock
from devopsclaw.core.runs import RunLog
from devopsclaw.fleet.dispatch import Dispatch
from devopsclaw.fleet.live_run import LiveRun
from devopsclaw.fleet.recipients import Recipients
from devopsclaw.fleet.schedule import Schedule
from devopsclaw.fleet.signing import Order
from devopsclaw.model.events import RunEnded
from devopsclaw.model.plan import Plan
from devopsclaw.model.state import State, counted, exit_code

UNSENT = "cancelled before it was sent"
WELL = frozenset({State.OK, State.SKIPPED})
"""Ends of a node's part that do not stop a serial run: what was drained meanwhile has not failed."""


Late = Callable[[str, int, Mapping[str, int]], Awaitable[None]]
"""Id of the run, its exit code, how many nodes ended in which state."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, after the gate. Times in seconds; `call` is a uuid in hex."""

    call: str
    entry: str
    plan: Plan
    timeout: float
    grace: float
    output_cap: int
    parallel: int
    serial: bool
    delay: float
    user: str
    via: str


@dataclass(frozen=True, slots=True)
class Conductor:
    """The log is written however long its disk takes: what runs on nodes does not wait for it."""

    dispatch: Dispatch
    log: RunLog
    recipients: Recipients
    bus: Bus
    clock: Clock
    late: Late
    """Puts the end of a run on record whose asker has left."""

    async def carry_out(self, run: LiveRun, request: Request) -> None:
        """Send by schedule until every node has ended, or a failure stops what is left; then close it."""
        for part in run.parts:
            if refusal := self.recipients.refusal(part):
                await self.settle(run, part.node, *refusal)
        schedule = Schedule(
            [part.node for part in run.parts if not run.states[part.node].is_final],
            parallel=request.parallel,
            serial=request.serial,
            delay=request.delay,
            max_failures=0 if request.serial else None,
        )
        while not schedule.is_over:
            await self._step(run, request, schedule)
        run.stopped = schedule.is_stopped and bool(schedule.waiting)
        for name in schedule.cancel():
            await self.settle(run, name, State.SKIPPED, "an earlier node did not end well")
        await self.close(run)

    async def _step(self, run: LiveRun, request: Request, schedule: Schedule) -> None:
        for name in () if run.is_cancelled else schedule.ready(self.clock.steady()):
            await self._send(run, name, request)
        await run.changed(schedule.pause(self.clock.steady()))
        if run.is_cancelled:
            for name in schedule.cancel():
                await self.settle(run, name, State.CANCELLED, UNSENT)
        for name in schedule.running:
            if run.states[name].is_final:
                schedule.ended(name, run.states[name] in WELL, self.clock.steady())

    async def _send(self, run: LiveRun, name: str, request: Request) -> None:
        """Its turn has come; what is known of the node may have changed since the run was planned."""
        part = run.part(name)
        if run.is_cancelled:
            await self.settle(run, name, State.CANCELLED, UNSENT)
            return
        if refusal := self.recipients.refusal(part):
            await self.settle(run, name, *refusal)
            return
        order = Order(
            run=run.id,
            call=run.call,
            command=request.plan.run,
            effect=request.plan.effect,
            timeout=request.timeout,
            grace=request.grace,
            output_cap=request.output_cap,
        )
        self.dispatch.offer(run, self.recipients.command(order, part, self.clock.wall()))

    async def settle(self, run: LiveRun, name: str, state: State, reason: str) -> None:
        """End a node's part here, because nothing was sent to it."""
        ended = ("ended", name, {"status": state.value, "reason": reason})
        await self.dispatch.patience.until_written(partial(self.log.append, run.id, [ended]))
        self.dispatch.settle(run, name, state, reason)

    async def close(self, run: LiveRun) -> None:
        """Close it in the log once every node has ended. Where an unknown outcome becomes the truth later,
        its exit code is corrected; that is waited for as long as this core lives.
        """
        known: int | None = None
        while True:
            code = exit_code(run.states.values(), stopped=run.stopped)
            if run.is_over and code != known:
                await self._finish(run, code)
                known = code
            elif run.is_over and not run.under_way:
                return
            else:
                await run.changed()

    async def _finish(self, run: LiveRun, code: int) -> None:
        await self.dispatch.patience.until_written(partial(self.log.finish, run.id, code))
        counts = counted(run.states.values())
        if run.is_left:
            await self.late(run.id, code, counts)
        self.bus.publish(RunEnded(run.call, run.id, code, counts))
        run.close()
