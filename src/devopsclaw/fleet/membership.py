"""How what is known of a node changes: by an operator's word, or by what the relay tells. Pure values.

A name belongs to the first key that came under it. Labels that an operator gave to a name before are given
to that key only if it comes from the registered address, or with a join token for that very name; otherwise
both wait for the operator (design §8).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from devopsclaw.fleet.inventory import Node
from devopsclaw.fleet.labels import valid_address, valid_name
from devopsclaw.fleet.presence import Presence
from devopsclaw.fleet.tokens import Voucher
from devopsclaw.model.errors import BadParams


@dataclass(frozen=True, slots=True)
class Registration:
    """What an operator says of a node; what is empty leaves what is known. Raises BadParams."""

    name: str
    address: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    groups: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        valid_name(self.name)
        if self.address:
            valid_address(self.address)
        for group in self.groups:
            valid_name(group)


def registered(known: Node | None, registration: Registration) -> Node:
    """The node with what the operator adds. One that waits goes on waiting until it is accepted."""
    node = known or Node(registration.name, accepted=False)
    return replace(
        node,
        address=registration.address or node.address,
        registered_labels={**node.registered_labels, **registration.labels},
        registered_groups=node.registered_groups | registration.groups,
        accepted=node.accepted and bool(node.uid),
    )


def labelled(node: Node, labels: Mapping[str, str], unset: Collection[str]) -> Node:
    """The node with other labels. Raises BadParams for one to take away that is not there, or is set too."""
    for key in sorted(unset):
        if key in labels:
            raise BadParams(f"label {key!r} is to be set and to be taken away")
        if key not in node.registered_labels:
            raise BadParams(f"{node.name} has no label {key!r}", hint=f"devopsclaw node show {node.name}")
    kept = {key: value for key, value in node.registered_labels.items() if key not in unset}
    return replace(node, registered_labels={**kept, **labels})


def accepted(node: Node) -> Node:
    """The node, vouched for. Raises BadParams where nothing waits."""
    if not node.uid:
        raise BadParams(
            f"{node.name} has not joined yet", hint="start its daemon first; it prints its fingerprint"
        )
    if not node.waiting:
        raise BadParams(
            f"{node.name} does not wait: it is accepted", hint=f"devopsclaw node show {node.name}"
        )
    return replace(node, accepted=True)


def sighted(known: Node | None, row: Presence, now: float, voucher: Voucher | None = None) -> Node:
    """The node after the relay told of it; `known` has the row's key, else its name. `now` is wall time,
    `voucher` is what its join token gives it, should it be new.
    """
    given = voucher.labels if voucher else {}
    if known is None:
        return _joined(Node(row.name, registered_labels=dict(given)), row, now)
    if known.uid == row.uid:
        return _seen(known, row)
    if known.uid:
        return replace(known, rival=row.uid)
    vouched = (bool(row.address) and row.address == known.address) or (
        voucher is not None and voucher.is_exact
    )
    labels = {**given, **known.registered_labels}
    return _joined(replace(known, accepted=vouched, registered_labels=labels), row, now)


def _joined(node: Node, row: Presence, now: float) -> Node:
    joined = replace(node, uid=row.uid, public_key=row.public_key, joined_at=now, join_token=row.token)
    return _seen(joined, row)


def _seen(node: Node, row: Presence) -> Node:
    renamed = f"the relay calls it {row.name}" if row.name != node.name else ""
    return replace(
        node,
        peer=row.address,
        connected=row.connected,
        last_seen=row.last_seen,
        epoch=row.epoch,
        version=row.version,
        facts=row.facts,
        claimed=row.claimed,
        quarantined=row.quarantined,
        relay_alarm=row.alarm or renamed,
    )
