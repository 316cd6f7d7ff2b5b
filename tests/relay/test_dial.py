"""Dialling: who is believed over real sockets, and what each failure tells the person."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.asyncio.server import serve as serve_websockets

from devopsclaw.model.errors import BadParams, Denied, Unreachable
from devopsclaw.relay.tls import client_context, own_tls
from devopsclaw.wire.frames import Frame, FrameType, encode


@asynccontextmanager
async def man_in_the_middle(port: int, folder: Path) -> AsyncIterator[int]:
    """A proxy that ends TLS with a certificate of its own and passes every byte on; yields its port."""
    tasks: set[asyncio.Task[None]] = set()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port, ssl=client_context())
        for pair in ((reader, back), (there, writer)):
            tasks.add(asyncio.ensure_future(pass_on(*pair)))

    proxy = await asyncio.start_server(meet, "127.0.0.1", 0, ssl=own_tls(folder).context)
    async with proxy:
        yield proxy.sockets[0].getsockname()[1]
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_somebody_in_between_with_a_certificate_of_his_own_fails(fleet: Any, tmp_path: Path) -> None:
    async with fleet.relay() as relay, man_in_the_middle(relay.port, tmp_path / "mallory") as port:
        with pytest.raises(Denied, match="could not prove its key: somebody is in between") as denied:
            await fleet.node(f"wss://127.0.0.1:{port}").connect()

    assert "compare the token" in denied.value.hint
    assert not (tmp_path / "pins-web-1.json").exists()


async def test_somebody_in_between_fails_for_a_pinned_client_and_a_trusting_one(
    fleet: Any, tmp_path: Path
) -> None:
    async with fleet.relay() as relay, man_in_the_middle(relay.port, tmp_path / "mallory") as port:
        known = fleet.node(f"wss://127.0.0.1:{port}", relay_key=relay.public_key)
        with pytest.raises(Denied, match="somebody is in between"):
            await known.connect()
        with pytest.raises(Denied, match="somebody is in between"):
            await fleet.controller(f"wss://127.0.0.1:{port}").connect()


async def test_a_ws_address_is_dialled_with_tls_all_the_same(fleet: Any) -> None:
    async with fleet.relay() as relay:
        for url in (
            f"ws://127.0.0.1:{relay.port}",
            f"127.0.0.1:{relay.port}",
            f"ws://localhost:{relay.port}/",
        ):
            async with fleet.connected(fleet.node(url)) as link:
                assert link._connection.transport.get_extra_info("ssl_object").version() == "TLSv1.3"


async def test_the_relays_key_is_pinned_after_the_first_session_and_another_is_refused(
    fleet: Any, tmp_path: Path
) -> None:
    node = fleet.node("127.0.0.1:1")
    async with fleet.relay() as relay:
        node = fleet.node(relay.url)
        async with fleet.connected(node):
            assert node.pins.get(f"127.0.0.1:{relay.port}") == relay.public_key
    (fleet.home.keys / "relay.pem").unlink()
    async with fleet.relay(address=f"127.0.0.1:{relay.port}") as other:
        with pytest.raises(Denied, match="another key than the one it had before") as denied:
            await node.connect()

    assert other.public_key != relay.public_key
    assert str(tmp_path / "pins-web-1.json") in denied.value.hint


async def test_a_key_known_from_the_home_needs_no_token_and_no_pin(fleet: Any) -> None:
    async with fleet.relay() as relay:
        core = fleet.controller(relay.url, claim=relay.claim_code, relay_key=relay.public_key)
        async with fleet.connected(core) as link:
            assert link.welcome.claimed
        assert core.pins.get(f"127.0.0.1:{relay.port}") == ""


async def test_a_node_without_token_and_pin_believes_no_relay_even_on_loopback(fleet: Any) -> None:
    async with fleet.relay() as relay:
        with pytest.raises(Denied, match="never seen here") as denied:
            await fleet.node(relay.url, token="").connect()

    assert "--token-file" in denied.value.hint


async def test_nobody_listening_is_unreachable_and_names_the_address(fleet: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

    with pytest.raises(Unreachable, match=f"nothing listens at 127.0.0.1:{port}") as gone:
        await fleet.node(f"127.0.0.1:{port}").connect()

    assert "devopsclaw relay start" in gone.value.hint


async def test_a_name_that_does_not_resolve_is_unreachable(fleet: Any) -> None:
    for host in ("relay.invalid", "two..dots", "x" * 70):
        with pytest.raises(Unreachable, match=f"{host} cannot be resolved"):
            await fleet.node(f"ws://{host}").connect()


async def test_a_server_that_never_answers_is_unreachable(fleet: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr("devopsclaw.relay.dial.OPEN_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        with pytest.raises(Unreachable, match="does not answer within"):
            await fleet.node(f"127.0.0.1:{server.getsockname()[1]}").connect()


async def test_a_plain_relay_dialled_with_tls_says_which_flag_differs(fleet: Any) -> None:
    async with fleet.relay(insecure=True) as relay:
        with pytest.raises(Unreachable, match="does not speak TLS") as gone:
            await fleet.node(relay.url).connect()

    assert "--insecure" in gone.value.hint


async def test_a_tls_relay_dialled_plainly_says_which_flag_differs(fleet: Any) -> None:
    async with fleet.relay() as relay:
        with pytest.raises(Unreachable, match="does not speak plain WebSocket") as gone:
            await fleet.node(f"ws://127.0.0.1:{relay.port}", insecure=True).connect()

    assert "--insecure" in gone.value.hint


@asynccontextmanager
async def stranger(folder: Path, *answers: bytes) -> AsyncIterator[str]:
    """A WebSocket server that is no relay: it sends these messages, then closes."""

    async def answer(connection: ServerConnection) -> None:
        for each in answers:
            await connection.send(each)

    context: ssl.SSLContext = own_tls(folder).context
    async with serve_websockets(answer, "127.0.0.1", 0, ssl=context) as server:
        yield f"127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}"


REFUSAL = encode(
    Frame(FrameType.REFUSED, {"code": "odd", "message": "\x1b[31mred" + "x" * 999, "hint": "a\nb"})
)


@pytest.mark.parametrize(
    "answers", [(), (b"garbage",), (encode(Frame(FrameType.OFFER)),), (encode(Frame(FrameType.WELCOME)),)]
)
async def test_what_is_no_relay_is_unreachable(
    fleet: Any, tmp_path: Path, answers: tuple[bytes, ...]
) -> None:
    async with stranger(tmp_path / "stranger", *answers) as address:
        with pytest.raises(Unreachable, match=r"127\.0\.0\.1:\d+ broke off"):
            await fleet.node(address).connect()


async def test_a_strangers_words_are_made_safe_to_print(fleet: Any, tmp_path: Path) -> None:
    async with stranger(tmp_path / "stranger", REFUSAL) as address:
        with pytest.raises(Denied) as denied:
            await fleet.node(address).connect()

    assert denied.value.message.isprintable()
    assert len(denied.value.message) < 400
    assert denied.value.hint == "a?b"


@pytest.mark.parametrize("name", ["", "two words", "-flag", "x" * 65, "ünï"])
def test_a_name_that_cannot_be_a_nodes_is_a_bad_parameter(fleet: Any, name: str) -> None:
    with pytest.raises(BadParams, match="cannot be the name of a node"):
        fleet.node("host", name, seed="x")


def test_an_address_that_cannot_be_a_relays_is_a_bad_parameter(fleet: Any) -> None:
    with pytest.raises(BadParams, match="no address of a relay"):
        fleet.node("https://host")
