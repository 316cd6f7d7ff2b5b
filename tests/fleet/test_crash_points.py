"""Cores that die at every point of a run: the next goes on, nothing starts twice, and it ends the same."""

from __future__ import annotations

import asyncio
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fleet.crash_town import Crash, crash_town

ALL_WELL = {"a": "ok", "b": "ok", "c": "ok"}
ONE_FAILS = {"a": "ok", "b": "failed", "c": "ok"}
PACES: dict[str, dict[str, Any]] = {
    "serial": {"serial": True},
    "two at a time": {"parallel": 2},
}
OWN = [Crash(side, kind) for side, kind in product(("before", "after"), ("closed", "stopped"))]
OF_NODES = [
    Crash(side, kind, node)
    for side, kind, node in product(("before", "after"), ("sent", "accepted", "ended"), "abc")
]
POINTS = [Crash("after", "created"), *OF_NODES, *OWN]


async def story(folder: Path, ends: dict[str, str], pace: dict[str, Any], *crashes: Crash) -> Any:
    """What came of a run in which cores died here, one after the other; the last one lives."""
    async with crash_town(folder, ends) as town:
        await town.ask(crashes[0] if crashes else None, **pace)
        for crash in crashes[1:]:
            await town.take_up(crash)
        await town.take_up()
        return await town.story()


@pytest.mark.parametrize("pace", PACES)
@pytest.mark.parametrize("ends", [ALL_WELL, ONE_FAILS], ids=["all well", "one fails"])
async def test_a_core_that_dies_anywhere_is_succeeded_by_one_that_ends_the_run_the_same(
    ends: dict[str, str], pace: str, tmp_path: Path
) -> None:
    (tmp_path / "whole").mkdir()
    whole = await story(tmp_path / "whole", ends, PACES[pace])
    assert whole[3]

    for number, crash in enumerate(POINTS):
        (tmp_path / str(number)).mkdir()
        assert await story(tmp_path / str(number), ends, PACES[pace], crash) == whole, crash


async def test_a_core_that_dies_before_the_intent_is_on_record_has_begun_nothing(tmp_path: Path) -> None:
    async with crash_town(tmp_path, ALL_WELL) as town:
        await town.ask(Crash("before", "created"))
        await town.take_up()

        assert town.started == {"a": 0, "b": 0, "c": 0}


@settings(max_examples=12, deadline=None)
@given(
    ends=st.lists(st.sampled_from(("ok", "failed")), min_size=3, max_size=3),
    pace=st.sampled_from(sorted(PACES)),
    crashes=st.lists(st.sampled_from(POINTS), min_size=2, max_size=4),
)
def test_cores_that_die_one_after_the_other_change_nothing_either(
    ends: list[str], pace: str, crashes: list[Crash]
) -> None:
    named = dict(zip("abc", ends, strict=True))
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        whole = asyncio.run(story(Path(one), named, PACES[pace]))
        broken = asyncio.run(story(Path(other), named, PACES[pace], *crashes))

    assert broken == whole and whole[3]


async def test_a_cancelled_run_stays_cancelled_in_the_next_core(tmp_path: Path) -> None:
    async with crash_town(tmp_path, ALL_WELL) as town:
        await town.ask(Crash("after", "created"), serial=True)
        async with town.core(Crash("after", "cancelling")) as core:
            cancelling = asyncio.ensure_future(core.executions.cancel("X-1"))
            await core.died.wait()
            cancelling.cancel()
        await town.take_up()

        states, code, word, _ = await town.story()
        assert (set(states.values()), code, word) == ({"cancelled"}, 13, "cancelled")
        assert town.started == {"a": 0, "b": 0, "c": 0}
