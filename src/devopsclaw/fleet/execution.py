"""The runs of this core: recorded first, then followed until they are over, also those of earlier cores.

Not how one is carried out (fleet/conductor), not who may (the gate), and not how it looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from devopsclaw.core.outputs import Outputs
from devopsclaw.core.runs import Run, RunLog
from devopsclaw.fleet.conductor import Conductor, Request
from devopsclaw.fleet.expression import Expression
from devopsclaw.fleet.live_run import LiveRun
from devopsclaw.fleet.results import SHOWN, Texts, items_of, last_words, states_of
from devopsclaw.fleet.resume import rows_of
from devopsclaw.fleet.signing import Signer
from devopsclaw.fleet.target import runs_in
from devopsclaw.model.errors import DETACHED, NotFound
from devopsclaw.model.events import RunPlanned
from devopsclaw.model.execution import NodeResult
from devopsclaw.model.state import State, exit_code

UNSENT = "the core that asked ended before it was sent"

Start = Callable[[Coroutine[Any, Any, None]], object]
"""Runs something beside, until the core closes."""


class Executions:
    """The runs of this core, and what earlier cores left. `start` runs something until the core closes."""

    def __init__(
        self, conductor: Conductor, log: RunLog, outputs: Outputs, signer: Signer, start: Start
    ) -> None:
        self._conductor = conductor
        self._log = log
        self._outputs = outputs
        self._signer = signer
        self._start = start
        self._live: dict[str, LiveRun] = {}
        self._taking_up = asyncio.Lock()

    async def execute(self, request: Request) -> str:
        """Run it to the end of every node; returns the run's id, as `X-31`.

        The run does not depend on who waits: when this is cancelled it goes on as long as this core lives,
        and what was sent goes on at the nodes for longer. It is open in the log until it is over.
        """
        live = await self._record(request)
        planned = RunPlanned(request.call, live.id, request.plan.run, request.plan.nodes)
        self._conductor.bus.publish(planned)
        self._start(self._see_through(live, partial(self._conductor.carry_out, live, request)))
        try:
            await live.over()
        except asyncio.CancelledError as left:
            live.is_left = True
            left.args = (DETACHED,)
            raise
        return live.id

    async def resume(self, run_id: str) -> None:
        """Follow a run until it is over, also one that an earlier core left open. Raises NotFound.

        What was never sent is not sent now: the one who asked is gone, so it counts as cancelled.
        """
        live = await self._taken_up(run_id)
        if live is not None:
            await live.over()

    async def resume_all(self) -> None:
        """Take up every run that an earlier core left open, oldest first; they go on beside."""
        for run_id in await self.open_ids():
            await self._taken_up(run_id)

    async def cancel(self, run_id: str) -> None:
        """Stop what runs of it and send nothing more; returns once every node has ended. Raises NotFound."""
        live = await self._taken_up(run_id)
        if live is not None:
            live.cancel()
            self._conductor.dispatch.cancel(live)
            await live.over()

    async def recent(self, limit: int, before: str = "") -> list[Run]:
        """The newest runs, newest first; only those before the one named."""
        return await self._log.recent(limit, before)

    async def open_ids(self) -> list[str]:
        """The ids of runs that are not over, oldest first."""
        return [run.run for run in await self._log.open_runs()]

    async def open_uids(self) -> frozenset[str]:
        """The keys of the nodes that runs which are not over concern."""
        return frozenset(part.uid for run in await self._log.open_runs() for part in run.nodes)

    async def name_entry(self, run_id: str, entry: str) -> None:
        """Keep the audit entry that was written when the run had ended."""
        await self._log.name_entry(run_id, entry)

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
        parts = self._conductor.recipients.parts(request.call, request.plan.nodes)
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
            nodes=[(part.node, part.uid, part.command) for part in parts],
            body=body,
        )
        live = LiveRun(run_id, request.call, parts, dict.fromkeys(request.plan.nodes, State.PENDING))
        self._live[run_id] = live
        return live

    async def _see_through(self, live: LiveRun, work: Callable[[], Awaitable[None]]) -> None:
        """Do the work that ends the run, and follow it no longer then."""
        try:
            await work()
        finally:
            del self._live[live.id]

    async def _taken_up(self, run_id: str) -> LiveRun | None:
        """The run as this core follows it, from the log where it does not yet; None where it is over."""
        async with self._taking_up:
            if run_id in self._live:
                return self._live[run_id]
            stored = await self._log.find(run_id)
            if stored.finished_at is not None and stored.exit_code != exit_code([State.UNKNOWN]):
                return None
            live = await self._follow(stored)
            self._start(self._see_through(live, partial(self._conductor.close, live)))
            return live

    async def _follow(self, stored: Run) -> LiveRun:
        """Take up a run of an earlier core where its log ends."""
        events = await self._log.events(stored.run)
        live = LiveRun(stored.run, stored.call, stored.nodes, states_of(stored, events))
        for name, state in tuple(live.states.items()):
            if state is State.PENDING:
                await self._conductor.settle(live, name, State.CANCELLED, UNSENT)
        rows = await rows_of(stored, events, self._outputs, self._signer)
        live.awaited.update(live.node_of(row.command.id) for row in rows if row.state is State.UNKNOWN)
        live.is_left = True
        self._live[stored.run] = live
        self._conductor.dispatch.resume(live, rows)
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
