"""Asking for a yes, at a real pseudo-terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.cli.conftest import ROOT, CommandLine

from devopsclaw.cli.prompts import beforehand, with_flag
from devopsclaw.cli.settings import Settings
from devopsclaw.model.call import Consent
from devopsclaw.model.errors import ApprovalNeeded


class Typist:
    """A person at a terminal: reads stderr and stdin's echo, types."""

    def __init__(self, words: tuple[str, ...], where: Path) -> None:
        self._screen, terminal = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, str(ROOT / "tests/cli/sample_house.py"), *words],
            env={**os.environ, "DEVOPSCLAW_HOME": str(where), "PYTHONPATH": str(ROOT)},
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=terminal,
            start_new_session=True,
        )
        os.close(terminal)
        self.seen = ""

    def see(self, text: str) -> None:
        """Wait until this stands on the screen."""
        while text not in self.seen:
            self.seen += os.read(self._screen, 65536).decode()

    def type(self, text: str) -> None:
        """Type a line."""
        os.write(self._screen, text.encode() + b"\n")

    def end(self) -> tuple[int, str]:
        """Wait for the end: exit code and stdout."""
        out, _ = self.process.communicate(timeout=20)
        return self.process.returncode, out.decode()

    def close(self) -> None:
        """Leave nothing behind."""
        self.process.kill()
        self.process.communicate()
        os.close(self._screen)


@pytest.fixture
def typist(tmp_path: Path) -> Iterator[Callable[..., Typist]]:
    """Sit somebody down at words."""
    people: list[Typist] = []

    def sit(*words: str) -> Typist:
        people.append(Typist(words, tmp_path))
        return people[-1]

    yield sit
    for each in people:
        each.close()


def test_a_critical_plan_is_shown_and_runs_after_its_phrase(typist: Callable[..., Typist]) -> None:
    person = typist("run", "rm x")

    person.see("Type prod:3 to go on: ")
    person.type("prod:3")

    code, out = person.end()
    assert "plan    fleet.exec  (destructive)" in person.seen
    assert "nodes   3: prod-api-1, prod-web-1, prod-web-2" in person.seen
    assert code == 1 and "prod-web-[1-2]" in out


@pytest.mark.parametrize("answer", ["", "y", "prod:2", "yes"])
def test_anything_but_the_phrase_runs_nothing(typist: Callable[..., Typist], answer: str) -> None:
    person = typist("run", "rm x")

    person.see("Type prod:3 to go on: ")
    person.type(answer)
    person.see("error: not confirmed, so nothing ran")

    assert person.end() == (3, "")


@pytest.mark.parametrize(("answer", "code"), [("y", 1), ("Y", 1), ("", 3), ("n", 3), ("prod:3", 3)])
def test_a_high_plan_takes_a_y_and_nothing_else(
    typist: Callable[..., Typist], answer: str, code: int
) -> None:
    person = typist("run", "reboot")

    person.see("Go on? [y/N] ")
    person.type(answer)

    assert person.end()[0] == code


def test_no_input_asks_nobody_even_at_a_terminal(typist: Callable[..., Typist]) -> None:
    person = typist("run", "reboot", "--no-input")

    person.see("try: the same command with --yes")

    assert person.end() == (9, "")


@pytest.mark.parametrize(("command", "flag"), [("reboot", ("--yes",)), ("rm x", ("--confirm", "prod:3"))])
def test_without_a_terminal_the_flag_is_named_and_then_it_runs(
    line: CommandLine, command: str, flag: tuple[str, ...]
) -> None:
    refused = line("run", command)

    assert (refused.code, refused.out) == (9, "")
    assert refused.err.endswith(f"try: the same command with {' '.join(flag)}\n")
    assert "prod-web" in line("run", command, *flag).out


@pytest.mark.parametrize("flag", [("--yes",), ("--confirm", "prod:2")])
def test_a_wrong_yes_beforehand_runs_nothing(line: CommandLine, flag: tuple[str, ...]) -> None:
    said = line("run", "rm x", *flag)

    assert (said.code, said.out) == (9, "")
    assert "--confirm prod:3" in said.err


def test_a_dry_run_needs_no_yes(line: CommandLine) -> None:
    said = line("run", "rm x", "--dry-run")

    assert said.code == 0
    assert "(destructive)" in said.out


def test_a_yes_beforehand_is_bound_to_no_plan() -> None:
    assert beforehand(Settings()) is None
    assert beforehand(Settings(yes=True)) == Consent("yes")
    assert beforehand(Settings(yes=True, confirm="prod:3")) == Consent("prod:3")


def test_the_hint_keeps_what_the_error_says() -> None:
    needed = ApprovalNeeded("text", risk="high", digest="d" * 64, phrase="yes")

    hinted = with_flag(needed)

    assert (hinted.message, hinted.digest, hinted.exit_code) == ("text", "d" * 64, 9)
    assert hinted.hint == "the same command with --yes"
