"""A core as other processes meet it: attached to, left, ended under them, and handed over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.assembly.small_town import PATIENCE, drop, eventually, start_run

from devopsclaw import boot, ops
from devopsclaw.assembly import succession
from devopsclaw.core.clock import SystemClock
from devopsclaw.core.door_socket import SocketDoor, attached
from devopsclaw.core.lock import hold
from devopsclaw.core.operation import Operation
from devopsclaw.core.paths import Home
from devopsclaw.core.registry import Registry, discover
from devopsclaw.model.errors import Busy


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


async def test_a_core_answers_other_processes_as_it_answers_its_own_face(home: Home) -> None:
    async with boot.open(home, face="console", environment={}) as core, attached_to(home) as door:
        await door.run("node.register", {"name": "web-1"})
        there = await door.run("node.show", {"name": "web-1"})
        here = await core.door.run("node.show", {"name": "web-1"})

    assert there == here
    assert not home.socket.exists()


async def test_results_of_every_shape_come_typed_through_the_socket(home: Home) -> None:
    async with boot.open(home, face="console", environment={}), attached_to(home) as door:
        ran = await door.run("fleet.exec", {"command": "echo zażółć; printf '\\377'; exit 3"})
        watched = await door.run("jobs.watch", {"run": ran.run})
        whole = await door.run("audit.verify", {})
        listed = await door.run("audit.list", {})

    assert ran.items[0].exit_code == 3 and ran.items[0].stdout.startswith("zażółć\n")
    assert watched.folds == ran.folds and ran.exit == 1
    assert whole.exit == 0
    assert {entry.action for entry in listed.items} == {"fleet.exec"}


@pytest.mark.parametrize("name", ["version.show", "config.show", "jobs.list", "status.show", "fleet.status"])
async def test_a_result_says_through_the_socket_what_it_says_here(home: Home, name: str) -> None:
    async with boot.open(home, face="console", environment={}) as core, attached_to(home) as door:
        there, here = await door.run(name, {}), await core.door.run(name, {})

    assert (type(there), there.text(), there.exit) == (type(here), here.text(), here.exit)


async def test_a_commands_core_stays_until_its_last_client_has_left(home: Home) -> None:
    closed = asyncio.Event()

    async def command() -> None:
        async with boot.open(home, face="cli", environment={}):
            opened.set()
            await may_end.wait()
        closed.set()

    opened, may_end = asyncio.Event(), asyncio.Event()
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        group.create_task(command())
        await opened.wait()
        async with attached_to(home) as door:
            may_end.set()
            await door.run("node.register", {"name": "web-1"})
            assert not closed.is_set()
        await closed.wait()


async def test_a_core_that_ends_lets_what_was_asked_be_answered(home: Home) -> None:
    async with attached_later(home) as (door, core):
        asked = asyncio.ensure_future(door.run("node.register", {"name": "web-1"}))
        await eventually(lambda: core.calls or asked.done(), "the question's coming")
        await core.stack.aclose()

        assert (await asked).text()
    async with boot.open(home, face="cli", environment={}) as again:
        listed = await again.door.run("node.list", {})
    assert "web-1" in [item.name for item in listed.items]


async def test_a_face_that_is_there_to_stay_is_at_the_core_that_runs_or_at_its_own(home: Home) -> None:
    async with boot.open(home, face="gateway", environment={}) as core:
        async with boot.reached(home, face="console") as there:
            assert isinstance(there, boot.Attached)
            assert await there.door.run("version.show", {}) == await core.door.run("version.show", {})
            assert not there.hand_over() and not there.lost.is_set()
    async with boot.reached(home, face="console") as own:
        assert isinstance(own, boot.Core) and own.door.actor.door == "console"


async def test_a_face_is_told_when_the_core_it_was_at_is_lost(home: Home) -> None:
    async with attached_later(home) as (door, core):
        await core.stack.aclose()

        async with asyncio.timeout(PATIENCE):
            await door.lost.wait()


async def test_a_face_says_who_holds_a_home_and_does_not_answer(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boot, "PATIENCE", 0.05)
    home.make()

    async with hold(home.run, "core", "gateway", SystemClock(), 0.0):
        with pytest.raises(Busy, match=r"\(gateway\)"):
            async with boot.reached(home, face="console"):
                pass


@pytest.mark.parametrize("demo", [False, True])
async def test_nothing_is_handed_over_without_leave_or_in_a_demo(
    home: Home, monkeypatch: pytest.MonkeyPatch, demo: bool
) -> None:
    monkeypatch.setattr(succession, "spawn_successor", never)
    if demo:
        home.make()
        (home.root / "demo").write_text("walls")
    async with boot.open(home, face="console", environment={}, hands_over=demo) as core:
        task, _ = await start_run(core.door, "sleep 5")
        assert not core.hand_over()
        await drop(task)


async def test_without_work_nothing_is_handed_over(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(succession, "spawn_successor", never)

    async with boot.open(home, face="console", environment={}, hands_over=True) as core:
        assert not core.hand_over()


async def test_a_successor_that_cannot_be_started_is_no_reason_not_to_leave(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(succession, "spawn_successor", never)

    async with boot.open(home, face="console", environment={}, hands_over=True) as core:
        task, _ = await start_run(core.door, "sleep 5")
        assert not core.hand_over()
        await drop(task)


def never(*given: object) -> int:
    """No process can be started."""
    raise OSError(11, "Resource temporarily unavailable")


def attached_to(home: Home) -> AbstractAsyncContextManager[SocketDoor]:
    """The door of another process at the core of this home."""
    registry = Registry(discover(ops, Operation))
    return attached(
        home, "console", "1.0", lambda name, body: registry.find(name).result.model_validate(body)
    )


@dataclass(frozen=True)
class Closable:
    """A core that is closed when the test wants, and the calls that run in it for others."""

    stack: AsyncExitStack
    calls: Collection[object]


@asynccontextmanager
async def attached_later(home: Home) -> AsyncIterator[tuple[SocketDoor, Closable]]:
    """A door of another process, and the core that it is at, to be closed while the door is held."""
    async with AsyncExitStack() as stack:
        core = await stack.enter_async_context(boot.open(home, face="gateway", environment={}))
        async with attached_to(home) as door:
            yield door, Closable(stack, core._listener.calls)
