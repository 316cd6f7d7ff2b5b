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


def test_a_killed_devopsclaw_says_how_its_command_ended(claw: Machine) -> None:
    begun(claw).kill()
    assert claw("jobs", "list", "--json").json["items"][0]["status"] == "running"

    watch = claw.start("jobs", "watch", "X-1")
    claw.let_go()

    assert watch.wait() == 0, watch.said
    assert "local (1) ● ok exit 0" in watch.said
    assert claw.diary == ["begun", "ended"]
    assert claw("jobs", "show", "X-1", "--json").statuses == {"local": "ok"}
    assert claw("audit", "verify").code == 0


def test_a_command_that_ended_meanwhile_is_found_ended(claw: Machine) -> None:
    begun(claw).kill()
    claw.let_go()
    wait_for("the command ends by itself", lambda: len(claw.diary) == 2)

    watched = claw("jobs", "watch", "X-1", "--json")

    assert (watched.code, watched.statuses) == (0, {"local": "ok"})
    assert claw.diary == ["begun", "ended"]


def test_a_command_whose_end_nobody_saw_is_unknown_and_stays_so(claw: Machine) -> None:
    begun(claw).kill()
    os.killpg(claw.shim(), signal.SIGKILL)
    wait_for("nothing of it lives", lambda: not living_in(claw.user))

    watched = claw("jobs", "watch", "X-1", "--json")

    assert (watched.code, watched.statuses) == (7, {"local": "unknown"})
    assert "interrupted" in watched.json["items"][0]["reason"]
    assert claw("jobs", "watch", "X-1").code == 7
    assert claw.diary == ["begun"]


def test_the_next_command_runs_as_if_nothing_had_been(claw: Machine) -> None:
    begun(claw).kill()

    done = claw("run", "echo next")

    assert (done.code, "next" in done.out) == (0, True)
    assert claw.diary == ["begun"]


def test_an_interrupt_leaves_the_command_running(claw: Machine) -> None:
    run = begun(claw)

    assert run.end(signal.SIGINT) == 8
    assert "detached; X-1 goes on: devopsclaw jobs watch X-1" in run.said
    claw.let_go()
    assert claw("jobs", "watch", "X-1").code == 0
    assert claw.diary == ["begun", "ended"]
