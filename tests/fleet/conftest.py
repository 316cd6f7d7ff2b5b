"""A small fleet that target expressions are tried on."""

from __future__ import annotations

import pytest

from devopsclaw.fleet.inventory import Inventory, Node

NOW = 1_800_000_000.0


@pytest.fixture(scope="session")
def fleet() -> Inventory:
    """Three web servers, a database, and one that waits for its operator."""
    return Inventory(
        (
            node("web1", "10.0.1.1", {"role": "web", "env": "prod"}, cpu=2),
            node("web2", "10.0.1.2", {"role": "web", "env": "prod"}, cpu=8, drained=True),
            node("web10", "web10.example", {"role": "web", "env": "test"}, cpu=16, seen=NOW - 60),
            node("db", "10.0.2.1", {"role": "db", "env": "prod"}, groups=("eu",), seen=NOW - 700),
            Node("new", uid="n_new", accepted=False, registered_labels={"secret": "yes"}, last_seen=NOW),
        ),
        NOW,
    )


def node(
    name: str,
    address: str,
    labels: dict[str, str],
    *,
    cpu: int | None = None,
    groups: tuple[str, ...] = (),
    drained: bool = False,
    seen: float = NOW,
) -> Node:
    """A node that has joined and reports."""
    facts = {"os": {"name": "debian", "is_lts": True}, "cpu": cpu} if cpu else {}
    return Node(
        name,
        uid=f"n_{name}",
        address=address,
        registered_labels=labels,
        registered_groups=frozenset(groups),
        drained=drained,
        last_seen=seen,
        connected=True,
        facts=facts,
    )
