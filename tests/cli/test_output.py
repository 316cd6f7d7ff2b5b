"""Where output goes."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from devopsclaw.cli.output import Printer, plan_text
from devopsclaw.cli.settings import Settings
from devopsclaw.model.errors import NotFound

PLAN: dict[str, Any] = {
    "operation": "fleet.exec",
    "effect": "write",
    "target": "role=web",
    "nodes": ["prod-web-1", "prod-web-2"],
    "environments": ["prod"],
    "run": "uptime",
    "steps": ["one node after the other", "10s between two nodes"],
    "undo": "none",
    "reason": "",
    "digest": "0123456789abcdef",
}


class Screen(io.TextIOWrapper):
    """A stream that may be a terminal, in some encoding."""

    def __init__(self, is_terminal: bool = False, encoding: str = "UTF-8") -> None:
        self._bytes = io.BytesIO()
        super().__init__(self._bytes, encoding=encoding, newline="")
        self._is_terminal = is_terminal

    def getvalue(self) -> str:
        """All that was written."""
        return self._bytes.getvalue().decode(self.encoding)

    def isatty(self) -> bool:
        """Whether a person looks at it."""
        return self._is_terminal


def printer(
    settings: Settings | None = None,
    *,
    is_terminal: bool = False,
    encoding: str = "UTF-8",
    **environment: str,
) -> tuple[Printer, Screen, Screen]:
    """A printer with its stdout and stderr."""
    out, err = Screen(is_terminal, encoding), Screen(is_terminal, encoding)
    return Printer(settings or Settings(), out, err, environment), out, err


def test_an_error_is_one_line_and_a_hint_on_stderr() -> None:
    writer, out, err = printer(Settings(quiet=True))

    writer.error(NotFound("there is no node x", hint="devopsclaw node list"))

    assert err.getvalue() == "error: there is no node x\n  try: devopsclaw node list\n"
    assert out.getvalue() == ""


def test_an_error_without_a_hint_has_no_second_line() -> None:
    writer, _, err = printer()

    writer.error(NotFound("there is no node x"))

    assert err.getvalue() == "error: there is no node x\n"


def test_an_error_in_json_carries_code_message_hint_and_id() -> None:
    writer, _, err = printer(Settings(output="json"))

    writer.error(NotFound("gone", hint="look", identifier="E-1"))

    assert json.loads(err.getvalue()) == {
        "error": {"code": "not_found", "message": "gone", "hint": "look", "id": "E-1"}
    }


def test_a_list_is_a_table_and_names_its_next_page_on_stderr() -> None:
    writer, out, err = printer()

    writer.result({"items": [{"name": "a"}], "next": "b"}, "", [["node", "name"]])

    assert out.getvalue() == "NODE\na\n"
    assert err.getvalue() == "there are more: b\n"


@pytest.mark.parametrize("body", [{"items": [{"name": "a"}]}, {"folds": [], "counts": {}}, {}])
def test_what_there_is_to_do_to_know_more_is_a_message_and_a_field_in_json(body: dict[str, Any]) -> None:
    page, out, err = printer()
    page.result({**body, "hint": "look again"}, "text", [["NAME", "name"]] if "items" in body else [])
    assert err.getvalue().endswith("look again\n") and "look again" not in out.getvalue()

    page, out, err = printer(Settings(output="json"))
    page.result({**body, "hint": "look again"}, "text", [])
    assert json.loads(out.getvalue())["hint"] == "look again" and err.getvalue() == ""


def test_a_result_without_a_table_prints_its_text() -> None:
    writer, out, _ = printer()

    writer.result({"line": "well"}, "line: well", [])

    assert out.getvalue() == "line: well\n"


def test_json_is_the_result_as_it_is() -> None:
    writer, out, err = printer(Settings(output="json"))
    body = {"schema": "devopsclaw.run/1", "folds": [], "counts": {}, "note": "é"}

    writer.result(body, "text", [])

    assert json.loads(out.getvalue()) == body
    assert "é" in out.getvalue()
    assert err.getvalue() == ""


def test_a_dry_run_prints_the_plan_and_says_that_nothing_ran() -> None:
    writer, out, err = printer()

    writer.plan(PLAN)

    assert out.getvalue() == plan_text(PLAN) + "\n"
    assert err.getvalue() == "nothing ran: this was a dry run\n"


def test_a_plan_in_json_has_a_schema() -> None:
    writer, out, _ = printer(Settings(output="json"))

    writer.plan(PLAN)

    assert json.loads(out.getvalue()) == {"schema": "devopsclaw.plan/1", **PLAN}


def test_a_plan_reads_what_where_how_and_how_to_undo() -> None:
    assert plan_text(PLAN).splitlines() == [
        "plan    fleet.exec  (write)",
        "target  role=web",
        "nodes   2: prod-web-1, prod-web-2",
        "env     prod",
        "runs    uptime",
        "        one node after the other",
        "        10s between two nodes",
        "undo    none",
        "digest  0123456789ab",
    ]


def test_anything_that_is_written_removes_the_line_of_progress_first() -> None:
    writer, out, err = printer(is_terminal=True)

    writer.draw("1 node: 1 running")
    writer.draw("1 node: 1 ok")
    writer.out("done")

    assert err.getvalue() == "1 node: 1 running\r\x1b[K1 node: 1 ok\r\x1b[K"
    assert out.getvalue() == "done\n"


def test_nothing_is_redrawn_off_a_terminal() -> None:
    assert not printer()[0].has_terminal
    assert not printer(Settings(quiet=True), is_terminal=True)[0].has_terminal
    assert printer(is_terminal=True)[0].has_terminal


@pytest.mark.parametrize(
    ("color", "is_terminal", "environment", "is_colored"),
    [
        ("auto", True, {}, True),
        ("auto", False, {}, False),
        ("auto", True, {"NO_COLOR": "1"}, False),
        ("auto", True, {"NO_COLOR": ""}, True),
        ("auto", True, {"TERM": "dumb"}, False),
        ("always", False, {"NO_COLOR": "1"}, True),
        ("never", True, {}, False),
    ],
)
def test_colour_follows_flag_then_environment_then_terminal(
    color: str, is_terminal: bool, environment: dict[str, str], is_colored: bool
) -> None:
    assert (
        printer(Settings(color=color), is_terminal=is_terminal, **environment)[0].is_colored() is is_colored
    )


def test_marks_are_ascii_where_the_locale_is_not_utf8() -> None:
    assert printer(encoding="ANSI_X3.4-1968")[0].marked("ok") == "+ ok"
    assert printer(encoding="utf-8")[0].marked("ok") == "● ok"


def test_folds_are_ascii_where_the_locale_is_not_utf8() -> None:
    writer, out, _ = printer(encoding="ascii")
    fold = {
        "nodes": "a",
        "count": 1,
        "status": "ok",
        "exit_code": 0,
        "reason": "",
        "stdout": "",
        "stderr": "",
    }

    writer.result({"folds": [fold], "counts": {"ok": 1}}, "", [])

    assert out.getvalue() == "-- a (1) + ok exit 0\n"


def test_processes_that_were_left_stand_under_the_folds() -> None:
    writer, out, _ = printer()
    items = [{"node": "a", "left": ["12 sleep"], "survivors": []}]

    writer.result({"folds": [], "counts": {"ok": 1}, "items": items}, "", [])

    assert out.getvalue() == "a left running: 12 sleep\n"


def test_quiet_drops_notes_and_keeps_warnings() -> None:
    writer, _, err = printer(Settings(quiet=True))

    writer.note("by the way")
    writer.warn("the clock is wrong", "set it")

    assert err.getvalue() == "warning: the clock is wrong\n  try: set it\n"


def test_a_result_that_cannot_be_written_is_said_and_is_no_defect() -> None:
    home_made = [sys.executable, "-m", "devopsclaw", "help", "exit-codes"]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(home_made, stdout=full, stderr=subprocess.PIPE, text=True, check=False)

    assert done.returncode == 1
    assert "could not be written: No space left on device" in done.stderr
    assert "should not have happened" not in done.stderr
