"""The layers by themselves: what a file and an environment give before anything is checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from devopsclaw.core.config_layers import (
    Flag,
    decode,
    from_environment,
    from_file,
    from_flags,
    parse_config,
    read,
    strangers,
)
from devopsclaw.core.settings import SETTINGS, find
from devopsclaw.model.errors import BadConfig, NotFound


def test_a_file_gives_its_leaves_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    document = parse_config('{\n"relay": {\n"url": "ws://h:1",\n"bogus": {"a": 1}\n},\n"_n": 1}', file)

    layer = from_file(document, file)

    assert {path: (given.value, given.origin) for path, given in layer.items()} == {
        ("relay", "url"): ("ws://h:1", f"{file}:3"),
        ("relay", "bogus"): ({"a": 1}, f"{file}:4"),
    }


def test_notes_inside_lists_are_left_out(tmp_path: Path) -> None:
    document = parse_config('{"model_list": [{"_old": 1, "model": "m"}]}', tmp_path)

    assert from_file(document, tmp_path)[("model_list",)].value == [{"model": "m"}]


def test_a_missing_file_is_nothing(tmp_path: Path) -> None:
    assert read(tmp_path / "config.json") is None


def test_a_home_that_is_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")

    with pytest.raises(BadConfig, match="cannot be read: Not a directory"):
        read(tmp_path / "home" / "config.json")


@pytest.mark.parametrize("key", [setting.key for setting in SETTINGS.values()])
def test_every_setting_is_read_from_its_variable(key: str) -> None:
    setting = find(key)
    text = {bool: "true", int: "7", float: "7.5"}.get(setting.annotation, "[]")

    layer = from_environment({setting.variable: text})

    assert list(layer) == [setting.path]
    assert layer[setting.path].origin == f"environment {setting.variable}"


def test_a_flag_of_no_setting_is_not_found() -> None:
    with pytest.raises(NotFound):
        from_flags([Flag("--x", "relay.nothing", "1")])


def test_decoding_names_where_the_text_stood() -> None:
    with pytest.raises(BadConfig, match=r"^here: should be a valid boolean"):
        decode("rbac.enabled", "perhaps", "here")


def test_variables_of_other_programs_are_no_strangers() -> None:
    assert list(strangers({"PATH": "", "DEVOPSCLAW_": "", "DEVOPSCLAW_RELAY_SERVICE_HOST": "10.0.0.1"})) == []
