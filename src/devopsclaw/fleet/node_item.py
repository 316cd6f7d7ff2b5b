"""A node as it is shown: the item of `devopsclaw.nodes/1`, and the words for it. Draws nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import Field

from devopsclaw.fleet.inventory import Node
from devopsclaw.model.state import Link
from devopsclaw.model.text import safe
from devopsclaw.model.value import Value

WAITING, QUARANTINED = "waiting", "quarantined"
"""The status of a node that waits for an operator, or is shut out; beside the words of `Link`."""


class NodeItem(Value):
    """One node, as lists and scripts get it."""

    name: str = Field(description="Its name.")
    address: str = Field(description="The address an operator set, else the one the relay sees.")
    status: str = Field(
        description="online, late, offline, lost; waiting: joined, but waits for you; quarantined: shut out."
    )
    state: str = Field(
        description="where it is online: unclaimed (it obeys nobody yet) or drained; else the status."
    )
    labels: dict[str, str] = Field(description="Its labels.")
    groups: list[str] = Field(description="Its groups.")
    drained: bool = Field(description="Whether it is sent nothing new.")
    last_seen: float | None = Field(description="When it was heard last, seconds since 1970; null for never.")
    seen: str = Field(description="The same in words, as 3s ago.")
    uid: str = Field(description="Fingerprint of its key; empty until it joins.")
    version: str = Field(description="Its devopsclaw; empty until it joins.")
    token: str = Field(description="Id of the join token it came with; empty for none.")
    facts: dict[str, Any] = Field(description="What it says of itself.")
    alarm: str = Field(description="What is wrong with its identity; empty for nothing.")


def fields_of(node: Node, now: float) -> dict[str, Any]:
    """What is shown of a node, at this wall time."""
    status = QUARANTINED if node.quarantined else WAITING if node.waiting else node.link(now).value
    is_online = status == Link.ONLINE
    set_aside = "unclaimed" if node.unclaimed else "drained" if node.drained else ""
    return {
        "name": node.name,
        "address": node.shown_address,
        "status": status,
        "state": set_aside if is_online and set_aside else status,
        "labels": dict(sorted(node.labels.items())),
        "groups": sorted(node.groups),
        "drained": node.drained,
        "last_seen": now if node.local else node.last_seen or None,
        "seen": _ago(node.age(now)),
        "uid": node.uid,
        "version": node.version,
        "token": node.join_token,
        "facts": dict(node.facts),
        "alarm": node.alarm,
    }


def pairs(labels: Mapping[str, str]) -> str:
    """Labels as they are written: `env=prod,role=web`, by key."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def _ago(age: float) -> str:
    """An age in seconds in the largest unit that fits."""
    if math.isinf(age):
        return "never"
    for unit, seconds in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if age >= seconds:
            return f"{age // seconds:.0f}{unit} ago"
    return f"{age // 1:.0f}s ago"


def flat(facts: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Nested facts as dotted names, made safe to show."""
    for name, value in facts.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        else:
            yield safe(f"{prefix}{name}"), safe(str(value))
