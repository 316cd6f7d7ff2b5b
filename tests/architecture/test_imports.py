"""What a face loads, seen in a fresh process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.architecture.source_tree import modules

DRAWS = ("app", "palette", "console", "screens", "widgets")


def loaded(code: str, *unwanted: str, **environment: str) -> str:
    """Which of the unwanted modules are loaded after the code ran; the error where it failed."""
    check = f"\nimport sys\nprint(sorted(set({unwanted!r}).intersection(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code + check],
        env=environment or None,
        capture_output=True,
        text=True,
        check=False,
    )
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


@pytest.fixture(scope="module")
def running_core(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The environment of a home whose core runs in a process of its own."""
    home = tmp_path_factory.mktemp("home")
    environment = {**os.environ, "DEVOPSCLAW_HOME": str(home)}
    words = [sys.executable, "-m", "devopsclaw", "--headless", "gateway"]
    with subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True) as core:
        assert core.stderr is not None
        assert "core: open on" in core.stderr.readline()
        yield environment
        core.terminate()


@pytest.mark.parametrize(
    "words", [["node", "list"], ["status"], ["node", "list", "--json"], ["jobs", "list"]], ids=" ".join
)
def test_a_command_at_a_core_that_runs_loads_no_core(running_core: dict[str, str], words: list[str]) -> None:
    code = f"from devopsclaw.__main__ import run\nassert run({words!r}) == 0"
    heavy = ("pydantic", "asyncio", "textual", "rich", "sqlite3", "cryptography", "subprocess")

    assert loaded(code, *heavy, **running_core) == "[]"


def test_a_core_loads_only_the_way_to_its_nodes_that_it_takes(tmp_path: Path) -> None:
    code = f"""
import asyncio
from pathlib import Path
from devopsclaw import boot
from devopsclaw.core.paths import Home

async def look():
    async with boot.open(Home(Path({str(tmp_path)!r})), face="cli", environment={{}}) as core:
        await core.door.run("node.list", {{}})

asyncio.run(look())"""

    assert loaded(code, "websockets", "prometheus_client", "cryptography.x509", "yaml") == "[]"


def test_every_model_is_built_when_it_is_first_used() -> None:
    code = """
from pydantic import BaseModel
from devopsclaw import boot, ops
from devopsclaw.core.operation import Operation
from devopsclaw.core.registry import discover
discover(ops, Operation)
todo = list(BaseModel.__subclasses__())
while todo:
    model = todo.pop()
    todo += model.__subclasses__()
    if model.__module__.startswith("devopsclaw."):
        assert model.model_config.get("defer_build"), model"""

    assert loaded(code, "textual") == "[]"
