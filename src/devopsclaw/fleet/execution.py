"""The runs of this core: recorded first, then followed until they are over, also those of earlier cores.

Not how one is carried out (fleet/conductor), not who may (the gate), and not how it looks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from devopsclaw.core.outputs import Outputs
from devopsclaw.core.runs import Run, RunLog
from devopsclaw.fleet.conductor import Conductor, Request
from devopsclaw.fleet.evidence import answers_of, evidence_of
from devopsclaw.fleet.expression import Expression
from devopsclaw.fleet.live_run import LiveRun, Sending
from devopsclaw.fleet.results import SHOWN, Texts, heard, items_of, last_words, states_of
from devopsclaw.fleet.resume import live_of, request_of, rows_of, wanted_at
from devopsclaw.fleet.signing import Signer
from devopsclaw.fleet.target import runs_in
from devopsclaw.model.errors import DETACHED, BadParams, ClawError, NotFound
from devopsclaw.model.events import NodeMoved, RunPlanned, Warned
from devopsclaw.model.execution import NodeResult
from devopsclaw.model.state import State, exit_code

SOME = 10
"""Nodes that an error names."""

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
        self._expected: list[str] = []
        self._taking_up = asyncio.Lock()

    async def execute(self, request: Request) -> str:
        """Run it to the end of every node; returns the run's id, as `X-31`.

        The run does not depend on who waits: when this is cancelled it goes on as long as this core lives,
        and what was sent goes on at the nodes for longer. It is open in the log until it is over.
        """
        live = await self._begun(request)
        await _waited(live, live.over())
        return live.id

    async def launch(self, request: Request) -> str:
        """Set it going and leave it: returns the run's id once something of it was sent. Its outcome is put
        on record by the core that sees its end.
        """
        live = await self._begun(request)
        live.is_left = True
        await _waited(live, live.begun())
        return live.id

    async def watch(self, run_id: str) -> None:
        """Follow a run until nothing more of it happens by itself, also one that an earlier core left open:
        its nodes are asked for what was sent, and nothing else is sent. Raises NotFound.
        """
        live = await self._taken_up(run_id)
        if live is not None:
            await live.at_rest()

    async def go_on(self, run_id: str, user: str) -> None:
        """Send what was never sent of it: this person wants it now. Raises NotFound; Damaged, then nothing is
        sent.
        """
        live = await self._taken_up(run_id)
        if live is None:
            return
        if live.has_pending and live.sending is not Sending.NOW:
            await self._log.append(run_id, [("resumed", None, {"by": user})])
        live.is_adopted = True
        live.send()

    async def follow(self, run_id: str) -> None:
        """Wait until it is over; who is cancelled meanwhile has left it. Raises NotFound."""
        live = await self._taken_up(run_id)
        if live is not None:
            await _waited(live, live.over())

    async def expect(self) -> None:
        """Answer from now on for the runs that earlier cores left: `resume_all` takes them up in a moment."""
        self._expected = await self.open_ids()

    async def resume_all(self, within: float, reached: Callable[[], Awaitable[None]]) -> None:
        """Take up every run that an earlier core left open, oldest first; they go on beside.

        What was never sent is sent once the nodes are `reached`, in the order and at the pace that was asked
        for. Where nobody wanted that for `within` seconds it waits for a person: things are not any more as
        they were when it was asked for, and nobody expects it to start now.
        """
        try:
            due = [live for run_id in await self.open_ids() if (live := await self._resumed(run_id, within))]
        finally:
            self._expected = []
        await reached()
        for live in due:
            if live.sending is Sending.SOON:
                live.send()

    async def leave(self) -> None:
        """This core ends: what it was carrying out may be gone on with by the next one."""
        for live in self._live.values():
            if live.has_pending and live.sending is not Sending.NO:
                await self._log.append(live.id, [("left", None, {})])

    async def cancel(self, run_id: str) -> None:
        """Stop what runs of it and send nothing more; returns once every node has ended. Raises NotFound."""
        live = await self._taken_up(run_id)
        if live is not None:
            live.is_adopted = True
            await self._conductor.cancel(live)
            await live.over()

    async def settle(self, run_id: str, node: str, state: State, by: str, reason: str) -> None:
        """A person says how a part ended of which nobody knows. Raises NotFound, BadParams where something is
        known of it, Damaged.
        """
        async with self._taking_up:
            stored, events = await self._log.find(run_id), await self._log.events(run_id)
            live = self._live.get(run_id) or live_of(stored, events)
            require_unknown(run_id, live.states, node)
            said = {"status": state.value, "reason": reason, "by": by}
            await self._log.append(run_id, [("settled", node, said)])
            live.decide(node, state)
            if not live.ended_at:  # nobody will ever know it: from now on it counts as ended
                live.end(self._conductor.clock.wall())
            self._conductor.bus.publish(NodeMoved(live.call, run_id, node, state, None, f"settled by {by}"))
            if run_id not in self._live:
                await self._conductor.conclude(live)
        while live.is_over and live.recorded != exit_code(live.states.values(), stopped=live.stopped):
            await live.changed()

    async def recent(self, limit: int, before: str = "") -> list[Run]:
        """The newest runs, newest first; only those before the one named."""
        return await self._log.recent(limit, before)

    async def open_ids(self) -> list[str]:
        """The ids of runs that are not over, oldest first."""
        return [run.run for run in await self._log.open_runs()]

    async def open_uids(self) -> frozenset[str]:
        """The keys of the nodes that runs which are not over concern."""
        return frozenset(part.uid for run in await self._log.open_runs() for part in run.nodes)

    @property
    def is_busy(self) -> bool:
        """Whether something happens by itself in a run that this core answers for."""
        is_live = any(live.is_adopted and not live.is_at_rest for live in self._live.values())
        return is_live or bool(self._expected)

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

    async def results(self, run_id: str) -> Results:
        """The run and what each node answered so far. Raises NotFound."""
        run = await self._log.find(run_id)
        events = await self._log.events(run_id)
        items = items_of(run, events, await self._texts(run, last_words(events)))
        return Results(run, items, heard(run, events), evidence_of(answers_of(run, events)))

    def follows(self, run_id: str) -> bool:
        """Whether this core hears of the run what its nodes say; else its log is all that is known."""
        return run_id in self._live

    def is_sending(self, run_id: str) -> bool:
        """Whether this core sends what was never sent of the run, in its turn."""
        return run_id in self._live and self._live[run_id].sending is not Sending.NO

    async def standing(self, run: Run) -> Standing:
        """Where its nodes stand."""
        events = await self._log.events(run.run)
        return Standing(states_of(run, events), heard(run, events))

    async def _begun(self, request: Request) -> LiveRun:
        """Recorded, then set going."""
        live = await self._record(request)
        planned = RunPlanned(request.call, live.id, request.plan.run, request.plan.nodes)
        self._conductor.bus.publish(planned)
        self._start(self._see_through(live, request))
        return live

    async def _record(self, request: Request) -> LiveRun:
        """The intent, on disk before anything of it is sent."""
        parts = self._conductor.recipients.parts(request.call, request.plan.nodes)
        run_id = await self._log.create(
            call=request.call,
            entry=request.entry,
            plan_json=request.plan.model_dump_json(),
            nodes=[(part.node, part.uid, part.command) for part in parts],
            body=request.body(),
        )
        live = LiveRun(run_id, request.call, parts, dict.fromkeys(request.plan.nodes, State.PENDING))
        live.sending, live.is_adopted = Sending.NOW, True
        self._live[run_id] = live
        return live

    async def _see_through(self, live: LiveRun, request: Request) -> None:
        """Carry it out, and follow it no longer then."""
        try:
            await self._conductor.carry_out(live, request)
        finally:
            del self._live[live.id]

    async def _resumed(self, run_id: str, within: float) -> LiveRun | None:
        """Take the run up for good. One that cannot be read holds up no other."""
        try:
            live = await self._taken_up(run_id)
            if live is None:
                return None
            live.is_adopted = True
            stored = await self._log.find(run_id)
            wanted = wanted_at(stored, await self._log.events(run_id))
        except ClawError as failed:
            self._conductor.bus.post(Warned(f"{run_id} is not taken up: {failed.message}", failed.hint))
            return None
        if not live.has_pending or live.sending is not Sending.NO:
            return live
        if self._conductor.clock.wall() - wanted > within:
            self._conductor.bus.post(_waits(live))
            return None
        live.send(Sending.SOON)
        return live

    async def _taken_up(self, run_id: str) -> LiveRun | None:
        """The run as this core follows it, from the log where it does not yet; None where it is over."""
        async with self._taking_up:
            if run_id in self._live:
                return self._live[run_id]
            stored = await self._log.find(run_id)
            if stored.ended_at is not None:
                return None
            live = await self._from_log(stored)
            self._live[run_id] = live
            self._start(self._see_through(live, request_of(stored)))
            return live

    async def _from_log(self, stored: Run) -> LiveRun:
        """A run of an earlier core where its log ends; its nodes are asked for what was sent."""
        events = await self._log.events(stored.run)
        live = live_of(stored, events)
        rows = await rows_of(stored, events, self._outputs, self._signer)
        unknown = {live.node_of(row.command.id) for row in rows if row.state is State.UNKNOWN}
        live.awaited.update(unknown - live.decided)
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


class Standing(NamedTuple):
    """Where the nodes of a run stand. `heard`: see `fleet.results`."""

    states: dict[str, State]
    heard: dict[str, float]


class Results(NamedTuple):
    """What a run came to so far. `heard`: see `fleet.results`, `evidence`: see `fleet.evidence`."""

    run: Run
    items: list[NodeResult]
    heard: dict[str, float]
    evidence: str


@dataclass(frozen=True, slots=True)
class EndedRuns:
    """See `fleet.target.RunLookup`; only the runs that were asked for are in it."""

    states: Mapping[str, Mapping[str, State]]

    def nodes_of(self, run: str, states: frozenset[State]) -> Collection[str]:
        """See `RunLookup.nodes_of`."""
        return [node for node, state in self.states[run].items() if state in states]


async def _waited(live: LiveRun, waiting: Awaitable[None]) -> None:
    """Wait for it; who is cancelled meanwhile has left the run, and that goes on."""
    try:
        await waiting
    except asyncio.CancelledError as left:
        live.is_left = True
        left.args = (DETACHED,)
        raise


def require_unknown(run: str, states: Mapping[str, State], node: str) -> None:
    """Raises NotFound where the node has no part of this run, BadParams where it is known how that stands."""
    if node not in states:
        raise NotFound(f"{node} is no part of {run}", hint=f"its nodes: {', '.join(list(states)[:SOME])}")
    if states[node] is not State.UNKNOWN:
        raise BadParams(
            f"{node} of {run} is {states[node]}: a person settles only what is unknown",
            hint=f"devopsclaw jobs show {run}",
        )


def _waits(live: LiveRun) -> Warned:
    count = sum(state is State.PENDING for state in live.states.values())
    return Warned(
        f"{live.id} waits for a person: nobody wanted it for long, and {count} of its nodes"
        f" {'was' if count == 1 else 'were'} never sent their part",
        f"devopsclaw jobs resume {live.id}, or devopsclaw jobs cancel {live.id}",
    )
