"""The core's guards behind a real gate: who may, what needs a yes, what is only counted."""

from __future__ import annotations

from typing import Any

import pytest
from tests.core.guarded_house import MARIA, MODEL, TOMAS, House

from devopsclaw.model.call import Consent
from devopsclaw.model.errors import ApprovalNeeded, Denied
from devopsclaw.model.events import CallEnded, CallStarted


async def test_a_query_of_our_own_state_is_only_counted(house: House) -> None:
    await house.run("thing.list", TOMAS)
    await house.run("thing.list")

    assert await house.entries() == []
    assert house.guards.counted == {"thing.list": 2}
    assert [type(event) for event in house.events.drain()] == [CallStarted, CallEnded] * 2


async def test_every_call_of_a_model_has_an_entry(house: House) -> None:
    await house.run("thing.list", MODEL)

    (entry,) = await house.entries()
    assert (entry.user, entry.via, entry.phase, entry.action) == ("maria", "model", "single", "thing.list")


async def test_a_denial_runs_nothing_and_is_on_record(house: House) -> None:
    with pytest.raises(Denied, match="tomas is viewer"):
        await house.run("thing.touch", TOMAS)

    (entry,) = await house.entries()
    assert (entry.user, entry.action, entry.phase, entry.status) == (
        "tomas",
        "thing.touch",
        "denied",
        "denied",
    )
    assert "tomas is viewer" in entry.detail["error"]
    assert house.world.ran == []
    (ended,) = house.events.drain()
    assert ended.verdict == "denied"


async def test_a_plan_above_the_ceiling_of_its_operation_is_denied(house: House) -> None:
    with pytest.raises(Denied, match=r"thing\.touch may at most write"):
        await house.run("thing.touch", effect="destructive")

    (entry,) = await house.entries()
    assert (entry.phase, entry.target, entry.node_names) == ("denied", "role=web", "web-[1-2]")
    assert entry.nodes == {"denied": 2}
    assert house.world.ran == []


async def test_low_and_medium_risk_run_at_once(house: House) -> None:
    await house.run("thing.touch")
    await house.run("thing.touch", env="prod")
    await house.run("thing.touch", nodes=tuple(f"web-{number}" for number in range(50)))

    assert len(house.world.ran) == 3


MANY = ("web-1", "web-2", "web-3", "web-4")


async def test_high_risk_needs_a_yes(house: House) -> None:
    with pytest.raises(ApprovalNeeded, match=r"is write on 4 nodes in prod, of high risk: it needs") as asked:
        await house.run("thing.touch", env="prod", nodes=MANY)

    assert (asked.value.risk, asked.value.phrase, asked.value.hint) == ("high", "yes", "--yes confirms it")
    assert house.world.ran == [] and await house.entries() == []
    for consent in (Consent("yes"), Consent("yes", asked.value.digest), Consent("prod:4")):
        await house.run("thing.touch", consent=consent, env="prod", nodes=MANY)
    intents = [entry for entry in await house.entries() if entry.phase == "intent"]
    assert [entry.detail["approval"] for entry in intents] == ["yes by maria"] * 2 + ["prod:4 by maria"]


async def test_critical_risk_needs_the_typed_phrase(house: House) -> None:
    async def attempt(consent: Consent | None) -> Any:
        return await house.run("thing.change", consent=consent, env="prod", effect="destructive")

    with pytest.raises(ApprovalNeeded, match="of critical risk: it needs a person's yes") as asked:
        await attempt(None)
    assert (asked.value.phrase, asked.value.hint) == ("prod:2", "--confirm prod:2 confirms it")
    with pytest.raises(ApprovalNeeded, match="'yes' does not confirm it"):
        await attempt(Consent("yes"))
    with pytest.raises(ApprovalNeeded, match="'prod:3' does not confirm it"):
        await attempt(Consent("prod:3"))
    assert house.world.ran == []

    await attempt(Consent("prod:2", asked.value.digest))
    assert len(house.world.ran) == 1


async def test_a_yes_holds_for_the_plan_that_was_shown_only(house: House) -> None:
    with pytest.raises(ApprovalNeeded) as asked:
        await house.run("thing.touch", env="prod", nodes=MANY)

    with pytest.raises(ApprovalNeeded, match="the plan changed since it was confirmed") as again:
        await house.run(
            "thing.touch", consent=Consent("yes", asked.value.digest), env="prod", nodes=(*MANY, "web-5")
        )

    assert again.value.digest != asked.value.digest
    assert house.world.ran == []


async def test_a_dry_run_says_the_risk_and_what_confirms_it(house: House) -> None:
    async def weighed(**params: Any) -> tuple[str, str]:
        plan = await house.gate.run("thing.touch", params, MARIA, dry_run=True)
        return plan.risk, plan.phrase

    assert await weighed() == ("low", "")
    assert await weighed(env="prod") == ("medium", "")
    assert await weighed(env="prod", nodes=MANY) == ("high", "yes")
    assert house.world.ran == []


async def test_where_there_are_no_walls_every_change_asks_and_no_read_does(house: House) -> None:
    house.guards._is_wary = True

    with pytest.raises(ApprovalNeeded, match="of high risk"):
        await house.run("thing.touch")
    await house.run("thing.touch", consent=Consent("yes"))
    await house.run("thing.look", effect="read")

    assert len(house.world.ran) == 2
