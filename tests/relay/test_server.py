"""The relay on a real socket with real TLS: joining, claiming, carrying, presence, duplicates, drain."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidMessage, InvalidStatus
from websockets.typing import Origin

from devopsclaw.core.clock import SystemClock
from devopsclaw.model.errors import BadParams, Busy, Damaged, Denied
from devopsclaw.relay.link import RelayLink
from devopsclaw.relay.server import serve
from devopsclaw.relay.settings import RelaySettings
from devopsclaw.relay.tls import client_context
from devopsclaw.wire.channel import Closed
from devopsclaw.wire.frames import Frame, FrameType
from devopsclaw.wire.uid import uid_of

Wait = Callable[[RelayLink, Callable[[dict[str, Any]], bool]], Any]
LIMIT = 10.0
"""Seconds after which a test that waits has failed."""


async def test_a_node_joins_with_the_token_and_comes_back_with_its_key_alone(fleet: Any) -> None:
    async with fleet.relay() as relay:
        async with fleet.connected(fleet.node(relay.url)) as first:
            welcome = first.welcome
        async with fleet.connected(fleet.node(relay.url, token="")) as second:
            again = second.welcome

    assert welcome.uid == again.uid == uid_of(bytes.fromhex(fleet.public("web-1")))
    assert again.epoch > welcome.epoch
    assert (welcome.root, welcome.claimed) == ("", False)


async def test_a_relay_remembers_nodes_and_never_hands_out_an_epoch_twice(fleet: Any) -> None:
    async with fleet.relay() as relay, fleet.connected(fleet.node(relay.url)) as link:
        before = link.welcome.epoch
    port = relay.port
    async with fleet.relay(address=f"127.0.0.1:{port}") as again:
        async with fleet.connected(fleet.node(again.url, token="")) as link:
            after = link.welcome.epoch

    assert after > before
    assert again.public_key == relay.public_key


async def test_a_wrong_token_is_denied_with_the_reason(fleet: Any) -> None:
    async with fleet.relay() as relay:
        with pytest.raises(Denied, match="wrong token, or somebody is in between"):
            await fleet.node(relay.url, token="wrong").connect()


async def test_a_pinned_node_that_the_relay_forgot_needs_the_right_token(fleet: Any, presence: Wait) -> None:
    async with fleet.relay() as relay:
        async with fleet.connected(fleet.node(relay.url)) as node:
            uid = node.welcome.uid
        async with fleet.connected(fleet.controller(relay.url)) as core, asyncio.timeout(LIMIT):
            await core.send(Frame(FrameType.FORGET, {"uid": uid}))
            await presence(core, lambda nodes: nodes == {})

            with pytest.raises(Denied, match="the token does not fit"):
                await fleet.node(relay.url, token="wrong").connect()
            async with fleet.connected(fleet.node(relay.url, seed="new-key")) as link:
                assert link.welcome.uid != uid


async def test_a_second_key_under_a_name_is_refused_and_raises_an_alarm(fleet: Any, presence: Wait) -> None:
    async with fleet.relay() as relay, fleet.connected(fleet.controller(relay.url)) as core:
        async with fleet.connected(fleet.node(relay.url)), asyncio.timeout(LIMIT):
            with pytest.raises(Denied, match="web-1 belongs to another key"):
                await fleet.node(relay.url, seed="impostor").connect()

            nodes = await presence(core, lambda nodes: bool(nodes.get("web-1", {}).get("alarm")))

    assert "another key asked for the name web-1 from 127.0.0.1" in nodes["web-1"]["alarm"]
    assert nodes["web-1"]["connected"]


async def test_a_name_and_key_stay_together_when_the_node_asks_for_another_name(fleet: Any) -> None:
    async with fleet.relay() as relay:
        async with fleet.connected(fleet.node(relay.url)):
            pass
        with pytest.raises(Denied, match="joined as web-1; it cannot become web-2") as denied:
            await fleet.node(relay.url, "web-2", seed="web-1").connect()

    assert "node remove web-1" in denied.value.hint


async def test_two_living_sessions_with_one_key_are_both_shut_out(fleet: Any, presence: Wait) -> None:
    async with fleet.relay() as relay, fleet.connected(fleet.controller(relay.url)) as core:
        async with fleet.connected(fleet.node(relay.url)) as first, asyncio.timeout(LIMIT):
            reading = asyncio.ensure_future(first.receive())
            with pytest.raises(Denied, match="two machines used the key of web-1"):
                await fleet.node(relay.url).connect()
            with pytest.raises(Closed, match="two machines"):
                await reading
            nodes = await presence(core, lambda nodes: not nodes.get("web-1", {}).get("connected", True))
            with pytest.raises(Denied, match="shut out"):
                await fleet.node(relay.url).connect()

    assert "shut out" in nodes["web-1"]["alarm"]


async def test_quarantine_survives_a_restart_and_ends_with_removal(fleet: Any, presence: Wait) -> None:
    async with fleet.relay() as relay, fleet.connected(fleet.node(relay.url)) as first:
        uid = first.welcome.uid
        with pytest.raises(Denied):
            await fleet.node(relay.url).connect()
    async with fleet.relay() as relay, asyncio.timeout(LIMIT):
        with pytest.raises(Denied, match="shut out"):
            await fleet.node(relay.url).connect()
        async with fleet.connected(fleet.controller(relay.url)) as core:
            await core.send(Frame(FrameType.FORGET, {"uid": uid}))
            await presence(core, lambda nodes: nodes == {})
        async with fleet.connected(fleet.node(relay.url)) as back:
            assert back.welcome.uid == uid


async def test_a_dead_old_session_gives_way_to_the_new_one(fleet: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("devopsclaw.relay.peer.PING_TIMEOUT", 0.2)
    async with fleet.relay() as relay:
        old = await fleet.node(relay.url).connect()
        old._connection.transport.pause_reading()  # its host is gone: nothing is read, nothing answered
        async with fleet.connected(fleet.node(relay.url)) as new:
            assert new.welcome.epoch > old.welcome.epoch
        old._connection.transport.resume_reading()
        await old.close()


async def test_a_controller_on_loopback_claims_an_unclaimed_relay(fleet: Any) -> None:
    async with fleet.relay() as relay:
        assert relay.claim_code
        async with fleet.connected(fleet.controller(relay.url)) as core:
            assert core.welcome.root == fleet.public("laptop")
        assert fleet.announcement()["claim"] == ""
        with pytest.raises(Denied, match="belongs to another controller"):
            await fleet.controller(relay.url, seed="other").connect()
        async with fleet.connected(fleet.controller(relay.url)) as again:
            assert again.welcome.claimed
    async with fleet.relay() as relay:
        assert relay.claim_code == ""


async def test_a_claim_code_claims_and_the_fleet_token_does_not(fleet: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("devopsclaw.relay.reception.is_loopback", lambda address: False)
    async with fleet.relay() as relay:
        with pytest.raises(Denied, match="the fleet token alone does not make a controller") as denied:
            await fleet.controller(relay.url, token="a-fleet-token-of-good-length").connect()
        assert "--claim" in denied.value.hint
        with pytest.raises(Denied, match="wrong claim code"):
            await fleet.controller(relay.url, seed="x", claim="guess").connect()
        async with fleet.connected(fleet.controller(relay.url, claim=relay.claim_code)) as core:
            assert core.welcome.claimed


async def test_nodes_that_came_before_the_claim_come_back_to_be_shown_the_root(fleet: Any) -> None:
    async with fleet.relay() as relay, asyncio.timeout(LIMIT):
        async with fleet.connected(fleet.node(relay.url)) as early:
            async with fleet.connected(fleet.controller(relay.url)):
                with pytest.raises(Closed) as closed:
                    await early.receive()
                async with fleet.connected(fleet.node(relay.url)) as back:
                    assert back.welcome.root == fleet.public("laptop")

    assert closed.value.retry is not None
    assert 0 <= closed.value.retry <= 1


async def test_a_stopping_relay_tells_everybody_when_to_come_back(fleet: Any) -> None:
    async with asyncio.timeout(LIMIT), fleet.relay() as relay:
        node = await fleet.node(relay.url).connect()
        reading = asyncio.ensure_future(node.receive())
        await asyncio.sleep(0)
    with pytest.raises(Closed) as closed:
        await reading
    await node.close()

    assert closed.value.retry is not None
    assert 0 <= closed.value.retry <= 10
    assert not (fleet.home.run / "relay.json").exists()


async def test_the_announcement_is_private_and_says_how_to_claim(fleet: Any) -> None:
    async with fleet.relay() as relay:
        found = fleet.announcement()
        mode = (fleet.home.run / "relay.json").stat().st_mode & 0o777

    assert found == {"url": relay.url, "claim": relay.claim_code, "key": relay.public_key}
    assert mode == 0o600
    assert relay.url == f"wss://127.0.0.1:{relay.port}"


@pytest.mark.parametrize(("listen", "local"), [("127.0.0.1:0", "127.0.0.1"), ("localhost:0", "localhost")])
async def test_a_relay_says_how_it_is_dialled_from_its_own_machine(
    fleet: Any, listen: str, local: str
) -> None:
    async with fleet.relay(address=listen) as relay:
        async with fleet.connected(fleet.controller(relay.url)) as core:
            assert core.welcome.claimed

    assert relay.url == f"wss://{local}:{relay.port}"


async def test_one_connection_too_many_is_told_so(fleet: Any) -> None:
    async with fleet.relay(max_connections=1) as relay, fleet.connected(fleet.node(relay.url)):
        with pytest.raises(Busy, match="takes 1 connections, and has them") as busy:
            await fleet.node(relay.url, "web-2").connect()

    assert "--max" in busy.value.hint


async def test_more_connections_than_descriptors_are_refused_before_anything_is_opened(fleet: Any) -> None:
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]

    with pytest.raises(BadParams, match=f"may open {limit}") as bad:
        async with fleet.relay(max_connections=limit):
            pass

    assert f"ulimit -n {limit + 64}" in bad.value.hint
    assert not fleet.home.root.exists()


async def test_a_port_in_use_is_told_in_one_line(fleet: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Busy, match=f"127.0.0.1:{port}: the port is in use"):
            async with fleet.relay(address=f"127.0.0.1:{port}"):
                pass


@pytest.mark.parametrize("address", ["192.0.2.1:0", "no.such.host.invalid:0", "two..dots:0", "nonsense:port"])
async def test_an_address_of_another_machine_is_a_bad_parameter(fleet: Any, address: str) -> None:
    with pytest.raises(BadParams, match="listen on"):
        async with fleet.relay(address=address):
            pass


async def test_a_second_relay_in_one_home_is_refused(fleet: Any) -> None:
    async with fleet.relay():
        with pytest.raises(Busy):
            async with fleet.relay():
                pass


async def test_plain_websocket_is_refused_without_insecure(fleet: Any) -> None:
    async with fleet.relay() as relay:
        with pytest.raises((InvalidMessage, ConnectionError)):
            await connect(f"ws://127.0.0.1:{relay.port}/", proxy=None)


async def test_plain_websocket_works_with_insecure_on_both_sides_and_is_warned_of(fleet: Any) -> None:
    async with fleet.relay(insecure=True) as relay:
        async with fleet.connected(fleet.node(relay.url, insecure=True)) as node:
            assert node.welcome.uid

    assert relay.url.startswith("ws://")
    assert "--insecure" in relay.warnings[0]


@pytest.mark.parametrize(("token", "word"), [("short", "could be guessed"), ("", "no fleet token")])
async def test_a_weak_token_is_warned_of(token: str, word: str) -> None:
    assert word in RelaySettings(token=token).warnings()[0]


async def test_the_token_is_in_no_repr(fleet: Any) -> None:
    assert "hidden" not in repr(RelaySettings(token="hidden"))
    assert "hidden" not in repr(fleet.node("host", token="hidden", claim="hidden"))


async def test_a_web_page_gets_no_session(fleet: Any) -> None:
    async with fleet.relay() as relay:
        with pytest.raises(InvalidStatus) as refused:
            await connect(relay.url, ssl=client_context(), origin=Origin("https://evil.example"), proxy=None)

    assert refused.value.response.status_code == 403


async def test_a_visitor_that_speaks_no_handshake_is_cut(fleet: Any) -> None:
    async with fleet.relay() as relay:
        for words in (b"\xff\xff", "text", b""):
            async with connect(relay.url, ssl=client_context(), proxy=None) as visitor:
                await visitor.send(words)
                with pytest.raises(ConnectionClosed):
                    await visitor.recv()
        _, _, page = await fleet.page(relay.port, "/metrics")

    assert "devopsclaw_relay_violations_total 3.0" in page


async def test_a_visitor_that_says_nothing_is_cut(fleet: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("devopsclaw.relay.reception.HANDSHAKE_TIMEOUT", 0.1)
    async with fleet.relay() as relay:
        async with connect(relay.url, ssl=client_context(), proxy=None) as visitor, asyncio.timeout(LIMIT):
            with pytest.raises(ConnectionClosed):
                await visitor.recv()


async def test_a_damaged_database_is_kept_aside_and_said_so(fleet: Any) -> None:
    async with fleet.relay():
        pass
    path: Path = fleet.home.state / "relay.db"
    path.write_bytes(b"this is no database at all, it is a text" * 200)

    async with fleet.relay() as relay:
        assert "the damaged database was kept as" in relay.warnings[-1]


async def test_a_key_file_without_a_key_is_said_so(fleet: Any) -> None:
    fleet.home.make()
    (fleet.home.keys / "relay.pem").write_text("no key")
    (fleet.home.keys / "relay.pem").chmod(0o600)

    with pytest.raises(Damaged, match=r"relay\.pem"):
        async with serve(RelaySettings("127.0.0.1:0"), fleet.home, SystemClock()):
            pass
