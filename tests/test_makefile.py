"""The targets of make, and what it says where the machine lacks something."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

TARGETS = ["run", "test", "check", "fmt", "lint", "types", "vet", "generate", "bench", "deps", "install"]
TARGETS += ["uninstall", "clean", "help"]
"""In the order of the help."""


def make(*words: str) -> subprocess.CompletedProcess[str]:
    """Run make as a person would, not as part of the make that runs these tests."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    return subprocess.run(
        ["make", *words], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("words", [[], ["help"]])
def test_help_is_the_default_and_names_every_target(words: list[str]) -> None:
    done = make(*words)

    assert [line.split()[1] for line in done.stdout.splitlines()] == TARGETS
    assert done.returncode == 0


def test_without_python_one_line_says_so(tmp_path: Path) -> None:
    done = make("run", "PYTHON=python-that-is-not-there", f"VENV={tmp_path}/venv")

    assert done.returncode == 2
    assert done.stderr.startswith(
        'error: devopsclaw needs Python 3.11 or newer as "python-that-is-not-there"'
    )


def test_without_venv_one_line_says_what_to_install(tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\ncase "$2" in *ensurepip*) exit 1 ;; esac\nexit 0\n')
    python.chmod(0o755)

    done = make("run", f"PYTHON={python}", f"VENV={tmp_path}/venv")

    assert done.returncode == 2
    assert done.stderr.startswith(
        "error: this Python has no venv\n  try: sudo apt-get install python3-venv\n"
    )


def test_the_script_of_continuous_integration_is_valid_bash() -> None:
    script = ROOT / ".ci" / "run"

    assert os.access(script, os.X_OK)
    subprocess.run(["bash", "-n", str(script)], check=True)
