"""Running one operation to its exit code; signals are sent to real processes."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.conftest import CommandLine

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
