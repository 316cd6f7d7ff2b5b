"""kill -9 in the middle of a command: started again, devopsclaw says the truth and starts nothing twice."""

from __future__ import annotations

import os
import signal

from tests.journeys.processes import GATED, Machine, Serving, living_in, wait_for


def begun(claw: Machine) -> Serving:
    """The product in the middle of that command."""
    run = claw.start("run", GATED)
    wait_for(f"the command begins: {run.said}", lambda: claw.diary)
    return run


def test_a_killed_devopsclaw_says_how_its_command_ended(at_a_core: Machine) -> None:
    begun(at_a_core).kill()
    assert at_a_core("jobs", "list", "--json").json["items"][0]["status"] == "running"

    watch = at_a_core.start("jobs", "watch", "X-1")
    at_a_core.let_go()

    assert watch.wait() == 0, watch.said
    assert "local (1) ● ok exit 0" in watch.said
    assert at_a_core.diary == ["begun", "ended"]
    assert at_a_core("jobs", "show", "X-1", "--json").statuses == {"local": "ok"}
    assert at_a_core("audit", "verify").code == 0


def test_a_command_that_ended_meanwhile_is_found_ended(at_a_core: Machine) -> None:
    begun(at_a_core).kill()
    at_a_core.let_go()
    wait_for("the command ends by itself", lambda: len(at_a_core.diary) == 2)

    watched = at_a_core("jobs", "watch", "X-1", "--json")

    assert (watched.code, watched.statuses) == (0, {"local": "ok"})
    assert at_a_core.diary == ["begun", "ended"]


def test_a_command_whose_end_nobody_saw_is_unknown_and_stays_so(claw: Machine) -> None:
    begun(claw).kill()
    os.killpg(claw.shim(), signal.SIGKILL)
    wait_for("nothing of it lives", lambda: not living_in(claw.user))

    watched = claw("jobs", "watch", "X-1", "--json")

    assert (watched.code, watched.statuses) == (7, {"local": "unknown"})
    assert "interrupted" in watched.json["items"][0]["reason"]
    assert claw("jobs", "watch", "X-1").code == 7
    assert claw.diary == ["begun"]


def test_the_next_command_runs_as_if_nothing_had_been(at_a_core: Machine) -> None:
    begun(at_a_core).kill()

    done = at_a_core("run", "echo next")

    assert (done.code, "next" in done.out) == (0, True)
    assert at_a_core.diary == ["begun"]


def test_an_interrupt_leaves_the_command_running(at_a_core: Machine) -> None:
    run = begun(at_a_core)

    assert run.end(signal.SIGINT) == 8
    assert "detached; X-1 goes on: devopsclaw jobs watch X-1" in run.said
    at_a_core.let_go()
    assert at_a_core("jobs", "watch", "X-1").code == 0
    assert at_a_core.diary == ["begun", "ended"]
