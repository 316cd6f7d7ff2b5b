"""What a face loads, seen in a fresh process."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.architecture.source_tree import modules

DRAWS = ("app", "palette", "console", "screens", "widgets")


def loaded(code: str, *unwanted: str) -> str:
    """Which of the unwanted modules are loaded after the code ran; the error where it failed."""
    check = f"\nimport sys\nprint(sorted(set({unwanted!r}).intersection(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code + check], capture_output=True, text=True, check=False)
    return done.stderr or done.stdout.strip().splitlines()[-1]


def test_nothing_but_the_console_loads_textual() -> None:
    names = [module.name for module in modules() if module.component not in DRAWS]
    code = f"from importlib import import_module\nfor name in {names!r}: import_module(name)"

    assert loaded(code, "textual", "rich") == "[]"


@pytest.mark.parametrize("words", [["version"], ["version", "--json"], ["--version"]])
def test_version_loads_neither_click_nor_pydantic_nor_asyncio(words: list[str]) -> None:
    code = f"from devopsclaw.__main__ import run\nrun({words!r})"

    assert loaded(code, "click", "pydantic", "asyncio", "json") == "[]"


def test_help_loads_neither_pydantic_nor_asyncio() -> None:
    code = "from devopsclaw.__main__ import run\nrun(['--help'])"

    assert loaded(code, "pydantic", "asyncio", "sqlite3", "cryptography") == "[]"
