"""The nodes of the fleet: register, list, show, label, drain, undrain, remove. Not what runs on them."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import Params, Result, argument, operation, option
from devopsclaw.core.rbac import Role
from devopsclaw.fleet.inventory import Node
from devopsclaw.fleet.labels import split, valid_key, valid_labels
from devopsclaw.fleet.membership import Registration, labelled, registered
from devopsclaw.fleet.node_item import NodeItem, fields_of, flat, pairs
from devopsclaw.fleet.nodes import Nodes, removable
from devopsclaw.fleet.sugar import compile_target
from devopsclaw.fleet.target import resolve
from devopsclaw.model.errors import BadParams, ClawError
from devopsclaw.model.plan import Plan
from devopsclaw.model.ports import Reach
from devopsclaw.model.risk import Effect
from devopsclaw.model.text import safe


class NodeList(Result):
    """Nodes, by name."""

    schema_name = "devopsclaw.nodes/1"
    columns = (
        ("NODE", "name"),
        ("ADDRESS", "address"),
        ("STATUS", "state"),
        ("LABELS", "labels"),
        ("LAST SEEN", "seen"),
    )

    items: list[NodeItem] = Field(description="The nodes.")
    next: str | None = Field(default=None, description="Where the list goes on; null at its end.")


class ShownNode(NodeItem, Result):
    """All that is known of one node."""

    schema_name = "devopsclaw.node/1"

    def text(self) -> str:
        """One line for each thing known."""
        rows = {
            "node": self.name,
            "address": self.address,
            "status": f"{self.status}, drained" if self.drained else _both(self.status, self.state),
            "last seen": self.seen,
            "labels": pairs(self.labels),
            "groups": ",".join(self.groups),
            "uid": self.uid,
            "join token": self.token,
            "version": self.version,
            "alarm": self.alarm,
            **dict(flat(self.facts)),
        }
        width = max(map(len, rows))
        return "\n".join(f"{name:<{width}}  {safe(value)}" for name, value in rows.items() if value)


def _both(status: str, state: str) -> str:
    """How it is connected, and what else it is."""
    return status if state == status else f"{status}, {state}"


class ChangedNode(ShownNode):
    """A node after a change, and what that means."""

    schema_name = "devopsclaw.node_change/1"

    done: str = Field(description="What was done, in a sentence.")

    def text(self) -> str:
        """The sentence."""
        return self.done


class ListNodes(Params):
    """Which nodes."""

    target: str | None = option("Target expression, as `role=web and state:online`.", None, short="-t")
    tag: tuple[str, ...] = option("Nodes with this label, key=value.", ())
    env: tuple[str, ...] = option("Nodes of this environment.", ())
    group: tuple[str, ...] = option("Nodes of this group.", ())


class OneNode(Params):
    """A node."""

    name: str = argument("Name of the node.")


class RegisterNode(Params):
    """What is known of a node; what is left out stays as it is."""

    name: str = option("Name of the node.")
    address: str = option("Its address or host name.", "")
    tags: tuple[str, ...] = option("Labels to add, as env=prod,role=web.", ())
    groups: tuple[str, ...] = option("Groups to add, as staging,eu.", ())

    @property
    def registration(self) -> Registration:
        """The same, checked; raises BadParams."""
        return Registration(self.name, self.address, valid_labels(self.tags), frozenset(split(self.groups)))


class LabelNode(OneNode):
    """Labels of a node to change."""

    labels: tuple[str, ...] = option("Labels to set, as env=prod,role=web.", (), flag="--set")
    unset: tuple[str, ...] = option("Keys of labels to take away, as role.", ())

    @property
    def to_set(self) -> dict[str, str]:
        """The labels to set; raises BadParams."""
        return valid_labels(self.labels)

    @property
    def to_unset(self) -> list[str]:
        """The keys to take away; raises BadParams."""
        return [valid_key(key) for key in split(self.unset)]


@operation("node.list", Effect.READ, role=Role.VIEWER)
async def list_nodes(ctx: Ctx, params: ListNodes) -> NodeList:
    """List the nodes, by name; with a target only those that match.

    devopsclaw node list
    devopsclaw node list -t "role=web and not state:online"
    """
    await ctx.get(Reach).ready()
    inventory = ctx.get(Nodes).inventory()
    expression = compile_target(params.target, params.tag, params.env, (), params.group)
    names = [node.name for node in inventory.nodes] if expression is None else resolve(expression, inventory)
    return NodeList(items=[NodeItem(**fields_of(inventory.by_name[name], inventory.now)) for name in names])


@operation("node.show", Effect.READ, role=Role.VIEWER)
async def show_node(ctx: Ctx, params: OneNode) -> ShownNode:
    """Show all that is known of a node.

    devopsclaw node show prod-web-1
    """
    await ctx.get(Reach).ready()
    return ShownNode(**fields_of(ctx.get(Nodes).find(params.name), ctx.clock.wall()))


async def plan_register(ctx: Ctx, params: RegisterNode) -> Plan:
    """The name, with what is added to it."""
    registration = params.registration
    known = await _met(ctx, params.name)
    node = registered(known, registration)
    steps = (
        f"address {params.address}" if params.address else "",
        f"labels {pairs(valid_labels(params.tags))}" if params.tags else "",
        f"groups {','.join(sorted(registration.groups))}" if params.groups else "",
        f"it goes on waiting: devopsclaw node accept {params.name}" if known and known.waiting else "",
    )
    return _plan(ctx, (known, node), steps, undo="" if known else f"devopsclaw node remove {params.name}")


@operation("node.register", Effect.WRITE, plan=plan_register)
async def register_node(ctx: Ctx, params: RegisterNode) -> ChangedNode:
    """Register a node under a name, or add address, labels and groups to one.

    devopsclaw node register --name prod-web-1 --address 10.0.1.10 --tags env=prod,role=web
    """
    node = await ctx.get(Nodes).register(params.registration)
    if node.waiting:
        waits = f"it waits, and so do its labels: devopsclaw node accept {node.name}"
        return _changed(ctx, node, f"{node.name} is registered anew; {waits}")
    if node.uid:
        return _changed(ctx, node, f"{node.name} now has {pairs(node.labels) or 'no labels'}")
    return _changed(
        ctx, node, f"{node.name} is registered; it is online as soon as its daemon joins under that name"
    )


async def plan_label(ctx: Ctx, params: LabelNode) -> Plan:
    """The node, with the labels that change."""
    if not params.labels and not params.unset:
        raise BadParams("no label to change was given", hint="give --set env=prod, or --unset env")
    known = await _found(ctx, params.name)
    steps = (
        f"set {pairs(params.to_set)}" if params.labels else "",
        f"take away {','.join(params.to_unset)}" if params.unset else "",
    )
    return _plan(ctx, (known, labelled(known, params.to_set, params.to_unset)), steps)


@operation("node.label", Effect.WRITE, plan=plan_label)
async def label_node(ctx: Ctx, params: LabelNode) -> ChangedNode:
    """Set labels of a node, or take some away.

    devopsclaw node label prod-web-1 --set role=web --unset canary
    """
    node = await ctx.get(Nodes).label(params.name, params.to_set, params.to_unset)
    return _changed(ctx, node, f"{node.name} now has {pairs(node.registered_labels) or 'no labels'}")


async def plan_drain(ctx: Ctx, params: OneNode) -> Plan:
    """The node."""
    node = await _found(ctx, params.name)
    return _plan(ctx, (node,), ("send it nothing new",), undo=f"devopsclaw node undrain {node.name}")


@operation("node.drain", Effect.WRITE, plan=plan_drain)
async def drain_node(ctx: Ctx, params: OneNode) -> ChangedNode:
    """Send a node nothing new; what runs there ends by itself.

    devopsclaw node drain prod-web-1
    """
    node = await ctx.get(Nodes).drain(params.name)
    return _changed(
        ctx,
        node,
        f"{node.name} is drained: it is sent nothing new; devopsclaw node undrain {node.name} ends that",
    )


async def plan_undrain(ctx: Ctx, params: OneNode) -> Plan:
    """The node."""
    node = await _found(ctx, params.name)
    return _plan(ctx, (node,), ("send it commands again",), undo=f"devopsclaw node drain {node.name}")


@operation("node.undrain", Effect.WRITE, plan=plan_undrain)
async def undrain_node(ctx: Ctx, params: OneNode) -> ChangedNode:
    """Send a drained node commands again.

    devopsclaw node undrain prod-web-1
    """
    node = await ctx.get(Nodes).undrain(params.name)
    return _changed(ctx, node, f"{node.name} is sent commands again")


async def plan_remove(ctx: Ctx, params: OneNode) -> Plan:
    """The node; its own work is not touched."""
    node = removable(await _found(ctx, params.name))
    return _plan(ctx, (node,), ("forget its labels, its groups and its key",))


@operation("node.remove", Effect.WRITE, plan=plan_remove)
async def remove_node(ctx: Ctx, params: OneNode) -> ChangedNode:
    """Forget a node; its name and its key are free again. Nothing is stopped on the node itself.

    devopsclaw node remove prod-web-1
    """
    node = await ctx.get(Nodes).remove(params.name)
    done = f"{node.name} is removed; its name is free"
    if node.uid and not await _tell_relay(ctx.get(Reach)):
        done += "; the relay is told as soon as it is reached"
    return _changed(ctx, node, done)


async def _tell_relay(reach: Reach) -> bool:
    """Whether the relay could be told at once. It is removed here in any case."""
    try:
        await reach.ready()
    except ClawError:
        return False
    return await reach.forget()


async def _met(ctx: Ctx, name: str) -> Node | None:
    """The node of this name; one that was not met here may have joined the relay meanwhile."""
    known = ctx.get(Nodes).get(name)
    if known is None or not known.uid:
        await ctx.get(Reach).ready()
    return ctx.get(Nodes).get(name)


async def _found(ctx: Ctx, name: str) -> Node:
    """The same; raises NotFound with the nearest."""
    return await _met(ctx, name) or ctx.get(Nodes).find(name)


def _plan(ctx: Ctx, versions: Iterable[Node | None], steps: Iterable[str], *, undo: str = "") -> Plan:
    """A plan that changes one node's entry; `versions` are the node before and after, where they differ."""
    known = [node for node in versions if node]
    environments = {node.registered_labels.get("env", "") for node in known} - {""}
    return Plan(
        operation=ctx.call.operation,
        effect=Effect.WRITE,
        target=known[0].name,
        nodes=(known[0].name,),
        environments=tuple(sorted(environments)),
        steps=tuple(step for step in steps if step),
        undo=undo or "none",
    )


def _changed(ctx: Ctx, node: Node, done: str) -> ChangedNode:
    return ChangedNode(**fields_of(node, ctx.clock.wall()), done=done)
