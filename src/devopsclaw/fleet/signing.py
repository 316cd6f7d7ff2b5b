"""Makes the signed commands of one controller. Not what is in them for whom: that is the request's."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid5

from devopsclaw.core.keys import SigningKey
from devopsclaw.fleet.effects import Command
from devopsclaw.model.risk import Effect
from devopsclaw.wire.envelope import (
    NAME_LENGTH,
    Cancel,
    CommandParams,
    Envelope,
    Work,
    sign_cancel,
    sign_envelope,
)
from devopsclaw.wire.merkle import Tree, leaf_of
from devopsclaw.wire.offer import Sealed

OFFER_WINDOW = 600.0
"""Seconds after which a node may no longer start a command that was on its way: longer than any
reconnect, shorter than the time in which people forget what they asked for."""
SALT_DOMAIN = b"devopsclaw-salt-1\0"
SALT_BYTES = 16


@dataclass(frozen=True, slots=True)
class Order:
    """What every node of one run is to do. `call` is a uuid in hex; commands' ids derive from it."""

    run: str
    call: str
    command: str
    effect: Effect
    timeout: float
    grace: float
    output_cap: int
    approval: str = ""
    user: str = ""
    via: str = ""


def command_id(call: str, uid: str) -> str:
    """The id of this node's part: derived, so that sending it again names the same command."""
    return uuid5(UUID(call), f"0/{uid}/1").hex


class Signer:
    """Signs with the controller's key. `window`: seconds within which a command has to start."""

    def __init__(self, key: SigningKey, window: float = OFFER_WINDOW) -> None:
        self._key = key
        self._window = window
        self._secret = hashlib.sha256(SALT_DOMAIN + key.private.private_bytes_raw()).digest()

    def commands(self, order: Order, uids: Sequence[str], now: float) -> dict[str, Command]:
        """The commands of these nodes (at least one) by uid, under one signature, valid from `now` on."""
        works = [self._work(order, uid) for uid in uids]
        digests = [hashlib.sha256(work).digest() for _, work in works]
        tree = Tree([leaf_of(uid, digest) for uid, digest in zip(uids, digests, strict=True)])
        envelope = self._envelope(order, tree.root, now)
        signed = envelope.canonical()
        signature = sign_envelope(self._key.private, signed)
        return {
            uid: Command(
                id=identifier,
                node=uid,
                body=Sealed(signed, tree.path(index), work).pack(),
                signature=signature,
                digest=digests[index].hex(),
                not_before=envelope.not_before,
                not_after=envelope.not_after,
                grace=order.grace,
                timeout=order.timeout,
            )
            for index, (uid, (identifier, work)) in enumerate(zip(uids, works, strict=True))
        }

    def command(self, order: Order, uid: str, now: float) -> Command:
        """The command of this node alone. Its work is the same bytes whoever is signed for beside it."""
        return self.commands(order, [uid], now)[uid]

    def cancel(self, command: Command) -> tuple[bytes, str]:
        """The bytes of a cancel, and the signature over them, hex."""
        cancel = Cancel(
            command=command.id, node=command.node, grace=command.grace, issuer=self._key.public_hex
        )
        body = cancel.canonical()
        return body, sign_cancel(self._key.private, body)

    def _work(self, order: Order, uid: str) -> tuple[str, bytes]:
        """Id and signed bytes of what this node is to run.

        The salt keeps it from everybody until it is offered: a relay that carried the work of one node
        could else make up that of the next, whose turn may never come.
        """
        identifier = command_id(order.call, uid)
        salt = hmac.digest(self._secret, identifier.encode(), "sha256")[:SALT_BYTES]
        params = CommandParams(
            command=order.command, timeout=order.timeout, grace=order.grace, output_cap=order.output_cap
        )
        return identifier, Work(command=identifier, params=params, salt=salt.hex()).canonical()

    def _envelope(self, order: Order, root: bytes, now: float) -> Envelope:
        return Envelope(
            execution=order.run,
            root=root.hex(),
            effect=order.effect,
            user=order.user[:NAME_LENGTH],
            via=order.via,
            not_before=now,
            not_after=now + self._window,
            issuer=self._key.public_hex,
            call=order.call,
            approval=order.approval,
        )
