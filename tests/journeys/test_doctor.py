"""The checkup as it is typed: on a new machine, with a fleet, with a dead relay, and with a home in ruins."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from tests.journeys.processes import TOKEN, Completed, House, Machine
from tests.journeys.terminal import Terminal

pytestmark = pytest.mark.journey


def statuses(done: Completed) -> dict[str, str]:
    """Check → status, of a checkup that was asked for as JSON."""
    assert done.json["schema"] == "devopsclaw.doctor/1"
    return {item["check"]: item["status"] for item in done.json["items"]}


def test_a_new_machine_is_well_and_every_line_says_so(claw: Machine) -> None:
    done = claw("doctor")

    assert done.code == 0, done.out + done.err
    assert {line[:4] for line in done.out.splitlines() if not line.startswith("  try:")} <= {"✔ ok", "▲ wa"}
    assert claw("doctor", LANG="C", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0").out.isascii()


def test_in_a_terminal_it_looks_at_the_terminal(claw: Machine, terminal: Callable[..., Terminal]) -> None:
    seen = terminal(claw, "doctor").wait("left with 0")

    assert "tmux " in seen and "around us" in seen, seen


def test_a_fleet_is_looked_at_step_by_step_and_a_dead_relay_is_a_problem(house: House) -> None:
    desk = house.machine("desk", DEVOPSCLAW_RELAY_AUTH_TOKEN=TOKEN)
    relay, url = house.relay()
    house.claim(desk, [house.daemon("web-1", url)])
    assert desk("config", "set", "relay.url", url).code == 0

    done = desk("doctor", "--json")

    found = statuses(done)
    steps = ["relay dns", "relay tcp", "relay tls", "relay auth", "relay clock", "node clocks", "versions"]
    assert {step: found.get(step) for step in steps} == dict.fromkeys(steps, "ok"), done.out
    assert (done.code, found["keys saved"]) == (0, "warning")

    relay.kill()
    down = desk("doctor", "--json")

    assert (down.code, statuses(down)["relay tcp"]) == (1, "problem")
    (step,) = [item for item in down.json["items"] if item["check"] == "relay tcp"]
    assert "relay start" in step["fix"]


def test_a_core_that_does_not_answer_does_not_keep_the_checkup_from_looking(claw: Machine) -> None:
    core = claw.start("gateway")
    core.wait_said("core: open")
    os.kill(core.process.pid, signal.SIGSTOP)
    (claw.home / "run" / "core.sock").unlink()

    done = claw("doctor", "--json")

    assert done.code == 1
    found = statuses(done)
    assert (found["core"], found["disk"]) == ("problem", "ok")


def test_a_home_in_ruins_says_what_to_type(claw: Machine) -> None:
    assert claw("status").code == 0
    (claw.home / "config.json").write_text("{ not json")
    (claw.home / "keys" / "audit.pem").chmod(0o644)
    (claw.home / "state").chmod(0o755)

    done = claw("doctor")

    assert done.code == 1
    assert "config.json:1" in done.out
    for fix in ("chmod 600 ~/.devopsclaw/keys/audit.pem", "chmod 700 ~/.devopsclaw/state"):
        assert f"  try: {fix}" in done.out


def test_an_audit_trail_that_was_changed_is_a_problem(claw: Machine) -> None:
    assert claw("run", "true").code == 0
    database = claw.home / "audit" / "audit.db"
    content = bytearray(database.read_bytes())
    content[-1] ^= 1
    database.write_bytes(content)

    done = claw("doctor", "--full", "--json")

    assert (done.code, statuses(done)["audit"]) == (1, "problem")
