"""The frames a controller says to a node. Not what to say, nor when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from devopsclaw.fleet.effects import Command, Send
from devopsclaw.fleet.entry import Entry
from devopsclaw.fleet.session import NodeSession
from devopsclaw.wire.frames import Frame, FrameType

SignCancel = Callable[[Command], tuple[bytes, str]]
"""The bytes of a cancel for this command, and the controller's signature over them, hex."""


class Orders:
    """What is said carries its own proof: offer and cancel are signed, the rest only moves bytes."""

    def __init__(self, sign_cancel: SignCancel) -> None:
        self._sign_cancel = sign_cancel

    def offer(self, command: Command) -> Send:
        """Run this. It grants a window of output from offset 0 (model/headers: CREDIT_WINDOW)."""
        header = {"node": command.node, "command": command.id, "signature": command.signature}
        return Send(Frame(FrameType.OFFER, header, command.body))

    def cancel(self, command: Command) -> Send:
        """Stop this, or never start it."""
        body, signature = self._sign_cancel(command)
        header = {
            "node": command.node,
            "command": command.id,
            "grace": command.grace,
            "signature": signature,
        }
        return Send(Frame(FrameType.CANCEL, header, body))

    def credit(self, entry: Entry) -> Send:
        """Send on, up to these offsets."""
        limits = {"stdout": entry.stdout.granted, "stderr": entry.stderr.granted}
        header = {"node": entry.command.node, "command": entry.id, **limits}
        return Send(Frame(FrameType.CREDIT, header))

    def acknowledge(self, command: str, node: str) -> Send:
        """Result and output are durable here: forget them."""
        return Send(Frame(FrameType.DONE_ACK, {"node": node, "command": command}))

    def reconcile(self, session: NodeSession) -> Iterator[Send]:
        """Where does everything stand, and go on from here; in as many frames as it takes."""
        for positions in session.positions():
            header: dict[str, Any] = {"node": session.uid, "serial": session.serial, "commands": positions}
            yield Send(Frame(FrameType.RECONCILE, header))
