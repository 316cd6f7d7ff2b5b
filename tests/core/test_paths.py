"""Where everything lies, and that only its owner may look."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from devopsclaw.core.paths import PACKAGE, SOCKET_NAME_LIMIT, Home, home, shipped, short


def test_the_home_is_the_named_one_else_a_hidden_folder_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    assert home({"DEVOPSCLAW_HOME": "/srv/claw"}) == Home(Path("/srv/claw"))
    assert home({"DEVOPSCLAW_HOME": "~/claw"}).root == tmp_path / "claw"
    assert home({"DEVOPSCLAW_HOME": ""}).root == tmp_path / ".devopsclaw"
    assert home({}).root == tmp_path / ".devopsclaw"
    assert home({"DEVOPSCLAW_HOME": "claw"}).root.is_absolute()


def test_everything_has_its_own_place_inside_the_home() -> None:
    there = Home(Path("/h"))

    places = [
        there.config,
        there.state,
        there.run,
        there.audit,
        there.output,
        there.keys,
        there.log,
        there.workspace,
    ]
    assert len(set(places)) == len(places)
    assert all(place.parent == there.root for place in places)
    assert there.config.name == "config.json"


def test_the_state_can_be_moved_without_the_rest(tmp_path: Path) -> None:
    moved = Home(tmp_path / "home", store=tmp_path / "disk/state").make()

    assert moved.state == tmp_path / "disk/state"
    assert moved.state.is_dir()
    assert not (tmp_path / "home/state").exists()


def test_folders_are_made_for_their_owner_only_and_stay_as_they_are(tmp_path: Path) -> None:
    there = Home(tmp_path / "home").make()
    (there.keys / "node").write_text("secret")
    there.log.chmod(0o750)

    there.make()

    assert stat.S_IMODE(there.root.stat().st_mode) == 0o700
    assert stat.S_IMODE(there.keys.stat().st_mode) == 0o700
    assert stat.S_IMODE(there.log.stat().st_mode) == 0o750
    assert (there.keys / "node").read_text() == "secret"
    assert not there.workspace.exists(), "only onboarding makes it"


def test_shipped_data_is_found_in_the_package_or_the_checkout() -> None:
    assert PACKAGE.name == "devopsclaw"
    assert (shipped("core/migrations/core") / "0001_runs.sql").is_file()
    assert shipped("tests") == Path(__file__).resolve().parent.parent


def test_the_home_of_a_demo_says_so(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.demo == ""

    (tmp_path / "demo").write_text("walls\n")

    assert home.demo == "walls"


def test_a_path_that_fits_into_an_address_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "core.sock"

    with short(path) as name:
        assert name == str(path)


def test_a_long_path_has_a_short_name_while_it_is_needed(tmp_path: Path) -> None:
    folder = tmp_path / ("zażółć-" * 12)
    folder.mkdir()
    before = open_descriptors()

    with short(folder / "core.sock") as name, socket.socket(socket.AF_UNIX) as bound:
        assert len(os.fsencode(name)) <= SOCKET_NAME_LIMIT
        bound.bind(name)

    assert (folder / "core.sock").is_socket()
    assert open_descriptors() == before


def test_the_limit_counts_bytes_not_letters(tmp_path: Path) -> None:
    folder = tmp_path / ("雪" * ((SOCKET_NAME_LIMIT - len(str(tmp_path))) // 2))
    folder.mkdir()
    assert len(str(folder)) < SOCKET_NAME_LIMIT < len(os.fsencode(folder))

    with short(folder / "s") as name:
        assert name.startswith("/proc/self/fd/")


def test_a_long_path_in_no_folder_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), short(tmp_path / ("x" * 200) / "core.sock"):
        pass


def open_descriptors() -> int:
    """How many this process has."""
    return len(list(Path("/proc/self/fd").iterdir()))
