"""Where the relay serves its controller: join tokens are taken, alarms told, quarantines ended. Not who is
let in (relay/reception), and nothing that is on its way to a node (relay/switchboard).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeVar

from pydantic import ValidationError

from devopsclaw.model.joining import (
    AlarmKind,
    AlarmsSeenHeader,
    MintHeader,
    ReleaseHeader,
    RevokeHeader,
)
from devopsclaw.model.value import Value
from devopsclaw.relay.identities import Identities
from devopsclaw.relay.peer import Peer
from devopsclaw.wire.frames import BadFrame, Frame, FrameType

Header = TypeVar("Header", bound=Value)

log = logging.getLogger("devopsclaw.relay")


class Desk:
    """`on_release` is told the uid of a node that may come back."""

    def __init__(self, known: Identities, on_release: Callable[[str], None]) -> None:
        self._known = known
        self._on_release = on_release
        self._controllers: set[Peer] = set()

    def add(self, controller: Peer) -> None:
        """Tell this controller of the tokens, and of what happens from now on."""
        self._controllers.add(controller)
        if self._known.tokens.rows():
            controller.tell(self._tokens())

    async def tell_waiting(self) -> None:
        """Tell the alarms that nobody has acknowledged. Raises Damaged."""
        alarms = await self._known.alarms.waiting() if self._controllers else []
        if alarms:
            for controller in self._controllers:
                controller.tell(Frame(FrameType.ALARMS, {"alarms": alarms}))

    def remove(self, controller: Peer) -> None:
        """Tell it nothing more."""
        self._controllers.discard(controller)

    async def take(self, frame: Frame) -> None:
        """What a controller asks of the relay. Raises BadFrame for a header of the wrong shape, Damaged."""
        match frame.type:
            case FrameType.MINT:
                minted = _read(MintHeader, frame)
                await self._known.tokens.mint(minted)
                log.info("join token %s is taken for %s", minted.id, minted.pattern)
                self.tell_tokens()
            case FrameType.REVOKE:
                await self._known.tokens.revoke(_read(RevokeHeader, frame).id)
                self.tell_tokens()
            case FrameType.RELEASE:
                await self._release(_read(ReleaseHeader, frame).uid)
            case FrameType.ALARMS_SEEN:
                await self._known.alarms.seen(_read(AlarmsSeenHeader, frame).upto)
                await self.tell_waiting()

    def tell_tokens(self) -> None:
        """The tokens changed."""
        for controller in self._controllers:
            controller.tell(self._tokens())

    async def alarm(self, kind: AlarmKind, name: str, address: str, token: str = "") -> None:
        """Keep it, and tell it at once where somebody is there. Raises Damaged."""
        if await self._known.alarms.raise_one(kind, name, address, token):
            await self.tell_waiting()

    async def _release(self, uid: str) -> None:
        node = self._known.nodes.get(uid)
        if node is not None:
            await self._known.quarantine(node, "")
            log.info("node %s was released from quarantine by the controller", node.name)
            self._on_release(uid)

    def _tokens(self) -> Frame:
        return Frame(FrameType.TOKENS, {"tokens": self._known.tokens.rows()})


def _read(kind: type[Header], frame: Frame) -> Header:
    try:
        return kind.model_validate(frame.header)
    except ValidationError:
        raise BadFrame(f"{frame.type.name} is not valid") from None
