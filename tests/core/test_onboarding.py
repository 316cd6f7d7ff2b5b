"""The first files of a home: made once, never changed, private."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from devopsclaw.core.config import load
from devopsclaw.core.config_edit import prepare, write
from devopsclaw.core.config_model import Config
from devopsclaw.core.onboarding import make, survey
from devopsclaw.core.paths import Home, shipped
from devopsclaw.model.errors import Damaged

EXPECTED = [
    "config.json",
    "workspace",
    "workspace/AGENT.md",
    "workspace/HEARTBEAT.md",
    "workspace/IDENTITY.md",
    "workspace/SOUL.md",
    "workspace/USER.md",
    "workspace/memory",
    "workspace/skills",
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home that does not exist yet."""
    return Home(tmp_path / "home")


def _everything(home: Home) -> dict[str, bytes]:
    return {
        str(path.relative_to(home.root)): path.read_bytes() if path.is_file() else b""
        for path in sorted(home.root.rglob("*"))
    }


def test_a_new_home_gets_every_file_and_folder(home: Home) -> None:
    pieces = survey(home, home.workspace)

    make(home, pieces)

    assert not any(piece.is_there for piece in pieces)
    assert sorted(_everything(home)) == EXPECTED
    assert sorted(str(piece.path.relative_to(home.root)) for piece in pieces) == EXPECTED


def test_everything_is_for_the_owner_only(home: Home) -> None:
    make(home, survey(home, home.workspace))

    modes = {stat.S_IMODE(path.stat().st_mode) for path in home.root.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in (home.root, home.workspace)} == {0o700}


def test_the_second_time_nothing_changes(home: Home) -> None:
    make(home, survey(home, home.workspace))
    before = _everything(home)

    pieces = survey(home, home.workspace)
    make(home, pieces)

    assert all(piece.is_there for piece in pieces)
    assert _everything(home) == before


def test_what_a_person_wrote_is_kept_and_the_rest_is_made(home: Home) -> None:
    home.workspace.mkdir(parents=True)
    (home.workspace / "SOUL.md").write_text("mine")
    (home.workspace / "USER.md").symlink_to(home.root / "nowhere")

    make(home, survey(home, home.workspace))

    assert (home.workspace / "SOUL.md").read_text() == "mine"
    assert (home.workspace / "USER.md").is_symlink()
    assert not (home.root / "nowhere").exists()
    assert (home.workspace / "AGENT.md").exists()


def test_the_starter_configuration_means_the_defaults_and_can_be_edited(home: Home) -> None:
    make(home, survey(home, home.workspace))
    before = home.config.read_text()

    assert load(home, {}).config == Config()
    write(home, prepare(home, "relay.url", "ws://relay:9443"))

    assert load(home, {}).config.relay.url == "ws://relay:9443"
    assert home.config.read_text() == before.replace('"url": ""', '"url": "ws://relay:9443"')


def test_the_models_in_the_starter_load_when_their_slashes_are_taken_away(home: Home) -> None:
    make(home, survey(home, home.workspace))

    home.config.write_text(home.config.read_text().replace("// {", "{"))

    assert [entry.model_name for entry in load(home, {}).config.model_list] == ["gpt4", "local"]


def test_the_heartbeat_has_no_active_task() -> None:
    text = (shipped("templates") / "HEARTBEAT.md").read_text()

    visible = text[: text.index("<!--")] + text[text.index("-->") + 3 :]
    assert not [line for line in visible.splitlines() if line.lstrip().startswith(("-", "*", "1"))]


def test_a_workspace_elsewhere_is_made_there(home: Home, tmp_path: Path) -> None:
    make(home, survey(home, tmp_path / "a" / "work"))

    assert (tmp_path / "a" / "work" / "AGENT.md").exists()
    assert not home.workspace.exists()


def test_a_file_in_the_place_of_the_workspace_is_told(home: Home) -> None:
    home.root.mkdir()
    home.workspace.write_text("")

    with pytest.raises(Damaged, match=r"AGENT\.md could not be made: (Not a directory|File exists)"):
        make(home, survey(home, home.workspace))
    assert home.workspace.read_text() == ""


def test_a_broken_onboarding_goes_on_where_it_stopped(home: Home) -> None:
    home.workspace.parent.mkdir()
    home.workspace.write_text("")
    with pytest.raises(Damaged):
        make(home, survey(home, home.workspace))
    home.workspace.unlink()

    make(home, survey(home, home.workspace))

    assert sorted(_everything(home)) == EXPECTED
