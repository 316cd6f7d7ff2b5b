"""A team's home: who has no role may knock at the core's socket, and neither hears nor does anything."""

from __future__ import annotations

import asyncio
import grp
import json
import os
from pathlib import Path

import pytest

from devopsclaw import boot
from devopsclaw.core import door_server
from devopsclaw.core.door_socket import attached
from devopsclaw.core.paths import Home
from devopsclaw.model.call import Consent
from devopsclaw.model.errors import Denied
from devopsclaw.model.events import CallEnded

STRANGER = os.getuid() + 4711


def as_it_is(name: str, body: dict[str, object]) -> object:
    """The JSON of a result."""
    return body


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that is open to the group of this process."""
    made = Home(tmp_path / "home").make()
    made.config.touch(0o600)
    made.config.write_text(json.dumps({"core": {"socket_group": grp.getgrgid(os.getgid()).gr_name}}))
    return made


async def test_a_stranger_hears_no_event_and_runs_nothing(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_server, "uid_of", lambda peer: STRANGER)
    async with (
        boot.open(home, face="console", environment={}) as core,
        attached(home, "cli", "1", as_it_is) as theirs,
    ):
        with theirs.events() as heard:
            with pytest.raises(Denied, match="not known here"):
                await theirs.run("node.list", {})
            await core.door.run("node.list", {})
            with pytest.raises(Denied):
                await theirs.run("status.show", {})
            assert heard.drain() == []


async def test_a_viewer_of_the_team_hears_what_happens(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_server, "uid_of", lambda peer: STRANGER)
    async with boot.open(home, face="console", environment={}) as core:
        await core.door.run(
            "access.grant", {"id": f"uid-{STRANGER}", "role": "viewer"}, consent=Consent("yes")
        )
        async with attached(home, "console", "1", as_it_is) as theirs:
            with theirs.events() as heard:
                await theirs.run("node.list", {})
                async with asyncio.timeout(10):
                    while not isinstance(await heard.next(), CallEnded):
                        pass
                with pytest.raises(Denied, match=r"is viewer; fleet\.exec needs operator"):
                    await theirs.run("fleet.exec", {"command": "uptime"})
