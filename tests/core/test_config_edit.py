"""Writing one setting: checked before, whole or not at all, comments kept."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from devopsclaw.core.config import load
from devopsclaw.core.config_edit import prepare, write
from devopsclaw.core.config_example import example
from devopsclaw.core.paths import Home
from devopsclaw.core.settings import SETTINGS, find, shown
from devopsclaw.model.errors import BadConfig, Damaged, NotFound

COMMENTED = '// mine\n{\n  "relay": {\n    "url": "ws://a:1" // cellar\n  }\n}\n'

VALID = {
    "relay.listen_addr": ":1",
    "relay.url": "ws://h",
    "node.relay": "ws://h",
    "ui.glyphs": "ascii",
    "log.level": "error",
}
"""Values for settings that do not take any text."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a commented file."""
    home = Home(tmp_path)
    home.config.write_text(COMMENTED)
    return home


def test_a_setting_is_written_and_is_then_in_force(home: Home) -> None:
    write(home, prepare(home, "relay.max_connections", "7"))

    assert load(home, {}).config.relay.max_connections == 7
    assert "// mine" in home.config.read_text()
    assert "// cellar" in home.config.read_text()


def test_preparing_writes_nothing(home: Home) -> None:
    edit = prepare(home, "relay.auth_token", "hunter2")

    assert home.config.read_text() == COMMENTED
    assert shown(edit.value) == "***"


def test_the_file_is_for_its_owner_only(home: Home) -> None:
    home.config.chmod(0o644)

    write(home, prepare(home, "relay.auth_token", "hunter2"))

    assert stat.S_IMODE(home.config.stat().st_mode) == 0o600
    assert [entry.name for entry in home.root.iterdir()] == ["config.json"]


def test_the_first_setting_makes_home_and_file(tmp_path: Path) -> None:
    home = Home(tmp_path / "new")

    write(home, prepare(home, "rbac.enabled", "false"))

    assert home.config.read_text() == '{\n  "rbac": {\n    "enabled": false\n  }\n}\n'
    assert stat.S_IMODE(home.root.stat().st_mode) == 0o700


def test_a_linked_file_stays_a_link(home: Home, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    home.config.rename(real)
    home.config.symlink_to(real)

    write(home, prepare(home, "ui.theme", "x"))

    assert home.config.is_symlink()
    assert '"theme": "x"' in real.read_text()


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("relay.max_connections", "many", "relay.max_connections: should be a valid integer"),
        (
            "relay.max_connections",
            "0",
            "relay.max_connections was not set: .*:5: relay.max_connections should be",
        ),
        ("relay.url", "h:1", "relay.url was not set: .*:4: relay.url has to look like"),
        ("model_list", "gpt4", "model_list: is not JSON"),
        ("model_list", '[{"model_name": "a"}]', r"model_list was not set: .*: model_list.0.model is missing"),
    ],
)
def test_a_wrong_value_is_refused_and_the_file_stays(home: Home, key: str, value: str, message: str) -> None:
    with pytest.raises(BadConfig, match=message):
        prepare(home, key, value)

    assert home.config.read_text() == COMMENTED


def test_an_unknown_key_is_refused(home: Home) -> None:
    with pytest.raises(NotFound, match=r"there is no setting 'relay\.auth_tokn'"):
        prepare(home, "relay.auth_tokn", "x")


def test_comments_inside_the_old_value_are_not_lost_but_told(home: Home) -> None:
    home.config.write_text('{ "fleet": {\n"protected_envs": [ "a", // mine\n] } }')

    with pytest.raises(
        BadConfig, match=r"config\.json:2: fleet\.protected_envs was not set: holds comments"
    ) as lossy:
        prepare(home, "fleet.protected_envs", "b")
    assert lossy.value.hint == "edit line 2 by hand"


def test_a_wrong_value_in_the_file_can_be_put_right(home: Home) -> None:
    home.config.write_text('{ "relay": { "max_connections": "lots" } }')

    write(home, prepare(home, "relay.max_connections", "9"))

    assert load(home, {}).config.relay.max_connections == 9


def test_a_file_that_is_no_json_is_told_and_left_alone(home: Home) -> None:
    home.config.write_text('{ "relay": ')

    with pytest.raises(BadConfig, match=r"config\.json:1: "):
        prepare(home, "ui.theme", "x")
    assert home.config.read_text() == '{ "relay": '


def test_a_home_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    edit = prepare(Home(tmp_path), "ui.theme", "x")

    with pytest.raises(Damaged, match=r"could not be written: .*; it is as it was"):
        write(Home(tmp_path / "file"), edit)


@pytest.mark.parametrize("key", [each.key for each in SETTINGS.values() if not each.examples])
def test_every_setting_can_be_set_in_the_template_without_losing_a_comment(key: str, tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.config.write_text(example())
    setting = find(key)
    value = {bool: "true", int: "7", float: "1"}.get(setting.annotation, VALID.get(key, "a"))

    write(home, prepare(home, key, value))

    assert load(home, {}).origins[key].startswith(str(home.config))
    assert home.config.read_text().count("// ") == example().count("// ")


def test_the_examples_in_the_template_are_not_overwritten(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.config.write_text(example())

    with pytest.raises(BadConfig, match="model_list was not set: holds comments"):
        prepare(home, "model_list", "[]")
