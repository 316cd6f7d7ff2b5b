"""What a node does for its controller."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from devopsclaw import ops
from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import SystemClock
from devopsclaw.core.gate import Gate
from devopsclaw.core.operation import Operation
from devopsclaw.core.registry import Registry, discover
from devopsclaw.core.services import Services
from devopsclaw.daemon.guards import NodeGuards
from devopsclaw.host.runner import Runner
from devopsclaw.model.call import Actor
from devopsclaw.model.errors import BadParams, Damaged
from devopsclaw.model.process import Started
from devopsclaw.model.progress import Progress
from devopsclaw.ops.host import execute

CONTROLLER = Actor("controller abcdef", "relay")


class Node:
    """A node's gate over a real runner."""

    def __init__(self, folder: Path) -> None:
        self.started: list[tuple[str, Started]] = []
        self.runner = Runner(folder, lambda printed: None)
        services = Services(self.runner, Progress(lambda *told: self.started.append(told)))
        self.gate = Gate(Registry([execute]), NodeGuards(), services, Bus(), SystemClock())


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    opened = Node(tmp_path / "spill")
    yield opened
    await opened.runner.close()


async def test_the_calls_id_is_the_commands_id_and_its_start_is_told(node: Node) -> None:
    identifier = uuid4().hex

    ran = await node.gate.run("host.exec", {"command": "echo out; exit 3"}, CONTROLLER, call_id=identifier)

    assert (ran.outcome.exit_code, ran.outcome.stdout_length) == (3, 4)
    assert node.runner.read(identifier, "stdout", 0, 100) == b"out\n"
    ((told, shim),) = node.started
    assert (told, shim) == (identifier, node.runner.shim(identifier)) and shim.pid > 0


async def test_an_id_is_started_once(node: Node, tmp_path: Path) -> None:
    identifier, count = uuid4().hex, tmp_path / "count"
    params = {"command": f"echo x >>{count}"}
    await node.gate.run("host.exec", params, CONTROLLER, call_id=identifier)

    with pytest.raises(Damaged, match="is not started again"):
        await node.gate.run("host.exec", params, CONTROLLER, call_id=identifier)

    assert count.read_text() == "x\n"


async def test_commands_run_side_by_side(node: Node, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    meet = "touch {0}; until [ -e {1} ]; do sleep 0.02; done"

    async with asyncio.timeout(60):
        both = await asyncio.gather(
            node.gate.run("host.exec", {"command": meet.format(first, second)}, CONTROLLER),
            node.gate.run("host.exec", {"command": meet.format(second, first)}, CONTROLLER),
        )

    assert [ran.outcome.exit_code for ran in both] == [0, 0]


async def test_what_the_envelope_does_not_have_is_refused(node: Node) -> None:
    with pytest.raises(BadParams, match="user"):
        await node.gate.run("host.exec", {"command": "id", "user": "root"}, CONTROLLER)


def test_only_remote_operations_exist_on_a_node_and_they_nowhere_else() -> None:
    remote = [each.name for each in discover(ops, Operation) if each.remote]

    assert remote == ["host.exec"]
    assert not execute.for_model
