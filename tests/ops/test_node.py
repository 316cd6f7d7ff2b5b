"""Node operations through the gate, on a real database: what they change, what their plans say, who may."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.db import Database
from devopsclaw.core.gate import Gate, Record
from devopsclaw.core.operation import Operation
from devopsclaw.core.paths import PACKAGE
from devopsclaw.core.rbac import Role, Roles
from devopsclaw.core.registry import Registry
from devopsclaw.core.risk import risk
from devopsclaw.core.services import Services
from devopsclaw.fleet.nodes import Nodes
from devopsclaw.fleet.presence import Presence
from devopsclaw.model.call import Actor, Call
from devopsclaw.model.errors import BadConfig, BadParams, BadTarget, ClawError, Denied, NotFound
from devopsclaw.model.plan import Plan
from devopsclaw.model.ports import Reach
from devopsclaw.model.risk import Effect, Risk
from devopsclaw.ops import node as operations
from devopsclaw.ops.node import ChangedNode, NodeList, ShownNode
from devopsclaw.wire.uid import uid_of

ALL = [each for each in vars(operations).values() if isinstance(each, Operation)]
OWNER, VIEWER = Actor("ada", "test", 1000), Actor("vic", "test", 2000)


class Blank:
    """A record that keeps nothing."""

    entry = ""

    def conclude(self, result: Any) -> None:
        """See `Record.conclude`."""


class RoleGuards:
    """Guards that judge roles only; approval and audit are tested with the gate and the audit log."""

    roles = Roles(OWNER.uid, {"vic": Role.VIEWER})

    async def permit(self, operation: Operation, call: Call) -> None:
        """See `Guards.permit`."""
        self.roles.require(call.actor, operation.role, operation.name)

    async def permit_plan(self, operation: Operation, plan: Plan, call: Call) -> None:
        """See `Guards.permit_plan`."""

    async def refuse(self, operation: Operation, call: Call, denied: Denied) -> None:
        """Not recorded here."""

    def weigh(self, plan: Plan) -> Plan:
        """Not judged here."""
        return plan

    async def ask(self, operation: Operation, plan: Plan, call: Call) -> bool:
        """Nobody is asked."""
        return False

    async def approve(self, operation: Operation, plan: Plan, call: Call) -> str:
        """See `Guards.approve`."""
        return ""

    @asynccontextmanager
    async def audited(
        self, operation: Operation, call: Call, plan: Plan, approval: str
    ) -> AsyncIterator[Record]:
        """See `Guards.audited`."""
        yield Blank()


class Links:
    """Links to nodes: whether a relay is there to be told, or why they cannot be opened."""

    def __init__(self) -> None:
        self.has_relay = True
        self.trouble: ClawError | None = None
        self.told = 0
        self.arrive: Callable[[], Awaitable[None]] | None = None
        """What the relay tells when it is reached."""

    async def ready(self) -> None:
        """See `Reach.ready`."""
        if self.trouble:
            raise self.trouble
        if self.arrive:
            await self.arrive()

    async def forget(self) -> bool:
        """See `Reach.forget`."""
        self.told += self.has_relay
        return self.has_relay


class House:
    """A gate over the node operations and a registry of nodes."""

    def __init__(self, nodes: Nodes, clock: ManualClock) -> None:
        self.nodes = nodes
        self.clock = clock
        self.links = Links()
        services = Services(nodes, Reach(self.links.ready, self.links.forget))
        self.gate = Gate(Registry(ALL), RoleGuards(), services, Bus(), clock)

    async def run(self, verb: str, actor: Actor = OWNER, /, **params: Any) -> Any:
        """The result."""
        return await self.gate.run(f"node.{verb}", params, actor)

    async def plan(self, verb: str, /, **params: Any) -> Plan:
        """The plan alone."""
        plan = await self.gate.run(f"node.{verb}", params, OWNER, dry_run=True)
        assert isinstance(plan, Plan)
        return plan

    async def join(self, name: str, address: str, ago: float = 0.0) -> None:
        """A daemon of this name appears at the relay."""
        key = sha256(name.encode()).digest()
        seen = self.clock.now - ago
        row = Presence(
            uid=uid_of(key), name=name, public_key=key.hex(), address=address, connected=True, last_seen=seen
        )
        await self.nodes.saw([row])


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    clock = ManualClock()
    async with await Database.open(tmp_path / "core.db", PACKAGE / "core/migrations/core") as database:
        yield House(await Nodes.open(database, clock), clock)


async def test_the_readmes_three_lines_give_the_readmes_table(house: House) -> None:
    await house.join("prod-web-1", "10.0.1.10", ago=3)
    await house.join("prod-api-1", "198.51.100.7", ago=2)
    await house.run("register", name="prod-web-1", address="10.0.1.10", tags=["env=prod,role=web"])
    await house.run("register", name="prod-api-1", address="10.0.2.20", tags=["env=prod,role=api"])

    result = await house.run("list")

    assert isinstance(result, NodeList)
    assert [heading for heading, _ in NodeList.columns] == [
        "NODE",
        "ADDRESS",
        "STATUS",
        "LABELS",
        "LAST SEEN",
    ]
    rows = [[item[field] for _, field in NodeList.columns] for item in result.as_json()["items"]]
    assert rows == [
        ["prod-api-1", "10.0.2.20", "online", {"env": "prod", "role": "api"}, "2s ago"],
        ["prod-web-1", "10.0.1.10", "online", {"env": "prod", "role": "web"}, "3s ago"],
    ]
    assert result.as_json()["schema"] == "devopsclaw.nodes/1"
    assert result.as_json()["next"] is None


async def test_until_an_address_is_set_the_one_the_relay_sees_is_shown(house: House) -> None:
    await house.join("web1", "203.0.113.5")
    assert (await house.run("show", name="web1")).address == "203.0.113.5"

    await house.run("register", name="web1", address="10.0.1.1")
    assert (await house.run("show", name="web1")).address == "10.0.1.1"


async def test_a_list_can_be_narrowed_and_no_match_is_an_error(house: House) -> None:
    await house.run("register", name="web1", tags=["role=web", "env=prod"], groups=["eu,canary"])
    await house.run("register", name="db1", tags=["role=db,env=prod"])

    async def names(**params: Any) -> list[str]:
        return [item.name for item in (await house.run("list", **params)).items]

    assert await names() == ["db1", "web1"]
    assert await names(target="role=web or role=db") == ["db1", "web1"]
    assert await names(tag=["role=web"], env=["prod"]) == ["web1"]
    assert await names(group=["canary"]) == ["web1"]
    for wrong in ({"target": ""}, {"target": ","}, {"target": "zz*"}, {"tag": ["rol=web"]}):
        with pytest.raises(BadTarget):
            await house.run("list", **wrong)


async def test_an_empty_fleet_is_an_empty_list(house: House) -> None:
    assert (await house.run("list")).items == []


async def test_a_node_shows_all_that_is_known_of_it(house: House) -> None:
    await house.nodes.add_local("n_local", {"os": {"name": "debian\x1b[2J"}})
    await house.run("label", name="local", labels=["role=ops"])

    shown = await house.run("show", name="local")

    assert isinstance(shown, ShownNode)
    assert shown.as_json()["uid"] == "n_local"
    lines = dict(line.split(maxsplit=1) for line in shown.text().splitlines())
    assert lines["node"] == "local"
    assert lines["labels"] == "role=ops"
    assert lines["os.name"] == "debian␛[2J"
    assert "alarm" not in lines


async def test_labels_that_wait_go_on_waiting_when_the_node_is_registered_again(house: House) -> None:
    await house.run("register", name="web1", address="10.0.1.1", tags=["env=prod"])
    await house.join("web1", "203.0.113.5")
    waiting = await house.run("show", name="web1")
    assert (waiting.status, waiting.labels) == ("waiting", {})

    plan = await house.plan("register", name="web1")
    changed = await house.run("register", name="web1")

    assert plan.steps == ("it goes on waiting: devopsclaw node accept web1",)
    assert plan.environments == ("prod",)
    assert changed.labels == {}
    assert "devopsclaw node accept web1" in changed.text()


@pytest.mark.parametrize(
    ("verb", "params"),
    [
        ("register", {"address": "10.0.1.1", "tags": ["env=prod"]}),
        ("label", {"labels": ["env=prod"]}),
        ("drain", {}),
        ("undrain", {}),
    ],
)
async def test_a_node_that_joined_and_was_never_listed_is_found(
    house: House, verb: str, params: dict[str, Any]
) -> None:
    house.links.arrive = lambda: house.join("web1", "203.0.113.5")

    changed = await house.run(verb, name="web1", **params)

    assert changed.uid and changed.status == "online"
    assert changed.labels == ({"env": "prod"} if params else {})


async def test_draining_and_back(house: House) -> None:
    await house.join("web1", "10.0.1.1")

    drained = await house.run("drain", name="web1")
    assert (drained.drained, drained.state) == (True, "drained")
    assert "devopsclaw node undrain web1" in drained.text()
    assert (await house.plan("drain", name="web1")).undo == "devopsclaw node undrain web1"

    undrained = await house.run("undrain", name="web1")
    assert (undrained.drained, undrained.state) == (False, "online")
    assert undrained.text() == "web1 is sent commands again"


async def test_labels_are_set_and_taken_away(house: House) -> None:
    await house.run("register", name="web1", tags=["env=prod,zone=a"])

    plan = await house.plan("label", name="web1", labels=["env=test"], unset=["zone"])
    changed = await house.run("label", name="web1", labels=["env=test"], unset=["zone"])

    assert plan.steps == ("set env=test", "take away zone")
    assert plan.environments == ("prod", "test"), "moving a node out of prod is a change in prod"
    assert changed.text() == "web1 now has env=test"


async def test_a_removed_node_is_gone_and_its_name_is_free(house: House) -> None:
    await house.join("web1", "10.0.1.1")

    removed = await house.run("remove", name="web1")

    assert isinstance(removed, ChangedNode)
    assert removed.text() == "web1 is removed; its name is free"
    assert (await house.run("list")).items == []
    await house.run("register", name="web1")


async def test_the_relay_is_told_of_a_removed_node_at_once(house: House) -> None:
    await house.join("web1", "10.0.1.1")

    await house.run("remove", name="web1")

    assert house.links.told == 1


async def test_a_node_that_never_joined_is_nothing_to_the_relay(house: House) -> None:
    await house.run("register", name="web1")

    removed = await house.run("remove", name="web1")

    assert (removed.text(), house.links.told) == ("web1 is removed; its name is free", 0)


@pytest.mark.parametrize("trouble", [None, BadConfig("the token file cannot be read")])
async def test_a_relay_out_of_reach_is_told_later_and_the_answer_says_so(
    trouble: ClawError | None, house: House
) -> None:
    await house.join("web1", "10.0.1.1")
    house.links.has_relay, house.links.trouble = False, trouble

    removed = await house.run("remove", name="web1")

    assert removed.text() == "web1 is removed; its name is free; the relay is told as soon as it is reached"
    assert house.nodes.get("web1") is None and house.nodes.removed


async def test_the_core_s_own_node_cannot_be_removed(house: House) -> None:
    await house.nodes.add_local("n_local", {})

    with pytest.raises(BadParams, match="this machine itself"):
        await house.plan("remove", name="local")


WRITES: list[tuple[str, dict[str, Any]]] = [
    ("register", {"name": "web1", "tags": ["role=web"]}),
    ("label", {"name": "web1", "labels": ["role=web"]}),
    ("drain", {"name": "web1"}),
    ("undrain", {"name": "web1"}),
    ("remove", {"name": "web1"}),
]


@pytest.mark.parametrize(("name", "params"), WRITES)
async def test_each_change_has_a_plan_that_changes_nothing(
    name: str, params: dict[str, Any], house: House
) -> None:
    await house.run("register", name="web1", tags=["env=prod"])
    before = (await house.run("list")).as_json()

    plan = await house.plan(name, **params)

    assert (plan.operation, plan.effect, plan.nodes, plan.target) == (
        f"node.{name}",
        Effect.WRITE,
        ("web1",),
        "web1",
    )
    assert plan.environments == ("prod",)
    assert (await house.run("list")).as_json() == before
    assert risk(plan, {"prod"}) is Risk.MEDIUM, "no command of the walkthrough asks at the command line"


@pytest.mark.parametrize(("name", "params"), WRITES)
async def test_a_viewer_may_look_but_not_change(name: str, params: dict[str, Any], house: House) -> None:
    await house.run("register", name="web1", tags=["env=prod"])

    with pytest.raises(Denied, match="vic is viewer"):
        await house.run(name, VIEWER, **params)

    assert (await house.run("show", VIEWER, name="web1")).labels == {"env": "prod"}
    assert len((await house.run("list", VIEWER)).items) == 1


async def test_a_new_registration_can_be_undone_and_says_what_comes_next(house: House) -> None:
    plan = await house.plan("register", name="web1", address="10.0.1.1", tags=["env=prod"], groups=["eu"])
    changed = await house.run("register", name="web1", address="10.0.1.1", tags=["env=prod"], groups=["eu"])

    assert plan.undo == "devopsclaw node remove web1"
    assert plan.steps == ("address 10.0.1.1", "labels env=prod", "groups eu")
    assert "as soon as its daemon joins" in changed.text()
    assert (await house.plan("register", name="web1")).undo == "none"


@pytest.mark.parametrize(
    ("name", "params", "complaint"),
    [
        ("register", {"name": "-web"}, "'-web' is no name"),
        ("register", {"name": "all"}, "word of target expressions"),
        ("register", {"name": "web2", "tags": ["prod"]}, "'prod' is no label"),
        ("register", {"name": "web2", "address": "a b"}, "'a b' is no address"),
        ("register", {"name": "web2", "groups": ["a/b"]}, "'a/b' is no name"),
        ("label", {"name": "web1"}, "no label to change"),
        ("label", {"name": "web1", "unset": ["zone"]}, "web1 has no label 'zone'"),
        ("label", {"name": "web1", "labels": ["env=x"], "unset": ["env"]}, "to be set and to be taken away"),
    ],
)
async def test_bad_input_is_refused_in_words_and_changes_nothing(
    name: str, params: dict[str, Any], complaint: str, house: House
) -> None:
    await house.run("register", name="web1", tags=["env=prod"])
    before = (await house.run("list")).as_json()

    with pytest.raises(BadParams, match=complaint):
        await house.run(name, **params)

    assert (await house.run("list")).as_json() == before


@pytest.mark.parametrize("name", ["show", "drain", "undrain", "remove", "label"])
async def test_a_name_that_does_not_exist_is_an_error_with_the_nearest(name: str, house: House) -> None:
    await house.run("register", name="web1")

    with pytest.raises(NotFound, match="there is no node 'wbe1'") as refused:
        await house.run(name, name="wbe1", **({"labels": ["a=b"]} if name == "label" else {}))

    assert refused.value.hint == "did you mean web1?"


def test_every_operation_is_declared_with_words_fields_and_effect() -> None:
    names = {each.name.removeprefix("node.") for each in ALL}
    assert names == {"list", "show", "register", "label", "drain", "undrain", "remove"}
    for each in ALL:
        fields = each.params.model_fields | each.result.model_fields
        assert each.summary.endswith(".")
        assert all(field.description for field in fields.values())
        assert (each.planner is not None) == (each.ceiling is Effect.WRITE)
