"""The fleet token: the stronger layer wins, be it a file or a value, and no error shows it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

import pytest

from devopsclaw.assembly.token import VALUES, Token, read_token, token_of
from devopsclaw.core.config import Loaded, load
from devopsclaw.core.config_layers import Flag
from devopsclaw.core.paths import Home
from devopsclaw.core.settings import find
from devopsclaw.model.errors import BadConfig

Section = Literal["relay", "node"]
LAYERS = ("flag", "environment", "config", "nowhere")
"""The strongest first."""


def loaded(folder: Path, given: dict[str, tuple[str, str]]) -> Loaded:
    """The configuration where these settings come from these layers: setting → layer and value."""
    home = Home(folder / "home").make()
    of = {layer: {key: text for key, (place, text) in given.items() if place == layer} for layer in LAYERS}
    settings: dict[str, dict[str, str]] = {}
    for key, text in of["config"].items():
        section, _, name = key.partition(".")
        settings.setdefault(section, {})[name] = text
    home.config.write_text(json.dumps(settings))
    home.config.chmod(0o600)
    environment = {find(key).variable: text for key, text in of["environment"].items()}
    return load(home, environment, [Flag("--flag", key, text) for key, text in of["flag"].items()])


@pytest.mark.parametrize("section", VALUES)
@pytest.mark.parametrize("value_from", LAYERS)
@pytest.mark.parametrize("file_from", LAYERS)
def test_the_stronger_layer_wins_and_of_one_layer_the_file(
    section: Section, value_from: str, file_from: str, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("in-the-file")
    given = {
        f"{section}.{VALUES[section]}": (value_from, "by-value"),
        f"{section}.token_file": (file_from, str(file)),
    }

    token = token_of(loaded(tmp_path, given), section)

    if value_from == file_from == "nowhere":
        assert token == Token("", None)
    elif LAYERS.index(value_from) < LAYERS.index(file_from):
        assert token == Token("by-value", None)
    else:
        assert token == Token("in-the-file", file)


@pytest.mark.parametrize("value_from", ["flag", "environment"])
def test_a_file_that_does_not_count_is_not_even_looked_for(value_from: str, tmp_path: Path) -> None:
    given = {
        "node.token": (value_from, "by-value"),
        "node.token_file": ("config", "/nowhere/token"),
    }

    assert token_of(loaded(tmp_path, given), "node").text == "by-value"


def test_an_empty_flag_takes_nothing_away(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("in-the-file")
    given = {"relay.auth_token": ("flag", ""), "relay.token_file": ("config", str(file))}

    assert token_of(loaded(tmp_path, given), "relay").text == "in-the-file"


def test_a_token_is_not_in_its_repr() -> None:
    assert "hunter2" not in repr(Token("hunter2"))


def test_the_path_of_the_file_is_the_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text("hunter2")

    for written in ("~/token", "token", "./token"):
        found = token_of(loaded(tmp_path, {"relay.token_file": ("config", written)}), "relay")

        assert found == Token("hunter2", tmp_path / "token")


@pytest.mark.parametrize(
    ("content", "token"),
    [("hunter2", "hunter2"), ("hunter2\n", "hunter2"), ("  hunter2 \r\nsecond line\n", "hunter2")],
)
def test_the_first_line_of_the_file_is_the_token(content: str, token: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(content)

    assert read_token(str(file)) == token


@pytest.mark.parametrize("content", ["", "\n", "   \nhunter2\n"])
def test_a_file_without_a_token_is_an_error_and_not_no_token(content: str, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(content)

    with pytest.raises(BadConfig, match="is empty") as refused:
        read_token(str(file))
    assert "hunter2" not in refused.value.message + refused.value.hint


def test_a_file_that_cannot_be_read_is_an_error_with_its_name(tmp_path: Path) -> None:
    for broken in (tmp_path / "missing", tmp_path):
        with pytest.raises(BadConfig, match="cannot be read") as refused:
            read_token(str(broken))
        assert str(broken) in refused.value.message


def test_a_file_that_is_no_text_is_an_error_that_does_not_quote_it(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"\xff\xfehunter2")

    with pytest.raises(BadConfig) as refused:
        read_token(str(file))
    assert "hunter2" not in refused.value.message
