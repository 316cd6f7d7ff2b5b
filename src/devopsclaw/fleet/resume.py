"""A run's commands as an earlier core left them, rebuilt from its log so that delivery can go on."""

from __future__ import annotations

from collections.abc import AsyncIterator

from devopsclaw.core.outputs import Outputs
from devopsclaw.core.runs import Run, RunEvent, RunNode
from devopsclaw.fleet.effects import Row
from devopsclaw.fleet.results import states_of
from devopsclaw.fleet.signing import Order, Signer
from devopsclaw.fleet.stream import Kept
from devopsclaw.model.plan import Plan
from devopsclaw.model.state import State

PIECE = 1 << 20
"""Bytes of stored output hashed at a time."""

LAST = frozenset({"ended", "damaged"})
"""Events after which no more is heard of a command."""

Kinds = dict[str, RunEvent]
"""The last event of each kind that concerns one node."""


def order_of(run: Run) -> Order:
    """What the nodes of this run were told to do; the same bytes as then."""
    plan = Plan.model_validate(run.plan)
    body = run.body
    return Order(
        run=run.run,
        call=run.call,
        command=plan.run,
        effect=plan.effect,
        timeout=body["timeout"],
        grace=body["grace"],
        output_cap=body["output_cap"],
    )


async def rows_of(run: Run, events: list[RunEvent], outputs: Outputs, signer: Signer) -> list[Row]:
    """The commands of the run that were sent and whose end is not on record."""
    states = states_of(run, events)
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
        command=signer.command(order_of(run), part.uid, kinds["sent"].body["not_before"]),
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
