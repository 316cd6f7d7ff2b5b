"""The gate: its order is the security policy, so each step is seen to come before the next."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.context import Ctx
from devopsclaw.core.gate import Gate, Record
from devopsclaw.core.operation import Operation, Params, Result, argument, operation, option
from devopsclaw.core.registry import Registry
from devopsclaw.core.services import Services
from devopsclaw.model.call import Actor, Call, Consent
from devopsclaw.model.errors import ApprovalNeeded, BadParams, Busy, ClawError, Damaged, Denied, NotFound
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect

ADA = Actor("ada", "test", 1000)
STORY: list[str] = []


class Lever(Params):
    """Which lever, and how far."""

    name: str = argument("Name of the lever.")
    turns: int = option("How often.", 1)


class Pulled(Result):
    """What came of it."""

    name: str = ""
    entry: str = ""
    call: str = ""


async def plan_pull(ctx: Ctx, params: Lever) -> Plan:
    """The lever."""
    STORY.append("plan")
    if params.name == "missing":
        raise NotFound("there is no lever missing")
    return Plan(operation=ctx.call.operation, effect=Effect.WRITE, nodes=(params.name,))


@operation("lever.pull", Effect.WRITE, plan=plan_pull)
async def pull(ctx: Ctx, params: Lever) -> Pulled:
    """Pull a lever.

    devopsclaw lever pull red
    """
    STORY.append("run")
    if params.name == "stuck":
        raise Busy("the lever is stuck")
    return Pulled(name=ctx.plan.nodes[0], entry=ctx.entry, call=ctx.call.id)


@operation("lever.look", Effect.READ)
async def look(ctx: Ctx, params: Lever) -> Pulled:
    """Look at a lever."""
    return Pulled(name=params.name, call=ctx.call.parent)


@operation("lever.both", Effect.WRITE, plan=plan_pull)
async def both(ctx: Ctx, params: Lever) -> Pulled:
    """Look at a lever through the gate, as part of this call."""
    child: Pulled = await ctx.run("lever.look", {"name": params.name})
    return Pulled(name=ctx.call.id, call=child.call)


async def keep_entry(ctx: Ctx, result: Pulled) -> Pulled:
    """The result with its entry."""
    STORY.append("recorded")
    return result.model_copy(update={"entry": ctx.entry})


@operation("lever.count", Effect.READ, recorder=keep_entry)
async def count(ctx: Ctx, params: Lever) -> Pulled:
    """Count the levers."""
    STORY.append("run")
    if params.name == "stuck":
        raise Busy("the lever is stuck")
    return Pulled(name=params.name, entry=ctx.entry)


class Witness:
    """The audit record of a call: it joins the story."""

    entry = "E-1"

    def conclude(self, result: Any) -> None:
        """See `Record.conclude`."""
        STORY.append(f"conclude {type(result).__name__}")


class Guarding:
    """Guards that write down when they were asked, and refuse where they are told to."""

    def __init__(self) -> None:
        self.refuse_at: dict[str, ClawError] = {}
        self.calls: list[Call] = []
        self.plans: list[Plan] = []
        self.yeses = 0
        """How often somebody is asked and says yes."""
        self.asked = 0

    def _step(self, name: str) -> None:
        STORY.append(name)
        if name in self.refuse_at:
            raise self.refuse_at[name]

    async def permit(self, operation: Operation, call: Call) -> None:
        """See `Guards.permit`."""
        self.calls.append(call)
        self._step("permit")

    async def permit_plan(self, operation: Operation, plan: Plan, call: Call) -> None:
        """See `Guards.permit_plan`."""
        self.plans.append(plan)
        self._step("permit the plan")

    async def refuse(self, operation: Operation, call: Call, denied: Denied) -> None:
        """Not recorded here."""

    def weigh(self, plan: Plan) -> Plan:
        """Not judged here."""
        return plan

    async def ask(self, operation: Operation, plan: Plan, call: Call) -> bool:
        """See `Guards.ask`."""
        self._step("ask")
        self.asked += 1
        return self.asked <= self.yeses

    async def approve(self, operation: Operation, plan: Plan, call: Call) -> str:
        """See `Guards.approve`."""
        self._step("approve")
        return "A-1"

    @asynccontextmanager
    async def audited(
        self, operation: Operation, call: Call, plan: Plan, approval: str
    ) -> AsyncIterator[Record]:
        """See `Guards.audited`."""
        assert approval == "A-1"
        self._step("intent")
        try:
            yield Witness()
        finally:
            STORY.append("outcome")


@pytest.fixture
def guards() -> Guarding:
    STORY.clear()
    return Guarding()


@pytest.fixture
def gate(guards: Guarding) -> Gate:
    return Gate(Registry([pull, look, both, count]), guards, Services(), Bus(), ManualClock())


WHOLE = ["permit", "plan", "permit the plan", "ask", "approve", "intent", "run", "conclude Pulled", "outcome"]


async def test_everything_is_done_in_the_order_of_the_policy(gate: Gate) -> None:
    result = await gate.run("lever.pull", {"name": "red"}, ADA)

    assert STORY == WHOLE
    assert (result.name, result.entry) == ("red", "E-1")


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("permit", Denied("not yours")),
        ("permit the plan", Denied("not there")),
        ("approve", ApprovalNeeded("needs a yes", risk="high", digest="ab" * 32)),
        ("intent", Damaged("the disk is full")),
    ],
)
async def test_whoever_refuses_nothing_after_it_happens(
    step: str, error: ClawError, gate: Gate, guards: Guarding
) -> None:
    guards.refuse_at[step] = error

    with pytest.raises(type(error)):
        await gate.run("lever.pull", {"name": "red"}, ADA)

    assert WHOLE[: WHOLE.index(step) + 1] == STORY


async def test_after_each_yes_the_plan_is_made_and_judged_again(gate: Gate, guards: Guarding) -> None:
    guards.yeses = 2

    await gate.run("lever.pull", {"name": "red"}, ADA)

    again = ["plan", "permit the plan", "ask"]
    assert ["permit", *again, *again, *again, *WHOLE[4:]] == STORY
    assert len(guards.plans) == 3


async def test_a_plan_that_is_not_permitted_after_the_yes_does_not_run(gate: Gate, guards: Guarding) -> None:
    guards.yeses = 1

    async def narrowed(operation: Operation, plan: Plan, call: Call) -> None:
        guards.plans.append(plan)
        if len(guards.plans) > 1:
            raise Denied("no more")

    guards.permit_plan = narrowed  # type: ignore[method-assign]
    with pytest.raises(Denied, match="no more"):
        await gate.run("lever.pull", {"name": "red"}, ADA)
    assert "run" not in STORY and "intent" not in STORY


async def test_a_result_is_given_its_entry_after_the_outcome_is_written(gate: Gate) -> None:
    result = await gate.run("lever.count", {"name": "red"}, ADA)

    assert STORY[-2:] == ["outcome", "recorded"]
    assert result.entry == "E-1"


async def test_a_handler_that_fails_has_no_result_to_be_given_anything(gate: Gate) -> None:
    with pytest.raises(Busy):
        await gate.run("lever.count", {"name": "stuck"}, ADA)

    assert STORY[-1] == "outcome"


async def test_a_plan_that_cannot_be_made_stops_the_call(gate: Gate) -> None:
    with pytest.raises(NotFound):
        await gate.run("lever.pull", {"name": "missing"}, ADA)

    assert STORY == ["permit", "plan"]


async def test_a_handler_that_fails_still_has_its_outcome_written(gate: Gate) -> None:
    with pytest.raises(Busy):
        await gate.run("lever.pull", {"name": "stuck"}, ADA)

    assert STORY[-2:] == ["run", "outcome"]


async def test_a_dry_run_returns_the_plan_and_neither_asks_nor_runs(gate: Gate) -> None:
    plan = await gate.run("lever.pull", {"name": "red"}, ADA, dry_run=True)

    assert plan == Plan(operation="lever.pull", effect=Effect.WRITE, nodes=("red",))
    assert STORY == ["permit", "plan", "permit the plan"]


async def test_a_read_without_a_planner_has_a_plan_that_touches_nothing(gate: Gate, guards: Guarding) -> None:
    await gate.run("lever.look", {"name": "red"}, ADA)

    assert guards.plans == [Plan(operation="lever.look", effect=Effect.READ)]


@pytest.mark.parametrize(
    ("params", "complaints"),
    [
        ({}, ["name: Field required"]),
        ({"name": "red", "turns": "many"}, ["turns: "]),
        ({"name": "red", "colour": 1}, ["colour: Extra inputs are not permitted"]),
        ({"turns": "many"}, ["name: Field required", "turns: "]),
    ],
)
async def test_wrong_params_are_named_before_anybody_is_asked(
    params: dict[str, Any], complaints: list[str], gate: Gate
) -> None:
    with pytest.raises(BadParams) as refused:
        await gate.run("lever.pull", params, ADA)

    assert refused.value.message.startswith("lever.pull: ")
    assert all(complaint in refused.value.message for complaint in complaints)
    assert refused.value.hint == "devopsclaw lever pull --help"
    assert STORY == []


async def test_what_was_given_is_not_repeated_in_the_error_for_it_may_be_a_secret(gate: Gate) -> None:
    with pytest.raises(BadParams) as refused:
        await gate.run("lever.pull", {"name": ["hunter2"], "turns": "hunter2"}, ADA)

    assert "hunter2" not in refused.value.message


async def test_an_operation_that_does_not_exist_is_an_error_with_the_nearest(gate: Gate) -> None:
    with pytest.raises(NotFound) as refused:
        await gate.run("lever.pul", {}, ADA)

    assert "lever.pull" in refused.value.hint
    assert STORY == []


async def test_the_guards_see_who_asks_with_which_yes_and_under_which_id(
    gate: Gate, guards: Guarding
) -> None:
    consent = Consent("yes", "digest")

    result = await gate.run("lever.pull", {"name": "red"}, ADA, consent=consent, call_id="c1", parent="p1")

    (call,) = guards.calls
    assert (call.actor, call.consent, call.id, call.parent, call.dry_run) == (ADA, consent, "c1", "p1", False)
    assert call.params == Lever(name="red")
    assert result.call == "c1"


async def test_what_a_handler_runs_goes_through_the_gate_as_a_child_of_its_call(
    gate: Gate, guards: Guarding
) -> None:
    result = await gate.run("lever.both", {"name": "red"}, ADA)

    parent, child = guards.calls
    assert child.parent == parent.id == result.name == result.call
    assert child.actor is parent.actor


async def test_two_calls_never_share_an_id(gate: Gate, guards: Guarding) -> None:
    await gate.run("lever.look", {"name": "red"}, ADA)
    await gate.run("lever.look", {"name": "red"}, ADA)

    assert len({call.id for call in guards.calls}) == 2
