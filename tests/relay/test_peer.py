"""Slow and silent sessions are cut, so that they hold up nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from websockets.protocol import State

from devopsclaw.core.clock import ManualClock
from devopsclaw.relay import server
from devopsclaw.relay.peer import PUSH_LIMIT, SEND_TIMEOUT, Peer
from devopsclaw.wire.frames import MAX_BODY, Frame, FrameType
from devopsclaw.wire.table import Role

LIMIT = 10.0


class Transport:
    """A socket whose other end does not read."""

    def __init__(self, waiting: int) -> None:
        self.waiting = waiting
        self.is_aborted = False

    def get_write_buffer_size(self) -> int:
        """Bytes not yet read."""
        return self.waiting

    def abort(self) -> None:
        """Remember."""
        self.is_aborted = True


class Connection:
    """An open connection with such a socket."""

    state = State.OPEN

    def __init__(self, waiting: int) -> None:
        self.transport = Transport(waiting)

    async def send(self, data: bytes) -> None:
        """Never done."""
        await asyncio.Event().wait()


def peer(waiting: int, clock: ManualClock) -> tuple[Peer, Transport]:
    """A peer that does not read."""
    connection: Any = Connection(waiting)
    return Peer(connection, Role.NODE, "n_a", 1, clock), connection.transport


async def test_a_send_that_takes_too_long_cuts_the_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("devopsclaw.relay.peer.SEND_TIMEOUT", 0.01)
    slow, transport = peer(1, ManualClock())

    assert not await slow.deliver(b"x")
    assert transport.is_aborted
    assert slow.was_slow


def test_a_peer_with_too_much_waiting_is_cut_at_once() -> None:
    slow, transport = peer(PUSH_LIMIT + 1, ManualClock())

    assert not slow.push(b"x")
    assert transport.is_aborted


def test_a_peer_is_stuck_only_after_its_bytes_waited_for_long() -> None:
    clock = ManualClock()
    slow, transport = peer(PUSH_LIMIT, clock)
    before = slow.is_stuck()
    clock.advance(SEND_TIMEOUT + 1)
    after = slow.is_stuck()
    transport.waiting = 0

    assert (before, after, slow.is_stuck()) == (False, True, False)


async def test_a_node_that_does_not_read_is_cut_and_the_controller_goes_on(
    fleet: Any, presence: Callable[..., Any]
) -> None:
    async with fleet.relay() as relay, fleet.connected(fleet.controller(relay.url)) as core:
        node = await fleet.node(relay.url).connect()
        await presence(core, lambda nodes: nodes.get("web-1", {}).get("connected"))
        node._connection.transport.pause_reading()
        frame = Frame(FrameType.CREDIT, {"node": node.welcome.uid}, bytes(MAX_BODY))

        async with asyncio.timeout(LIMIT):
            for _ in range(400):
                await core.send(frame)
            await presence(core, lambda nodes: not nodes.get("web-1", {}).get("connected", True))
        node._connection.transport.abort()
        await node.close()


async def test_a_session_that_is_silent_is_cut(fleet: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "SWEEP_EVERY", 0.02)
    monkeypatch.setattr(server, "OFFLINE_AFTER", 0.1)
    async with fleet.relay() as relay, fleet.connected(fleet.node(relay.url)) as node:
        async with asyncio.timeout(LIMIT):
            with pytest.raises(Exception, match="broke"):
                await node.receive()
