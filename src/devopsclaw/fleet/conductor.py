"""Conducts single runs: sends by schedule, settles what is sent nothing, closes the run in the log.

Not the protocol (fleet/delivery), and not which runs there are (fleet/execution).
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import Clock
from devopsclaw.core.runs import RunLog
from devopsclaw.fleet.batch import Batch
from devopsclaw.fleet.dispatch import Dispatch
from devopsclaw.fleet.live_run import LiveRun, Sending
from devopsclaw.fleet.recipients import Recipients
from devopsclaw.fleet.schedule import Schedule
from devopsclaw.fleet.signing import Order
from devopsclaw.model.call import Actor
from devopsclaw.model.events import RunEnded
from devopsclaw.model.plan import Plan
from devopsclaw.model.state import State, counted, exit_code, word_of

UNSENT = "cancelled before it was sent"
STOPPED = "an earlier node did not end well"
WELL = frozenset({State.OK, State.SKIPPED})
"""Ends of a node's part that do not stop a serial run: what was drained meanwhile has not failed."""
UNDER_WAY = frozenset({State.QUEUED, State.SENT, State.RUNNING})

Late = Callable[[str], Awaitable[None]]
"""Is given the id of a run that is closed in the log."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for, after the gate. Times in seconds; `call` is a uuid in hex, `parent` the one that led
    to it.
    """

    call: str
    entry: str
    plan: Plan
    timeout: float
    grace: float
    output_cap: int
    parallel: int
    serial: bool
    delay: float
    actor: Actor
    parent: str = ""

    def body(self) -> dict[str, Any]:
        """What the log keeps of it beside call, entry and plan: enough to go on with it whole."""
        return {
            "user": self.actor.user,
            "via": self.actor.door,
            "model": self.actor.via,
            "demo": self.actor.demo,
            "parent": self.parent,
            "timeout": self.timeout,
            "grace": self.grace,
            "output_cap": self.output_cap,
            "parallel": self.parallel,
            "serial": self.serial,
            "delay": self.delay,
        }

    def order(self, run: str) -> Order:
        """What every node is told, as the run of this id."""
        return Order(
            run=run,
            call=self.call,
            command=self.plan.run,
            effect=self.plan.effect,
            timeout=self.timeout,
            grace=self.grace,
            output_cap=self.output_cap,
            user=self.actor.user,
            via=self.actor.via or self.actor.door,
        )


@dataclass(frozen=True, slots=True)
class Conductor:
    """The log is written however long its disk takes: what runs on nodes does not wait for it."""

    dispatch: Dispatch
    log: RunLog
    recipients: Recipients
    bus: Bus
    clock: Clock
    late: Late
    """Puts the end of a run on record for which nobody waits: who asked has left, or has an answer that was
    `unknown`.
    """

    async def carry_out(self, run: LiveRun, request: Request) -> None:
        """Send by schedule what was never sent, once that is wanted, until every node has ended, or a failure
        stops what is left; then close it. So a new run is carried out, and one taken up where its log ends.
        """
        while run.has_pending and run.sending is not Sending.NOW:
            await run.changed()
        ended_at = run.ended_at
        for part in run.parts:
            if run.states[part.node] is State.PENDING and (refusal := self.recipients.refusal(part)):
                await self.settle(run, part.node, *refusal)
        schedule = self._schedule(run, request, ended_at)
        batch = self.recipients.batch(request.order(run.id), map(run.part, schedule.waiting))
        while not schedule.is_over:
            await self._step(run, batch, schedule)
        if run.is_cancelled:
            await self._call_off(run, schedule)
        elif schedule.waiting:
            await self._stop(run, schedule)
        await self.close(run)

    async def _call_off(self, run: LiveRun, schedule: Schedule) -> None:
        """A person wants no more of it."""
        for name in schedule.cancel():
            await self.settle(run, name, State.CANCELLED, UNSENT)

    async def _stop(self, run: LiveRun, schedule: Schedule) -> None:
        """A node failed, so no more are sent their part; that stays so for the core that comes next."""
        if not run.stopped:
            await self._record(run, "stopped", {})
            run.stopped = True
        for name in schedule.cancel():
            await self.settle(run, name, State.SKIPPED, STOPPED)

    def _schedule(self, run: LiveRun, request: Request, ended_at: float) -> Schedule:
        """Where the run stands; `ended_at` is the wall time of its last end. A node that never joined is no
        failure of the run: that was known before.
        """
        states = [(part, run.states[part.node]) for part in run.parts]
        since = max(0.0, self.clock.wall() - ended_at) if ended_at else math.inf
        return Schedule(
            [part.node for part, state in states if state is State.PENDING],
            parallel=request.parallel,
            serial=request.serial,
            delay=request.delay,
            max_failures=0 if request.serial else None,
            running=[part.node for part, state in states if state in UNDER_WAY],
            failures=sum(state.is_final and state not in WELL and bool(part.uid) for part, state in states),
            not_before=self.clock.steady() + max(0.0, request.delay - since),
        )

    async def _step(self, run: LiveRun, batch: Batch, schedule: Schedule) -> None:
        for name in schedule.ready(self.clock.steady()):
            await self._send(run, name, batch)
        await run.changed(schedule.pause(self.clock.steady()))
        if run.is_cancelled:
            await self._call_off(run, schedule)
        for name in schedule.running:
            if run.states[name].is_final:
                schedule.ended(name, run.states[name] in WELL, self.clock.steady())

    async def _send(self, run: LiveRun, name: str, batch: Batch) -> None:
        """Its turn has come; what is known of the node may have changed since the run was planned."""
        part = run.part(name)
        if run.is_cancelled:
            await self.settle(run, name, State.CANCELLED, UNSENT)
            return
        if refusal := self.recipients.refusal(part):
            await self.settle(run, name, *refusal)
            return
        self.dispatch.offer(run, batch.command(part, self.clock.wall()))

    async def settle(self, run: LiveRun, name: str, state: State, reason: str) -> None:
        """End a node's part here, because nothing was sent to it."""
        await self._record(run, "ended", {"status": state.value, "reason": reason}, name)
        self.dispatch.settle(run, name, state, reason)

    async def cancel(self, run: LiveRun) -> None:
        """Stop what runs of it and send nothing more. That a person wants so outlives this core."""
        run.cancel()
        await self._record(run, "cancelling", {})
        self.dispatch.cancel(run)

    async def close(self, run: LiveRun) -> None:
        """Close it in the log once every node has ended. Where an unknown outcome becomes the truth later,
        its exit code is corrected; that is waited for as long as this core lives.
        """
        while True:
            code = exit_code(run.states.values(), stopped=run.stopped)
            if run.is_over and (code != run.recorded or not run.is_closed):
                await self._finish(run, code)
            elif run.is_over and not run.under_way:
                return
            else:
                await run.changed()

    async def conclude(self, run: LiveRun) -> None:
        """Close it in the log as it stands, where nobody follows it and nothing of it is under way."""
        if run.is_over:
            await self._finish(run, exit_code(run.states.values(), stopped=run.stopped))

    async def _record(self, run: LiveRun, kind: str, body: dict[str, Any], node: str | None = None) -> None:
        """Put an event on record, however long the disk takes."""
        append = partial(self.log.append, run.id, [(kind, node, body)])
        await self.dispatch.patience.until_written(append)

    async def _finish(self, run: LiveRun, code: int) -> None:
        word = word_of(code, run.states.values(), is_cancelled=run.is_cancelled)
        finish = partial(self.log.finish, run.id, code, word, run.ended_at)
        await self.dispatch.patience.until_written(finish)
        if code != run.recorded and (run.is_left or run.is_closed):
            await self.late(run.id)
        run.recorded = code
        self.bus.publish(RunEnded(run.call, run.id, code, counted(run.states.values())))
        run.close()
