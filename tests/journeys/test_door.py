"""Commands and the core they are at: many at once, and a core that ends, or a command that leaves, in the
middle. Consoles in the same places: test_hand_over.
"""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.journeys.processes import GATED, Holder, Machine, Serving, holder, living_in, wait_for


def begun(claw: Machine) -> Serving:
    """A command in the middle of its run, that says how it ended as JSON."""
    run = claw.start("run", GATED, "--json")
    wait_for(f"the command begins: {run.said}", lambda: claw.diary)
    return run


def resident_of(claw: Machine, last: Holder | None) -> Holder:
    """The resident core that took over from this one."""

    def look() -> Holder | None:
        now = holder(claw)
        return now if now != last and now is not None and now.face == "gateway" else None

    return wait_for("a resident core", look)


@pytest.fixture
def ended_after(claw: Machine) -> Iterator[None]:
    """Resident cores that nobody asked for are told to end, as the tests need not see them rest."""
    yield
    last = holder(claw)
    if last is not None and not last.is_gone:
        os.kill(last.pid, signal.SIGTERM)
        wait_for("it ends", lambda: last.is_gone)
    assert not living_in(claw.user), "nothing of it is left"


def test_commands_that_start_all_at_once_all_get_what_they_asked_for(
    claw: Machine, ended_after: None
) -> None:
    registering = [("node", "register", "--name", f"web-{number}") for number in range(6)]
    running = [("run", f"echo {number} >>diary", "--node", "local") for number in range(6)]
    reading = [("node", "list"), ("status",), ("jobs", "list"), ("audit", "verify")]
    lines: list[tuple[str, ...]] = [*registering, *running, *reading]
    mixed = [lines[5 * number % len(lines)] for number in range(len(lines))]

    with ThreadPoolExecutor(8) as eight:
        done = list(eight.map(lambda words: claw(*words), mixed))

    assert [(each.code, each.err) for each in done if each.code != 0] == []
    assert sorted(claw.diary) == [str(number) for number in range(6)]
    listed = claw("node", "list", "--json").json["items"]
    assert {item["name"] for item in listed} == {"local", *(f"web-{number}" for number in range(6))}
    assert len(claw("jobs", "list", "--json").json["items"]) == 6
    assert claw("audit", "verify").code == 0


def test_a_command_whose_resident_core_is_killed_brings_its_run_to_its_end(claw: Machine) -> None:
    resident = claw.start("--headless", "gateway")
    resident.wait_said("core: open on")
    run = begun(claw)

    resident.kill()
    run.wait_said("the core ended; X-1 goes on, and is asked for again")
    claw.let_go()

    assert run.wait() == 0, run.said
    assert '"status": "ok"' in run.said
    assert claw.diary == ["begun", "ended"]


def test_after_a_resident_core_was_killed_the_next_command_tells_the_truth(claw: Machine) -> None:
    resident = claw.start("--headless", "gateway")
    resident.wait_said("core: open on")
    begun(claw).kill()

    resident.kill()
    assert claw("jobs", "list", "--json").json["items"][0]["status"] == "running"
    watch = claw.start("jobs", "watch", "X-1", "--json")
    claw.let_go()

    assert watch.wait() == 0, watch.said
    assert claw.diary == ["begun", "ended"]
    assert claw("jobs", "show", "X-1", "--json").statuses == {"local": "ok"}
    assert claw("audit", "verify").code == 0


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 8), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_command_that_leaves_hands_its_run_to_a_resident_core(
    claw: Machine, ended_after: None, number: signal.Signals, code: int
) -> None:
    run = begun(claw)
    command = holder(claw)
    assert command == Holder(run.process.pid, "cli")

    assert run.end(number) == code
    assert "detached; X-1 goes on: devopsclaw jobs watch X-1" in run.said
    resident = resident_of(claw, command)
    watch = claw.start("jobs", "watch", "X-1", "--json")
    claw.let_go()

    assert watch.wait() == 0, watch.said
    assert claw.diary == ["begun", "ended"]
    assert holder(claw) == resident, "one core saw it through"
    ended = [each for each in claw("audit", "list", "--json").json["items"] if each["action"] == "fleet.exec"]
    assert ended[0]["nodes"] == {"ok": 1}, "what came of it is on record"


def test_a_command_beside_one_that_leaves_goes_on_at_the_resident_core(
    claw: Machine, ended_after: None
) -> None:
    leaves = begun(claw)
    stays = claw.start("jobs", "watch", "X-1", "--json")
    wait_for("it is at that core", lambda: "X-1" in claw("jobs", "list").out)

    assert leaves.end(signal.SIGHUP) == 129
    claw.let_go()

    assert stays.wait() == 0, stays.said
    assert claw.diary == ["begun", "ended"]


def test_a_client_of_another_protocol_is_told_which_side_to_start_again(claw: Machine) -> None:
    resident = claw.start("--headless", "gateway")
    resident.wait_said("core: open on")

    with socket.socket(socket.AF_UNIX) as old:
        old.connect(os.path.relpath(claw.home / "run" / "core.sock"))
        old.sendall(b'{"hello": {"protocol": 0, "version": "0.1", "face": "cli"}}\n')
        refused = json.loads(old.makefile().readline())["refused"]

    assert refused["message"].startswith("your devopsclaw 0.1 (cli) is older than the core in process")
    assert refused["hint"] == "restart your devopsclaw 0.1 (cli)"
    assert claw("node", "list").code == 0
    assert resident.end() == 0
