"""From a target expression to the names of nodes. Pure: the nodes come as an Inventory, the runs as a lookup.

What is misspelt is an error, never an empty set: a name, key or group that does not exist, and no match.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from difflib import get_close_matches
from fnmatch import translate
from ipaddress import ip_address, ip_network
from typing import Protocol

from devopsclaw.fleet.expression import (
    Addressed,
    And,
    Compared,
    Comparison,
    Condition,
    Everyone,
    Expression,
    Grouped,
    Has,
    Named,
    NameMatches,
    Not,
    OneOf,
    Or,
    Ran,
    Sliced,
    Standing,
    ValueMatches,
    parts_of,
)
from devopsclaw.fleet.inventory import Inventory, Node, value_of
from devopsclaw.fleet.pattern import compile_pattern, matches
from devopsclaw.model.errors import BadTarget
from devopsclaw.model.nodeset import unfold
from devopsclaw.model.state import State

Names = frozenset[str]


class RunLookup(Protocol):
    """What earlier runs left; `runs_in` says which an expression will ask for."""

    def nodes_of(self, run: str, states: frozenset[State]) -> Collection[str]:
        """The nodes whose part of the run ended so; raises NotFound where there is no such run."""
        ...


class NoRuns:
    """For callers without a record of runs."""

    def nodes_of(self, run: str, states: frozenset[State]) -> Collection[str]:
        """See `RunLookup.nodes_of`."""
        raise BadTarget(f"run:{run} cannot be asked for here", hint="choose by name, label or group")


def resolve(
    expression: Expression | None, inventory: Inventory, runs: RunLookup | None = None
) -> tuple[str, ...]:
    """The names of the nodes, sorted, at least one. None means the one node where there is only one.

    Raises BadTarget for no match, for what does not exist, and for no expression with several nodes.
    """
    if not inventory.nodes:
        raise BadTarget(
            "there are no nodes yet", hint="devopsclaw node register --name NAME --address ADDRESS"
        )
    if expression is None:
        return (_only(inventory),)
    names = _Resolution(inventory, runs or NoRuns()).names(expression)
    if not names:
        raise BadTarget(f"no node matches {expression}", hint=_advice(expression, inventory))
    return tuple(sorted(names))


def runs_in(expression: Expression) -> tuple[str, ...]:
    """The ids of the runs that the expression asks for, sorted."""
    return tuple(sorted({each.run for each in _walk(expression) if isinstance(each, Ran)}))


class _Resolution:
    """One expression against one inventory."""

    def __init__(self, inventory: Inventory, runs: RunLookup) -> None:
        self._inventory = inventory
        self._runs = runs
        self._everyone: Names = frozenset(inventory.by_name)

    def names(self, expression: Expression) -> Names:
        """The names that the expression stands for, perhaps none."""
        match expression:
            case And(parts):
                return frozenset.intersection(*map(self.names, parts))
            case Or(parts):
                return frozenset.union(*map(self.names, parts))
            case Not(inner):
                return self._everyone - self.names(inner)
            case Sliced(inner, start, stop):
                return frozenset(sorted(self.names(inner))[start:stop])
            case Ran(run, outcome):
                return self._everyone & frozenset(self._runs.nodes_of(run, outcome.states))
            case Everyone():
                return self._everyone
            case Named(name):
                return self._named(name)
            case _:
                wanted = self._test(expression)
                return frozenset(node.name for node in self._inventory.nodes if wanted(node))

    def _named(self, name: str) -> Names:
        if "*" in name or "?" in name:
            glob = re.compile(translate(name))
            return frozenset(each for each in self._everyone if glob.match(each))
        wanted = frozenset(unfold(name))
        missing = sorted(wanted - self._everyone)
        if missing:
            more = f" (and {len(missing) - 1} more of {name})" if len(missing) > 1 else ""
            raise BadTarget(
                f"there is no node {missing[0]!r}{more}",
                hint=_near(missing[0], self._everyone) or "devopsclaw node list shows the nodes",
            )
        return wanted

    def _test(self, atom: Expression) -> Callable[[Node], bool]:
        """The question that this atom asks each node."""
        match atom:
            case NameMatches(pattern):
                compiled = compile_pattern(pattern)
                return lambda node: matches(compiled, node.name)
            case Grouped(group):
                self._require(group, self._inventory.groups, "group")
                return lambda node: group in node.groups
            case Standing(Condition.DRAINED):
                return lambda node: node.drained
            case Standing(condition):
                return lambda node: node.link(self._inventory.now) == condition.value
            case Addressed(network):
                return _in_network(network)
            case Compared(key) | ValueMatches(key) | OneOf(key) | Has(key):
                self._require(key, self._inventory.keys, "label or fact")
                wanted = _value_test(atom)
                return lambda node: wanted(value_of(node, key))
        raise AssertionError(f"no rule for {type(atom).__name__}")

    def _require(self, name: str, known: Collection[str], kind: str) -> None:
        if name not in known:
            few = f"known are {', '.join(sorted(known)[:8])}" if known else f"no node has any {kind} yet"
            raise BadTarget(f"no node has the {kind} {name!r}", hint=_near(name, known) or few)


def _value_test(atom: Compared | ValueMatches | OneOf | Has) -> Callable[[str | None], bool]:
    """The question that this atom asks a label or fact; None is a node without it."""
    match atom:
        case Compared(_, Comparison.EQUAL, wanted):
            return lambda value: value == wanted
        case Compared(_, Comparison.UNEQUAL, unwanted):
            return lambda value: value != unwanted
        case Compared(_, _, least):
            return lambda value: value is not None and _at_least(value, float(least))
        case ValueMatches(_, pattern):
            compiled = compile_pattern(pattern)
            return lambda value: value is not None and matches(compiled, value)
        case OneOf(_, values):
            return lambda value: value in values
        case Has():
            return lambda value: value is not None


def _at_least(value: str, least: float) -> bool:
    """Whether the value is a number, and large enough."""
    try:
        return float(value) >= least
    except ValueError:
        return False


def _in_network(written: str) -> Callable[[Node], bool]:
    network = ip_network(written)

    def lies_inside(node: Node) -> bool:
        try:
            return ip_address(node.shown_address) in network
        except ValueError:
            return False  # a host name, or no address yet

    return lies_inside


def _only(inventory: Inventory) -> str:
    if len(inventory.nodes) == 1:
        return inventory.nodes[0].name
    raise BadTarget(
        f"no target given, and there are {len(inventory.nodes)} nodes",
        hint="choose with --tag role=web, --env prod, --node NAME or --group NAME; -t all is every node",
    )


def _walk(expression: Expression) -> Iterator[Expression]:
    yield expression
    for part in parts_of(expression):
        yield from _walk(part)


def _advice(expression: Expression, inventory: Inventory) -> str:
    """For a value that no node has: the values there are."""
    for each in _walk(expression):
        if isinstance(each, Compared) and each.comparison is Comparison.EQUAL:
            values = {value for node in inventory.nodes if (value := value_of(node, each.key)) is not None}
            if each.value not in values:
                return _near(each.value, values) or f"{each.key} is {' or '.join(sorted(values)[:8])}"
    return "devopsclaw node list shows the nodes"


def _near(word: str, known: Iterable[str]) -> str:
    near = get_close_matches(word, sorted(known), 1)
    return f"did you mean {near[0]}?" if near else ""
