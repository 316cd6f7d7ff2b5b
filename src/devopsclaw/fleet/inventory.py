"""The nodes as values: what a target expression is resolved against. No storage, no clock, no sockets."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from devopsclaw.model.state import Link, link_of

FACT = "fact."
"""Keys that begin so read a node's facts: `fact.os.name`."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node, as the controller knows it.

    `address` is what an operator registered, `peer` what the relay sees; `uid` is empty until it joined.
    `last_seen` is wall time in seconds, 0 for never. `accepted` is false where nobody vouched for its key.
    `rival` is the uid of another key under its name, `local` marks the core's own node, `join_token` names
    the token it came with. `claimed` is false where its session began before anybody claimed the relay.
    """

    name: str
    uid: str = ""
    public_key: str = ""
    address: str = ""
    peer: str = ""
    registered_labels: Mapping[str, str] = field(default_factory=dict)
    registered_groups: frozenset[str] = frozenset()
    drained: bool = False
    accepted: bool = True
    joined_at: float = 0.0
    last_seen: float = 0.0
    connected: bool = False
    local: bool = False
    epoch: int = 0
    version: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    join_token: str = ""
    claimed: bool = True
    quarantined: bool = False
    relay_alarm: str = ""
    rival: str = ""

    @property
    def alarm(self) -> str:
        """What is wrong with its identity; empty for nothing."""
        if self.rival:
            return f"a second key, {self.rival}, claims this name; node remove {self.name} if it was rebuilt"
        return self.relay_alarm

    @property
    def waiting(self) -> bool:
        """Joined under a registered name from another address: it and its labels wait for an operator."""
        return bool(self.uid) and not self.accepted

    @property
    def unclaimed(self) -> bool:
        """Connected, but not yet told whom to obey: it reports and runs nothing."""
        return self.connected and not self.claimed and not self.local

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels in force: none while they wait."""
        return {} if self.waiting else self.registered_labels

    @property
    def groups(self) -> frozenset[str]:
        """The groups in force: none while they wait."""
        return frozenset() if self.waiting else self.registered_groups

    @property
    def shown_address(self) -> str:
        """The address set by an operator, else the one the relay sees."""
        return self.address or self.peer

    @property
    def environment(self) -> str:
        """The label `env`; empty without one."""
        return self.labels.get("env", "")

    @property
    def refusal(self) -> str:
        """Why no new command is sent to it, with the way out; empty where one is."""
        if self.quarantined:
            return (
                f"{self.name} is quarantined, since two machines used its key; once the wrong one is stopped:"
                f" devopsclaw node release {self.name}"
            )
        if self.waiting:
            return (
                f"{self.name} joined from {self.peer or 'an unknown address'}, not from its registered"
                f" address; compare its fingerprint and accept it: devopsclaw node accept {self.name}"
            )
        if self.unclaimed:
            return f"{self.name} is unclaimed: it obeys nobody until it comes back and is shown this key"
        if self.drained:
            return f"{self.name} is drained: devopsclaw node undrain {self.name}"
        return ""

    def age(self, now: float) -> float:
        """Seconds since anything was heard from it; infinite for never, 0 for the core's own."""
        if self.local:
            return 0.0
        return max(0.0, now - self.last_seen) if self.last_seen else math.inf

    def link(self, now: float) -> Link:
        """How well it is connected; one that never came is offline, not lost."""
        if self.local:
            return Link.ONLINE
        return link_of(self.age(now), connected=self.connected) if self.last_seen else Link.OFFLINE


@dataclass(frozen=True)
class Inventory:
    """All nodes at one moment. `now` is wall time in seconds; the names are unique."""

    nodes: tuple[Node, ...]
    now: float = 0.0

    @cached_property
    def by_name(self) -> dict[str, Node]:
        """The nodes by name."""
        return {node.name: node for node in self.nodes}

    @cached_property
    def keys(self) -> frozenset[str]:
        """Every label key in force, and every fact as `fact.a.b`."""
        found = {key for node in self.nodes for key in node.labels}
        return frozenset(found.union(*(fact_keys(node.facts) for node in self.nodes)))

    @cached_property
    def groups(self) -> frozenset[str]:
        """Every group in force."""
        return frozenset(group for node in self.nodes for group in node.groups)


def value_of(node: Node, key: str) -> str | None:
    """The node's label of this key, else its fact; None without either."""
    if not key.startswith(FACT):
        return node.labels.get(key)
    found: Any = node.facts
    for part in key.removeprefix(FACT).split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return _written(found)


def fact_keys(facts: Mapping[str, Any], prefix: str = FACT) -> set[str]:
    """The keys of all single values among nested facts."""
    keys: set[str] = set()
    for name, value in facts.items():
        if isinstance(value, Mapping):
            keys |= fact_keys(value, f"{prefix}{name}.")
        elif _written(value) is not None:
            keys.add(prefix + name)
    return keys


def _written(value: Any) -> str | None:
    """A single value as it is compared; None for what is none."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, str | int | float) else None
