"""The hash of a run's results: nothing but the answers matters, and all of the answers does."""

from __future__ import annotations

import hashlib
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from devopsclaw.core.runs import Run, RunEvent, RunNode
from devopsclaw.fleet.evidence import Answer, answers_of, evidence_of
from devopsclaw.model.state import State

hashes = st.sampled_from(["", "aa" * 32, "ab" * 32])
answers = st.builds(
    Answer,
    node=st.text(max_size=8),
    state=st.sampled_from([state.value for state in State]),
    exit_code=st.none() | st.integers(0, 255),
    stdout=hashes,
    stderr=hashes,
)
runs = st.lists(answers, min_size=1, max_size=6, unique_by=lambda answer: answer.node)


@settings(deadline=None)
@given(runs, st.randoms(use_true_random=False))
def test_the_order_of_the_nodes_does_not_matter(run: list[Answer], luck: Any) -> None:
    shuffled = list(run)
    luck.shuffle(shuffled)

    assert evidence_of(shuffled) == evidence_of(run)


@settings(deadline=None)
@given(runs, answers, st.data())
def test_any_change_of_any_answer_changes_it(run: list[Answer], other: Answer, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(run) - 1))
    name = data.draw(st.sampled_from(Answer._fields))
    changed = run[place]._replace(**{name: getattr(other, name)})
    assume(changed != run[place])

    assert evidence_of([*run[:place], changed, *run[place + 1 :]]) != evidence_of(run)


@settings(deadline=None)
@given(runs)
def test_a_node_more_or_less_changes_it(run: list[Answer]) -> None:
    assert evidence_of(run[1:]) != evidence_of(run)


def test_it_is_the_hash_of_what_it_says_it_is() -> None:
    text = b'[["a","ok",0,"","aa"],["b","unreachable",null,"",""]]'
    run = [Answer("b", "unreachable", None, "", ""), Answer("a", "ok", 0, "", "aa")]

    assert evidence_of(run) == f"sha256:{hashlib.sha256(text).hexdigest()}"


def test_two_nodes_cannot_pass_for_others_by_their_names() -> None:
    one, other = [Answer('a","ok"', "ok", 0, "", "")], [Answer("a", 'ok","ok"', 0, "", "")]

    assert evidence_of(one) != evidence_of(other)


def run_of(*names: str) -> Run:
    """A run on these nodes."""
    nodes = tuple(RunNode(name, f"n_{name}", f"c_{name}") for name in names)
    return Run("X-1", "X", "c", "E-1", {}, {}, 0.0, None, None, nodes)


def test_the_answers_of_a_run_are_what_its_nodes_reported_last() -> None:
    report = {"exit_code": 2, "stdout_sha256": "aa", "stderr_sha256": "bb", "duration": 9.0}
    told: list[tuple[str, str, dict[str, Any]]] = [
        ("sent", "a", {"not_before": 0.0}),
        ("unknown", "a", {"reason": "link lost"}),
        ("ended", "b", {"status": "unreachable", "reason": "offline"}),
        ("ended", "a", {"status": "failed", "reason": "", "report": report}),
    ]
    events = [RunEvent(number, 0.0, *each) for number, each in enumerate(told)]

    assert answers_of(run_of("a", "b", "c"), events) == [
        Answer("a", "failed", 2, "aa", "bb"),
        Answer("b", "unreachable", None, "", ""),
        Answer("c", "pending", None, "", ""),
    ]
