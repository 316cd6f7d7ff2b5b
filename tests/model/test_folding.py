"""Folds partition the nodes that answered; ClusterShell's MsgTree is the oracle."""

from __future__ import annotations

from ClusterShell.MsgTree import MsgTree
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.model.execution import Fold, NodeResult
from devopsclaw.model.folding import Order, fold_results
from devopsclaw.model.nodeset import unfold
from devopsclaw.model.state import LIVE, State

OUTPUTS = st.sampled_from(["", "up 3 days\n", "up 4 days\n", "a\nb\n", "a\n", "a"])
ANSWERS = st.tuples(
    st.sampled_from([State.OK, State.FAILED, State.UNKNOWN, State.RUNNING, State.QUEUED]),
    st.sampled_from([None, 0, 1]),
    OUTPUTS,
    OUTPUTS,
    st.sampled_from(["", "interrupted"]),
)


def result(number: int, answer: tuple[State, int | None, str, str, str]) -> NodeResult:
    status, code, stdout, stderr, reason = answer
    return NodeResult(
        node=f"web{number}", status=status, exit_code=code, stdout=stdout, stderr=stderr, reason=reason
    )


RUNS = st.lists(ANSWERS, max_size=30).map(
    lambda answers: [result(number, answer) for number, answer in enumerate(answers)]
)


def key_of(item: NodeResult | Fold) -> tuple[State, int | None, str, str]:
    return item.status, item.exit_code, item.stdout, item.stderr


@settings(deadline=None)
@given(RUNS)
def test_folds_partition_the_nodes_that_ended(results: list[NodeResult]) -> None:
    ended = sorted(item.node for item in results if item.status not in LIVE)

    folds = fold_results(results)

    assert sorted(name for each in folds for name in each.names) == ended


@settings(deadline=None)
@given(RUNS)
def test_nodes_share_a_fold_if_and_only_if_they_answered_alike(results: list[NodeResult]) -> None:
    fold_of = {name: each for each in fold_results(results) for name in each.names}
    ended = [item for item in results if item.node in fold_of]

    for one in ended:
        assert key_of(fold_of[one.node]) == key_of(one)
        for other in ended:
            assert (fold_of[one.node] is fold_of[other.node]) == (key_of(one) == key_of(other))


@settings(deadline=None)
@given(RUNS)
def test_clustershell_groups_the_same_nodes(results: list[NodeResult]) -> None:
    tree = MsgTree()
    for item in results:
        if item.status.is_final:
            tree.add(item.node, repr(key_of(item)).encode())

    theirs = {frozenset(names) for _, names in tree.walk()}

    assert {frozenset(each.names) for each in fold_results(results)} == theirs


@settings(deadline=None)
@given(RUNS)
def test_the_largest_fold_is_number_one_and_odd_ones_first_only_turns_the_order(
    results: list[NodeResult],
) -> None:
    folds = fold_results(results)

    assert [each.count for each in folds] == sorted((each.count for each in folds), reverse=True)
    assert [each.id for each in folds] == list(range(1, len(folds) + 1))
    assert fold_results(results, Order.ODD_FIRST) == folds[::-1]


@settings(deadline=None)
@given(RUNS)
def test_the_folded_names_stand_for_the_names(results: list[NodeResult]) -> None:
    for each in fold_results(results):
        assert unfold(each.nodes) == each.names
        assert each.count == len(each.names)


def test_a_reason_is_shown_where_all_nodes_of_the_fold_give_it() -> None:
    shared = [result(number, (State.UNKNOWN, None, "", "", "interrupted")) for number in (1, 2)]
    differing = [*shared, result(3, (State.UNKNOWN, None, "", "", ""))]

    assert fold_results(shared)[0].reason == "interrupted"
    assert fold_results(differing)[0].reason == ""


def test_folds_of_one_size_come_in_the_order_of_their_first_node() -> None:
    results = [result(2, (State.OK, 0, "b", "", "")), result(1, (State.OK, 0, "a", "", ""))]

    assert [each.nodes for each in fold_results(results)] == ["web1", "web2"]
