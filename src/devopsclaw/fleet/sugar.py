"""`--tag`, `--env`, `--node` and `--group` as one expression. Not the grammar itself, and no nodes.

Within one option the values widen (`--node a --node b`), between options they narrow. Tags with one key widen
too, tags with different keys narrow: `--tag role=web --tag role=api --tag env=prod`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from devopsclaw.fleet.expression import (
    And,
    Compared,
    Comparison,
    Expression,
    Grouped,
    Has,
    Named,
    NameMatches,
    OneOf,
    Or,
    ValueMatches,
)
from devopsclaw.fleet.grammar import parse
from devopsclaw.fleet.labels import is_bare, valid_name
from devopsclaw.model.errors import BadParams, BadTarget


def compile_target(
    target: str | None,
    tag: Sequence[str] = (),
    env: Sequence[str] = (),
    node: Sequence[str] = (),
    group: Sequence[str] = (),
) -> Expression | None:
    """All options together; None where none was given. Raises BadTarget naming the option."""
    sugar = compile_sugar(tag, env, node, group)
    if target is None:
        return sugar
    written = parse(target, "--target")
    return written if sugar is None else And((written, sugar))


def compile_sugar(
    tag: Sequence[str], env: Sequence[str], node: Sequence[str], group: Sequence[str]
) -> Expression | None:
    """The options as one expression, in a fixed order; None where none was given."""
    names = [_only_a_name(text) for text in node]
    groups = [Grouped(_group(text)) for text in group]
    parts = [*_tags(tag), *_environments(env), *_any(names), *_any(groups)]
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _tags(written: Sequence[str]) -> list[Expression]:
    """One part for each key that is compared for equality, and one for every other comparison."""
    values: defaultdict[str, set[str]] = defaultdict(set)
    others: list[Expression] = []
    for text in written:
        atom = parse(text, "--tag")
        if isinstance(atom, Compared) and atom.comparison is Comparison.EQUAL:
            values[atom.key].add(atom.value)
        elif isinstance(atom, Compared | ValueMatches | OneOf | Has):
            others.append(atom)
        else:
            raise BadTarget(
                f"--tag {text} is no label", hint="write --tag role=web; for expressions there is -t"
            )
    return [_one_of(key, sorted(values[key])) for key in sorted(values)] + others


def _environments(written: Sequence[str]) -> list[Expression]:
    for text in written:
        if not is_bare(text):
            raise BadTarget(
                f"--env {text!r} is no environment", hint="write --env prod; repeat it for several"
            )
    return [_one_of("env", sorted(set(written)))] if written else []


def _one_of(key: str, values: list[str]) -> Expression:
    return Compared(key, Comparison.EQUAL, values[0]) if len(values) == 1 else OneOf(key, tuple(values))


def _only_a_name(text: str) -> Expression:
    atom = parse(text, "--node")
    if not isinstance(atom, Named | NameMatches):
        raise BadTarget(
            f"--node {text} is no node",
            hint="write --node web-1 or --node 'web*'; for every node there is -t all",
        )
    return atom


def _group(text: str) -> str:
    try:
        return valid_name(text)
    except BadParams as wrong:
        raise BadTarget(f"--group: {wrong.message}", hint=wrong.hint) from wrong


def _any(atoms: Sequence[Expression]) -> list[Expression]:
    """No part, the one part, or all of them as alternatives."""
    return [Or(tuple(atoms))] if len(atoms) > 1 else list(atoms)
