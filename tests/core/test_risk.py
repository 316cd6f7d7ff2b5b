"""The table of design §9, cell by cell and at every border."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.core.risk import phrase, risk
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect, Risk

PROTECTED = frozenset({"prod", "production", "live"})
N, L, M, H, C = Risk.NONE, Risk.LOW, Risk.MEDIUM, Risk.HIGH, Risk.CRITICAL


def plan(effect: Effect, nodes: int, *environments: str, operation: str = "fleet.exec") -> Plan:
    names = tuple(f"web{number:02}" for number in range(nodes))
    return Plan(operation=operation, effect=effect, nodes=names, environments=environments)


@pytest.mark.parametrize(
    ("effect", "nodes", "few", "few_protected"),
    [
        (Effect.READ, 0, N, N),
        (Effect.READ, 1, N, N),
        (Effect.READ, 3, N, N),
        (Effect.READ, 4, N, N),
        (Effect.READ, 5000, N, N),
        (Effect.WRITE, 0, L, M),
        (Effect.WRITE, 1, L, M),
        (Effect.WRITE, 3, L, M),
        (Effect.WRITE, 4, M, H),
        (Effect.WRITE, 50, M, H),
        (Effect.WRITE, 51, H, H),
        (Effect.WRITE, 5000, H, H),
        (Effect.DESTRUCTIVE, 0, H, C),
        (Effect.DESTRUCTIVE, 1, H, C),
        (Effect.DESTRUCTIVE, 3, H, C),
        (Effect.DESTRUCTIVE, 4, C, C),
        (Effect.DESTRUCTIVE, 5000, C, C),
    ],
)
def test_the_table_of_the_design(effect: Effect, nodes: int, few: Risk, few_protected: Risk) -> None:
    assert risk(plan(effect, nodes), PROTECTED) is few
    assert risk(plan(effect, nodes, "test"), PROTECTED) is few
    for environment in PROTECTED:
        assert risk(plan(effect, nodes, environment), PROTECTED) is few_protected
    assert risk(plan(effect, nodes, "prod", "test"), PROTECTED) is few_protected, "some protected is enough"


def test_who_changes_trust_changes_much() -> None:
    for nodes in (0, 1, 100):
        trusting = plan(Effect.WRITE, nodes, "prod").model_copy(update={"trust": True})
        assert risk(trusting, PROTECTED) is H
        assert risk(plan(Effect.WRITE, 1), PROTECTED) is L


EFFECTS, COUNTS = st.sampled_from(Effect), st.integers(0, 60)
ENVIRONMENTS = st.sets(st.sampled_from(["prod", "live", "test", ""])).map(sorted)


@settings(deadline=None)
@given(EFFECTS, COUNTS, ENVIRONMENTS, COUNTS)
def test_more_nodes_never_mean_less_risk(effect: Effect, nodes: int, where: list[str], more: int) -> None:
    assert risk(plan(effect, nodes + more, *where), PROTECTED) >= risk(plan(effect, nodes, *where), PROTECTED)


@settings(deadline=None)
@given(EFFECTS, COUNTS, ENVIRONMENTS)
def test_a_stronger_effect_or_more_protection_never_means_less_risk(
    effect: Effect, nodes: int, where: list[str]
) -> None:
    here = risk(plan(effect, nodes, *where), PROTECTED)

    assert risk(plan(Effect.DESTRUCTIVE, nodes, *where), PROTECTED) >= here
    assert risk(plan(effect, nodes, *where), ()) <= here


def test_what_a_person_types_names_environment_and_count() -> None:
    assert phrase(plan(Effect.DESTRUCTIVE, 43, "prod")) == "prod:43"
    assert phrase(plan(Effect.DESTRUCTIVE, 2, "prod", "test")) == "prod+test:2"
    assert phrase(plan(Effect.DESTRUCTIVE, 9)) == "none:9"


def test_risks_are_ordered_and_have_words() -> None:
    assert [each.word for each in sorted(Risk)] == ["none", "low", "medium", "high", "critical"]
