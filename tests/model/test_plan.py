"""The plan is a frozen value, and its digest is what a yes is bound to."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect

PLAN = Plan(
    operation="fleet.exec",
    effect=Effect.WRITE,
    target="role=web",
    nodes=("web1", "web2"),
    environments=("prod",),
    run="systemctl restart nginx",
    steps=("one at a time", "10 s apart"),
    undo="none",
    reason="certificate",
)
TEXT = st.text(max_size=8)
PLANS = st.builds(
    Plan,
    operation=TEXT,
    effect=st.sampled_from(Effect),
    target=TEXT,
    nodes=st.lists(TEXT, max_size=3).map(tuple),
    environments=st.lists(TEXT, max_size=2).map(tuple),
    run=TEXT,
    steps=st.lists(TEXT, max_size=2).map(tuple),
    undo=TEXT,
    reason=TEXT,
)


@pytest.mark.parametrize(
    "change",
    [
        {"operation": "host.exec"},
        {"effect": Effect.DESTRUCTIVE},
        {"target": "all"},
        {"nodes": ("web1",)},
        {"environments": ()},
        {"run": "systemctl stop nginx"},
        {"steps": ()},
        {"undo": "systemctl start nginx"},
        {"reason": ""},
    ],
)
def test_whatever_changes_in_a_plan_changes_its_digest(change: dict[str, Any]) -> None:
    assert PLAN.model_copy(update=change).digest != PLAN.digest


def test_every_field_of_the_plan_is_covered_by_the_test_above() -> None:
    assert set(json.loads(PLAN.canonical())) == set(Plan.model_fields) - {"trust", "risk", "phrase"}


def test_how_a_plan_is_judged_is_not_part_of_it() -> None:
    assert PLAN.model_copy(update={"risk": "high", "phrase": "yes"}).digest == PLAN.digest


@settings(deadline=None)
@given(PLANS, PLANS)
def test_two_plans_have_one_digest_if_and_only_if_they_are_equal(one: Plan, other: Plan) -> None:
    assert (one.digest == other.digest) == (one == other)


@settings(deadline=None)
@given(PLANS)
def test_a_plan_survives_json_with_the_same_digest(plan: Plan) -> None:
    assert Plan.model_validate_json(plan.model_dump_json()).digest == plan.digest


def test_the_canonical_form_is_json_without_spaces_in_the_order_of_its_keys() -> None:
    plan = Plan(operation="node.drain", effect=Effect.WRITE, nodes=("wéb",))

    assert plan.canonical() == (
        '{"effect":"write","environments":[],"nodes":["wéb"],"operation":"node.drain",'
        '"reason":"","run":"","steps":[],"target":"","undo":"none"}'.encode()
    )
    assert plan.digest == hashlib.sha256(plan.canonical()).hexdigest()


def test_a_plan_cannot_be_changed_and_takes_no_unknown_field() -> None:
    with pytest.raises(ValidationError):
        PLAN.run = "true"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Plan.model_validate({"operation": "x.y", "effect": "read", "load": 0.5})


def test_effects_are_ranked_from_read_to_destructive() -> None:
    assert [effect.rank for effect in (Effect.READ, Effect.WRITE, Effect.DESTRUCTIVE)] == [0, 1, 2]
