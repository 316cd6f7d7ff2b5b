"""Onboarding: each file named, nothing changed, again and again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from devopsclaw.core.config import load
from devopsclaw.core.gate import Gate
from devopsclaw.core.paths import Home
from devopsclaw.model.call import Actor
from devopsclaw.model.errors import Denied
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.ops.onboard import Onboarded, onboard


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home in the user's folder that does not exist yet."""
    monkeypatch.setenv("HOME", str(tmp_path))
    return Home(tmp_path / ".devopsclaw")


@pytest.fixture
def gate(home: Home, make_gate: Callable[..., Gate]) -> Gate:
    """A gate over onboarding alone."""
    return make_gate([onboard], load(home, {}))


async def test_each_file_is_named_as_created_and_the_next_steps_are_told(gate: Gate, owner: Actor) -> None:
    result: Onboarded = await gate.run("home.onboard", {}, owner)

    lines = result.text().splitlines()
    assert lines[0] == "created  ~/.devopsclaw/config.json"
    assert "created  ~/.devopsclaw/workspace/HEARTBEAT.md" in lines
    assert lines[lines.index("Next:") + 1].startswith("  devopsclaw run uptime ")
    assert result.exit == 0


async def test_the_second_time_each_file_is_named_as_kept(gate: Gate, home: Home, owner: Actor) -> None:
    await gate.run("home.onboard", {}, owner)
    home.config.write_text("{}")

    result: Onboarded = await gate.run("home.onboard", {}, owner)

    assert {each.action for each in result.items} == {"kept"}
    assert home.config.read_text() == "{}"


async def test_the_plan_names_what_will_be_made_and_makes_nothing(
    gate: Gate, home: Home, owner: Actor
) -> None:
    plan: Plan = await gate.run("home.onboard", {}, owner, dry_run=True)

    assert plan.effect is Effect.WRITE
    assert "create ~/.devopsclaw/config.json" in plan.steps
    assert not home.root.exists()


async def test_a_home_that_has_everything_is_only_read(gate: Gate, owner: Actor) -> None:
    await gate.run("home.onboard", {}, owner)

    plan: Plan = await gate.run("home.onboard", {}, owner, dry_run=True)

    assert (plan.effect, plan.steps, plan.undo) == (Effect.READ, ("everything is there",), "none")


async def test_only_an_admin_may_onboard(gate: Gate, home: Home, operator: Actor) -> None:
    with pytest.raises(Denied):
        await gate.run("home.onboard", {}, operator)
    assert not home.root.exists()
