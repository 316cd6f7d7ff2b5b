"""The walls of a demo node, with bubblewrap as it is installed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from devopsclaw.demo import sandbox

WEB = {"SERVICE": "nginx", "FILL": "", "DEAD": ""}


def inside(folder: Path, *argv: str, **situation: str) -> subprocess.CompletedProcess[str]:
    """Run this as the node `web-1`."""
    words = sandbox.wrapped(sandbox.available(), "web-1", folder, list(argv))
    environment = {**os.environ, **WEB, **situation}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False)


def test_a_node_has_its_own_name_processes_and_scratch(tmp_path: Path) -> None:
    done = inside(tmp_path, "sh", "-c", "uname -n; pwd; ls /proc | grep -c '^[0-9]'; cat /proc/[0-9]*/comm")

    name, folder, processes, *names = done.stdout.splitlines()
    assert (name, folder) == ("web-1", "/srv") and int(processes) < 10
    assert "nginx" in names and "pytest" not in names


def test_nothing_but_its_folder_can_be_written_and_the_home_is_not_there(tmp_path: Path) -> None:
    mine, other = tmp_path / "mine", tmp_path / "other"
    for folder in (mine, other):
        folder.mkdir()
    (other / "secret").write_text("x")
    try_all = f"echo kept >{mine}/file; cat {other}/secret; touch /etc/here; ls -A {Path.home()}"

    done = inside(mine, "sh", "-c", try_all)

    assert (mine / "file").read_text() == "kept\n"
    assert "No such file" in done.stderr and "Read-only file system" in done.stderr
    assert not Path("/etc/here").exists()


def test_the_product_runs_in_there_wherever_it_is_installed(tmp_path: Path) -> None:
    done = inside(tmp_path, sys.executable, "-m", "devopsclaw", "version")

    assert done.returncode == 0 and done.stdout.startswith("devopsclaw ")


@pytest.mark.parametrize(("fill", "dead", "free"), [("", "", True), (str(2 * sandbox.SCRATCH), "1", False)])
def test_one_of_them_has_a_full_disk_and_a_dead_service(
    tmp_path: Path, fill: str, dead: str, free: bool
) -> None:
    look = "echo x >/srv/more && echo free; cat /tmp/error.log; grep -shx nginx /proc/[0-9]*/comm"

    done = inside(tmp_path, "sh", "-c", look, FILL=fill, DEAD=dead)

    assert ("free" in done.stdout, "nginx\n" in done.stdout) == (free, free)
    assert ("No space left on device" in done.stdout) is not free
