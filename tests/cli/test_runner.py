"""Running one operation to its exit code; signals are sent to real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import CommandLine, Said
from tests.cli.door_keeper import Conversation, never, resident, scripted

from devopsclaw.cli import runner
from devopsclaw.cli.output import Printer
from devopsclaw.cli.runner import Request, perform
from devopsclaw.cli.settings import Settings
from devopsclaw.cli.signals import Signals
from devopsclaw.core import door_words as words
from devopsclaw.core.paths import Home
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect

Program = Callable[..., "subprocess.Popen[str]"]


def wait_for(process: subprocess.Popen[str], sign: Path) -> None:
    """Wait until the program left this file, or fail if it ended before."""
    while not sign.exists():
        if process.poll() is not None:
            pytest.fail(f"ended too early: {process.communicate()}")


def ended(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    out, err = process.communicate(timeout=20)
    return process.returncode, out, err


def test_the_result_is_on_stdout_and_the_summary_on_stderr(line: CommandLine) -> None:
    said = line("run", "uptime")

    assert said.code == 1
    assert said.out.startswith("── prod-web-[1-2] (2) ● ok exit 0\n")
    assert said.out.endswith("── prod-api-1 (1) ✖ failed exit 2\nhalf\nstderr:\nno such file\n")
    assert "3 nodes: 2 ok, 1 failed  X-31  E-8840  0.4s\n" in said.err


def test_an_error_gives_its_own_exit_code(line: CommandLine) -> None:
    said = line("node", "rm", "x", "--confirm", "prod:1")

    assert said.code == 2
    assert said.err == "error: there is no node x\n  try: devopsclaw node list\n"


def test_a_wrong_value_is_refused_by_the_gate(line: CommandLine) -> None:
    said = line("run", "uptime", "--delay", "soon")

    assert said.code == 2
    assert "delay" in said.err and "devopsclaw fleet exec --help" in said.err


def test_warnings_reach_stderr(line: CommandLine) -> None:
    assert "warning: 1 run waits for a core\n  try: devopsclaw\n" in line("run", "uptime").err


def test_json_holds_the_whole_result(line: CommandLine) -> None:
    body = json.loads(line("run", "uptime", "--json").out)

    assert body["schema"] == "devopsclaw.run/1"
    assert [fold["nodes"] for fold in body["folds"]] == ["prod-api-1", "prod-web-[1-2]"]


def test_the_first_interrupt_leaves_remote_work_running(program: Program, tmp_path: Path) -> None:
    process = program("run", "wait")
    wait_for(process, tmp_path / "waiting")

    process.send_signal(signal.SIGINT)

    code, out, err = ended(process)
    assert (code, out) == (8, "")
    assert "detached; X-31 goes on: devopsclaw jobs watch X-31\n" in err
    assert "Traceback" not in err


def test_the_second_interrupt_ends_it_at_once(program: Program, tmp_path: Path) -> None:
    process = program("run", "wait", SLOW_CLOSE=1)
    wait_for(process, tmp_path / "waiting")

    process.send_signal(signal.SIGINT)
    wait_for(process, tmp_path / "closing")
    process.send_signal(signal.SIGINT)

    assert ended(process)[0] == 130


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_local_work_is_interrupted(
    program: Program, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    process = program("config", "show")
    wait_for(process, tmp_path / "waiting")

    process.send_signal(number)

    assert ended(process) == (code, "", "interrupted\n")


def test_being_terminated_names_the_run_that_goes_on(program: Program, tmp_path: Path) -> None:
    process = program("run", "wait")
    wait_for(process, tmp_path / "waiting")

    process.terminate()

    code, _, err = ended(process)
    assert code == 143
    assert "detached; X-31 goes on" in err


def test_a_reader_who_goes_away_changes_nothing_but_the_output(program: Program) -> None:
    process = program("run", "uptime")
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read()

    assert process.wait(timeout=20) == 1
    assert "Traceback" not in err and "BrokenPipe" not in err
    process.stderr.close()


class AtCore:
    """A command line of this process, at cores that do what a script says."""

    def __init__(self, home: Home, capsys: pytest.CaptureFixture[str]) -> None:
        self.home = home
        self._capsys = capsys

    def run(
        self, operation: str, *scripts: Callable[[Conversation], None], is_read: bool = False, **params: Any
    ) -> Said:
        """Run this operation; each script is a core."""
        settings = Settings(no_input=True)
        request = Request(operation, params, [], settings, is_read)
        with scripted(self.home, *scripts):
            code = perform(request, never, Printer(settings), "1.0")
        said = self._capsys.readouterr()
        return Said(code, said.out, said.err)


@pytest.fixture
def at_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> AtCore:
    monkeypatch.setenv("DEVOPSCLAW_HOME", str(tmp_path))
    return AtCore(Home(tmp_path), capsys)


def ends(client: Conversation) -> None:
    """A core that is killed once it was asked."""
    client.welcome()
    client.asked()


def answers(client: Conversation) -> None:
    """A core that answers what it is asked."""
    client.welcome()
    asked = client.asked()
    client.say({"id": asked["id"], "result": {}, "text": asked["run"]["name"], "exit": 0})


def plans_and_ends(client: Conversation) -> None:
    """A core that is killed once it has put a run on record."""
    client.welcome()
    asked = client.asked()
    planned = {
        "event": "RunPlanned",
        "call": asked["run"]["call"],
        "run": "X-31",
        "command": "",
        "nodes": ["a"],
    }
    client.say({"id": 1, "events": [planned]})


def cancels(client: Conversation) -> None:
    """A core that is ended in good order."""
    client.welcome()
    client.say({"id": client.asked()["id"], "cancelled": True})


@pytest.mark.parametrize("end", [ends, cancels])
def test_a_read_is_asked_again_where_a_core_ends(
    at_core: AtCore, end: Callable[[Conversation], None]
) -> None:
    said = at_core.run("status.show", end, answers, is_read=True)

    assert (said.code, said.out, said.err) == (0, "status.show\n", "")


def test_a_run_that_is_known_is_watched_at_the_next_core(at_core: AtCore) -> None:
    watched: list[dict[str, Any]] = []

    def watches(client: Conversation) -> None:
        client.welcome()
        listen = client.hear()
        asked = client.asked()
        watched.extend((listen["listen"], asked["run"]))
        client.say({"id": asked["id"], "result": {}, "text": "it is over", "exit": 1})

    said = at_core.run("fleet.exec", plans_and_ends, watches, command="uptime")

    interest, asked = watched
    assert (asked["name"], asked["params"]) == ("jobs.watch", {"run": "X-31"})
    assert "X-31" in interest["runs"]
    assert (said.code, said.out) == (1, "it is over\n")
    assert "the core ended; X-31 goes on, and is asked for again" in said.err


@pytest.mark.parametrize("end", [ends, cancels])
def test_a_change_of_unknown_fate_is_not_asked_again(
    at_core: AtCore, end: Callable[[Conversation], None]
) -> None:
    said = at_core.run("node.remove", end, name="web-1")

    assert (said.code, said.out) == (7, "")
    assert "so node.remove may have happened or not" in said.err
    assert "try: devopsclaw audit list --limit 5 and devopsclaw jobs list" in said.err


def test_a_change_of_a_run_that_it_did_not_start_is_not_taken_for_watching_it(at_core: AtCore) -> None:
    def moves_and_ends(client: Conversation) -> None:
        client.welcome()
        client.asked()
        moved = {
            "event": "NodeMoved",
            "call": "c",
            "run": "X-9",
            "node": "a",
            "state": "running",
            "reason": "",
        }
        client.say({"id": 1, "events": [moved]})

    said = at_core.run("jobs.cancel", moves_and_ends, run="X-9")

    assert said.code == 7
    assert "jobs.cancel may have happened or not" in said.err


def test_cores_that_end_one_after_the_other_are_not_asked_for_ever(at_core: AtCore) -> None:
    said = at_core.run("status.show", ends, ends, ends, is_read=True)

    assert said.code == 4
    assert "3 cores ended one after the other" in said.err


def test_a_change_whose_plan_was_only_asked_for_is_asked_again(at_core: AtCore) -> None:
    settings = Settings(dry_run=True)
    plan = words.plan_json(Plan(operation="node.remove", effect=Effect.DESTRUCTIVE))

    def plans(client: Conversation) -> None:
        client.welcome()
        client.say({"id": client.asked()["id"], "plan": plan})

    with scripted(at_core.home, ends, plans):
        assert perform(Request("node.remove", {}, [], settings), never, Printer(settings), "1.0") == 0


def test_leaving_stops_what_is_no_run_and_waits_for_the_last_word(at_core: AtCore) -> None:
    heard: list[dict[str, Any]] = []

    def is_left(client: Conversation) -> None:
        client.welcome()
        asked = client.asked()
        os.kill(os.getpid(), signal.SIGINT)
        heard.append(client.hear())
        client.say({"id": asked["id"], "cancelled": True})

    said = at_core.run("config.show", is_left, is_read=True)

    assert list(heard[0]) == ["cancel"] and heard[0]["cancel"]
    assert (said.code, said.err) == (130, "interrupted\n")


def test_a_run_that_its_core_names_with_its_last_words_is_named(at_core: AtCore) -> None:
    def is_left(client: Conversation) -> None:
        client.welcome()
        asked = client.asked()
        os.kill(os.getpid(), signal.SIGINT)
        assert client.hear()["cancel"] == asked["run"]["call"]
        planned = {"event": "RunPlanned", "call": "", "run": "X-31", "command": "", "nodes": ["a"]}
        client.say({"id": 1, "events": [planned]}, {"id": asked["id"], "cancelled": True})

    said = at_core.run("fleet.exec", is_left, command="uptime")

    assert said.code == 8
    assert "detached; X-31 goes on" in said.err


def test_a_core_without_last_words_is_not_waited_for(
    at_core: AtCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runner, "LAST_WORDS", 0.01)

    def says_nothing(client: Conversation) -> None:
        client.welcome()
        client.asked()
        os.kill(os.getpid(), signal.SIGINT)
        while client.hear():
            pass

    assert at_core.run("config.show", says_nothing).code == 130


def test_a_command_on_a_core_that_runs_says_the_same(program: Program, home_with_core: Path) -> None:
    process = program("run", "uptime")

    code, out, err = ended(process)

    assert code == 1 and out.startswith("── prod-web-[1-2] (2) ● ok exit 0\n")
    assert "3 nodes: 2 ok, 1 failed  X-31  E-8840  0.4s\n" in err


@pytest.fixture
def home_with_core(tmp_path: Path) -> Iterator[Path]:
    """A home whose core runs in this process."""
    with Signals() as signals, resident(Home(tmp_path), signals):
        yield tmp_path
