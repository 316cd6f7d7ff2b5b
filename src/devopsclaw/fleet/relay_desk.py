"""The controller's talk with the relay about who may join: tokens, quarantines, and alarms that come back.

What a relay says of an alarm is put on record as its word. Not here: frames of nodes (fleet/session_feed).
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from pydantic import ValidationError

from devopsclaw.core.bus import Bus
from devopsclaw.fleet.tokens import Issued, IssuedTokens
from devopsclaw.model.audit import Draft, Entry
from devopsclaw.model.errors import Damaged, Unreachable
from devopsclaw.model.events import Warned
from devopsclaw.model.joining import Alarm, AlarmsHeader, MintHeader, TokensHeader
from devopsclaw.wire.channel import Channel, Closed
from devopsclaw.wire.frames import Frame, FrameType
from devopsclaw.wire.jointoken import SECRET_BYTES, JoinToken, hash_of

ANSWER = 10.0
"""Seconds for the relay to say that it did what it was asked."""


class Audit(Protocol):
    """The audit log, as far as alarms go."""

    async def append(self, draft: Draft) -> Entry:
        """Returns when it is on disk; raises Damaged."""
        ...


class RelayDesk:
    """`root` is this controller's public key, hex."""

    def __init__(self, tokens: IssuedTokens, audit: Audit, bus: Bus, root: str) -> None:
        self.tokens = tokens
        self._audit = audit
        self._bus = bus
        self._root = root
        self._channel: Channel | None = None
        self._heard = asyncio.Event()
        self._told: set[str] = set()
        self._alarm = 0

    @contextmanager
    def serving(self, channel: Channel) -> Iterator[None]:
        """The relay is there until the block ends."""
        self._channel, self._alarm = channel, 0
        try:
            yield
        finally:
            self._channel = None
            self.stir()

    async def take(self, frame: Frame, channel: Channel) -> bool:
        """Take a frame of the relay's own; whether it was one of these. Raises Closed."""
        if frame.type not in (FrameType.TOKENS, FrameType.ALARMS):
            return False
        try:
            if frame.type is FrameType.TOKENS:
                await self._take_tokens(TokensHeader.model_validate(frame.header))
            else:
                await self._take_alarms(AlarmsHeader.model_validate(frame.header), channel)
        except ValidationError:
            self._bus.publish(
                Warned(f"the relay sent {frame.type.name} that make no sense", "update the relay")
            )
        except Damaged as unwritten:
            self._bus.publish(Warned(f"what the relay told is not kept: {unwritten.message}", unwritten.hint))
        return True

    async def mint(self, issued: Issued, ttl: float) -> JoinToken:
        """A new token the relay takes it from now on, for `ttl` seconds. Raises Unreachable, Damaged."""
        channel = self._reached()
        welcome = channel.welcome
        if not welcome.relay_key:
            raise Unreachable("the relay does not know join tokens", hint="update the relay, and try again")
        token = JoinToken(
            issued.id,
            welcome.relay_key,
            bytes.fromhex(welcome.spki),
            hash_of(self._root),
            secrets.token_bytes(SECRET_BYTES),
        )
        header = MintHeader(
            id=token.id, verifier=token.verifier, pattern=issued.pattern, uses=issued.uses, ttl=ttl
        )
        await self.tokens.add(issued)
        try:
            await self._ask(channel, Frame(FrameType.MINT, header.model_dump(mode="json")))
            await self._until(lambda: issued.id in self._told, "take the token")
        except Unreachable:
            await self.tokens.drop(issued.id)  # nobody was ever told its secret
            raise
        return token

    async def revoke(self, token: str) -> Issued:
        """It is good for nothing once this returns. Raises NotFound, Unreachable, Damaged."""
        channel, issued = self._reached(), self.tokens.find(token)
        await self._ask(channel, Frame(FrameType.REVOKE, {"id": issued.id}))
        if issued.id in self._told:
            await self._until(lambda: self.tokens.find(issued.id).revoked, "revoke the token")
        return await self.tokens.revoke(issued.id)

    async def release(self, uid: str, is_released: Callable[[], bool]) -> None:
        """Let this node's key in again; `is_released` is asked after each presence. Raises Unreachable."""
        await self._ask(self._reached(), Frame(FrameType.RELEASE, {"uid": uid}))
        await self._until(is_released, "release the node")

    def stir(self) -> None:
        """Something was heard of the relay, or it is gone: whoever waits for it looks again."""
        self._heard.set()
        self._heard = asyncio.Event()

    def _reached(self) -> Channel:
        if self._channel is None:
            raise Unreachable(
                "there is no connection to a relay, and who may join is decided there",
                hint="devopsclaw fleet status says why; devopsclaw relay connect URL names another",
            )
        return self._channel

    async def _ask(self, channel: Channel, frame: Frame) -> None:
        try:
            await channel.send(frame)
        except Closed as closed:
            raise Unreachable(f"the relay went away: {closed.reason}", hint="try again") from closed

    async def _until(self, holds: Callable[[], bool], what: str) -> None:
        try:
            async with asyncio.timeout(ANSWER):
                while not holds():
                    heard = self._heard
                    self._reached()
                    await heard.wait()
        except TimeoutError:
            raise Unreachable(
                f"the relay did not {what} within {ANSWER:.0f} s", hint="look at its log, and try again"
            ) from None

    async def _take_tokens(self, header: TokensHeader) -> None:
        await self.tokens.heard(header.tokens)
        self._told = {row.id for row in header.tokens}
        self.stir()

    async def _take_alarms(self, header: AlarmsHeader, channel: Channel) -> None:
        """On record first; only then the relay forgets them."""
        for alarm in header.alarms:
            if alarm.id > self._alarm:
                await self._audit.append(_recorded(alarm))
                self._alarm = alarm.id
                self._bus.post(Warned(alarm.text, _advice(alarm)))
        if header.alarms:
            await channel.send(Frame(FrameType.ALARMS_SEEN, {"upto": header.alarms[-1].id}))


def _recorded(alarm: Alarm) -> Draft:
    """An alarm as the audit log has it: the relay's word."""
    return Draft(
        user="relay",
        action=f"alarm.{alarm.kind}",
        target=alarm.token or alarm.name,
        status="denied",
        detail={"alarm": alarm.text, "name": alarm.name, "address": alarm.address, "at": alarm.at},
    )


def _advice(alarm: Alarm) -> str:
    """What a person may do about it."""
    if alarm.kind == "duplicate_key":
        return f"stop the wrong one, then: devopsclaw node release {alarm.name}"
    if alarm.kind == "other_root":
        return "bring that controller's key here (devopsclaw keys import FILE), or reset the node's trust"
    if alarm.kind == "name_taken":
        return f"devopsclaw node show {alarm.name}"
    return "was it you? devopsclaw node token list, and devopsclaw node list"
