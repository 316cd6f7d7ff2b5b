"""What happens at the door when two come at once, when the disk fails, and when the relay is stopping."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from devopsclaw.model.errors import Busy, Damaged, Denied
from devopsclaw.relay.identities import Identities
from devopsclaw.relay.tls import CERTIFICATE, client_context, own_tls
from devopsclaw.wire.channel import Closed
from devopsclaw.wire.frames import Frame, FrameType, decode, encode

LIMIT = 10.0


async def test_two_new_keys_that_ask_for_one_name_at_once_get_one_session(fleet: Any) -> None:
    async with fleet.relay() as relay, asyncio.timeout(LIMIT):
        dialers = [fleet.node(relay.url, seed=seed) for seed in ("one", "two", "three")]
        ends = await asyncio.gather(*(dialer.connect() for dialer in dialers), return_exceptions=True)
        links = [end for end in ends if not isinstance(end, BaseException)]
        for link in links:
            await link.close()

    assert len(links) == 1
    assert {type(end) for end in ends if isinstance(end, BaseException)} <= {Busy, Denied}


async def test_one_key_that_comes_twice_at_once_has_at_most_one_session(fleet: Any) -> None:
    async with fleet.relay() as relay, asyncio.timeout(LIMIT):
        ends = await asyncio.gather(
            *(fleet.node(relay.url).connect() for _ in range(3)), return_exceptions=True
        )
        links = [end for end in ends if not isinstance(end, BaseException)]
        for link in links:
            await link.close()

    assert len(links) <= 1
    assert {type(end) for end in ends if isinstance(end, BaseException)} <= {Busy, Denied}


async def test_two_controllers_that_claim_at_once_make_one_root(fleet: Any) -> None:
    async with fleet.relay() as relay, asyncio.timeout(LIMIT):
        ends = await asyncio.gather(
            *(fleet.controller(relay.url, seed=seed).connect() for seed in ("one", "two")),
            return_exceptions=True,
        )
        links = [end for end in ends if not isinstance(end, BaseException)]
        for link in links:
            await link.close()

    assert len(links) == 1


async def test_a_node_is_not_let_in_when_its_name_cannot_be_written(
    fleet: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*arguments: Any) -> None:
        raise Damaged("relay.db: the disk is full")

    async with fleet.relay() as relay:
        monkeypatch.setattr(Identities, "join", fail)
        with pytest.raises(Busy, match="cannot write its database") as busy:
            await fleet.node(relay.url).connect()
        monkeypatch.undo()
        async with fleet.connected(fleet.node(relay.url)) as node:
            assert node.welcome.uid

    assert "disk" in busy.value.hint


async def test_a_removal_that_cannot_be_written_ends_the_controllers_session(
    fleet: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(*arguments: Any) -> None:
        raise Damaged("relay.db: the disk is full")

    monkeypatch.setattr(Identities, "forget", fail)
    async with fleet.relay() as relay, fleet.connected(fleet.controller(relay.url)) as core:
        await core.send(Frame(FrameType.FORGET, {"uid": "n_a"}))
        async with asyncio.timeout(LIMIT):
            with pytest.raises(Closed):
                while True:
                    await core.receive()


async def test_both_sessions_of_the_one_controller_hear_the_nodes(
    fleet: Any, presence: Callable[..., Any]
) -> None:
    async with fleet.relay() as relay, asyncio.timeout(LIMIT):
        one = await fleet.controller(relay.url).connect()
        reading = asyncio.ensure_future(until_output(one))
        async with (
            fleet.connected(fleet.controller(relay.url)) as two,
            fleet.connected(fleet.node(relay.url)) as node,
        ):
            await node.send(Frame(FrameType.OUTPUT, {"node": node.welcome.uid}, b"x"))
            assert (await until_output(two)).body == (await reading).body == b"x"
        await one.close()


async def until_output(link: Any) -> Frame:
    """The next frame that is not presence."""
    while True:
        frame: Frame = await link.receive()
        if frame.type is not FrameType.PRESENCE:
            return frame


async def test_a_controllers_dead_old_session_is_cut_when_it_comes_back(
    fleet: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devopsclaw.relay.peer.PING_TIMEOUT", 0.1)
    async with fleet.relay() as relay, asyncio.timeout(LIMIT):
        old = await fleet.controller(relay.url).connect()
        old._connection.transport.pause_reading()
        async with fleet.connected(fleet.controller(relay.url)):
            old._connection.transport.resume_reading()
            with pytest.raises(Closed):
                while True:
                    await old.receive()
        await old.close()


async def test_a_controller_learns_of_nodes_that_are_offline_since_before_the_restart(
    fleet: Any, presence: Callable[..., Any]
) -> None:
    async with fleet.relay() as relay:
        for name in ("web-1", "web-2"):
            async with fleet.connected(fleet.node(relay.url, name)) as node:
                epoch = node.welcome.epoch
    async with fleet.relay() as relay, fleet.connected(fleet.controller(relay.url)) as core:
        async with asyncio.timeout(LIMIT):
            nodes = await presence(core, lambda nodes: len(nodes) == 2)

    assert not any(row["connected"] for row in nodes.values())
    assert nodes["web-2"]["epoch"] == epoch
    assert nodes["web-1"]["public_key"] == fleet.public("web-1")


async def test_removing_what_is_not_known_changes_nothing(fleet: Any, presence: Callable[..., Any]) -> None:
    async with fleet.relay() as relay, fleet.connected(fleet.controller(relay.url)) as core:
        async with fleet.connected(fleet.node(relay.url)), asyncio.timeout(LIMIT):
            await presence(core, lambda nodes: "web-1" in nodes)
            await core.send(Frame(FrameType.FORGET, {"uid": "n_nobody"}))
            await core.send(Frame(FrameType.FORGET, {}))

            assert await presence(core, lambda nodes: nodes.get("web-1", {}).get("connected"))


async def test_a_known_nodes_hello_without_its_key_opens_no_session(fleet: Any) -> None:
    async with fleet.relay() as relay:
        dialer = fleet.node(relay.url)
        async with fleet.connected(dialer):
            pass
        async with connect(relay.url, ssl=client_context(), proxy=None) as thief, asyncio.timeout(LIMIT):
            await thief.send(encode(Frame(FrameType.HELLO, hello_of(dialer))))
            challenge = decode(as_bytes(await thief.recv()))
            await thief.send(encode(Frame(FrameType.PROOF, {"proof": "", "signature": "ab" * 64})))
            refused = decode(as_bytes(await thief.recv()))
            with pytest.raises(ConnectionClosed):
                await thief.recv()

    assert challenge.type is FrameType.CHALLENGE
    assert (refused.type, refused.header["code"]) == (FrameType.REFUSED, "bad_proof")


def hello_of(dialer: Any) -> dict[str, Any]:
    """What this client said first."""
    return {
        "role": "node",
        "versions": [1],
        "name": dialer.name,
        "public_key": dialer.key.public_key().public_bytes_raw().hex(),
        "nonce": "00" * 32,
        "auth": "token",
    }


def as_bytes(data: str | bytes) -> bytes:
    """A binary message."""
    assert isinstance(data, bytes)
    return data


async def test_a_wrong_version_is_told_with_both_versions(fleet: Any) -> None:
    async with fleet.relay() as relay:
        dialer = fleet.node(relay.url)
        hello = {**hello_of(dialer), "versions": [7]}
        async with connect(relay.url, ssl=client_context(), proxy=None) as visitor, asyncio.timeout(LIMIT):
            await visitor.send(encode(Frame(FrameType.HELLO, hello)))
            refused = decode(as_bytes(await visitor.recv()))

    assert refused.header["code"] == "version"
    assert "protocol 1, the visitor speaks 7" in refused.header["message"]


async def test_a_given_certificate_is_served_and_bound_into_the_handshake(fleet: Any, tmp_path: Any) -> None:
    own_tls(tmp_path / "given")
    given = tmp_path / "given" / CERTIFICATE
    async with fleet.relay(tls_cert=given, tls_key=given) as relay:
        async with fleet.connected(fleet.node(relay.url)) as node:
            assert node.welcome.epoch

    assert not (fleet.home.keys / CERTIFICATE).exists()


async def test_a_visitor_in_the_middle_of_its_handshake_does_not_hold_up_the_end(
    fleet: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devopsclaw.relay.reception.HANDSHAKE_TIMEOUT", 0.2)
    async with asyncio.timeout(LIMIT):
        async with fleet.relay() as relay:
            visitor = await connect(relay.url, ssl=client_context(), proxy=None)
        with pytest.raises(ConnectionClosed):
            await visitor.recv()
