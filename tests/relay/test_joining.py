"""Joining a relay by a strong token, over real TLS: once, in time, under its names, and at no other relay."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from devopsclaw.core.clock import ManualClock, SystemClock
from devopsclaw.model.errors import Denied, Dismissed
from devopsclaw.model.joining import MintHeader
from devopsclaw.relay.identities import identities
from devopsclaw.relay.link import RelayLink
from devopsclaw.relay.stay import stay
from devopsclaw.relay.tokens import Spent
from devopsclaw.wire.frames import Frame, FrameType
from devopsclaw.wire.jointoken import JoinToken, hash_of

LIMIT = 20.0
MINTED: dict[str, Any] = {"pattern": "web-*", "uses": 1, "ttl": 900.0}


async def hears(link: RelayLink, wanted: FrameType) -> Frame:
    """The next frame of this type."""
    while (frame := await link.receive()).type is not wanted:
        pass
    return frame


async def mint(core: RelayLink, number: int = 1, **more: Any) -> JoinToken:
    """A token that this controller's relay takes."""
    welcome = core.welcome
    spki = bytes.fromhex(welcome.spki)
    token = JoinToken(f"{number:016x}", welcome.relay_key, spki, hash_of(welcome.root), bytes([number]) * 32)
    header = {**MINTED, **more, "id": token.id, "verifier": token.verifier}
    await core.send(Frame(FrameType.MINT, header))
    await hears(core, FrameType.TOKENS)
    return token


@asynccontextmanager
async def claimed(fleet: Any, **settings: Any) -> AsyncIterator[tuple[str, RelayLink]]:
    """A relay and its controller."""
    async with asyncio.timeout(LIMIT), fleet.relay(**settings) as relay:
        async with fleet.connected(fleet.controller(relay.url)) as core:
            yield relay.url, core


def comer(fleet: Any, url: str, token: JoinToken, name: str = "web-1", **more: Any) -> Any:
    """A new node with a join token and nothing else."""
    return fleet.node(url, name, token="", join=token, **more)


async def test_a_token_lets_one_node_in_and_the_second_is_told_and_reported(fleet: Any) -> None:
    async with claimed(fleet) as (url, core):
        token = await mint(core)
        async with fleet.connected(comer(fleet, url, token)) as node:
            assert node.welcome.root == fleet.public("laptop")
        told = (await hears(core, FrameType.TOKENS)).header["tokens"]
        with pytest.raises(Dismissed, match="used up: it was good for one node") as spent:
            await comer(fleet, url, token, "web-2").connect()
        (alarm,) = (await hears(core, FrameType.ALARMS)).header["alarms"]

    assert [row["uses_left"] for row in told] == [0]
    assert "node token create" in spent.value.hint
    assert (alarm["kind"], alarm["name"], alarm["token"]) == ("token_spent", "web-2", token.id)


async def test_who_joined_by_a_token_comes_back_by_its_key_though_the_token_is_spent(fleet: Any) -> None:
    async with claimed(fleet) as (url, core):
        token = await mint(core)
        for _ in range(2):
            async with fleet.connected(comer(fleet, url, token)) as node:
                assert node.welcome.uid


async def test_a_daemon_whose_token_will_never_do_does_not_try_again(fleet: Any) -> None:
    async with claimed(fleet) as (url, core):
        token = await mint(core)
        await (await comer(fleet, url, token).connect()).close()

        async def use(channel: Any) -> None:
            raise AssertionError("it was let in")

        with pytest.raises(Dismissed, match="used up"):
            await stay(comer(fleet, url, token, "web-2"), use, SystemClock(), Random(), lambda *told: None)


async def test_two_at_once_with_one_use_get_one_session(fleet: Any) -> None:
    async with claimed(fleet) as (url, core):
        token = await mint(core)
        ends = await asyncio.gather(
            *(comer(fleet, url, token, f"web-{each}").connect() for each in range(4)), return_exceptions=True
        )
        links = [end for end in ends if not isinstance(end, BaseException)]
        for link in links:
            await link.close()

    assert len(links) == 1
    assert {type(end) for end in ends if isinstance(end, BaseException)} == {Dismissed}


async def test_a_name_that_the_token_is_not_for_is_refused_and_uses_nothing_up(fleet: Any) -> None:
    async with claimed(fleet) as (url, core):
        token = await mint(core)
        with pytest.raises(Dismissed, match=r"is for the name web-\*, not for db-1"):
            await comer(fleet, url, token, "db-1").connect()
        async with fleet.connected(comer(fleet, url, token)) as node:
            assert node.welcome.uid


async def test_an_expired_token_and_a_revoked_one_say_which(fleet: Any) -> None:
    async with claimed(fleet) as (url, core):
        short, revoked = await mint(core, 1, ttl=0.001), await mint(core, 2)
        await core.send(Frame(FrameType.REVOKE, {"id": revoked.id}))
        await hears(core, FrameType.TOKENS)
        with pytest.raises(Dismissed, match=r"this join token expired at .* by the relay's clock"):
            await comer(fleet, url, short).connect()
        with pytest.raises(Dismissed, match="this join token was revoked"):
            await comer(fleet, url, revoked).connect()


async def test_a_token_whose_secret_was_guessed_is_unknown_and_raises_no_alarm(fleet: Any) -> None:
    async with claimed(fleet) as (url, core):
        token = await mint(core)
        with pytest.raises(Dismissed, match="knows no such join token"):
            await comer(fleet, url, replace(token, secret=b"guess" + b"." * 27)).connect()
        async with fleet.connected(comer(fleet, url, token)):
            frame = await hears(core, FrameType.TOKENS)

    assert frame.header["tokens"][0]["uses_left"] == 0, "the next word of the relay is no alarm"


@pytest.mark.parametrize("change", [{"spki": b"m" * 32}, {"relay_key": "ee" * 32}])
async def test_another_relay_than_the_token_names_is_told_nothing_that_helps_it(
    fleet: Any, change: Any
) -> None:
    async with claimed(fleet) as (url, core):
        token = await mint(core)
        with pytest.raises(Dismissed) as stranger:
            await comer(fleet, url, replace(token, **change)).connect()

    assert "check the address" in stranger.value.hint


async def test_a_relay_of_another_controller_than_the_token_s_is_not_obeyed(fleet: Any) -> None:
    async with claimed(fleet) as (url, core):
        true = await mint(core)
        lured = replace(true, root_hash=hash_of("ff" * 32))
        header = {**MINTED, "id": f"{9:016x}", "verifier": replace(lured, id=f"{9:016x}").verifier}
        await core.send(Frame(FrameType.MINT, header))
        with pytest.raises(Dismissed, match="another controller than the token"):
            await comer(fleet, url, replace(lured, id=f"{9:016x}")).connect()


async def test_an_alarm_waits_for_a_controller_that_is_away_and_is_told_until_it_has_it(fleet: Any) -> None:
    async with asyncio.timeout(LIMIT), fleet.relay() as relay:
        async with fleet.connected(fleet.controller(relay.url)) as core:
            token = await mint(core, ttl=0.001)
        with pytest.raises(Denied):
            await comer(fleet, relay.url, token).connect()
    async with asyncio.timeout(LIMIT), fleet.relay() as relay:
        for _ in range(2):
            async with fleet.connected(fleet.controller(relay.url)) as core:
                (alarm,) = (await hears(core, FrameType.ALARMS)).header["alarms"]
        async with fleet.connected(fleet.controller(relay.url)) as core:
            await core.send(Frame(FrameType.ALARMS_SEEN, {"upto": alarm["id"]}))
            await core.send(Frame(FrameType.FORGET, {"uid": "n_none"}))
            await hears(core, FrameType.PRESENCE)
        async with fleet.connected(fleet.controller(relay.url)) as core:
            assert (await hears(core, FrameType.PRESENCE)).header["nodes"] == []

    assert alarm["kind"] == "token_expired"


async def test_a_quarantined_node_comes_back_once_it_is_released(fleet: Any, presence: Any) -> None:
    async with claimed(fleet) as (url, core):
        async with fleet.connected(fleet.node(url)) as first:
            with pytest.raises(Denied, match="two machines"):
                await fleet.node(url).connect()
            uid = first.welcome.uid
        shown = await presence(core, lambda nodes: nodes.get("web-1", {}).get("quarantined"))
        await core.send(Frame(FrameType.RELEASE, {"uid": uid}))
        await presence(core, lambda nodes: not nodes.get("web-1", {}).get("quarantined", True))
        async with fleet.connected(fleet.node(url)) as back:
            assert back.welcome.uid == uid

    assert shown["web-1"]["alarm"]


async def test_a_node_that_came_before_the_claim_is_unclaimed_until_it_comes_back(
    fleet: Any, presence: Any
) -> None:
    async with asyncio.timeout(LIMIT), fleet.relay() as relay:
        await (await fleet.node(relay.url).connect()).close()
        async with fleet.connected(fleet.node(relay.url, "web-2")) as early:
            async with fleet.connected(fleet.controller(relay.url)) as core:
                before = await presence(core, lambda nodes: "web-2" in nodes)
                await early.close()
                async with fleet.connected(fleet.node(relay.url, "web-2")):
                    await presence(core, lambda nodes: nodes.get("web-2", {}).get("claimed"))

    assert not before["web-2"]["claimed"]


async def test_a_node_that_obeys_another_is_shown_with_the_way_out(fleet: Any, presence: Any) -> None:
    async with claimed(fleet) as (url, core):
        async with fleet.connected(fleet.node(url)) as node:
            await node.send(Frame(FrameType.GOODBYE, {"code": "other_root"}))
            shown = await presence(core, lambda nodes: nodes.get("web-1", {}).get("alarm"))

    assert "--reset-trust" in shown["web-1"]["alarm"]


async def test_a_use_and_its_node_are_written_together_or_not_at_all(tmp_path: Path) -> None:
    clock = ManualClock()
    header = MintHeader(id="0" * 16, verifier="aa" * 32, **{**MINTED, "uses": 2})
    async with identities(tmp_path / "relay.db", clock) as (known, _):
        await known.tokens.mint(header)
        await known.join("web-1", "aa" * 32, "", header.id)
        with pytest.raises(sqlite3.IntegrityError):
            await known.join("web-1", "bb" * 32, "", header.id)
        clock.advance(901)
        with pytest.raises(Spent):
            await known.join("web-2", "bb" * 32, "", header.id)
    async with identities(tmp_path / "relay.db", clock) as (again, _):
        token = again.tokens.get(header.id)

    assert token is not None and token.uses_left == 1
    assert [(node.name, node.join_token) for node in again.nodes.values()] == [("web-1", header.id)]
    assert token.fault("web-2", clock.wall()) == "token_expired"
