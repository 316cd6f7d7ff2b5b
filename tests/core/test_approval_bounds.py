"""What a yes does not reach: another asker under the same id, and a plan that is not permitted any more."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.core.guarded_house import MARIA, OLGA, House, open_house
from tests.core.test_approvals import HIGH, PLAN, next_request

from devopsclaw.model.approval import Standing
from devopsclaw.model.call import Call
from devopsclaw.model.errors import ApprovalNeeded, Denied
from devopsclaw.model.risk import Effect


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


async def test_a_yes_is_of_no_use_to_another_who_gives_the_same_id_to_a_call(house: House) -> None:
    hers = Call("thing.change", None, MARIA, id="ab" * 16)
    plan = PLAN.model_copy(update={"environments": ("test",), "target": "role=web", "run": "uptime"})
    request = await house.approvals.ask(hers, plan, "high", "", needs_other=False)
    await house.approvals.allow(request.id, request.digest, "", OLGA)
    house.guards._answers[hers.id, MARIA] = await house.approvals.find(request.id)

    with pytest.raises(ApprovalNeeded):
        await house.gate.run("thing.change", HIGH, OLGA, call_id=hers.id)

    assert house.world.ran == []
    await house.gate.run("thing.change", HIGH, MARIA, call_id=hers.id)
    assert len(house.world.ran) == 1


async def test_a_yes_to_what_is_no_longer_permitted_is_void(house: House) -> None:
    running = asyncio.ensure_future(
        house.run("thing.touch", waits=True, env="prod", nodes=("a", "b", "c", "d"))
    )
    request = await next_request(house)
    house.world.effect = Effect.DESTRUCTIVE
    await house.approvals.allow(request.id, request.digest, request.phrase, OLGA)
    with pytest.raises(Denied, match="may at most write"):
        await running

    assert (await house.approvals.find("A-1")).status is Standing.VOID
    assert house.world.ran == []
