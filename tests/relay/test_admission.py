"""The rules of who is let in, without a socket."""

from __future__ import annotations

from typing import Any, cast

import pytest

from devopsclaw.relay.admission import controller_refusal, node_refusal
from devopsclaw.relay.identities import Identities, Node
from devopsclaw.wire.enroll import Auth, Hello
from devopsclaw.wire.session import Proved
from devopsclaw.wire.table import Role
from devopsclaw.wire.uid import uid_of

KEY, OTHER = "aa" * 32, "bb" * 32


class Known:
    """As much of `Identities` as the rules ask."""

    def __init__(self, root: str = "", quarantine: str = "") -> None:
        uid = uid_of(bytes.fromhex(KEY))
        self.nodes = {uid: Node(uid, "web-1", KEY, "", 0.0, quarantine=quarantine)}
        self.root = root

    def named(self, name: str) -> Node | None:
        """See `Identities.named`."""
        return next((node for node in self.nodes.values() if node.name == name), None)


def proved(
    role: Role, key: str, *, auth: Auth = Auth.KEY, knows: bool = False, name: str = "web-1"
) -> Proved:
    """Somebody who owns this key."""
    return Proved(
        Hello(role=role, versions=[1], name=name, public_key=key, nonce="00" * 32, auth=auth), knows
    )


@pytest.mark.parametrize(
    ("known", "given", "code"),
    [
        ({}, {"key": KEY}, ""),
        ({}, {"key": KEY, "auth": Auth.TOKEN}, ""),
        ({}, {"key": KEY, "name": "web-2"}, "name_bound"),
        ({"quarantine": "two machines"}, {"key": KEY}, "quarantined"),
        ({}, {"key": OTHER, "name": "web-2"}, "wrong_token"),
        ({}, {"key": OTHER, "name": "web-2", "auth": Auth.TOKEN}, "wrong_token"),
        ({}, {"key": OTHER, "name": "web-2", "auth": Auth.CLAIM, "knows": True}, "wrong_token"),
        ({}, {"key": OTHER, "name": "web-2", "auth": Auth.TOKEN, "knows": True}, ""),
        ({}, {"key": OTHER, "name": "web-1", "auth": Auth.TOKEN, "knows": True}, "name_taken"),
        ({}, {"key": OTHER, "name": "web-1"}, "wrong_token"),
    ],
)
def test_which_node_is_let_in(known: dict[str, Any], given: dict[str, Any], code: str) -> None:
    refusal = node_refusal(cast(Identities, Known(**known)), proved(Role.NODE, **given), 0.0)

    assert (refusal.code if refusal else "") == code
    assert refusal is None or (refusal.message and refusal.hint)


@pytest.mark.parametrize(
    ("root", "given", "is_local", "code"),
    [
        (KEY, {}, False, ""),
        (OTHER, {}, True, "claimed"),
        (OTHER, {"auth": Auth.CLAIM, "knows": True}, True, "claimed"),
        ("", {}, True, ""),
        ("", {}, False, "claim_needed"),
        ("", {"auth": Auth.TOKEN, "knows": True}, False, "claim_needed"),
        ("", {"auth": Auth.CLAIM, "knows": True}, False, ""),
        ("", {"auth": Auth.CLAIM}, False, "wrong_claim"),
        ("", {"auth": Auth.CLAIM}, True, "wrong_claim"),
    ],
)
def test_which_controller_is_let_in(root: str, given: dict[str, Any], is_local: bool, code: str) -> None:
    known = cast(Identities, Known(root))

    refusal = controller_refusal(known, proved(Role.CONTROLLER, KEY, **given), is_local=is_local)

    assert (refusal.code if refusal else "") == code
    assert refusal is None or (refusal.message and refusal.hint)
