"""Ways out for copied text: a real tmux where there is one, and programs of that name that misbehave."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from devopsclaw.core.paths import Home
from devopsclaw.host import clipboard
from devopsclaw.host.clipboard import Clipboard
from devopsclaw.model.errors import Damaged, Unreachable

HOSTILE = "$(reboot) 'web-1'\n-w\t日本 %H\n" + "x" * 40_000
"""Longer than a command line of tmux may be, and nothing in it that a shell may see."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """The socket of a tmux that nobody else uses."""
    if shutil.which("tmux") is None:
        pytest.skip("there is no tmux on this machine")
    socket = str(tmp_path / "tmux.sock")
    subprocess.run(["tmux", "-S", socket, "-f", "/dev/null", "new-session", "-d", "cat"], check=True)
    yield socket
    subprocess.run(["tmux", "-S", socket, "kill-server"], check=True)


def named_tmux(folder: Path, script: str) -> dict[str, str]:
    """An environment whose tmux is this script."""
    program = folder / "tmux"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "TMUX": "/nowhere,1,0"}


async def test_text_arrives_in_the_buffer_of_tmux_as_it_is(tmp_path: Path, server: str) -> None:
    ways = Clipboard(Home(tmp_path), {**os.environ, "TMUX": f"{server},1,0"})

    assert await ways.offer(HOSTILE) == "tmux"
    shown = subprocess.run(["tmux", "-S", server, "show-buffer"], capture_output=True, check=True).stdout
    assert shown.decode() == HOSTILE


async def test_a_tmux_that_is_gone_says_no(tmp_path: Path) -> None:
    if shutil.which("tmux") is None:
        pytest.skip("there is no tmux on this machine")
    ways = Clipboard(Home(tmp_path), {**os.environ, "TMUX": f"{tmp_path}/gone,1,0"})

    with pytest.raises(Unreachable, match="tmux refused it, exit 1"):
        await ways.offer("web-1")


async def test_an_old_tmux_that_does_not_know_the_option_says_no(tmp_path: Path) -> None:
    ways = Clipboard(Home(tmp_path), named_tmux(tmp_path, "echo usage >&2; exit 2"))

    with pytest.raises(Unreachable, match="exit 2"):
        await ways.offer("web-1")


async def test_no_tmux_on_the_path_says_no(tmp_path: Path) -> None:
    ways = Clipboard(Home(tmp_path), {"PATH": str(tmp_path), "TMUX": "/nowhere,1,0"})

    with pytest.raises(Unreachable, match="tmux could not be asked: No such file"):
        await ways.offer("web-1")


async def test_a_tmux_that_hangs_is_given_up_and_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clipboard, "PATIENCE", 0.2)
    ways = Clipboard(Home(tmp_path), named_tmux(tmp_path, f"echo $$ >{tmp_path}/pid; exec sleep 600"))

    with pytest.raises(Unreachable, match="did not answer"):
        await ways.offer("web-1")
    assert not Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}").exists()


@pytest.mark.parametrize("script", ["exit 0", "exit 1"])
async def test_no_file_is_left_whether_tmux_took_it_or_not(tmp_path: Path, script: str) -> None:
    home = Home(tmp_path / "home").make()
    before = sorted(home.root.iterdir())
    ways = Clipboard(home, named_tmux(tmp_path, script))
    with suppress(Unreachable):
        await ways.offer("password of the day")

    assert sorted(home.root.iterdir()) == before


async def test_tmux_is_told_no_secret_of_the_environment(tmp_path: Path) -> None:
    told = named_tmux(tmp_path, f"env >{tmp_path}/told")
    ways = Clipboard(Home(tmp_path), {**told, "DEVOPSCLAW_RELAY_AUTH_TOKEN": "planted"})

    await ways.offer("web-1")

    assert "planted" not in (tmp_path / "told").read_text()
    assert "TMUX=/nowhere,1,0" in (tmp_path / "told").read_text()


def test_inside_tmux_is_what_its_variable_says(tmp_path: Path) -> None:
    found = [Clipboard(Home(tmp_path), told).is_in_tmux for told in ({"TMUX": "/s,1,0"}, {"TMUX": ""}, {})]

    assert found == [True, False, False]


def test_what_is_kept_is_one_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    ways = Clipboard(Home(tmp_path), {})

    first, second = ways.keep("one"), ways.keep(HOSTILE)

    assert first == second == str(tmp_path / "clipboard.txt")
    assert Path(second).read_text() == HOSTILE
    assert Path(second).stat().st_mode & 0o777 == 0o600


def test_a_home_that_is_gone_says_what_to_look_at(tmp_path: Path) -> None:
    ways = Clipboard(Home(tmp_path / "gone"), {})

    with pytest.raises(Damaged, match=r"clipboard\.txt could not be written: No such file") as damaged:
        ways.keep("one")
    assert damaged.value.hint == "look at the disk"
