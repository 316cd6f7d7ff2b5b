"""Resolving target expressions against an inventory: set algebra, and errors instead of silence."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.fleet.expression import And, Expression, Not, Or
from devopsclaw.fleet.grammar import parse
from devopsclaw.fleet.inventory import Inventory, Node
from devopsclaw.fleet.target import resolve, runs_in
from devopsclaw.model.errors import BadTarget, NotFound
from devopsclaw.model.state import State

ATOMS = st.sampled_from(
    [
        "all",
        "web1",
        "web*",
        "db",
        "role=web",
        "role!=web",
        "env=prod",
        "has:role",
        "fact.cpu>=8",
        "@eu",
        "*1*",
    ]
).map(parse)
TREES = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.tuples(inner, inner)),
        st.builds(Or, st.tuples(inner, inner)),
    ),
    max_leaves=6,
)


class Runs:
    """One earlier run, X-31, on nodes of which one is gone."""

    def nodes_of(self, run: str, states: frozenset[State]) -> Collection[str]:
        if run not in {"X-31", "last"}:
            raise NotFound(f"there is no run {run}")
        ended = {"web1": State.OK, "web2": State.KILLED, "db": State.UNKNOWN, "gone": State.FAILED}
        return [name for name, state in ended.items() if state in states]


def chosen(expression: Expression, fleet: Inventory) -> frozenset[str]:
    """The names, or none."""
    try:
        return frozenset(resolve(expression, fleet))
    except BadTarget as refused:
        assert refused.message.startswith("no node matches")
        return frozenset()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("all", "db new web1 web10 web2"),
        ("web1", "web1"),
        ("web*", "web1 web10 web2"),
        ("web?", "web1 web2"),
        ("web[1-2]", "web1 web2"),
        ("web[1,10]", "web1 web10"),
        ("/web[0-9]+/", "web1 web10 web2"),
        ("/web1/", "web1"),
        ("role=web", "web1 web10 web2"),
        ("role!=web", "db new"),
        ("role~/w.b/", "web1 web10 web2"),
        ("role~e", ""),
        ("role in (web,db)", "db web1 web10 web2"),
        ("has:role", "db web1 web10 web2"),
        ("not has:role", "new"),
        ("fact.cpu>=8", "web10 web2"),
        ("fact.os.name=debian", "web1 web10 web2"),
        ("fact.os.is_lts=true", "web1 web10 web2"),
        ("role>=1", ""),
        ("@eu", "db"),
        ("env:prod", "db web1 web2"),
        ("ip:10.0.1.0/24", "web1 web2"),
        ("ip:10.0.2.1", "db"),
        ("state:online", "web1 web2"),
        ("state:late", "web10"),
        ("state:lost", "db"),
        ("state:offline", "new"),
        ("state:drained", "web2"),
        ("role=web[0:2]", "web1 web10"),
        ("(role=web)[-1:]", "web2"),
        ("all[5:]", ""),
        ("role=web and env=prod and not state:drained", "web1"),
        ("web1 or role=db", "db web1"),
        ("web1 or role=db and env=test", "web1"),
        ("run:X-31:ok", "web1"),
        ("run:last:failed", "web2"),
        ("run:last:unknown or run:last:ok", "db web1"),
        ("run:last:timeout", ""),
    ],
)
def test_each_kind_of_expression_finds_its_nodes(text: str, names: str, fleet: Inventory) -> None:
    if names:
        assert resolve(parse(text), fleet, Runs()) == tuple(names.split())
    else:
        with pytest.raises(BadTarget, match="no node matches"):
            resolve(parse(text), fleet, Runs())


@pytest.mark.parametrize(
    ("text", "complaint", "hint"),
    [
        ("web3", "there is no node 'web3'", "did you mean web"),
        ("web[1-4]", "there is no node 'web3' (and 1 more of web[1-4])", "did you mean web"),
        ("all and not wbe1", "there is no node 'wbe1'", "did you mean web1?"),
        ("zzz", "there is no node 'zzz'", "devopsclaw node list"),
        ("rol=web", "no node has the label or fact 'rol'", "did you mean role?"),
        ("has:secret", "no node has the label or fact 'secret'", "known are env"),
        ("fact.os.nam=debian", "no node has the label or fact 'fact.os.nam'", "did you mean fact.os.name?"),
        ("@us", "no node has the group 'us'", "known are eu"),
        ("env=prd", "no node matches env=prd", "did you mean prod?"),
        ("role=xyz", "no node matches role=xyz", "role is db or web"),
        ("zz*", "no node matches zz*", "devopsclaw node list"),
        ("run:X-99:ok", "there is no run X-99", ""),
    ],
)
def test_what_does_not_exist_is_an_error_that_names_the_nearest(
    text: str, complaint: str, hint: str, fleet: Inventory
) -> None:
    with pytest.raises((BadTarget, NotFound)) as refused:
        resolve(parse(text), fleet, Runs())

    assert refused.value.message == complaint
    assert hint in refused.value.hint
    assert refused.value.exit_code == 2


@settings(deadline=None)
@given(one=TREES, two=TREES)
def test_de_morgan_holds(one: Expression, two: Expression, fleet: Inventory) -> None:
    assert chosen(Not(And((one, two))), fleet) == chosen(Or((Not(one), Not(two))), fleet)
    assert chosen(Not(Or((one, two))), fleet) == chosen(And((Not(one), Not(two))), fleet)


@settings(deadline=None)
@given(one=TREES, two=TREES)
def test_and_and_or_are_idempotent_and_commute(one: Expression, two: Expression, fleet: Inventory) -> None:
    assert chosen(And((one, one)), fleet) == chosen(Or((one, one)), fleet) == chosen(one, fleet)
    assert (
        chosen(And((one, two)), fleet)
        == chosen(And((two, one)), fleet)
        == chosen(one, fleet) & chosen(two, fleet)
    )
    assert (
        chosen(Or((one, two)), fleet)
        == chosen(Or((two, one)), fleet)
        == chosen(one, fleet) | chosen(two, fleet)
    )


@settings(deadline=None)
@given(tree=TREES)
def test_the_names_are_sorted_each_once_and_known(tree: Expression, fleet: Inventory) -> None:
    names = chosen(tree, fleet)

    if names:
        assert list(resolve(tree, fleet)) == sorted(names)
    assert names <= set(fleet.by_name)


def test_without_a_target_the_one_node_is_meant_where_there_is_only_one(fleet: Inventory) -> None:
    assert resolve(None, Inventory((Node("local"),))) == ("local",)

    with pytest.raises(BadTarget, match="no target given, and there are 5 nodes") as refused:
        resolve(None, fleet)
    assert "-t all" in refused.value.hint


def test_without_nodes_nothing_can_be_chosen() -> None:
    for expression in (None, parse("all"), parse("not web1")):
        with pytest.raises(BadTarget, match="there are no nodes yet"):
            resolve(expression, Inventory(()))


def test_a_node_that_waits_has_no_labels_but_can_be_named(fleet: Inventory) -> None:
    assert resolve(parse("new"), fleet) == ("new",)
    with pytest.raises(BadTarget):
        resolve(parse("secret=yes"), fleet)


def test_without_a_record_of_runs_they_cannot_be_asked_for(fleet: Inventory) -> None:
    with pytest.raises(BadTarget, match="run:last cannot be asked for here"):
        resolve(parse("run:last:ok"), fleet)


def test_the_runs_that_an_expression_needs_can_be_loaded_before() -> None:
    assert runs_in(parse("run:X-31:ok or not (run:last:failed and web1)[0:1]")) == ("X-31", "last")
    assert runs_in(parse("all")) == ()
