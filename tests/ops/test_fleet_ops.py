"""Commands on nodes through the whole product: what is planned, what is refused, what comes back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.assembly.small_town import PATIENCE, Town, drop, small_town, start_run

from devopsclaw.core.door import LocalDoor
from devopsclaw.model.call import Consent
from devopsclaw.model.errors import ApprovalNeeded, BadParams, BadTarget, ClawError, Denied
from devopsclaw.model.events import NodeMoved, NodePrinted, RunEnded, RunPlanned
from devopsclaw.model.interest import Interest
from devopsclaw.model.state import State
from devopsclaw.ops.ran import Ran


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[LocalDoor]:
    """A core whose fleet is this machine."""
    async with small_town(tmp_path) as town, town.core() as opened:
        yield opened


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """Two web servers and their relay."""
    async with small_town(tmp_path, "web-1", "web-2") as opened:
        yield opened


async def run(door: LocalDoor, command: str, **params: Any) -> Ran:
    """What came of it."""
    ran = await door.run("fleet.exec", {"command": command, **params})
    assert isinstance(ran, Ran)
    return ran


async def test_a_command_answers_with_output_exit_code_and_counts(door: LocalDoor) -> None:
    ran = await run(door, "echo out; echo err >&2; exit 3")

    (item,) = ran.items
    assert (item.status, item.exit_code, item.stdout, item.stderr) == ("failed", 3, "out\n", "err\n")
    assert (ran.run, ran.status, ran.exit, ran.verdict) == ("X-1", "failed", 1, "failed")
    assert ran.counts == ran.node_counts == {"failed": 1}
    assert item.started_at and item.duration is not None and ran.duration is not None


async def test_a_read_has_its_audit_entry_in_the_result_and_in_the_log(door: LocalDoor) -> None:
    ran = await run(door, "uptime")

    (entry,) = (await door.run("audit.list", {"action": "fleet.exec"})).items
    assert (entry.id, entry.status) == (ran.entry, "ok")
    assert (await door.run("jobs.show", {"run": ran.run})).entry == ran.entry
    assert (await door.run("jobs.list", {})).items[0].entry == ran.entry


async def test_a_change_has_the_entry_of_its_intent(door: LocalDoor) -> None:
    ran = await run(door, "touch /dev/null")

    outcome, intent = (await door.run("audit.list", {"action": "fleet.exec"})).items
    assert (intent.id, intent.status) == (ran.entry, "planned")
    assert outcome.detail["intent"] == ran.entry
    assert (await door.run("jobs.show", {"run": ran.run})).entry == ran.entry


async def test_two_reads_at_once_each_have_their_own_entry(door: LocalDoor) -> None:
    both = await asyncio.gather(run(door, "uptime"), run(door, "uptime"))

    assert len({ran.entry for ran in both}) == len({ran.run for ran in both}) == 2


async def test_the_events_of_a_run_tell_its_story_in_order(door: LocalDoor) -> None:
    with door.events() as events:
        ran = await run(door, "echo word")

    told = [event for event in events.drain() if isinstance(event, RunPlanned | NodeMoved | RunEnded)]
    assert [type(event).__name__ for event in told] == ["RunPlanned", *["NodeMoved"] * 3, "RunEnded"]
    moves = [event.state for event in told if isinstance(event, NodeMoved)]
    assert moves == [State.SENT, State.RUNNING, State.OK]
    assert told[-1] == RunEnded(told[0].call, ran.run, 0, {"ok": 1})


async def test_output_is_told_while_the_command_runs(door: LocalDoor, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    command = f"echo first; until [ -e {marker} ]; do sleep 0.02; done; echo second"

    with door.events(Interest.of(NodePrinted)) as printed:
        task = asyncio.ensure_future(run(door, command))
        async with asyncio.timeout(PATIENCE):
            assert (await printed.next()).data == b"first\n"
        marker.touch()
        assert (await task).items[0].stdout == "first\nsecond\n"


@pytest.mark.parametrize(
    ("params", "complaint"),
    [
        ({"command": "  "}, "the command is empty"),
        ({"command": "a\0b"}, "NUL"),
        ({"command": "x" * 20_000}, "16 KiB"),
        ({"command": "id", "serial": True, "parallel": True}, "--serial is one node at a time"),
        ({"command": "id", "serial": True, "max": 2}, "--serial is one node at a time"),
        ({"command": "id", "delay": "1s"}, "--delay is a pause"),
        ({"command": "id", "timeout": "soon"}, "--timeout 'soon'"),
        ({"command": "id", "timeout": "0"}, "--timeout has to be longer"),
        ({"command": "id", "max": -1}, "max"),
        ({"command": "id", "target": " "}, ""),
        ({"command": "id", "target": ","}, ""),
        ({"command": "id", "node": ["nowhere"]}, "nowhere"),
        ({"command": "id", "tag": ["role=web"]}, ""),
    ],
)
async def test_what_makes_no_sense_is_an_error_and_nothing_runs(
    params: dict[str, Any], complaint: str, door: LocalDoor
) -> None:
    with pytest.raises(ClawError) as refused:
        await door.run("fleet.exec", params)

    assert refused.value.exit_code == 2
    assert complaint in refused.value.message
    assert refused.value.hint
    assert (await door.run("jobs.list", {})).items == []


async def test_what_would_destroy_the_machine_is_refused_to_everybody(door: LocalDoor) -> None:
    with pytest.raises(Denied) as refused:
        await run(door, "rm -rf /")

    assert refused.value.exit_code == 3
    (denied, *_) = (await door.run("audit.list", {})).items
    assert (denied.action, denied.status) == ("fleet.exec", "denied")
    assert (await door.run("jobs.list", {})).items == []


async def test_the_plan_says_how_it_will_be_done(door: LocalDoor) -> None:
    plan = await door.run("fleet.exec", {"command": "uptime", "timeout": "2m", "max": 7}, dry_run=True)

    assert (plan.operation, plan.effect, plan.nodes, plan.run) == ("fleet.exec", "read", ("local",), "uptime")
    assert plan.target == "local"
    assert plan.steps == ("at most 7 nodes at a time", "timeout 120 s on each node")

    serial = {
        "command": "systemctl restart nginx",
        "serial": True,
        "delay": "10s",
        "reason": "new certificate",
    }
    plan = await door.run("fleet.exec", serial, dry_run=True)
    assert plan.steps[0] == "one node at a time, 10 s apart; a node that fails stops the rest"
    assert (plan.effect, plan.reason) == ("write", "new certificate")
    assert (await door.run("jobs.list", {})).items == []


async def test_a_timeout_stops_the_command_and_says_so(door: LocalDoor) -> None:
    ran = await run(door, "sleep 600", timeout="0.3s")

    assert (ran.items[0].status, ran.exit, ran.verdict) == ("timed_out", 6, "timed_out")


async def test_what_a_command_leaves_behind_is_named_and_lives(door: LocalDoor, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    ran = await run(door, f"(until [ -e {marker} ]; do sleep 0.05; done) >/dev/null 2>&1 & exit 0")

    pid, name = ran.items[0].left[0].split()
    lives = Path(f"/proc/{pid}").exists()
    marker.touch()

    assert (ran.items[0].status, name, lives) == ("ok", "sh", True)


async def test_what_a_node_prints_has_no_power_over_the_terminal(door: LocalDoor) -> None:
    ran = await run(door, r"printf '\033[31mred\377\n'")

    assert ran.items[0].stdout == "␛[31mred\ufffd\n"


async def test_long_output_is_cut_with_what_is_missing_named(door: LocalDoor) -> None:
    ran = await run(door, "head -c 400000 /dev/zero | tr '\\0' x")

    (item,) = ran.items
    assert item.status == "ok"
    assert item.stdout.startswith("x" * 262_144 + "\n[137856 more bytes; sha256 ")


async def test_a_command_goes_to_every_node_and_equal_answers_fold(town: Town) -> None:
    async with town.core() as door:
        ran = await run(door, "echo same", target="web-*")

    assert [item.node for item in ran.items] == ["web-1", "web-2"]
    assert [(fold.nodes, fold.count, fold.stdout) for fold in ran.folds] == [("web-[1-2]", 2, "same\n")]


async def test_with_several_nodes_no_target_is_an_error(town: Town) -> None:
    async with town.core() as door:
        with pytest.raises(BadTarget):
            await run(door, "uptime")


async def test_labels_environments_and_risk_go_together(town: Town) -> None:
    async with town.core() as door:
        for name in ("web-1", "web-2"):
            await door.run("node.register", {"name": name, "tags": ["env=prod", "role=web"]})
        params = {"command": "shred -u /nowhere/file", "tag": ["role=web"]}
        with pytest.raises(ApprovalNeeded) as needed:
            await door.run("fleet.exec", params)
        wanted = needed.value

        ran = await door.run("fleet.exec", params, consent=Consent(wanted.phrase, wanted.digest))

    assert (wanted.risk, wanted.phrase) == ("critical", "prod:2")
    assert ran.counts == {"failed": 2}


async def test_a_serial_run_stops_at_the_first_that_fails(town: Town) -> None:
    async with town.core() as door:
        ran = await run(door, "exit 1", target="web-*", serial=True)

    assert [(item.node, item.status) for item in ran.items] == [("web-1", "failed"), ("web-2", "skipped")]
    assert ran.items[1].reason == "an earlier node did not end well"
    assert (ran.exit, ran.status) == (5, "stopped")


async def test_a_serial_run_that_goes_well_visits_everybody_in_turn(town: Town) -> None:
    order = town.folder / "order"
    async with town.core() as door:
        ran = await run(door, f"echo x >>{order}", target="web-*", serial=True, delay="50ms")

    assert ran.counts == {"ok": 2}
    first, second = (item.started_at for item in ran.items)
    assert first < second and order.read_text() == "x\nx\n"


async def test_a_drained_node_is_sent_nothing_new(town: Town) -> None:
    async with town.core() as door:
        await door.run("node.drain", {"name": "web-1"})
        with pytest.raises(BadTarget, match="web-1 is drained") as refused:
            await run(door, "uptime", node=["web-1"])
        ran = await run(door, "uptime", target="web-*")

    assert refused.value.hint == "devopsclaw node undrain web-1"
    assert [item.status for item in ran.items] == ["skipped", "ok"]
    assert ran.exit == 0


async def test_a_node_drained_before_its_turn_is_skipped_and_the_rest_goes_on(town: Town) -> None:
    marker = town.folder / "marker"
    async with town.core() as door:
        command = f"until [ -e {marker} ]; do sleep 0.02; done"
        task, _ = await start_run(door, command, target="web-*", serial=True)
        await door.run("node.drain", {"name": "web-2"})
        marker.touch()
        ran = await task

    assert [(item.status, item.reason) for item in ran.items] == [
        ("ok", ""),
        ("skipped", "web-2 is drained: devopsclaw node undrain web-2"),
    ]


async def test_a_node_removed_before_its_turn_is_skipped(town: Town) -> None:
    marker = town.folder / "marker"
    async with town.core() as door:
        command = f"until [ -e {marker} ]; do sleep 0.02; done"
        task, _ = await start_run(door, command, target="web-*", serial=True)
        await town.nodes["web-2"].kill()
        await door.run("node.remove", {"name": "web-2"})
        marker.touch()
        ran = await task

    assert [item.status for item in ran.items] == ["ok", "skipped"]
    assert "removed" in ran.items[1].reason


async def test_a_node_that_is_offline_is_unreachable_and_the_rest_answer(town: Town) -> None:
    async with town.core() as door:
        await run(door, "true", target="web-*")
        await town.nodes["web-2"].kill()
        async with asyncio.timeout(PATIENCE):
            while "web-2" in await town.online(door):
                await asyncio.sleep(0.01)
        ran = await run(door, "uptime", target="web-*")
        status = await door.run("fleet.status", {})

    assert [item.status for item in ran.items] == ["ok", "unreachable"]
    assert (ran.exit, ran.status) == (4, "unreachable")
    assert (status.away, status.counts) == (["web-2"], {"online": 1, "offline": 1})


async def test_a_registered_node_that_never_joined_is_unreachable_with_the_way_to_join(town: Town) -> None:
    async with town.core() as door:
        await door.run("node.register", {"name": "web-9", "address": "10.0.0.9"})
        ran = await run(door, "uptime", node=["web-9"])

    assert ran.items[0].status == "unreachable"
    assert "devopsclaw agent-daemon --relay ADDRESS --node-id web-9" in ran.items[0].reason


async def test_a_call_that_is_left_does_not_stop_its_run(town: Town) -> None:
    marker, order = town.folder / "marker", town.folder / "order"
    async with town.core() as door:
        command = f"until [ -e {marker} ]; do sleep 0.02; done; echo x >>{order}"
        task, run_id = await start_run(door, command, target="web-*", serial=True)
        await drop(task)
        status = await door.run("fleet.status", {})
        marker.touch()
        ran = await door.run("jobs.watch", {"run": run_id})
        entries = (await door.run("audit.list", {"action": "fleet.exec"})).items

    assert [entry.status for entry in entries] == ["ok", "detached", "planned"]
    assert status.open_runs == [run_id]
    assert (ran.counts, order.read_text()) == ({"ok": 2}, "x\nx\n")


async def test_the_status_of_the_fleet_reads_as_lines(town: Town) -> None:
    async with town.core() as door:
        await door.run("node.drain", {"name": "web-1"})
        status = await door.run("fleet.status", {})

    assert status.text() == (f"relay     {town.relay.url}  connected\nnodes     2: 2 online\ndrained   web-1")


async def test_what_a_command_with_a_bad_timeout_says_names_the_flag(door: LocalDoor) -> None:
    with pytest.raises(BadParams) as refused:
        await run(door, "id", timeout="-1s")

    assert refused.value.hint == "write it as 10s, 5m or 2h"
