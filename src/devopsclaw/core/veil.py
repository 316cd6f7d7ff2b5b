"""Events and audit entries without the secrets in their texts. What is hidden where: core/redact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from devopsclaw.core.redact import EVERYWHERE, IN_AUDIT, KNOWN
from devopsclaw.model.audit import Draft
from devopsclaw.model.events import CallEnded, CallStarted, NodeMoved, RelayMoved, RunPlanned, Warned
from devopsclaw.model.plan import Plan

TEXTS: Mapping[type[Any], tuple[str, ...]] = {
    CallEnded: ("error",),
    NodeMoved: ("reason",),
    RelayMoved: ("why",),
    RunPlanned: ("command",),
    Warned: ("text", "hint"),
}
"""Event → its fields in which somebody's text may stand."""


def veiled_draft(draft: Draft) -> Draft:
    """The audit entry as it may be kept for ever."""
    target, detail = KNOWN.text(draft.target, IN_AUDIT), KNOWN.hide(draft.detail, IN_AUDIT)
    return draft.model_copy(update={"target": target, "detail": detail})


def veiled(event: Any) -> Any:
    """The event as anybody may hear it. A plan and a command are hidden by value only, as people compare
    them; bytes that a node printed are not touched.
    """
    if isinstance(event, CallStarted):
        plan = _veiled_plan(event.plan)
        return event if plan is event.plan else replace(event, plan=plan)
    texts = {name: text for name in TEXTS.get(type(event), ()) if (text := getattr(event, name))}
    rules = () if isinstance(event, RunPlanned) else EVERYWHERE
    hidden = {name: KNOWN.text(text, rules) for name, text in texts.items()}
    return event if hidden == texts else replace(event, **hidden)


def _veiled_plan(plan: Plan) -> Plan:
    texts = {"target": plan.target, "run": plan.run, "undo": plan.undo, "reason": plan.reason}
    hidden = {name: KNOWN.text(text, ()) for name, text in texts.items()}
    steps = tuple(KNOWN.text(step, ()) for step in plan.steps)
    if hidden == texts and steps == plan.steps:
        return plan
    return plan.model_copy(update={**hidden, "steps": steps})
