"""What a target expression says, as a tree of values. `str` prints it in canonical form, which parses back.

Reading text is fleet/grammar; finding the nodes is fleet/target.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from devopsclaw.fleet.labels import is_bare
from devopsclaw.model.state import State


class Comparison(StrEnum):
    """How a label or fact is compared with one value."""

    EQUAL = "="
    UNEQUAL = "!="
    AT_LEAST = ">="


class Condition(StrEnum):
    """What `state:` may ask for: a word of `Link`, or drained."""

    ONLINE = "online"
    LATE = "late"
    OFFLINE = "offline"
    LOST = "lost"
    DRAINED = "drained"


class Outcome(StrEnum):
    """What `run:ID:` may ask for."""

    OK = "ok"
    FAILED = "failed"
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    UNKNOWN = "unknown"

    @property
    def states(self) -> frozenset[State]:
        """The states of a node's part that count as this; grouped as in the exit codes (design §10)."""
        return _STATES[self]


_STATES = {
    Outcome.OK: frozenset({State.OK}),
    Outcome.FAILED: frozenset({State.FAILED, State.KILLED, State.DENIED}),
    Outcome.UNREACHABLE: frozenset({State.UNREACHABLE, State.EXPIRED}),
    Outcome.TIMEOUT: frozenset({State.TIMED_OUT}),
    Outcome.UNKNOWN: frozenset({State.UNKNOWN}),
}


@dataclass(frozen=True, slots=True)
class Everyone:
    """Every node; the only way to say so."""

    def __str__(self) -> str:
        return "all"


@dataclass(frozen=True, slots=True)
class Named:
    """Nodes by name: a name, a glob with `*` and `?`, or folded ranges as `web[01-20]`."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class NameMatches:
    """Nodes whose whole name matches a regular expression."""

    pattern: str

    def __str__(self) -> str:
        return slashed(self.pattern)


@dataclass(frozen=True, slots=True)
class Compared:
    """Nodes whose label or fact compares so. A node without the key is unequal to everything."""

    key: str
    comparison: Comparison
    value: str

    def __str__(self) -> str:
        return f"{self.key}{self.comparison}{quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class ValueMatches:
    """Nodes whose whole label or fact matches a regular expression."""

    key: str
    pattern: str

    def __str__(self) -> str:
        return f"{self.key}~{slashed(self.pattern)}"


@dataclass(frozen=True, slots=True)
class OneOf:
    """Nodes whose label or fact is one of these values; at least one."""

    key: str
    values: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.key} in ({','.join(map(quoted, self.values))})"


@dataclass(frozen=True, slots=True)
class Has:
    """Nodes that have this label or fact at all."""

    key: str

    def __str__(self) -> str:
        return f"has:{self.key}"


@dataclass(frozen=True, slots=True)
class Grouped:
    """Nodes of a group."""

    group: str

    def __str__(self) -> str:
        return f"@{self.group}"


@dataclass(frozen=True, slots=True)
class Addressed:
    """Nodes whose address lies in a network, written as CIDR."""

    network: str

    def __str__(self) -> str:
        return f"ip:{self.network}"


@dataclass(frozen=True, slots=True)
class Standing:
    """Nodes in this condition now."""

    condition: Condition

    def __str__(self) -> str:
        return f"state:{self.condition}"


@dataclass(frozen=True, slots=True)
class Ran:
    """Nodes whose part of an earlier run ended so; `run` is its id, or `last`."""

    run: str
    outcome: Outcome

    def __str__(self) -> str:
        return f"run:{self.run}:{self.outcome}"


@dataclass(frozen=True, slots=True)
class Not:
    """Every node but these."""

    inner: Expression

    def __str__(self) -> str:
        return f"not {_inside(self.inner, And, Or)}"


@dataclass(frozen=True, slots=True)
class And:
    """Nodes that are in each part; two parts or more."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return " and ".join(_inside(part, And, Or) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Or:
    """Nodes that are in any part; two parts or more."""

    parts: tuple[Expression, ...]

    def __str__(self) -> str:
        return " or ".join(_inside(part, Or) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Sliced:
    """A slice of the nodes in the order of their names, counted as Python does."""

    inner: Expression
    start: int | None
    stop: int | None

    def __str__(self) -> str:
        start, stop = ("" if bound is None else str(bound) for bound in (self.start, self.stop))
        return f"({self.inner})[{start}:{stop}]"


Atom = (
    Everyone
    | Named
    | NameMatches
    | Compared
    | ValueMatches
    | OneOf
    | Has
    | Grouped
    | Addressed
    | Standing
    | Ran
)
Expression = Atom | Not | And | Or | Sliced


def quoted(value: str) -> str:
    """A value as it is written: bare where it can be, else in double quotes with `\\` before `"` and `\\`."""
    return value if is_bare(value) else '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'


def slashed(pattern: str) -> str:
    """A regular expression between slashes; its own slashes are escaped."""
    inside = re.sub(r"\\.|/", lambda found: r"\/" if found[0] == "/" else found[0], pattern, flags=re.DOTALL)
    return f"/{inside}/"


def parts_of(expression: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside this one."""
    match expression:
        case And(parts) | Or(parts):
            return parts
        case Not(inner) | Sliced(inner):
            return (inner,)
        case _:
            return ()


def _inside(part: Expression, *looser: type) -> str:
    """The part as it stands inside another, in parentheses where it would bind more loosely."""
    return f"({part})" if isinstance(part, looser) else str(part)
