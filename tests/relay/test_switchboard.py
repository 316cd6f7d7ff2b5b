"""Frames between open sessions: carried as they are, or refused; and what is said to the relay itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from devopsclaw.relay.link import RelayLink
from devopsclaw.wire.channel import Closed
from devopsclaw.wire.frames import Frame, FrameType

Wait = Callable[[RelayLink, Callable[[dict[str, Any]], bool]], Any]
LIMIT = 10.0


def carried(link: RelayLink, **header: Any) -> Frame:
    """A node's frame in its own name."""
    return Frame(FrameType.OUTPUT, {"node": link.welcome.uid, "epoch": link.welcome.epoch, **header}, b"hi")


async def test_removing_a_connected_node_says_goodbye_to_it(fleet: Any, presence: Wait) -> None:
    async with fleet.relay() as relay, fleet.connected(fleet.controller(relay.url)) as core:
        async with fleet.connected(fleet.node(relay.url)) as node, asyncio.timeout(LIMIT):
            await presence(core, lambda nodes: "web-1" in nodes)
            await core.send(Frame(FrameType.FORGET, {"uid": node.welcome.uid}))

            with pytest.raises(Closed) as closed:
                await node.receive()

    assert closed.value.is_final
    assert "removed" in closed.value.reason


async def test_frames_pass_both_ways_as_they_are(fleet: Any, presence: Wait) -> None:
    async with fleet.relay() as relay, fleet.connected(fleet.controller(relay.url)) as core:
        async with fleet.connected(fleet.node(relay.url)) as node, asyncio.timeout(LIMIT):
            await presence(core, lambda nodes: nodes.get("web-1", {}).get("connected"))
            offer = Frame(FrameType.OFFER, {"node": node.welcome.uid, "command": "c", "extra": [1]}, b"\0raw")
            await core.send(offer)
            assert await node.receive() == offer

            output = carried(node, offset=0, seq=1)
            await node.send(output)
            while (frame := await core.receive()).type is FrameType.PRESENCE:
                pass
            assert frame == output


async def test_a_frame_for_a_node_that_is_not_there_is_dropped(fleet: Any) -> None:
    async with fleet.relay() as relay, fleet.connected(fleet.controller(relay.url)) as core:
        for node in ("n_nobody", 7, None):
            await core.send(Frame(FrameType.CREDIT, {"node": node}))
        await core.send(Frame(FrameType.PING, {"at": 1.0}))
        while (await core._next()).type is not FrameType.PONG:
            pass

        _, _, page = await fleet.page(relay.port, "/metrics")

    assert "devopsclaw_relay_dropped_frames_total 3.0" in page


@pytest.mark.parametrize(
    "frame",
    [
        Frame(FrameType.OUTPUT, {"node": "n_somebody_else"}),
        Frame(FrameType.OFFER, {"node": "n_x"}),
        Frame(FrameType.FORGET, {"uid": "n_x"}),
        Frame(FrameType.PTY_OPEN, {"node": "n_x"}),
        Frame(FrameType.HELLO),
        Frame(FrameType.FACTS, {"facts": "none"}),
        Frame(FrameType.FACTS, {"facts": {"long": "x" * 9000}}),
    ],
)
async def test_a_node_that_says_what_it_may_not_is_cut(fleet: Any, frame: Frame) -> None:
    async with fleet.relay() as relay, fleet.connected(fleet.node(relay.url)) as node:
        await node.send(frame)
        async with asyncio.timeout(LIMIT):
            with pytest.raises(Closed):
                await node.receive()


async def test_presence_tells_facts_connection_and_last_sight(fleet: Any, presence: Wait) -> None:
    async with fleet.relay() as relay, fleet.connected(fleet.controller(relay.url)) as core:
        async with asyncio.timeout(LIMIT):
            async with fleet.connected(fleet.node(relay.url, version="0.1.0")) as node:
                await node.send(Frame(FrameType.FACTS, {"facts": {"os": "Debian"}}))
                there = await presence(core, lambda nodes: nodes.get("web-1", {}).get("facts"))
            gone = await presence(core, lambda nodes: not nodes.get("web-1", {}).get("connected", True))

    row = there["web-1"]
    assert row["connected"] and not gone["web-1"]["connected"]
    assert row["facts"] == {"os": "Debian"}
    assert (row["address"], row["version"], row["epoch"]) == ("127.0.0.1", "0.1.0", node.welcome.epoch)
    assert row["public_key"] == fleet.public("web-1")
    assert gone["web-1"]["last_seen"] >= row["last_seen"] > 1_700_000_000


async def test_a_ping_is_answered_and_keeps_the_last_sight_fresh(fleet: Any, presence: Wait) -> None:
    async with fleet.relay() as relay, fleet.connected(fleet.controller(relay.url)) as core:
        async with fleet.connected(fleet.node(relay.url)) as node, asyncio.timeout(LIMIT):
            before = (await presence(core, lambda nodes: "web-1" in nodes))["web-1"]["last_seen"]
            await node.send(Frame(FrameType.PING, {"at": 1.0}))

            pong = await node._next()
            await presence(core, lambda nodes: nodes.get("web-1", {}).get("last_seen", 0) > before)

    assert pong.type is FrameType.PONG
    assert pong.header["at"] > before
