"""The risk of a plan: the table of design §9, as one pure function. Effects are judged in ops/."""

from __future__ import annotations

from collections.abc import Collection

from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect, Risk

FEW, MANY = 3, 50
"""Up to three nodes are few; above fifty a write is high even where nothing is protected."""


def risk(plan: Plan, protected: Collection[str]) -> Risk:
    """Design §9. `protected` holds the values of `env` that count as protected."""
    if plan.effect is Effect.READ:
        return Risk.NONE
    if plan.trust:
        return Risk.HIGH
    guarded = any(name in protected for name in plan.environments)
    many = len(plan.nodes) > FEW
    if plan.effect is Effect.DESTRUCTIVE:
        return Risk.CRITICAL if guarded or many else Risk.HIGH
    if guarded:
        return Risk.HIGH if many else Risk.MEDIUM
    if many:
        return Risk.HIGH if len(plan.nodes) > MANY else Risk.MEDIUM
    return Risk.LOW


def phrase(plan: Plan) -> str:
    """What a person types to confirm a critical plan: `ENV:COUNT`, as `prod:43`."""
    return f"{'+'.join(plan.environments) or 'none'}:{len(plan.nodes)}"
