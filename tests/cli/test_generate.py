"""What follows from the registry."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.cli import sample_house

from devopsclaw.cli import entry, generate
from devopsclaw.cli.output import PLAN_SCHEMA
from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import Operation, Params, Result, operation, option
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect


def command(path: str) -> dict[str, Any]:
    """The sample command at this path."""
    commands = generate.commands_of(sample_house.OPERATIONS)
    return next(each for each in commands if " ".join(each["path"]) == path)


def test_an_operation_becomes_a_command_of_its_noun_and_verb() -> None:
    run = command("fleet exec")

    assert run["operation"] == "fleet.exec"
    assert run["effect"] == "destructive"
    assert run["result"] == "devopsclaw.run/1"
    assert run["aliases"] == ["run"]


def test_the_docstring_gives_summary_text_and_examples() -> None:
    run = command("fleet exec")

    assert run["summary"] == "Run a command on every node that matches."
    assert run["description"].endswith("Nodes that answer the same are shown once.")
    assert run["examples"] == [
        "devopsclaw run uptime --tag role=web",
        'devopsclaw fleet exec "df -h /" --serial',
    ]


def test_fields_become_arguments_and_options_of_their_types() -> None:
    params = {param["name"]: param for param in command("fleet exec")["params"]}

    assert params["command"] == {
        "name": "command",
        "kind": "argument",
        "type": "text",
        "help": "Command line, run by /bin/sh on each node.",
        "required": True,
    }
    assert params["tag"]["many"] and params["tag"]["type"] == "text"
    assert params["max"]["type"] == "integer"
    assert params["serial"]["type"] == "flag"
    assert params["delay"]["flags"] == ["--delay", "-w"]
    assert params["delay"]["metavar"] == "TIME"
    assert params["delay"]["default"] == 1.5
    assert params["secret"]["hidden"]


def test_an_enumeration_becomes_a_choice_and_none_is_left_out_of_a_type() -> None:
    params = {param["name"]: param for param in command("node list")["params"]}

    assert params["order"]["choices"] == ["name", "age"]
    assert params["limit"]["type"] == "integer"


def test_columns_and_schema_come_from_the_result() -> None:
    schema = generate.schemas_of(sample_house.OPERATIONS)["devopsclaw.nodes/1"]

    assert command("node list")["columns"] == [["node", "name"], ["status", "status"], ["labels", "labels"]]
    assert schema["properties"]["schema"] == {"const": "devopsclaw.nodes/1"}
    assert schema["required"][0] == "schema"


def test_a_node_s_own_operation_has_no_command() -> None:
    operations = [
        each["operation"] for each in generate.commands_of(sample_house.OPERATIONS) if "operation" in each
    ]

    assert "host.exec" not in operations
    assert "node.list" in operations


class Clashing(Params):
    """Takes a flag that every command has."""

    quiet: bool = option("Be quiet.", False)


async def clash(ctx: Ctx, params: Clashing) -> Result:
    """Clash."""
    return Result()


def declared(name: str) -> Operation:
    """An operation of this name that takes --quiet."""
    return operation(name, Effect.READ)(clash)


def test_a_field_may_not_take_the_flag_of_every_command() -> None:
    with pytest.raises(ValueError, match=r"sample\.clash: \['--quiet'\]"):
        generate.commands_of([declared("sample.clash")])


def test_an_operation_may_not_be_called_as_a_fixed_command() -> None:
    twice = [each for each in sample_house.OPERATIONS if each.name == "node.list"] * 2

    with pytest.raises(ValueError, match="two commands are called 'node list'"):
        generate.commands_of(twice)


def test_the_table_shows_the_shortest_name_first() -> None:
    table = generate.table_of(generate.commands_of(sample_house.OPERATIONS))

    assert "| `run` (also `fleet exec`) | Run a command on every node that matches. |" in table
    assert "| `node list` (also `node ls`) | List the nodes. |" in table
    assert "| `status` | Show what is so. |" in table
    assert table.startswith("| Command | What it does |\n|---|---|\n")


def test_the_readme_s_table_is_replaced_between_its_marks() -> None:
    readme = "a\n<!-- commands -->\nold\n<!-- /commands -->\nb\n"

    assert generate.with_table(readme, "new") == "a\n<!-- commands -->\nnew\n<!-- /commands -->\nb\n"


def test_a_readme_without_marks_is_an_error() -> None:
    with pytest.raises(ValueError, match="no <!-- commands -->"):
        generate.with_table("# devopsclaw\n", "new")


def test_every_setting_has_a_variable_and_no_secret_is_shown() -> None:
    rows = {row["variable"]: row for row in generate.environment()}

    assert rows["DEVOPSCLAW_RELAY_LISTEN_ADDR"]["default"] == " [default: :9443]"
    assert rows["DEVOPSCLAW_RELAY_AUTH_TOKEN"]["default"] == ""
    assert rows["DEVOPSCLAW_FLEET_PROTECTED_ENVS"]["default"] == " [default: prod,production,live]"


@pytest.fixture
def sample_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The generator over the sample house, writing into `tmp_path`."""
    readme = tmp_path / "README.md"
    readme.write_text("<!-- commands -->\n<!-- /commands -->\n")
    monkeypatch.setattr(generate, "README", readme)
    monkeypatch.setattr(generate, "HERE", tmp_path)
    monkeypatch.setattr(generate, "discover", lambda package, kind: sample_house.OPERATIONS)
    return tmp_path


def test_generating_twice_writes_once(sample_files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main([]) == 0
    first = capsys.readouterr().out
    assert generate.main([]) == 0

    assert "wrote commands.json" in first and "wrote README.md" in first
    assert capsys.readouterr().out == ""
    assert json.loads((sample_files / "commands.json").read_text())


def test_a_stale_file_fails_the_check_and_is_left_alone(
    sample_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generate.main([])
    (sample_files / "schemas.json").write_text("{}")

    assert generate.main(["--check"]) == 1
    assert "error: schemas.json is stale\n  try: make generate" in capsys.readouterr().err
    assert (sample_files / "schemas.json").read_text() == "{}"


def test_what_a_dry_run_prints_has_a_schema_too() -> None:
    plan = Plan(operation="fleet.exec", effect=Effect.READ)
    printed = {"schema": PLAN_SCHEMA, **plan.model_dump(mode="json"), "digest": plan.digest}

    (schema,) = generate.plan_schema().values()

    assert set(schema["properties"]) == set(printed)
    assert PLAN_SCHEMA in json.loads(entry.SCHEMAS.read_text())
