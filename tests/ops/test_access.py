"""Giving roles, taking them, and asking what they allow."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devopsclaw import boot
from devopsclaw.boot import Core
from devopsclaw.core.door import LocalDoor, os_user
from devopsclaw.core.paths import Home
from devopsclaw.model.call import Consent
from devopsclaw.model.errors import ApprovalNeeded, BadParams, Denied, NotFound
from devopsclaw.model.events import Warned
from devopsclaw.model.interest import Interest

YES = Consent("yes")
MARIA = os.getuid() + 4711
"""A uid that is not the owner's."""


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with boot.open(Home(tmp_path / "home"), face="console", environment={}) as opened:
        yield opened


@pytest.fixture
def door(core: Core) -> LocalDoor:
    return core.door


def door_of(core: Core, uid: int, monkeypatch: pytest.MonkeyPatch, name: str) -> LocalDoor:
    """The door of another user of a team's home."""
    monkeypatch.setattr("devopsclaw.core.door.user_of", lambda number: name if number == uid else "root")
    return LocalDoor(core._gate, "cli", uid=uid)


async def grant(door: LocalDoor, who: str, role: str) -> Any:
    return await door.run("access.grant", {"id": who, "role": role}, consent=YES)


async def test_the_owner_is_listed_first_and_is_admin(door: LocalDoor) -> None:
    await grant(door, "aaron", "viewer")

    listed = await door.run("access.list", {})

    assert [(item.id, item.role) for item in listed.items] == [(os_user(), "admin"), ("aaron", "viewer")]
    assert listed.items[1].granted_by == os_user() and listed.items[1].granted_at
    assert listed.enforced


async def test_a_role_is_given_only_with_a_yes(door: LocalDoor) -> None:
    with pytest.raises(ApprovalNeeded, match="of high risk"):
        await door.run("access.grant", {"id": "maria", "role": "admin"})

    assert len((await door.run("access.list", {})).items) == 1


async def test_who_had_a_role_is_told_with_the_way_back(door: LocalDoor) -> None:
    first = await grant(door, "maria", "viewer")
    plan = await door.run("access.grant", {"id": "maria", "role": "operator"}, dry_run=True)
    second = await grant(door, "maria", "operator")

    assert first.text() == "maria is viewer"
    assert plan.run == "give maria, who is viewer now, the role operator"
    assert plan.undo == "devopsclaw access grant maria viewer" and plan.risk == "high"
    assert second.text() == "maria is operator (was viewer)"


async def test_a_granted_role_lets_in_and_a_revoked_one_shuts_out_at_once(
    core: Core, door: LocalDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    hers = door_of(core, MARIA, monkeypatch, "maria")
    with pytest.raises(Denied, match="maria is not known here"):
        await hers.run("node.list", {})

    await grant(door, "maria", "viewer")
    assert (await hers.run("node.list", {})).items is not None
    with pytest.raises(Denied, match=r"maria is viewer; fleet\.exec needs operator"):
        await hers.run("fleet.exec", {"command": "uptime"})

    taken = await door.run("access.revoke", {"id": "maria"}, consent=YES)
    assert taken.text() == "maria has no role any more (was viewer)"
    with pytest.raises(Denied, match="maria is not known here"):
        await hers.run("node.list", {})


async def test_no_viewer_makes_an_operator_of_herself(
    core: Core, door: LocalDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    hers = door_of(core, MARIA, monkeypatch, "maria")
    await grant(door, "maria", "operator")

    for name, params in (
        ("access.grant", {"id": "maria", "role": "admin"}),
        ("access.revoke", {"id": "maria"}),
    ):
        with pytest.raises(Denied, match="needs admin"):
            await hers.run(name, params, consent=YES)


@pytest.mark.parametrize(
    ("role", "asked", "allowed"),
    [("viewer", "node.list", True), ("viewer", "fleet.exec", False), ("operator", "fleet.exec", True)],
)
async def test_can_says_whether_and_why(door: LocalDoor, role: str, asked: str, allowed: bool) -> None:
    await grant(door, "maria", role)

    verdict = await door.run("access.can", {"id": "maria", "operation": asked})

    assert (verdict.allowed, verdict.exit) == (allowed, 0 if allowed else 3)
    assert role in verdict.reason and verdict.text().startswith("yes" if allowed else "no")


async def test_can_knows_the_owner_and_the_stranger(door: LocalDoor) -> None:
    owner = await door.run("access.can", {"id": os_user(), "operation": "access.grant"})
    stranger = await door.run("access.can", {"id": "mallory", "operation": "status.show"})

    assert owner.allowed and "owns this home" in owner.reason
    assert not stranger.allowed and "not known here" in stranger.reason
    with pytest.raises(NotFound, match=r"no operation 'fleet\.exek'"):
        await door.run("access.can", {"id": "maria", "operation": "fleet.exek"})


@pytest.mark.parametrize("name", ["", "  ", "two words", "bell\x07", "x" * 200])
async def test_nobody_has_such_a_name(door: LocalDoor, name: str) -> None:
    with pytest.raises(BadParams):
        await grant(door, name, "viewer")


async def test_the_owners_role_is_not_given_and_not_taken(door: LocalDoor) -> None:
    with pytest.raises(BadParams, match="owns this home"):
        await grant(door, os_user(), "viewer")
    with pytest.raises(NotFound):
        await door.run("access.revoke", {"id": os_user()}, consent=YES)


async def test_without_roles_the_known_may_do_all_and_strangers_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path / "home")
    async with boot.open(home, face="console", environment={}) as before:
        await grant(before.door, "maria", "viewer")

    switched_off = {"DEVOPSCLAW_RBAC_ENABLED": "false"}
    async with boot.open(home, face="console", environment=switched_off) as core:
        with core.door.events(Interest.of(Warned)) as told:
            banners = [event.text for event in told.drain()]
        hers = door_of(core, MARIA, monkeypatch, "maria")
        await hers.run("jobs.list", {})
        verdict = await core.door.run("access.can", {"id": "maria", "operation": "access.grant"})
        with pytest.raises(Denied, match="mallory is not known here"):
            await door_of(core, MARIA + 1, monkeypatch, "mallory").run("node.list", {})
        entries = (await core.door.run("audit.list", {})).items

    assert any("roles are not checked" in text for text in banners)
    assert verdict.allowed and "rbac.enabled is false" in verdict.reason
    assert "rbac.disabled" in [entry.action for entry in entries]
