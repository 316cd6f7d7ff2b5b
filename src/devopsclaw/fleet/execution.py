"""Runs one command on many nodes: recorded first, sent by schedule, followed to the end of each node.

Not the protocol (fleet/delivery), not who may (the gate), and not how it looks.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import Clock
from devopsclaw.core.outputs import Outputs
from devopsclaw.core.runs import Run, RunLog
from devopsclaw.fleet.dispatch import Dispatch
from devopsclaw.fleet.expression import Expression
from devopsclaw.fleet.inventory import Node
from devopsclaw.fleet.live_run import LiveRun
from devopsclaw.fleet.nodes import Nodes
from devopsclaw.fleet.results import SHOWN, Texts, items_of, last_words, states_of
from devopsclaw.fleet.resume import rows_of
from devopsclaw.fleet.schedule import Schedule
from devopsclaw.fleet.signing import Order, Signer, command_id
from devopsclaw.fleet.target import runs_in
from devopsclaw.model.errors import NotFound
from devopsclaw.model.events import RunEnded, RunPlanned
from devopsclaw.model.execution import NodeResult, counts_of
from devopsclaw.model.plan import Plan
from devopsclaw.model.state import State, exit_code

UNSENT = "the core that asked ended before it was sent"


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


class Executions:
    """The runs of this core, and what earlier cores left."""

    def __init__(
        self, dispatch: Dispatch, log: RunLog, outputs: Outputs, nodes: Nodes, signer: Signer
    ) -> None:
        self._dispatch = dispatch
        self._log = log
        self._outputs = outputs
        self._nodes = nodes
        self._signer = signer
        self._live: dict[str, LiveRun] = {}

    async def execute(self, request: Request, bus: Bus, clock: Clock) -> str:
        """Run it to the end of every node; returns the run's id, as `X-31`.

        When cancelled, what was sent goes on at the nodes and the run stays open in the log.
        """
        run = await self._record(request)
        bus.publish(RunPlanned(request.call, run.id, request.plan.run, request.plan.nodes))
        try:
            await self._set_aside(run, request)
            await self._drive(run, request, clock)
            await self._finish(run, bus)
        finally:
            self._live.pop(run.id, None)
        return run.id

    async def resume(self, run_id: str, bus: Bus) -> None:
        """Follow a run that an earlier core left open until it is over. Raises NotFound.

        What was never sent is not sent now: the one who asked is gone, so it counts as cancelled.
        """
        if run_id in self._live:
            live = self._live[run_id]
            while not live.is_over:
                await live.changed()
            return
        stored = await self._log.find(run_id)
        if stored.finished_at is not None and stored.exit_code != exit_code([State.UNKNOWN]):
            return
        live = await self._follow(stored)
        try:
            while not live.is_over:
                await live.changed()
            await self._finish(live, bus)
        finally:
            self._live.pop(run_id, None)

    async def cancel(self, run_id: str, bus: Bus) -> None:
        """Stop what runs of it and send nothing more; returns once every node has ended."""
        live = self._live.get(run_id) or await self._follow(await self._log.find(run_id))
        live.cancel()
        self._dispatch.cancel(live)
        await self.resume(run_id, bus)

    async def recent(self, limit: int) -> list[Run]:
        """The newest runs, newest first."""
        return await self._log.recent(limit)

    async def open_ids(self) -> list[str]:
        """The ids of runs that are not over, oldest first."""
        return [run.run for run in await self._log.open_runs()]

    async def lookup(self, expression: Expression | None) -> EndedRuns:
        """What the runs that an expression names came to, for `target.resolve`."""
        named = runs_in(expression) if expression else ()
        return EndedRuns({name: await self._ended(name) for name in named})

    async def _ended(self, name: str) -> dict[str, State]:
        if name == "last":
            found = await self._log.recent(1)
            if not found:
                raise NotFound("nothing ran yet, so run:last names nothing", hint="choose by name or label")
            name = found[0].run
        return states_of(await self._log.find(name), await self._log.events(name))

    async def results(self, run_id: str) -> tuple[Run, list[NodeResult]]:
        """The run and what each node answered so far. Raises NotFound."""
        run = await self._log.find(run_id)
        events = await self._log.events(run_id)
        return run, items_of(run, events, await self._texts(run, last_words(events)))

    async def _record(self, request: Request) -> LiveRun:
        """The intent, on disk before anything of it is sent."""
        parts = [(name, self._uid(name), self._command(request.call, name)) for name in request.plan.nodes]
        body = {
            "user": request.user,
            "via": request.via,
            "timeout": request.timeout,
            "grace": request.grace,
            "output_cap": request.output_cap,
        }
        run_id = await self._log.create(
            call=request.call,
            entry=request.entry,
            plan_json=request.plan.model_dump_json(),
            nodes=parts,
            body=body,
        )
        commands = {command: name for name, _, command in parts}
        live = LiveRun(run_id, request.call, commands, dict.fromkeys(request.plan.nodes, State.PENDING))
        self._live[run_id] = live
        self._dispatch.follow(live)
        return live

    def _uid(self, name: str) -> str:
        return self._nodes.find(name).uid

    def _command(self, call: str, name: str) -> str:
        return command_id(call, self._uid(name) or name)

    async def _set_aside(self, run: LiveRun, request: Request) -> None:
        """Nodes that are sent nothing have ended before they began."""
        for name in request.plan.nodes:
            node = self._nodes.find(name)
            if node.refusal:
                await self._settle(run, name, State.SKIPPED, node.refusal)
            elif not node.uid:
                await self._settle(run, name, State.UNREACHABLE, _never_joined(node))

    async def _drive(self, run: LiveRun, request: Request, clock: Clock) -> None:
        """Send by schedule until every node has ended, or a failure stops what is left."""
        order = self._order(run, request)
        waiting = [name for name in request.plan.nodes if not run.states[name].is_final]
        schedule = Schedule(
            waiting,
            parallel=request.parallel,
            serial=request.serial,
            delay=request.delay,
            max_failures=0 if request.serial else None,
        )
        while not schedule.is_over:
            for name in schedule.ready(clock.steady()):
                self._dispatch.offer(self._signer.command(order, self._uid(name), clock.wall()))
            await run.changed(schedule.pause(clock.steady()))
            if run.is_cancelled:
                for name in schedule.cancel():
                    await self._settle(run, name, State.CANCELLED, "cancelled before it was sent")
            for name in schedule.running:
                if run.states[name].is_final:
                    schedule.ended(name, run.states[name] is State.OK, clock.steady())
        run.stopped = schedule.is_stopped and bool(schedule.waiting)
        for name in schedule.cancel():
            await self._settle(run, name, State.SKIPPED, "an earlier node did not end well")

    def _order(self, run: LiveRun, request: Request) -> Order:
        limits = (request.timeout, request.grace, request.output_cap)
        return Order(run.id, request.call, request.plan.run, request.plan.effect, *limits)

    async def _settle(self, run: LiveRun, name: str, state: State, reason: str) -> None:
        """End a node's part here, because nothing was sent to it."""
        await self._log.append(run.id, [("ended", name, {"status": state.value, "reason": reason})])
        self._dispatch.settle(run, name, state, reason)

    async def _finish(self, run: LiveRun, bus: Bus) -> None:
        code = exit_code(run.states.values(), stopped=run.stopped)
        await self._log.finish(run.id, code)
        _, items = await self.results(run.id)
        bus.publish(RunEnded(run.call, run.id, code, counts_of(items)))

    async def _follow(self, stored: Run) -> LiveRun:
        """Take up a run of an earlier core where its log ends."""
        events = await self._log.events(stored.run)
        states = states_of(stored, events)
        commands = {part.command: part.node for part in stored.nodes}
        live = LiveRun(stored.run, stored.call, commands, dict(states))
        self._live[stored.run] = live
        for name, state in states.items():
            if state is State.PENDING:
                await self._settle(live, name, State.CANCELLED, UNSENT)
        self._dispatch.follow(live, await rows_of(stored, events, self._outputs, self._signer))
        return live

    async def _texts(self, run: Run, words: dict[str, dict[str, object]]) -> Texts:
        """What was printed, each distinct content read once."""
        texts: dict[tuple[str, str], bytes] = {}
        known: dict[str, bytes] = {}
        for part in run.nodes:
            for stream in ("stdout", "stderr"):
                body = words.get(part.node, {})
                if part.node in words and not body.get(f"{stream}_length"):
                    continue
                digest = str(body.get(f"{stream}_sha256", part.command + stream))
                if digest not in known:
                    known[digest] = await self._outputs.read(part.command, stream, 0, SHOWN)
                texts[part.command, stream] = known[digest]
        return texts


@dataclass(frozen=True, slots=True)
class EndedRuns:
    """See `fleet.target.RunLookup`; only the runs that were asked for are in it."""

    states: Mapping[str, Mapping[str, State]]

    def nodes_of(self, run: str, states: frozenset[State]) -> Collection[str]:
        """See `RunLookup.nodes_of`."""
        return [node for node, state in self.states[run].items() if state in states]


def _never_joined(node: Node) -> str:
    where = f"--relay ADDRESS --node-id {node.name}"
    return f"{node.name} never joined a relay: on it, run devopsclaw agent-daemon {where}"
