"""A node in words."""

from __future__ import annotations

import pytest

from devopsclaw.fleet.inventory import Node
from devopsclaw.fleet.node_item import NodeItem, fields_of, flat, pairs

NOW = 1_800_000_000.0


def item(node: Node) -> NodeItem:
    return NodeItem(**fields_of(node, NOW))


@pytest.mark.parametrize(
    ("age", "words"),
    [
        (-3, "0s ago"),
        (0, "0s ago"),
        (3.4, "3s ago"),
        (59.9, "59s ago"),
        (60, "1m ago"),
        (3599, "59m ago"),
        (3600, "1h ago"),
        (86399, "23h ago"),
        (200_000, "2d ago"),
    ],
)
def test_an_age_is_told_in_its_largest_whole_unit(age: float, words: str) -> None:
    assert item(Node("web1", last_seen=NOW - age, connected=True)).seen == words


def test_status_and_state_are_the_words_for_a_person() -> None:
    online = Node("web1", uid="n_1", last_seen=NOW, connected=True)

    assert (item(online).status, item(online).state) == ("online", "online")
    drained = item(Node("web1", last_seen=NOW, connected=True, drained=True))
    assert (drained.status, drained.state, drained.drained) == ("online", "drained", True)
    away = item(Node("web1", last_seen=NOW - 100, drained=True))
    assert (away.status, away.state) == ("offline", "offline")
    never = item(Node("web1", accepted=False))
    assert (never.status, never.last_seen, never.seen) == ("offline", None, "never")
    waiting = item(Node("web1", uid="n_1", accepted=False, last_seen=NOW, connected=True))
    assert (waiting.status, waiting.state) == ("waiting", "waiting")
    local = item(Node("local", local=True, last_seen=NOW - 999))
    assert (local.status, local.last_seen, local.seen) == ("online", NOW, "0s ago")


def test_facts_are_flattened_and_cannot_move_the_cursor() -> None:
    facts = {"os": {"name": "debian\x1b[31m"}, "cpu": 4}

    assert dict(flat(facts)) == {"os.name": "debian␛[31m", "cpu": "4"}
    assert pairs({"role": "web", "env": "prod"}) == "env=prod,role=web"
