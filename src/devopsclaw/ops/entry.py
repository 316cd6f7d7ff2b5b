"""Nodes that wait for a person: one that came from elsewhere is accepted, a quarantined one released."""

from __future__ import annotations

from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import operation
from devopsclaw.core.rbac import Role
from devopsclaw.fleet.inventory import Node
from devopsclaw.fleet.membership import accepted
from devopsclaw.fleet.node_item import fields_of, pairs
from devopsclaw.fleet.nodes import Nodes
from devopsclaw.fleet.relay_desk import RelayDesk
from devopsclaw.model.errors import BadParams
from devopsclaw.model.plan import Plan
from devopsclaw.model.ports import Reach
from devopsclaw.model.risk import Effect
from devopsclaw.ops.node import ChangedNode, OneNode


async def plan_accept(ctx: Ctx, params: OneNode) -> Plan:
    """The key that is vouched for, where it came from, and what comes into force."""
    node = await _looked_up(ctx, params.name)
    accepted(node)
    steps = (
        f"vouch for the key with the fingerprint {node.uid}",
        f"it joined from {node.peer or 'an unknown address'}; registered is {node.address or 'no address'}",
        f"its daemon prints the fingerprint when it starts: compare the two on {node.name}",
        f"labels {pairs(node.registered_labels)}" if node.registered_labels else "",
    )
    return _plan(ctx, node, steps, undo=f"devopsclaw node remove {node.name}")


@operation("node.accept", Effect.WRITE, role=Role.ADMIN, plan=plan_accept, for_model=False)
async def accept_node(ctx: Ctx, params: OneNode) -> ChangedNode:
    """Accept a node that joined from elsewhere than was registered, after comparing its fingerprint.

    Until then it is sent nothing and its labels are not in force.

    devopsclaw node accept prod-web-1
    """
    node = await ctx.get(Nodes).accept(params.name)
    return _changed(ctx, node, f"{node.name} is accepted with the fingerprint {node.uid}")


async def plan_release(ctx: Ctx, params: OneNode) -> Plan:
    """The key that may come back, and why it was shut out."""
    node = _quarantined(await _looked_up(ctx, params.name))
    steps = (f"let the key with the fingerprint {node.uid} have a session again", f"why not: {node.alarm}")
    return _plan(ctx, node, steps)


@operation("node.release", Effect.WRITE, role=Role.ADMIN, plan=plan_release, for_model=False)
async def release_node(ctx: Ctx, params: OneNode) -> ChangedNode:
    """End a node's quarantine, after the wrong one of the two machines with its key was stopped.

    devopsclaw node release prod-web-1
    """
    nodes = ctx.get(Nodes)
    node = _quarantined(await _looked_up(ctx, params.name))
    await ctx.get(RelayDesk).release(node.uid, lambda: not nodes.find(params.name).quarantined)
    done = f"{node.name} is released; its daemon comes back within a minute, or when it is started again"
    return _changed(ctx, nodes.find(params.name), done)


async def _looked_up(ctx: Ctx, name: str) -> Node:
    """The node, as the relay tells of it now."""
    await ctx.get(Reach).ready()
    return ctx.get(Nodes).find(name)


def _quarantined(node: Node) -> Node:
    """The node; raises BadParams for one that is not shut out."""
    if not node.quarantined:
        raise BadParams(f"{node.name} is not quarantined", hint=f"devopsclaw node show {node.name}")
    return node


def _plan(ctx: Ctx, node: Node, steps: tuple[str, ...], *, undo: str = "none") -> Plan:
    environment = node.registered_labels.get("env", "")
    return Plan(
        operation=ctx.call.operation,
        effect=Effect.WRITE,
        target=node.name,
        nodes=(node.name,),
        environments=(environment,) if environment else (),
        steps=tuple(step for step in steps if step),
        undo=undo,
        trust=True,
    )


def _changed(ctx: Ctx, node: Node, done: str) -> ChangedNode:
    return ChangedNode(**fields_of(node, ctx.clock.wall()), done=done)
