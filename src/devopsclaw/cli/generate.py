"""Writes what follows from the registry: `commands.json`, `schemas.json` and the README's table.

A build tool (`python -m devopsclaw.cli.generate [--check]`), never loaded by a running command.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from devopsclaw import ops
from devopsclaw.cli.aliases import ALIASES, PANES
from devopsclaw.cli.fixed import FIXED
from devopsclaw.cli.options import GLOBAL_FLAGS
from devopsclaw.cli.output import PLAN_SCHEMA
from devopsclaw.core.operation import Operation
from devopsclaw.core.registry import discover
from devopsclaw.core.settings import SETTINGS, shown, variable
from devopsclaw.model.plan import Plan

HERE = Path(__file__).parent
README = HERE.parents[2] / "README.md"
FURTHER = ("many", "hidden", "metavar", "path", "environment", "twice")
"""What a field may say of itself for the command line alone."""
OPENING, CLOSING = "<!-- commands -->", "<!-- /commands -->"


def commands_of(operations: Iterable[Operation]) -> list[dict[str, Any]]:
    """Every command, sorted by path: one per operation that is not a node's own, and the fixed ones."""
    commands = [command_of(each) for each in operations if not each.remote]
    commands += [{**each, "effect": "", "aliases": []} for each in FIXED]
    by_path: dict[str, dict[str, Any]] = {}
    for command in commands:
        path = " ".join(command["path"])
        if path in by_path:
            raise ValueError(f"two commands are called {path!r}")
        by_path[path] = command
    for alias, path in ALIASES.items():
        if alias in by_path:
            raise ValueError(f"the alias {alias!r} is also a command")
        if path in by_path:
            by_path[path]["aliases"].append(alias)
    return [by_path[path] for path in sorted(by_path)]


def command_of(operation: Operation) -> dict[str, Any]:
    """What the command line has to know about one operation."""
    path = operation.name.split(".")
    schema = operation.params.model_json_schema()
    params = [
        _param(operation, name, schema["properties"][name], schema) for name in operation.params.model_fields
    ]
    pane = PANES.get(" ".join(path))
    lines = operation.description.splitlines()
    return {
        "path": path,
        "operation": operation.name,
        "effect": operation.ceiling.value,
        "summary": operation.summary,
        "description": "\n".join(line for line in lines if not _is_example(line)).strip(),
        "examples": [line.strip() for line in lines if _is_example(line)],
        "params": [*params, pane] if pane else params,
        "result": operation.result.schema_name,
        "columns": [list(column) for column in operation.result.columns],
        "aliases": [],
    }


def _is_example(line: str) -> bool:
    return line.strip().startswith("devopsclaw ")


def _param(operation: Operation, name: str, field: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """One field of the params as an argument or an option. Raises ValueError for a global's flag."""
    extra = operation.params.model_fields[name].json_schema_extra or {}
    assert isinstance(extra, dict)
    param: dict[str, Any] = {"name": name, "kind": extra.get("cli", "option"), **_kind(field, schema)}
    param["help"] = field.get("description", "")
    if name in schema.get("required", []):
        param["required"] = True
    elif field.get("default") not in (None, "", [], False):
        param["default"] = field["default"]
    if param["kind"] == "option":
        flag = str(extra.get("flag", "--" + name.replace("_", "-")))
        param["flags"] = [flag, str(extra["short"])] if "short" in extra else [flag]
        taken = GLOBAL_FLAGS.intersection(param["flags"])
        if taken:
            raise ValueError(f"{operation.name}: {sorted(taken)} are flags of every command")
    param.update((key, extra[key]) for key in FURTHER if key in extra)
    return param


def _kind(field: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """`type`, and `choices` or `many` where they apply, from a property of the JSON Schema."""
    if "$ref" in field:
        return _kind(schema["$defs"][field["$ref"].rsplit("/", 1)[1]], schema)
    if "enum" in field:
        return {"type": "choice", "choices": field["enum"]}
    if "anyOf" in field:
        kinds = [_kind(each, schema) for each in field["anyOf"] if each.get("type") != "null"]
        return kinds[0] if len(kinds) == 1 else {"type": "text"}
    if field.get("type") == "array":
        return {**_kind(field.get("items", {}), schema), "many": True}
    words = {"boolean": "flag", "integer": "integer"}
    return {"type": words.get(field.get("type", ""), "text")}


def schemas_of(operations: Iterable[Operation]) -> dict[str, Any]:
    """The JSON Schema of every named result, as the command line prints it."""
    schemas: dict[str, Any] = {}
    for each in operations:
        name = each.result.schema_name
        if name:
            schemas[name] = _named(name, each.result)
    return dict(sorted(schemas.items()))


def plan_schema() -> dict[str, Any]:
    """The JSON Schema of what `--dry-run --json` prints."""
    schema = _named(PLAN_SCHEMA, Plan)
    digest = {"type": "string", "description": "SHA-256 of the plan, hex: a yes is to exactly this."}
    return {PLAN_SCHEMA: {**schema, "properties": {**schema["properties"], "digest": digest}}}


def _named(name: str, model: type[BaseModel]) -> dict[str, Any]:
    """The schema of a model whose JSON carries the name of its schema."""
    schema = model.model_json_schema(mode="serialization")
    properties = {"schema": {"const": name}, **schema.get("properties", {})}
    return {**schema, "properties": properties, "required": ["schema", *schema.get("required", [])]}


def environment() -> list[dict[str, str]]:
    """Every setting's variable with its sentence and its default, as `help env` prints it."""
    rows = []
    for setting in SETTINGS.values():
        default = _typed(shown(setting.default))
        told = f" [default: {default}]" if default else ""
        rows.append({"variable": variable(setting.path), "help": setting.description, "default": told})
    return rows


def _typed(value: Any) -> str:
    """The value as one would type it."""
    if isinstance(value, list):
        return ",".join(str(each) for each in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def table_of(commands: Sequence[dict[str, Any]]) -> str:
    """The README's table, one row per command under its shortest name."""
    rows = ["| Command | What it does |", "|---|---|"]
    for command in commands:
        own = " ".join(command["path"])
        shown, *others = sorted([own, *command["aliases"]], key=lambda name: (name.count(" "), name != own))
        also = [f"`{name}`" for name in others if not name.startswith(f"{shown} ")]
        names = f"`{shown}`" + (f" (also {', '.join(also)})" if also else "")
        rows.append(f"| {names} | {command['summary'].replace('|', chr(92) + '|')} |")
    return "\n".join(rows)


def with_table(readme: str, table: str) -> str:
    """The README with its table replaced. Raises ValueError where the two marks are missing."""
    before, opening, rest = readme.partition(OPENING)
    _, closing, after = rest.partition(CLOSING)
    if not opening or not closing:
        raise ValueError(f"README.md has no {OPENING} … {CLOSING} block for the table of commands")
    return f"{before}{OPENING}\n{table}\n{CLOSING}{after}"


def generated(operations: Sequence[Operation]) -> dict[Path, str]:
    """Every generated file and its whole content."""
    commands = commands_of(operations)
    contents = {
        "commands.json": commands,
        "schemas.json": dict(sorted((schemas_of(operations) | plan_schema()).items())),
        "environment.json": environment(),
    }
    readme = with_table(README.read_text(encoding="utf-8"), table_of(commands))
    files = {HERE / name: _json(content) for name, content in contents.items()}
    return {**files, README: readme}


def _json(content: Any) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write what is stale; with `--check` only say so. 1: something is stale."""
    files = generated(discover(ops, Operation))
    stale = [
        path for path, text in files.items() if not path.exists() or path.read_text(encoding="utf-8") != text
    ]
    if "--check" in arguments:
        for path in stale:
            print(f"error: {path.name} is stale\n  try: make generate", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        path.write_text(files[path], encoding="utf-8")
        print(f"wrote {path.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
