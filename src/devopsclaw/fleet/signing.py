"""Makes the signed commands of one controller. Not what is in them for whom: that is the request's."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID, uuid5

from devopsclaw.core.keys import SigningKey
from devopsclaw.fleet.effects import Command
from devopsclaw.model.risk import Effect
from devopsclaw.wire.envelope import Cancel, CommandParams, Envelope, sign_cancel, sign_envelope

OFFER_WINDOW = 600.0
"""Seconds after which a node may no longer start a command that was on its way: longer than any
reconnect, shorter than the time in which people forget what they asked for."""


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


def command_id(call: str, uid: str) -> str:
    """The id of this node's part: derived, so that sending it again names the same command."""
    return uuid5(UUID(call), f"0/{uid}/1").hex


class Signer:
    """Signs with the controller's key."""

    def __init__(self, key: SigningKey) -> None:
        self._key = key

    def command(self, order: Order, uid: str, now: float) -> Command:
        """This node's command of the order, valid from `now` (wall seconds) on."""
        identifier = command_id(order.call, uid)
        envelope = Envelope(
            command=identifier,
            execution=order.run,
            node=uid,
            params=CommandParams(
                command=order.command,
                timeout=order.timeout,
                grace=order.grace,
                output_cap=order.output_cap,
            ),
            effect=order.effect,
            not_before=now,
            not_after=now + OFFER_WINDOW,
            issuer=self._key.public_hex,
            call=order.call,
            approval=order.approval,
        )
        body = envelope.canonical()
        return Command(
            id=identifier,
            node=uid,
            envelope=body,
            signature=sign_envelope(self._key.private, body),
            not_before=envelope.not_before,
            not_after=envelope.not_after,
            grace=order.grace,
            timeout=order.timeout,
        )

    def cancel(self, command: Command) -> tuple[bytes, str]:
        """The bytes of a cancel, and the signature over them, hex."""
        cancel = Cancel(
            command=command.id, node=command.node, grace=command.grace, issuer=self._key.public_hex
        )
        body = cancel.canonical()
        return body, sign_cancel(self._key.private, body)
