"""A node as a value: what is in force, how it is connected, and why it gets nothing new."""

from __future__ import annotations

import math

import pytest

from devopsclaw.fleet.inventory import Inventory, Node, fact_keys, value_of
from devopsclaw.model.state import Link


def test_the_address_set_by_an_operator_is_shown_before_the_one_the_relay_sees() -> None:
    assert Node("web1", address="10.0.1.10", peer="203.0.113.5").shown_address == "10.0.1.10"
    assert Node("web1", peer="203.0.113.5").shown_address == "203.0.113.5"


def test_labels_and_groups_that_wait_are_not_in_force() -> None:
    labels, groups = {"env": "prod"}, frozenset({"eu"})
    waiting = Node("web1", uid="n_1", accepted=False, registered_labels=labels, registered_groups=groups)
    registered = Node("web1", accepted=False, registered_labels=labels, registered_groups=groups)

    assert (waiting.waiting, waiting.labels, waiting.groups, waiting.environment) == (
        True,
        {},
        frozenset(),
        "",
    )
    assert (registered.waiting, registered.labels, registered.groups) == (False, labels, groups)
    assert registered.environment == "prod"


def test_why_a_node_gets_nothing_new_comes_with_the_way_out() -> None:
    assert Node("web1").refusal == ""
    assert "devopsclaw node undrain web1" in Node("web1", drained=True).refusal
    waiting = Node("web1", uid="n_1", accepted=False, peer="203.0.113.5", drained=True).refusal
    assert "203.0.113.5" in waiting
    assert "devopsclaw node release web1" in Node("web1", uid="n_1", quarantined=True).refusal
    assert "unclaimed" in Node("web1", uid="n_1", connected=True, claimed=False).refusal
    assert Node("web1", uid="n_1", claimed=False).refusal == "", "an old session says nothing of the next one"
    assert "devopsclaw node accept web1" in waiting


@pytest.mark.parametrize(
    ("node", "link", "age"),
    [
        (Node("a", last_seen=990.0, connected=True), Link.ONLINE, 10.0),
        (Node("a", last_seen=950.0, connected=True), Link.LATE, 50.0),
        (Node("a", last_seen=990.0), Link.OFFLINE, 10.0),
        (Node("a", last_seen=100.0, connected=True), Link.LOST, 900.0),
        (Node("a", last_seen=1005.0, connected=True), Link.ONLINE, 0.0),
        (Node("a"), Link.OFFLINE, math.inf),
        (Node("a", local=True), Link.ONLINE, 0.0),
    ],
)
def test_the_link_follows_from_what_was_heard_last(node: Node, link: Link, age: float) -> None:
    assert node.link(1000.0) is link
    assert node.age(1000.0) == age


def test_a_label_or_a_nested_fact_is_found_by_its_key() -> None:
    facts = {"os": {"name": "debian", "lts": True}, "load": 0.5, "disks": ["/"]}
    node = Node("a", registered_labels={"env": "prod"}, facts=facts)

    assert value_of(node, "env") == "prod"
    assert value_of(node, "fact.os.name") == "debian"
    assert value_of(node, "fact.os.lts") == "true"
    assert value_of(node, "fact.load") == "0.5"
    for missing in ("role", "fact.os", "fact.disks", "fact.os.name.x", "fact."):
        assert value_of(node, missing) is None
    assert fact_keys(facts) == {"fact.os.name", "fact.os.lts", "fact.load"}


def test_an_inventory_knows_its_names_keys_and_groups(fleet: Inventory) -> None:
    assert set(fleet.by_name) == {"web1", "web2", "web10", "db", "new"}
    assert fleet.keys == {"env", "role", "fact.cpu", "fact.os.name", "fact.os.is_lts"}
    assert fleet.groups == {"eu"}
