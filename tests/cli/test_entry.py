"""The command line around its commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.cli import sample_house
from tests.cli.conftest import CommandLine

from devopsclaw.cli import entry, generate
from devopsclaw.model.errors import Misused


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_is_printed_for_four_shells(line: CommandLine, shell: str) -> None:
    said = line("completion", shell)

    assert said.code == 0
    assert "_DEVOPSCLAW_COMPLETE" in said.out and "devopsclaw" in said.out


def test_completion_for_another_shell_is_a_usage_error(line: CommandLine) -> None:
    assert line("completion", "csh").code == 2


@pytest.fixture
def schemas(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample's schemas."""
    path = tmp_path / "schemas.json"
    path.write_text(json.dumps(generate.schemas_of(sample_house.OPERATIONS)))
    monkeypatch.setattr(entry, "SCHEMAS", path)


@pytest.mark.parametrize("name", ["nodes", "devopsclaw.nodes/1"])
def test_a_schema_is_printed_by_its_short_or_whole_name(line: CommandLine, schemas: None, name: str) -> None:
    schema = json.loads(line("schema", name).out)

    assert schema["properties"]["schema"] == {"const": "devopsclaw.nodes/1"}
    assert schema["properties"]["items"]["items"] == {"$ref": "#/$defs/NodeRow"}


def test_without_a_name_the_schemas_are_listed(line: CommandLine, schemas: None) -> None:
    assert "devopsclaw.nodes/1\n" in line("schema").out
    assert "devopsclaw.nodes/1" in json.loads(line("schema", "--json").out)


def test_an_unknown_schema_names_the_nearest(line: CommandLine, schemas: None) -> None:
    said = line("schema", "node")

    assert said.code == 2
    assert said.err == "error: there is no schema 'node'\n  try: devopsclaw schema nodes\n"


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["--headless", "relay", "--max", "5"], ["relay", "start", "--max", "5"]),
        (["-d", "--headless", "daemon"], ["-d", "agent-daemon"]),
        (["--headless", "gateway"], ["gateway"]),
        (["run", "--headless"], ["run", "--headless"]),
        ([], []),
    ],
)
def test_headless_and_a_role_are_the_role_s_command(words: list[str], meant: list[str]) -> None:
    assert entry.with_role(words) == meant


@pytest.mark.parametrize("words", [["--headless"], ["--headless", "router"]])
def test_headless_without_a_known_role_says_which_there_are(words: list[str]) -> None:
    with pytest.raises(Misused) as raised:
        entry.with_role(words)

    roles = ("relay", "daemon", "gateway")
    assert raised.value.hint == " or ".join(f"devopsclaw --headless {role}" for role in roles)


def test_a_wrong_role_is_an_error_of_usage(line: CommandLine) -> None:
    said = line("--headless", "router")

    assert said.code == 2
    assert said.err.startswith("error: --headless takes relay, daemon or gateway, not 'router'\n")


def test_the_same_help_through_both_names_of_a_role(line: CommandLine) -> None:
    assert line("--headless", "relay", "--help").out == line("relay", "start", "--help").out


@pytest.mark.parametrize(
    ("words", "is_json"),
    [
        (["node", "list", "--json"], True),
        (["-o", "json", "node"], True),
        (["node", "--output=json"], True),
        (["-o", "table"], False),
        (["run", "--", "--json"], False),
    ],
)
def test_json_is_recognised_before_the_line_is_understood(words: list[str], is_json: bool) -> None:
    assert entry.wants_json(words) is is_json


def test_words_are_utf_8_whatever_the_locale_made_of_them() -> None:
    typed = "echo grün"

    assert entry.as_text(typed) == typed
    assert entry.as_text(typed.encode().decode("ascii", "surrogateescape")) == typed


def test_bytes_that_are_no_text_are_a_usage_error(line: CommandLine) -> None:
    said = line("node", "show", "web\udcff")

    assert said.code == 2
    assert "'web\\udcff' is no text in UTF-8" in said.err and "printf '\\377'" in said.err
