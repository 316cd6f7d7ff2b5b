"""What comes in over a channel: presence, frames, and what a relay could invent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.fleet.dispatch_place import PATIENCE, FarEnd, Place, key_of, open_place

from devopsclaw.core.audit import AuditLog
from devopsclaw.core.keys import Keys
from devopsclaw.fleet.relay_desk import RelayDesk
from devopsclaw.fleet.session_feed import SessionFeed
from devopsclaw.fleet.tokens import IssuedTokens
from devopsclaw.model.events import NodeSeen, Warned
from devopsclaw.model.state import State
from devopsclaw.wire.channel import Closed
from devopsclaw.wire.frames import Frame, FrameType
from devopsclaw.wire.testimony import attest
from devopsclaw.wire.uid import uid_of


@dataclass
class Scene:
    """A relay's end of a channel, and the feed that follows the other."""

    place: Place
    feed: SessionFeed
    relay: FarEnd
    arrived: asyncio.Event
    following: asyncio.Task[None]

    async def tell(self, *names: str, full: bool = True, more: bool = False, **fields: Any) -> None:
        """The relay tells who is there."""
        rows = [row(name, **fields) for name in names]
        await self.relay.theirs.send(Frame(FrameType.PRESENCE, {"full": full, "more": more, "nodes": rows}))

    async def until(self, holds: Any) -> None:
        """Wait until the feed has made this true."""
        async with asyncio.timeout(PATIENCE):
            while not holds():
                await asyncio.sleep(0)

    def links(self) -> dict[str, str]:
        """Each node and how it is connected."""
        inventory = self.place.nodes.inventory()
        return {node.name: node.link(inventory.now).value for node in inventory.nodes}


def row(name: str, **fields: Any) -> dict[str, Any]:
    """A node as the relay tells of it."""
    key = key_of(name).public
    base = {"uid": uid_of(key), "name": name, "public_key": key.hex(), "connected": True, "epoch": 1}
    return {**base, "last_seen": 1_800_000_000.0, **fields}


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with open_place(tmp_path) as place:
        async with await AuditLog.open(tmp_path / "audit", Keys(tmp_path / "keys"), place.clock) as audit:
            tokens = await IssuedTokens.open(place.database)
            desk = RelayDesk(tokens, audit, place.bus, "aa" * 32)
            feed = SessionFeed(place.nodes, place.dispatch, desk, place.bus, place.clock)
            relay, arrived = FarEnd("relay"), asyncio.Event()
            following = asyncio.ensure_future(feed.follow_relay(relay.ours, arrived))
            yield Scene(place, feed, relay, arrived, following)
            following.cancel()
            await asyncio.wait({following})


async def test_a_full_list_says_that_everybody_who_is_there_is_known(scene: Scene) -> None:
    await scene.tell("a", more=True)
    await scene.until(lambda: scene.place.nodes.get("a"))
    assert not scene.arrived.is_set()

    await scene.tell("b", full=False)
    await asyncio.wait_for(scene.arrived.wait(), PATIENCE)

    assert scene.links() == {"a": "online", "b": "online"}


async def test_each_change_is_told_to_faces(scene: Scene) -> None:
    with scene.place.bus.subscribe(lambda event: isinstance(event, NodeSeen)) as events:
        await scene.tell("a", facts={"os": "debian"})
        await scene.until(scene.arrived.is_set)

    assert events.drain() == [NodeSeen("a", "online", 1_800_000_000.0, {"os": "debian"})]


async def test_an_alarm_of_the_relay_is_a_warning(scene: Scene) -> None:
    with scene.place.bus.subscribe(lambda event: isinstance(event, Warned)) as events:
        await scene.tell("a", alarm="two machines with one key")
        await scene.until(scene.arrived.is_set)

    assert events.drain() == [Warned("a: two machines with one key", "devopsclaw node show a")]


async def test_a_presence_that_makes_no_sense_is_told_and_changes_nothing(scene: Scene) -> None:
    with scene.place.bus.subscribe(lambda event: isinstance(event, Warned)) as events:
        await scene.tell("a", uid="n_somebodyelse")
        async with asyncio.timeout(PATIENCE):
            warned = await events.next()

    assert (warned.text, scene.links()) == ("the relay sent a presence that makes no sense", {})
    assert not scene.following.done()


async def test_commands_go_through_the_channel_that_the_node_is_behind(scene: Scene) -> None:
    await scene.tell("a")
    await scene.until(scene.arrived.is_set)
    run = await scene.place.recorded("a")

    scene.place.dispatch.offer(run, scene.place.command(run, "a"))

    assert (await scene.relay.hears(FrameType.OFFER)).header["node"] == uid_of(key_of("a").public)


async def under_way(scene: Scene) -> tuple[Any, FarEnd]:
    """A run that node `a` has accepted, and the node's voice."""
    await scene.tell("a")
    await scene.until(scene.arrived.is_set)
    run = await scene.place.recorded("a")
    command = scene.place.command(run, "a")
    voice = FarEnd("a")
    asked = await scene.relay.hears(FrameType.RECONCILE)
    standing = {"serial": asked.header["serial"], "incarnation": 0.0, "commands": []}
    await scene.relay.theirs.send(voice.says.say(FrameType.STANDING, **standing))
    scene.place.dispatch.offer(run, command)
    await scene.relay.hears(FrameType.OFFER)
    await scene.relay.theirs.send(voice.says.accept(command.id))
    await scene.until(lambda: run.states["a"] is State.RUNNING)
    return run, voice


def signed(frame: Frame, by: str) -> Frame:
    """The frame with this node's signature."""
    return attest(key_of(by).private, frame)


async def test_a_result_signed_by_its_node_is_believed(scene: Scene) -> None:
    run, voice = await under_way(scene)

    await scene.relay.theirs.send(signed(voice.says.done(identifier=run.part("a").command), "a"))

    await scene.relay.hears(FrameType.DONE_ACK)
    assert run.states == {"a": State.OK}


@pytest.mark.parametrize("by", ["", "mallory"])
async def test_a_result_that_its_node_did_not_sign_is_not_believed(by: str, scene: Scene) -> None:
    run, voice = await under_way(scene)
    done = voice.says.done(identifier=run.part("a").command)

    with scene.place.bus.subscribe(lambda event: isinstance(event, Warned)) as events:
        await scene.relay.theirs.send(signed(done, by) if by else done)
        async with asyncio.timeout(PATIENCE):
            warned = await events.next()
        await scene.relay.hears_nothing_of(FrameType.DONE_ACK, scene.place)

    assert warned.text == "a result in the name of a was not signed by it and is not believed"
    assert run.states == {"a": State.RUNNING}


def refusal(scene: Scene, run: Any, voice: FarEnd) -> Frame:
    """Node `a` refuses what it was offered."""
    return voice.says.reject("policy", run.part("a").command, scene.place.command(run, "a").digest)


async def offered(scene: Scene) -> tuple[Any, FarEnd]:
    """A run that node `a` was offered and has not answered, and the node's voice."""
    await scene.tell("a")
    await scene.until(scene.arrived.is_set)
    run = await scene.place.recorded("a")
    voice = FarEnd("a")
    asked = await scene.relay.hears(FrameType.RECONCILE)
    standing = {"serial": asked.header["serial"], "incarnation": 0.0, "commands": []}
    await scene.relay.theirs.send(voice.says.say(FrameType.STANDING, **standing))
    scene.place.dispatch.offer(run, scene.place.command(run, "a"))
    await scene.relay.hears(FrameType.OFFER)
    return run, voice


async def test_a_refusal_signed_by_its_node_is_believed(scene: Scene) -> None:
    run, voice = await offered(scene)

    await scene.relay.theirs.send(signed(refusal(scene, run, voice), "a"))

    await scene.until(lambda: run.states == {"a": State.DENIED})


@pytest.mark.parametrize("by", ["", "mallory"])
async def test_a_refusal_that_its_node_did_not_sign_is_not_believed(by: str, scene: Scene) -> None:
    run, voice = await offered(scene)
    said = refusal(scene, run, voice)

    with scene.place.bus.subscribe(lambda event: isinstance(event, Warned)) as events:
        await scene.relay.theirs.send(signed(said, by) if by else said)
        async with asyncio.timeout(PATIENCE):
            warned = await events.next()

    assert warned.text == "a refusal in the name of a was not signed by it and is not believed"
    assert run.states == {"a": State.SENT}


async def test_a_refusal_of_something_else_in_our_name_is_an_alarm_and_no_end(scene: Scene) -> None:
    run, voice = await offered(scene)
    other = voice.says.reject("bad_signature", run.part("a").command, "5e" * 32)

    with scene.place.bus.subscribe(lambda event: isinstance(event, Warned)) as events:
        await scene.relay.theirs.send(signed(other, "a"))
        async with asyncio.timeout(PATIENCE):
            warned = await events.next()

    assert warned.text == "a was shown a command in our name that we never sent; it refused it"
    assert run.states == {"a": State.SENT}


@pytest.mark.parametrize("state", ["unseen", "forgotten", "finished", "running"])
async def test_where_a_command_stands_is_believed_of_its_node_only(state: str, scene: Scene) -> None:
    run, _ = await under_way(scene)
    forged = FarEnd("a", epoch=2)
    await scene.tell("a", epoch=2)
    asked = await scene.relay.hears(FrameType.RECONCILE)

    with scene.place.bus.subscribe(lambda event: isinstance(event, Warned)) as events:
        await scene.relay.theirs.send(forged.says.standing(asked, state, run.part("a").command))
        async with asyncio.timeout(PATIENCE):
            warned = await events.next()

    assert warned.text == "an answer in the name of a was not signed by it and is not believed"
    assert run.states == {"a": State.RUNNING}


async def test_a_liar_who_goes_on_is_counted_and_told_of_once_a_minute(scene: Scene) -> None:
    run, voice = await under_way(scene)

    with scene.place.bus.subscribe(lambda event: isinstance(event, Warned)) as events:
        for _ in range(5):
            await scene.relay.theirs.send(voice.says.done(identifier=run.part("a").command))
        await scene.until(lambda: scene.feed.disbelieved == 5)
        scene.place.clock.advance(61.0)
        await scene.relay.theirs.send(voice.says.done(identifier=run.part("a").command))
        await scene.until(lambda: scene.feed.disbelieved == 6)

    assert len(events.drain()) == 2


async def test_a_node_that_ran_what_was_shown_as_refused_is_an_alarm_and_keeps_its_report(
    scene: Scene,
) -> None:
    run, voice = await offered(scene)
    await scene.relay.theirs.send(signed(refusal(scene, run, voice), "a"))
    await scene.until(lambda: run.states == {"a": State.DENIED})

    with scene.place.bus.subscribe(lambda event: isinstance(event, Warned)) as events:
        for _ in range(2):
            await scene.relay.theirs.send(signed(voice.says.done(identifier=run.part("a").command), "a"))
        async with asyncio.timeout(PATIENCE):
            warned = await events.next()
        await scene.relay.hears_nothing_of(FrameType.DONE_ACK, scene.place)

    assert warned.text.startswith("a reports the end ok of its part in X-1, which is not the one on record")
    assert events.drain() == []
    assert run.states == {"a": State.DENIED}


async def test_frames_of_nodes_that_are_not_known_are_passed_over(scene: Scene) -> None:
    await scene.relay.theirs.send(FarEnd("stranger").says.accept())
    await scene.tell("a")
    await scene.until(scene.arrived.is_set)

    assert scene.links() == {"a": "online"}


async def test_with_the_channel_its_nodes_are_out_of_reach(scene: Scene) -> None:
    await scene.tell("a", "b")
    await scene.until(scene.arrived.is_set)

    with scene.place.bus.subscribe(lambda event: isinstance(event, NodeSeen)) as events:
        await scene.relay.theirs.close()
        with pytest.raises(Closed):
            await asyncio.wait_for(scene.following, PATIENCE)

    assert scene.links() == {"a": "offline", "b": "offline"}
    assert sorted(event.node for event in events.drain()) == ["a", "b"]
    assert not scene.arrived.is_set()
    assert scene.place.dispatch._channels == {}
    assert await scene.feed.forget() is False


async def test_what_runs_on_this_very_machine_does_not_depend_on_the_relay(scene: Scene) -> None:
    own = FarEnd("local")
    scene.place.dispatch.on_presence(own.uid, own.ours, 1)
    await scene.tell("a")
    await scene.until(scene.arrived.is_set)

    await scene.relay.theirs.close()
    with pytest.raises(Closed):
        await asyncio.wait_for(scene.following, PATIENCE)

    assert list(scene.place.dispatch._channels) == [own.uid]


async def test_a_removed_node_is_named_to_the_relay_at_once(scene: Scene) -> None:
    await scene.tell("a")
    await scene.until(scene.arrived.is_set)
    await scene.place.nodes.remove("a")

    assert await scene.feed.forget() is True

    forget = await scene.relay.hears(FrameType.FORGET)
    assert forget.header == {"uid": uid_of(key_of("a").public)}
    assert scene.place.dispatch._channels == {}


async def test_a_removed_node_is_named_with_each_presence_until_it_is_gone_there(scene: Scene) -> None:
    await scene.tell("a")
    await scene.until(scene.arrived.is_set)
    await scene.place.nodes.remove("a")

    await scene.tell("a")
    await scene.relay.hears(FrameType.FORGET)
    assert scene.links() == {}

    await scene.tell()
    await scene.until(lambda: not scene.place.nodes.removed)


async def test_a_node_that_is_removed_while_it_works_is_out_of_reach(scene: Scene) -> None:
    run, _ = await under_way(scene)
    await scene.place.nodes.remove("a")
    await scene.feed.forget()

    scene.place.clock.advance(6.0)

    assert "unknown" in await scene.place.until_kind(run.id, "unknown")


async def test_the_pipe_to_the_own_node_is_followed_until_it_closes(scene: Scene) -> None:
    own = FarEnd("local")
    following = asyncio.ensure_future(scene.feed.follow_pipe(own.ours, own.uid))
    await own.hears(FrameType.RECONCILE)

    await own.theirs.close()
    await asyncio.wait_for(following, PATIENCE)

    assert scene.place.dispatch._channels == {}
