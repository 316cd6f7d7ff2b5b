"""The program as a process: version, crashes, pipes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from devopsclaw import __main__ as program
from devopsclaw._build import BUILT, COMMIT, VERSION
from devopsclaw.ops.version import baked

HEAVY = ("click", "pydantic", "asyncio", "textual", "rich", "json", "sqlite3", "subprocess")


def started(*words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the real program."""
    return subprocess.run(
        [sys.executable, "-m", "devopsclaw", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **more},
    )


def test_version_names_version_commit_and_build_time() -> None:
    done = started("version")

    assert done.stdout == f"devopsclaw {VERSION} ({COMMIT}, built {BUILT})\n"
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "words",
    [("version", "--json"), ("--json", "version"), ("version", "-o", "json"), ("-o", "json", "version")],
)
def test_version_in_json(words: tuple[str, ...]) -> None:
    assert json.loads(started(*words).stdout) == {
        "schema": "devopsclaw.version/1",
        "version": VERSION,
        "commit": COMMIT,
        "built": BUILT,
    }


def test_version_says_what_its_operation_says_at_the_other_faces() -> None:
    assert json.loads(started("version", "--json").stdout) == baked().as_json()
    assert started("version").stdout == baked().text() + "\n"


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_version_loads_nothing_heavy(flags: list[str]) -> None:
    code = (
        "import sys; from devopsclaw.__main__ import run; run(sys.argv[1:]);"
        f"loaded = set(sys.modules).intersection({HEAVY!r}); sys.exit(str(loaded) if loaded else 0)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code, "version", *flags], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, "")


def test_new_files_are_this_user_s_alone(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        program.run(["version"])
        assert os.umask(0o022) == 0o077
    finally:
        os.umask(before)


def test_a_crash_is_one_line_that_names_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEVOPSCLAW_HOME", str(tmp_path))
    monkeypatch.setattr(program, "_command", crash)

    assert program.run(["boom"]) == 1

    err = capsys.readouterr().err
    assert err.splitlines() == [
        "error: this should not have happened: ZeroDivisionError: the boiler",
        f"  try: read {tmp_path}/log/crash.jsonl, or the same with -d",
    ]
    kept = json.loads((tmp_path / "log" / "crash.jsonl").read_text())
    assert kept["version"] == VERSION and "in crash" in kept["traceback"]
    assert (tmp_path / "log" / "crash.jsonl").stat().st_mode & 0o777 == 0o600


def crash(arguments: list[str]) -> int:
    """Fail as nothing should, in a group as tasks do."""
    raise ExceptionGroup("tasks", [ZeroDivisionError("the boiler\nhas burst")])


def test_with_debug_a_crash_shows_its_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(program, "_command", crash)

    assert program.run(["-d", "boom"]) == 1
    assert "in crash" in capsys.readouterr().err


def test_a_crash_without_a_home_to_write_to_still_says_what(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("DEVOPSCLAW_HOME", str(tmp_path / "file"))
    monkeypatch.setattr(program, "_command", crash)

    assert program.run(["boom"]) == 1
    assert "the same with -d" in capsys.readouterr().err


@pytest.mark.parametrize(("words", "code"), [(["version"], 0), (["--help"], 1), (["help", "env"], 0)])
def test_a_broken_pipe_is_quiet(words: list[str], code: int) -> None:
    # click itself ends a --help whose reader is gone, with 1
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "devopsclaw", *words], stdout=pipe, stderr=subprocess.PIPE, check=False
        )

    assert (done.returncode, done.stderr) == (code, b"")


def test_what_the_locale_cannot_show_is_escaped() -> None:
    done = started("help", "zażółć", PYTHONIOENCODING="ascii", PYTHONUTF8="0")

    assert done.returncode == 2
    assert done.stderr.startswith("error: there is no command or topic 'za\\u017c")


def test_without_a_terminal_the_program_prints_its_help() -> None:
    done = started()

    assert done.returncode == 0
    assert done.stdout.startswith("Usage: devopsclaw ")
