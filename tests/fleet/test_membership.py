"""Who may have a name and its labels: rules on values, without a database."""

from __future__ import annotations

import hashlib

import pytest

from devopsclaw.fleet.inventory import Node
from devopsclaw.fleet.membership import Registration, accepted, labelled, registered, sighted
from devopsclaw.fleet.presence import Presence
from devopsclaw.fleet.tokens import Voucher
from devopsclaw.model.errors import BadParams
from devopsclaw.wire.uid import uid_of


def row(name: str = "web1", key: str = "one", address: str = "10.0.1.1", alarm: str = "") -> Presence:
    public_key = hashlib.sha256(key.encode()).digest()
    return Presence(
        uid=uid_of(public_key),
        name=name,
        public_key=public_key.hex(),
        address=address,
        connected=True,
        last_seen=990.0,
        alarm=alarm,
    )


REGISTRATION = Registration("web1", "10.0.1.1", {"env": "prod"}, frozenset({"eu"}))


def test_a_registered_node_that_comes_from_its_address_has_its_labels_at_once() -> None:
    node = sighted(registered(None, REGISTRATION), row(), 1000.0)

    assert (node.labels, node.groups, node.waiting) == ({"env": "prod"}, frozenset({"eu"}), False)
    assert (node.joined_at, node.last_seen, node.connected) == (1000.0, 990.0, True)


@pytest.mark.parametrize("registration", [REGISTRATION, Registration("web1", "", {"env": "prod"})])
def test_from_another_address_or_without_a_registered_one_its_labels_wait(registration: Registration) -> None:
    node = sighted(registered(None, registration), row(address="203.0.113.5"), 1000.0)

    assert node.waiting
    assert node.labels == {}

    again = registered(node, Registration("web1", labels={"role": "web"}))
    assert again.waiting, "to register it anew is not to look at its key"

    assert not accepted(again).waiting
    assert accepted(again).labels == {"env": "prod", "role": "web"}


def test_only_a_node_that_joined_and_waits_can_be_accepted() -> None:
    with pytest.raises(BadParams, match="has not joined yet"):
        accepted(registered(None, REGISTRATION))
    with pytest.raises(BadParams, match="does not wait"):
        accepted(sighted(None, row(), 1000.0))


def test_a_join_token_brings_labels_and_what_an_operator_said_goes_before_them() -> None:
    voucher = Voucher({"env": "test", "role": "web"})

    assert sighted(None, row(), 1000.0, voucher).labels == {"env": "test", "role": "web"}
    assert sighted(registered(None, REGISTRATION), row(), 1000.0, voucher).labels == {
        "env": "prod",
        "role": "web",
    }


def test_a_token_for_many_names_does_not_vouch_for_a_registered_one_and_a_token_for_it_does() -> None:
    elsewhere = row(address="203.0.113.5")

    assert sighted(registered(None, REGISTRATION), elsewhere, 1000.0, Voucher()).waiting
    assert not sighted(registered(None, REGISTRATION), elsewhere, 1000.0, Voucher(is_exact=True)).waiting


def test_what_the_relay_says_of_a_session_is_shown() -> None:
    node = sighted(None, row(), 1000.0)

    assert (node.quarantined, node.unclaimed) == (False, False)
    assert sighted(node, row().model_copy(update={"quarantined": True}), 1001.0).quarantined
    assert sighted(node, row().model_copy(update={"claimed": False}), 1001.0).unclaimed


def test_an_unknown_address_never_equals_an_unregistered_one() -> None:
    assert sighted(registered(None, Registration("web1")), row(address=""), 1000.0).waiting


def test_a_node_that_nobody_registered_joins_without_labels_and_gets_them_later() -> None:
    node = sighted(None, row(), 1000.0)

    assert (node.labels, node.waiting, node.shown_address) == ({}, False, "10.0.1.1")
    assert registered(node, REGISTRATION).labels == {"env": "prod"}


def test_what_is_left_out_of_a_registration_stays() -> None:
    known = registered(None, REGISTRATION)

    again = registered(
        known, Registration("web1", labels={"env": "test", "role": "web"}, groups=frozenset({"us"}))
    )

    assert again.address == "10.0.1.1"
    assert again.labels == {"env": "test", "role": "web"}
    assert again.groups == {"eu", "us"}


def test_a_second_key_changes_nothing_but_raises_an_alarm() -> None:
    node = sighted(None, row(), 1000.0)

    challenged = sighted(node, row(key="two", address="203.0.113.5"), 1010.0)

    assert (challenged.uid, challenged.peer, challenged.last_seen) == (node.uid, node.peer, node.last_seen)
    assert "a second key" in challenged.alarm
    assert "node remove web1" in challenged.alarm
    assert sighted(challenged, row(), 1020.0).alarm == challenged.alarm


def test_an_alarm_of_the_relay_and_another_name_are_shown() -> None:
    node = sighted(None, row(), 1000.0)

    assert sighted(node, row(alarm="two live sessions"), 1001.0).alarm == "two live sessions"
    renamed = sighted(node, row(name="web9"), 1001.0)
    assert (renamed.name, renamed.alarm) == ("web1", "the relay calls it web9")
    assert sighted(renamed, row(), 1002.0).alarm == ""


def test_labels_are_set_and_taken_away() -> None:
    node = Node("web1", registered_labels={"env": "prod", "role": "web"})

    assert labelled(node, {"role": "api"}, ["env"]).labels == {"role": "api"}
    with pytest.raises(BadParams, match="web1 has no label 'zone'"):
        labelled(node, {}, ["zone"])
    with pytest.raises(BadParams, match="'env' is to be set and to be taken away"):
        labelled(node, {"env": "x"}, ["env"])


@pytest.mark.parametrize(
    ("name", "address", "groups"),
    [
        ("-web", "", ()),
        ("all", "", ()),
        ("web1", "a b", ()),
        ("web1", "10.0.0.1;rm", ()),
        ("web1", "", ("a/b",)),
    ],
)
def test_a_registration_with_a_bad_part_cannot_be_made(
    name: str, address: str, groups: tuple[str, ...]
) -> None:
    with pytest.raises(BadParams):
        Registration(name, address, {}, frozenset(groups))
