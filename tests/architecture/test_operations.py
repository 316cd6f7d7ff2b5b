"""Every operation keeps what is promised of operations: words, plan, command, row and right."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from tests.architecture.source_tree import ROOT, SOURCE

from devopsclaw import ops
from devopsclaw.cli import generate
from devopsclaw.core.approvals import Approvals
from devopsclaw.core.audit import AuditLog
from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.db import Database
from devopsclaw.core.gate import Gate
from devopsclaw.core.guards import CoreGuards
from devopsclaw.core.keys import Keys
from devopsclaw.core.operation import Operation
from devopsclaw.core.rbac import Role, Roles
from devopsclaw.core.registry import Registry, discover
from devopsclaw.core.services import Services
from devopsclaw.model.audit import AuditFilter
from devopsclaw.model.call import Actor, Call
from devopsclaw.model.errors import Denied
from devopsclaw.model.risk import Effect

OPERATIONS = discover(ops, Operation)
OURS = [operation for operation in OPERATIONS if not operation.remote]
"""The ones with faces; a remote one exists on nodes only."""

COMMANDS = json.loads((SOURCE / "cli" / "commands.json").read_text(encoding="utf-8"))

each = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)
each_of_ours = pytest.mark.parametrize("operation", OURS, ids=lambda operation: operation.name)


def undescribed(schema: dict[str, Any], where: str) -> Iterator[str]:
    """The properties of an object and of all it is made of that have no description."""
    for part, definition in {where: schema, **schema.get("$defs", {})}.items():
        for name, field in definition.get("properties", {}).items():
            if not field.get("description"):
                yield f"{part}.{name}"


def silent(model: type[BaseModel]) -> list[str]:
    """The fields of a model, and of the models in it, that nobody explains."""
    return list(undescribed(model.model_json_schema(mode="serialization"), model.__name__))


@each
def test_an_operation_says_what_it_does_in_one_sentence(operation: Operation) -> None:
    assert operation.summary.endswith(".")


@each
def test_every_field_asked_for_is_described(operation: Operation) -> None:
    assert silent(operation.params) == []


@each_of_ours
def test_every_field_that_comes_back_is_described(operation: Operation) -> None:
    assert silent(operation.result) == []


@each_of_ours
def test_a_result_has_a_schema_with_a_version(operation: Operation) -> None:
    name, _, version = operation.result.schema_name.partition("/")

    assert name.startswith("devopsclaw.") and version.isdigit()


@each_of_ours
def test_whatever_may_change_something_has_a_plan(operation: Operation) -> None:
    assert operation.ceiling is Effect.READ or operation.planner is not None


@each_of_ours
def test_an_operation_has_its_command_line(operation: Operation) -> None:
    assert [command for command in COMMANDS if command.get("operation") == operation.name]


class LetIn(Exception):
    """The actor would have been let in; what comes behind the door is not tried here."""


class Porter(CoreGuards):
    """The product's own guards, who stop behind the first question."""

    async def permit(self, operation: Operation, call: Call) -> None:
        """Deny as the product does, else stop."""
        await super().permit(operation, call)
        raise LetIn


@pytest.fixture
async def audit(tmp_path: Path) -> AsyncIterator[AuditLog]:
    """A real audit log."""
    async with await AuditLog.open(tmp_path / "audit", Keys(tmp_path / "keys"), ManualClock()) as log:
        yield log


def example(operation: Operation) -> dict[str, Any]:
    """Params that are valid as far as their types go: a denial has to come before any other error."""
    required = [param for param in generate.command_of(operation)["params"] if param.get("required")]
    values = {"text": "1s", "integer": 1, "flag": True}
    plain = {param["name"]: (param.get("choices") or [values.get(param["type"])])[0] for param in required}
    many = {param["name"] for param in required if param.get("many")}
    return {name: [value] if name in many else value for name, value in plain.items()}


async def knock(operation: Operation, user: str, audit: AuditLog) -> None:
    """Ask the gate to run the operation. Raises Denied, or LetIn."""
    roles = Roles(owner_uid=0, given={"vera": Role.VIEWER})
    bus, clock = Bus(), ManualClock()
    nobody_asks = Database(Path("no.db"), None, None)
    approvals = Approvals(nobody_asks, audit, bus, clock, 1.0)
    porter = Porter(roles, audit, bus, clock, ["prod"], approvals)
    gate = Gate(Registry([operation]), porter, Services(), bus, clock)
    await gate.run(operation.name, example(operation), Actor(user, "cli", 0 if user == "owner" else 4711))


@each_of_ours
async def test_a_stranger_is_denied_and_that_is_audited(operation: Operation, audit: AuditLog) -> None:
    with pytest.raises(Denied):
        await knock(operation, "mallory", audit)

    entry = (await audit.list(AuditFilter()))[0]
    assert (entry.user, entry.action, entry.status) == ("mallory", operation.name, "denied")


@each_of_ours
async def test_a_viewer_may_look_and_change_nothing(operation: Operation, audit: AuditLog) -> None:
    with pytest.raises(LetIn if operation.role is Role.VIEWER else Denied):
        await knock(operation, "vera", audit)

    assert operation.role is not Role.VIEWER or operation.ceiling is Effect.READ


@each_of_ours
async def test_the_owner_is_let_in(operation: Operation, audit: AuditLog) -> None:
    with pytest.raises(LetIn):
        await knock(operation, "owner", audit)


def test_no_command_stands_for_an_operation_that_is_gone() -> None:
    named = {command["operation"] for command in COMMANDS if "operation" in command}

    assert named == {operation.name for operation in OURS}


def test_results_of_one_schema_have_the_same_fields() -> None:
    fields: dict[str, set[tuple[str, ...]]] = {}
    for operation in OURS:
        fields.setdefault(operation.result.schema_name, set()).add(tuple(operation.result.model_fields))

    assert {name: found for name, found in fields.items() if len(found) > 1} == {}


def test_what_is_generated_is_fresh() -> None:
    stale = [
        path.name
        for path, text in generate.generated(OPERATIONS).items()
        if path.read_text(encoding="utf-8") != text
    ]

    assert stale == []


@each_of_ours
def test_an_operation_has_its_row_in_the_readme(operation: Operation) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert f"| {operation.summary} |" in readme
