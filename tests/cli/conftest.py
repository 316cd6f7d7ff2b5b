"""A command line over the sample house: in process, and as a real program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.cli import sample_house

from devopsclaw.cli import entry, tree
from devopsclaw.cli.output import Printer
from devopsclaw.cli.runner import Request, perform
from devopsclaw.cli.settings import Settings

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Said:
    """What one command line wrote, and its exit code."""

    code: int
    out: str
    err: str


CommandLine = Callable[..., Said]


@pytest.fixture
def sample_commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The tree over the sample house."""
    monkeypatch.setattr(tree, "COMMANDS", tree.COMMANDS)
    monkeypatch.setenv("DEVOPSCLAW_HOME", str(tmp_path))
    sample_house.use_sample_commands(tmp_path)
    yield


@pytest.fixture
def faces() -> dict[str, list[dict[str, object]]]:
    """Which faces were entered, with what."""
    return {"console": [], "relay": [], "daemon": [], "gateway": [], "demo": []}


@pytest.fixture
def line(
    sample_commands: None,
    faces: dict[str, list[dict[str, object]]],
    capsys: pytest.CaptureFixture[str],
) -> CommandLine:
    """Run words in this process."""

    def enter(name: str) -> entry.Face:
        def face(settings: Settings, **given: object) -> int:
            faces[name].append(given)
            return 0

        return face

    def run(*words: str) -> Said:
        code = entry.main(
            words,
            {name: enter(name) for name in faces},
            lambda spec, params, settings: perform(
                Request(spec["operation"], params, spec["columns"], settings, spec["effect"] == "read"),
                sample_house.open_house,
                Printer(settings),
            ),
        )
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def program(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start words as a real process over the sample house; its home is `tmp_path`."""

    def start(*words: str, **more: object) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "DEVOPSCLAW_HOME": str(tmp_path),
            "PYTHONPATH": str(ROOT),
            **{str(key): str(value) for key, value in more.items()},
        }
        return subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("sample_house.py")), *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start
