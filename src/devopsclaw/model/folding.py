"""Groups the answers of a run: nodes that ended alike and printed alike stand together. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from enum import StrEnum

from devopsclaw.model.execution import Fold, NodeResult
from devopsclaw.model.nodeset import fold
from devopsclaw.model.state import State

Answer = tuple[State, int | None, str, str]
"""What has to be equal: status, exit code, standard output, standard error."""


class Order(StrEnum):
    """Which folds come first. The numbers of the folds do not depend on it."""

    LARGEST_FIRST = "largest"
    ODD_FIRST = "odd"


def fold_results(results: Iterable[NodeResult], order: Order = Order.LARGEST_FIRST) -> list[Fold]:
    """The folds of the nodes that have ended; each such node is in exactly one. The rest are in none."""
    alike: dict[Answer, list[NodeResult]] = defaultdict(list)
    for result in results:
        if result.status.is_final:
            alike[result.status, result.exit_code, result.stdout, result.stderr].append(result)
    groups = sorted(alike.values(), key=_largest_first)
    folds = [_fold(number, group) for number, group in enumerate(groups, start=1)]
    return folds if order is Order.LARGEST_FIRST else folds[::-1]


def _largest_first(group: list[NodeResult]) -> tuple[int, str]:
    return -len(group), min(result.node for result in group)


def _fold(number: int, group: list[NodeResult]) -> Fold:
    """One fold; a reason is shown only where all its nodes give the same."""
    one = group[0]
    names = sorted(result.node for result in group)
    return Fold(
        id=number,
        status=one.status,
        exit_code=one.exit_code,
        nodes=fold(names),
        names=names,
        count=len(names),
        stdout=one.stdout,
        stderr=one.stderr,
        reason=one.reason if all(result.reason == one.reason for result in group) else "",
    )
