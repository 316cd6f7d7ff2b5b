"""A home is its owner's alone, or says what to type so that it is."""

from __future__ import annotations

import grp
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from devopsclaw.core.config import Loaded, load
from devopsclaw.core.keys import Keys
from devopsclaw.core.paths import Home
from devopsclaw.core.rights import exposures, guarded
from devopsclaw.model.errors import Damaged


@pytest.fixture
def loaded(tmp_path: Path) -> Loaded:
    """The configuration of a home with a key, a pin and a database, as they are made."""
    home = Home(tmp_path / "home").make()
    Keys(home.keys).load_or_create("controller")
    (home.keys / "relays.json").touch(0o600)
    with closing(sqlite3.connect(home.state / "core.db")):
        (home.state / "core.db").chmod(0o600)
    return load(home, {})


def said(loaded: Loaded) -> list[str]:
    """What is exposed, without the paths before the home."""
    return [f"{each.text} | {each.fix}".replace(str(loaded.home.root), "~") for each in exposures(loaded)]


def test_a_home_as_it_is_made_is_its_owners_alone(loaded: Loaded) -> None:
    assert said(loaded) == []
    assert guarded(loaded).warnings == ()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_nothing_starts_on_a_key_that_others_can_have(loaded: Loaded, mode: int) -> None:
    key = loaded.home.keys / "controller.pem"
    key.chmod(mode)

    with pytest.raises(Damaged, match=f"{key} can be (read|changed) by other users") as refused:
        guarded(loaded)

    assert f"chmod 600 {key}" in refused.value.hint


@pytest.mark.parametrize(("name", "mode", "fix"), [("relays.json", 0o620, "600"), (".", 0o770, "700")])
def test_nothing_starts_where_others_could_replace_who_is_trusted(
    loaded: Loaded, name: str, mode: int, fix: str
) -> None:
    (loaded.home.keys / name).chmod(mode)

    with pytest.raises(Damaged, match="changed by other users") as refused:
        guarded(loaded)

    assert f"chmod {fix} " in refused.value.hint


@pytest.mark.parametrize(
    ("name", "mode", "wanted"),
    [
        (".", 0o755, "chmod 700 ~"),
        ("run", 0o710, "chmod 700 ~/run"),
        ("audit", 0o750, "chmod 700 ~/audit"),
        ("keys", 0o711, "chmod 700 ~/keys"),
        ("state/core.db", 0o644, "chmod 600 ~/state/core.db"),
    ],
)
def test_all_else_that_is_open_is_a_warning(loaded: Loaded, name: str, mode: int, wanted: str) -> None:
    (loaded.home.root / name).chmod(mode)

    (line,) = said(loaded)

    assert line.endswith(f"(mode {mode:04o}) | {wanted}")
    assert len(guarded(loaded).warnings) == 1


def test_a_team_may_enter_its_home_and_no_more(loaded: Loaded) -> None:
    home, group = loaded.home, grp.getgrgid(os.getgid()).gr_name
    shared = load(home, {"DEVOPSCLAW_CORE_SOCKET_GROUP": group})
    for folder in (home.root, home.run):
        folder.chmod(0o710)
    assert said(shared) == []

    home.run.chmod(0o750)
    assert [line.split(" by ")[0] for line in said(shared)] == ["~/run can be read"]


def test_a_token_file_that_others_can_read_is_told(loaded: Loaded, tmp_path: Path) -> None:
    token = tmp_path / "fleet token"
    token.touch(0o644)

    (line,) = said(load(loaded.home, {"DEVOPSCLAW_RELAY_TOKEN_FILE": str(token)}))

    assert line.endswith(f"| chmod 600 '{token}'")


@pytest.mark.skipif(os.getuid() != 0, reason="only root gives files away")
def test_nothing_starts_on_a_key_of_another_user(loaded: Loaded) -> None:
    os.chown(loaded.home.keys / "controller.pem", 12345, -1)

    with pytest.raises(Damaged, match="belongs to another user") as refused:
        guarded(loaded)

    assert "sudo chown 0 " in refused.value.hint
