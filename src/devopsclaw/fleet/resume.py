"""A run as an earlier core left it, from its log: what was asked for, where it stands, and its commands."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

from devopsclaw.core.outputs import Outputs
from devopsclaw.core.runs import Run, RunEvent, RunNode
from devopsclaw.fleet.conductor import Request
from devopsclaw.fleet.effects import Row
from devopsclaw.fleet.ending import last_end
from devopsclaw.fleet.live_run import LiveRun
from devopsclaw.fleet.results import settled_by, states_of
from devopsclaw.fleet.signing import Signer
from devopsclaw.fleet.stream import Kept
from devopsclaw.model.call import Actor
from devopsclaw.model.plan import Plan
from devopsclaw.model.state import State

PIECE = 1 << 20
"""Bytes of stored output hashed at a time."""

LAST = frozenset({"ended", "damaged"})
"""Events after which no more is heard of a command."""

GOING_ON = frozenset({"sent", "resumed", "left"})
"""Events that only a core writes that carries the run out."""

Kinds = dict[str, RunEvent]
"""The last event of each kind that concerns one node."""


def request_of(run: Run) -> Request:
    """What was asked for. One that was recorded without its pace goes one node at a time: most careful."""
    body = run.body
    return Request(
        call=run.call,
        entry=run.entry,
        plan=Plan.model_validate(run.plan),
        timeout=body["timeout"],
        grace=body["grace"],
        output_cap=body["output_cap"],
        parallel=body.get("parallel", 1),
        serial=body.get("serial", True),
        delay=body.get("delay", 0.0),
        actor=Actor(body["user"], body["via"], via=body.get("model", ""), demo=body.get("demo", False)),
        parent=body.get("parent", ""),
    )


def live_of(run: Run, events: list[RunEvent]) -> LiveRun:
    """The run where its log ends; nobody waits for it, and nothing more of it is sent for now."""
    kinds = {event.kind for event in events}
    live = LiveRun(run.run, run.call, run.nodes, states_of(run, events))
    live.ended_at, live.recorded = last_end(events), run.exit_code
    live.decided.update(settled_by(events))
    live.stopped = "stopped" in kinds
    live.is_left = True
    if "cancelling" in kinds:
        live.cancel()
    return live


def wanted_at(run: Run, events: Iterable[RunEvent]) -> float:
    """Wall time at which somebody last wanted the run to go on: asked for it or resumed it; or at which a
    core that was carrying it out sent something, or left it to the next one.
    """
    return max([run.created_at, *(event.at for event in events if event.kind in GOING_ON)])


async def rows_of(run: Run, events: list[RunEvent], outputs: Outputs, signer: Signer) -> list[Row]:
    """The commands of the run that were sent and whose end is not on record."""
    states = states_of(run, [event for event in events if event.kind != "settled"])
    kinds: dict[str, Kinds] = {part.node: {} for part in run.nodes}
    for event in events:
        if event.node is not None:
            kinds[event.node][event.kind] = event
    return [
        await _row(run, part, states[part.node], kinds[part.node], outputs, signer)
        for part in run.nodes
        if "sent" in kinds[part.node] and not LAST & kinds[part.node].keys()
    ]


async def _row(run: Run, part: RunNode, state: State, kinds: Kinds, outputs: Outputs, signer: Signer) -> Row:
    accepted = kinds.get("accepted")
    return Row(
        command=signer.command(request_of(run).order(run.run), part.uid, kinds["sent"].body["not_before"]),
        state=state,
        accepted_at=accepted.at if accepted else 0.0,
        is_cancelling="cancelling" in kinds,
        stdout=await _kept(part.command, "stdout", outputs),
        stderr=await _kept(part.command, "stderr", outputs),
    )


async def _kept(command: str, stream: str, outputs: Outputs) -> Kept:
    found = await outputs.stream(command, stream)
    pieces = [piece async for piece in _pieces(command, stream, found.kept, outputs)]
    return Kept.of(pieces, skipped=found.length - found.kept)


async def _pieces(command: str, stream: str, kept: int, outputs: Outputs) -> AsyncIterator[bytes]:
    for start in range(0, kept, PIECE):
        yield await outputs.read(command, stream, start, PIECE)
