"""A core that ends under its consoles: the work goes on, the next core is found, and nothing starts twice."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from functools import partial

import pytest
from tests.journeys.processes import GATED, Holder, House, Machine, answers, holder, living_in, wait_for
from tests.journeys.terminal import BEFORE, Terminal

Open = Callable[..., Terminal]

BACK = "at a core again"
PRINTING = "echo first words; until [ -e go ]; do sleep 0.02; done; echo last words"

WITHIN = 5.0
"""Seconds in which a console without a terminal is gone. Design §3 says one, and the bench measures it; this
is for a machine that does much else, where one that waits for its terminal still takes far longer.
"""
WATCHED = 2.0
"""Seconds in which it is looked how busy a process is that has nothing to do."""
LAZY = 0.2
"""The part of a processor that such a process may use: one that spins uses all of it."""


def started(screen: Terminal, command: str) -> None:
    """Type this into the run form of a console with one node, and say yes to its plan."""
    screen.wait("all quiet  1 node")
    screen.press("x")
    screen.wait("what each node runs")
    screen.type(command)
    screen.press("Enter")
    screen.wait("Enter   runs it")
    screen.press("Enter")
    screen.wait("going on")


def open_job(screen: Terminal) -> None:
    """Look at the one job; its name stands in the fleet pane too."""
    screen.press("J")
    screen.wait("JOBS, newest first")
    screen.wait("X-1")
    screen.press("Enter")


def next_holder(machine: Machine, last: Holder | None) -> Holder:
    """Who holds the core after this one."""

    def look() -> Holder | None:
        now = holder(machine)
        return now if now != last else None

    return wait_for(f"another core than {last}", look)


def load_of(*processes: Holder) -> list[float]:
    """Which part of a processor each used in `WATCHED` seconds: a span that is measured, not waited for."""
    before = [process.busy for process in processes]
    time.sleep(WATCHED)
    return [(process.busy - then) / WATCHED for process, then in zip(processes, before, strict=True)]


def hang_up(screen: Terminal, console: Holder) -> float:
    """Take the terminal away from under the console that is its core; seconds until that is gone."""
    begun = time.monotonic()
    screen.close()
    wait_for("the console is gone", lambda: console.is_gone)
    return time.monotonic() - begun


def test_two_consoles_see_one_job_its_output_and_its_end(at_a_core: Machine, terminal: Open) -> None:
    first = terminal(at_a_core)
    first.wait("all quiet  1 node")
    second = terminal(at_a_core)
    second.wait("all quiet  1 node")
    started(first, PRINTING)

    second.wait("1 job")
    open_job(second)
    for screen in (first, second):
        assert "│ last words" not in screen.wait("│ first words")

    at_a_core.let_go()
    for screen in (first, second):
        assert "│ last words" in screen.wait("ended, exit 0")
        screen.press("q")
        screen.wait("left with 0")


def test_q_and_y_with_a_running_job_hand_it_over_and_give_the_terminal_back(
    claw: Machine, terminal: Open
) -> None:
    screen = terminal(claw)
    started(screen, GATED)
    console = next_holder(claw, None)

    screen.press("q")
    assert "1 job running" in screen.wait("LEAVE the console?")
    screen.wait("y   yes")
    screen.press("y")

    left = screen.wait("left with 0")
    assert BEFORE in left and " icanon " in left and " echo " in left
    assert (screen.mode("alternate_on"), screen.mode("cursor_flag")) == ("0", "1")
    assert next_holder(claw, console).face == "gateway"
    watch = claw.start("jobs", "watch", "X-1")
    claw.let_go()
    assert watch.wait() == 0, watch.said
    assert claw.diary == ["begun", "ended"]


@pytest.fixture
def fleet(house: House) -> list[Machine]:
    """Three nodes with a daemon each; the desk has claimed them."""
    _, url = house.relay()
    names = ("web-1", "web-2", "web-3")
    daemons = [house.daemon(name, url) for name in names]
    house.claim(house.machine("desk"), daemons)
    return [house.machine(name) for name in names]


def has_begun(nodes: list[Machine], count: int) -> bool:
    """Whether so many of the nodes have begun."""
    return sum(bool(node.diary) for node in nodes) == count


def test_a_hang_up_in_a_serial_fan_out_costs_nothing_and_leaves_nothing(
    house: House, fleet: list[Machine], terminal: Open
) -> None:
    desk = house.machine("desk")
    relay = desk.serving[0]
    first = terminal(desk)
    first.wait("3 nodes")
    console = next_holder(desk, None)
    second = terminal(desk)
    second.wait("3 nodes")
    run = desk.start("run", GATED, "-t", "all", "--serial", "--json")
    wait_for("the first begins", lambda: any(node.diary for node in fleet))
    now, *later = sorted(fleet, key=lambda node: not node.diary)
    second.wait("1 job")

    seconds = hang_up(first, console)
    second.wait(BACK)  # the banner before it may be gone again before anybody looks
    resident = next_holder(desk, console)
    assert seconds < WITHIN and resident.face == "gateway"
    assert [node.diary for node in (now, *later)] == [["begun"], [], []]
    assert max(load_of(resident)) < LAZY

    now.let_go()
    for count in (2, 3):
        wait_for("the next begins", partial(has_begun, fleet, count))
        for node in fleet:
            if node.diary:
                node.let_go()
    assert run.wait() == 0, run.said
    assert [node.diary for node in fleet] == [["begun", "ended"]] * 3
    second.wait("all quiet  3 nodes")
    assert max(load_of(resident)) < LAZY
    second.press("q")
    second.wait("left with 0")
    second.close()

    wait_for("the resident core ends by itself", lambda: resident.is_gone)
    wait_for("no process of the desk is left", lambda: living_in(desk.user) == [relay.process.pid])
    assert desk("jobs", "show", "X-1", "--json").statuses == dict.fromkeys(("web-1", "web-2", "web-3"), "ok")
    assert desk("audit", "verify").code == 0


def test_a_killed_console_leaves_its_home_to_the_other_which_shows_the_truth(
    claw: Machine, terminal: Open
) -> None:
    first = terminal(claw)
    first.wait("all quiet  1 node")
    console = next_holder(claw, None)
    second = terminal(claw)
    second.wait("all quiet  1 node")
    started(first, GATED)
    second.wait("1 job")
    wait_for("the command begins", lambda: claw.diary)

    os.kill(console.pid, signal.SIGKILL)
    second.wait(BACK)
    assert next_holder(claw, console).face == "console"
    second.wait("1 job")
    claw.let_go()
    second.wait("all quiet  1 node")
    open_job(second)
    assert "1 ok" in second.wait("ended, exit 0")

    assert claw.diary == ["begun", "ended"]
    assert claw("jobs", "show", "X-1", "--json").statuses == {"local": "ok"}


def test_five_quick_hand_overs_lose_nothing(claw: Machine, terminal: Open) -> None:
    """Each core ends as soon as it answers: that of a console by a hang-up, a resident one by kill -9."""
    first = terminal(claw)
    first.wait("all quiet  1 node")
    core = next_holder(claw, None)
    others = [terminal(claw) for _ in range(2)]
    for screen in others:
        screen.wait("all quiet  1 node")
    started(first, GATED)
    wait_for("the command begins", lambda: claw.diary)

    faces = [core.face]
    for _ in range(5):
        os.kill(core.pid, signal.SIGHUP if core.face == "console" else signal.SIGKILL)
        core = next_holder(claw, core)
        faces.append(core.face)
        wait_for("it answers", lambda: answers(claw))

    assert faces == ["console", "gateway"] * 3
    claw.let_go()
    assert claw("jobs", "watch", "X-1").code == 0
    assert claw.diary == ["begun", "ended"]
    assert claw("audit", "verify").code == 0
