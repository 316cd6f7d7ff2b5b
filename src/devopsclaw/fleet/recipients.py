"""Whom a run goes to: each node's key and command id, why one is sent nothing, and what all are sent."""

from __future__ import annotations

from collections.abc import Iterable

from devopsclaw.core.runs import RunNode
from devopsclaw.fleet.batch import Batch
from devopsclaw.fleet.nodes import Nodes
from devopsclaw.fleet.signing import Order, Signer, command_id
from devopsclaw.model.state import State


class Recipients:
    """Looks at the registry as it is when asked: a node may go, drain or change its key while a run lasts."""

    def __init__(self, nodes: Nodes, signer: Signer) -> None:
        self._nodes = nodes
        self._signer = signer

    def parts(self, call: str, names: Iterable[str]) -> tuple[RunNode, ...]:
        """These nodes' parts of a run, in order. Raises NotFound."""
        uids = {name: self._nodes.find(name).uid for name in names}
        return tuple(RunNode(name, uid, command_id(call, uid or name)) for name, uid in uids.items())

    def refusal(self, part: RunNode) -> tuple[State, str] | None:
        """How a part ends that is sent nothing, and why; None where it may be sent."""
        node = self._nodes.get(part.node)
        if node is None:
            return State.SKIPPED, f"{part.node} was removed before its turn came"
        if node.refusal:
            return State.SKIPPED, node.refusal
        if node.uid != part.uid:
            return State.SKIPPED, f"{part.node} has another key than when the run was planned"
        if not node.uid:
            joining = f"devopsclaw agent-daemon --relay ADDRESS --node-id {node.name}"
            return State.UNREACHABLE, f"{node.name} never joined a relay: on it, run {joining}"
        return None

    def batch(self, order: Order, parts: Iterable[RunNode]) -> Batch:
        """What these parts of a run will be sent; who is sent nothing is best left out."""
        return Batch(self._signer, order, (part for part in parts if part.uid))
