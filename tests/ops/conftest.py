"""A real gate with the three roles, for operations that need no fleet. It asks nobody and audits nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest

from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import ManualClock
from devopsclaw.core.gate import Gate
from devopsclaw.core.operation import Operation
from devopsclaw.core.rbac import Role, Roles
from devopsclaw.core.registry import Registry
from devopsclaw.core.services import Services
from devopsclaw.model.call import Actor, Call
from devopsclaw.model.errors import Denied
from devopsclaw.model.plan import Plan

MakeGate = Callable[..., Gate]

OWNER = 1000


class _Entry:
    entry = ""

    def conclude(self, result: Any) -> None:
        """Nothing is kept."""


class _RolesOnly:
    """Guards that ask for roles and nothing else."""

    def __init__(self) -> None:
        self._roles = Roles(OWNER, {"ops": Role.OPERATOR, "view": Role.VIEWER})

    async def permit(self, operation: Operation, call: Call) -> None:
        self._roles.require(call.actor, operation.role, operation.name)

    async def permit_plan(self, operation: Operation, plan: Plan, call: Call) -> None:
        assert plan.effect.rank <= operation.ceiling.rank

    async def refuse(self, operation: Operation, call: Call, denied: Denied) -> None:
        """Not recorded here."""

    def weigh(self, plan: Plan) -> Plan:
        """Not judged here."""
        return plan

    async def ask(self, operation: Operation, plan: Plan, call: Call) -> bool:
        """Nobody is asked."""
        return False

    async def approve(self, operation: Operation, plan: Plan, call: Call) -> str:
        return ""

    @asynccontextmanager
    async def audited(
        self, operation: Operation, call: Call, plan: Plan, approval: str
    ) -> AsyncIterator[_Entry]:
        yield _Entry()


@pytest.fixture
def make_gate() -> MakeGate:
    """A gate over the given operations, with the given services."""

    def make(operations: list[Operation], *services: Any) -> Gate:
        return Gate(Registry(operations), _RolesOnly(), Services(*services), Bus(), ManualClock())

    return make


@pytest.fixture
def owner() -> Actor:
    """The admin: the OS user who owns the home."""
    return Actor("root", "test", OWNER)


@pytest.fixture
def operator() -> Actor:
    """Somebody with the role operator."""
    return Actor("ops", "test")


@pytest.fixture
def viewer() -> Actor:
    """Somebody with the role viewer."""
    return Actor("view", "test")


@pytest.fixture
def stranger() -> Actor:
    """Somebody without a role."""
    return Actor("nobody", "test")
