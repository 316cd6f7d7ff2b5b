"""Paths and secrets of a command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from devopsclaw.cli import prompts, typed
from devopsclaw.cli.settings import Settings
from devopsclaw.model.errors import Misused

FIELDS = [
    {"name": "file", "kind": "argument", "path": True},
    {"name": "passphrase", "kind": "secret", "environment": "WORDS", "twice": True},
]


def test_a_path_is_whole_and_a_dash_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert typed.completed(FIELDS, {"file": "keys"}, Settings(), {"WORDS": "w"}) == {
        "file": str(tmp_path / "keys"),
        "passphrase": "w",
    }
    assert typed.completed(FIELDS, {"file": "-"}, Settings(), {"WORDS": "w"})["file"] == "-"


def test_a_dry_run_asks_for_no_secret() -> None:
    assert typed.completed(FIELDS, {"file": "-"}, Settings(dry_run=True), {}) == {"file": "-"}


def test_where_nobody_can_be_asked_the_variable_is_named() -> None:
    with pytest.raises(Misused, match="the passphrase is missing") as missing:
        typed.completed(FIELDS, {"file": "-"}, Settings(no_input=True), {})

    assert "WORDS" in missing.value.hint


def test_a_new_secret_is_typed_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompts, "can_ask", lambda settings: True)
    answers = iter(["one", "one", "one", "two"])
    monkeypatch.setattr(typed, "getpass", lambda prompt: next(answers))

    assert typed.completed(FIELDS, {"file": "-"}, Settings(), {})["passphrase"] == "one"
    with pytest.raises(Misused, match="not the same"):
        typed.completed(FIELDS, {"file": "-"}, Settings(), {})
