"""Requests for a yes, as values."""

from __future__ import annotations

from typing import Any

from devopsclaw.core.risk import phrase as phrase_of
from devopsclaw.model.approval import Approval, Standing
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect

ASKED_AT = 1_795_316_954.0
"""2026-11-22 03:09:14Z."""


def plan_of(command: str = "rm -rf /srv/cache", nodes: int = 4, **more: Any) -> Plan:
    """A plan of somebody else's."""
    given: dict[str, Any] = {
        "operation": "fleet.exec",
        "effect": Effect.DESTRUCTIVE,
        "target": "role=web and env=prod",
        "nodes": tuple(sorted(f"prod-web-{number}" for number in range(1, nodes + 1))),
        "environments": ("prod",),
        "run": command,
        "steps": ("at most 50 nodes at a time", "at most 5m on each"),
        "reason": "the disk of web is full",
    }
    return Plan(**{**given, **more})


def request_of(plan: Plan | None = None, *, risk: str = "critical", **more: Any) -> Approval:
    """A request of tomas, who typed it at a command line; it waits ten minutes."""
    plan = plan or plan_of()
    given: dict[str, Any] = {
        "id": "A-17",
        "status": Standing.WAITING,
        "plan": plan,
        "risk": risk,
        "phrase": phrase_of(plan) if risk == "critical" else "",
        "call": "0" * 32,
        "user": "tomas",
        "uid": 1001,
        "door": "cli",
        "needs_other": False,
        "asked_at": ASKED_AT,
        "expires_at": ASKED_AT + 600,
    }
    return Approval(**{**given, **more})
