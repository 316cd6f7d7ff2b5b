"""A node that lies: it owns its key and its session, and nothing of any other node."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.fleet.dispatch_place import PATIENCE, FarEnd, Place, key_of, open_place
from tests.relay.conftest import Fleet
from websockets.asyncio.client import connect

from devopsclaw.core.runs import Run
from devopsclaw.fleet.live_run import LiveRun
from devopsclaw.fleet.results import items_of, last_words
from devopsclaw.model.errors import ClawError
from devopsclaw.model.execution import NodeResult
from devopsclaw.model.headers import FARTHEST
from devopsclaw.model.state import State
from devopsclaw.wire.channel import Closed
from devopsclaw.wire.frames import MAX_FRAME, Frame, FrameType
from devopsclaw.wire.testimony import attest

TRUE = b"the true output\n"
EVIL = "\x1b]52;c;cm0gLXJmIC8=\x07\x9b2J\x1b[2J\u202egpj.exe\r"


class Pair:
    """A run on two nodes, `good` and `evil`, that both have accepted."""

    def __init__(self, place: Place, good: FarEnd, evil: FarEnd, run: LiveRun) -> None:
        self.place, self.good, self.evil, self.run = place, good, evil, run

    def says(self, who: FarEnd, frame: Frame) -> None:
        """A node's frame arrives."""
        self.place.dispatch.on_frame(attest(key_of(who.name).private, frame))

    def command(self, node: str) -> str:
        """This node's part."""
        return self.run.part(node).command

    async def items(self) -> dict[str, NodeResult]:
        """What people are shown of each node."""
        run: Run = await self.place.log.find(self.run.id)
        events = await self.place.log.events(self.run.id)
        words = last_words(events)
        texts = {
            (part.command, stream): await self.place.outputs.read(part.command, stream, 0, 10_000)
            for part in run.nodes
            for stream in ("stdout", "stderr")
            if part.node in words
        }
        return {item.node: item for item in items_of(run, events, texts)}


@pytest.fixture
async def pair(tmp_path: Path) -> AsyncIterator[Pair]:
    async with open_place(tmp_path) as place:
        good, evil = await place.joined("good"), await place.joined("evil")
        run = await place.recorded("good", "evil")
        for end in (good, evil):
            place.dispatch.offer(run, place.command(run, end.name))
            await end.hears(FrameType.OFFER)
            place.dispatch.on_frame(end.says.accept(run.part(end.name).command))
        yield Pair(place, good, evil, run)


async def until(holds: Any) -> None:
    """Wait until this is true."""
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0)


def lies(pair: Pair) -> list[Frame]:
    """What `evil` says about the command of `good`, in its own name."""
    speaker, command = pair.evil.says, pair.command("good")
    return [
        speaker.done(b"mine", identifier=command, status="failed", exit_code=1),
        speaker.output(0, b"mine", identifier=command),
        speaker.reject("policy", command, pair.place.command(pair.run, "good").digest),
        speaker.say(
            FrameType.STANDING,
            serial=0,
            incarnation=9e9,
            commands=[{"command": command, "state": "forgotten"}],
        ),
    ]


async def test_nothing_it_says_of_another_nodes_command_counts(pair: Pair) -> None:
    for lie in lies(pair):
        pair.says(pair.evil, lie)

    pair.says(pair.good, pair.good.says.output(0, TRUE, identifier=pair.command("good")))
    pair.says(pair.good, pair.good.says.done(TRUE, identifier=pair.command("good")))
    await until(lambda: pair.run.states["good"].is_final)

    assert pair.run.states == {"good": State.OK, "evil": State.RUNNING}
    assert (await pair.items())["good"].stdout == TRUE.decode()
    await pair.evil.hears_nothing_of(FrameType.DONE_ACK, pair.place)


@pytest.mark.parametrize(
    "offset", [1, 4, FARTHEST - 1, FARTHEST, FARTHEST + 1, 2**63 - 1, -1, 0.5, "0", None]
)
async def test_a_wrong_offset_spoils_only_its_own_part(pair: Pair, offset: Any) -> None:
    command, speaker = pair.command("evil"), pair.evil.says
    pair.says(pair.evil, speaker.output(0, b"abc", identifier=command))
    pair.says(pair.evil, speaker.output(offset, b"defgh", identifier=command))
    pair.says(pair.evil, speaker.done(b"abcdefgh", identifier=command))
    pair.says(pair.good, pair.good.says.done(identifier=pair.command("good")))

    await until(lambda: pair.run.states["good"].is_final)
    await pair.place.quiet()

    assert pair.run.states["good"] is State.OK
    assert pair.run.states["evil"] in (State.RUNNING, State.UNKNOWN)


@pytest.mark.parametrize(("start", "end"), [(0, FARTHEST), (5, 3), (-1, 4), (0, 2**63 - 1), (FARTHEST, 1)])
async def test_a_gap_of_any_size_is_no_output_and_no_harm(pair: Pair, start: int, end: int) -> None:
    command, speaker = pair.command("evil"), pair.evil.says
    gap = speaker.say(FrameType.GAP, command=command, stream="stdout", start=start, end=end)
    pair.says(pair.evil, gap)
    pair.says(pair.evil, speaker.done(TRUE, identifier=command))
    pair.says(pair.good, pair.good.says.done(identifier=pair.command("good")))

    await until(lambda: pair.run.states["good"].is_final)
    await pair.place.quiet()

    assert pair.run.states["evil"] is not State.OK


async def test_no_escape_of_it_reaches_a_terminal(pair: Pair) -> None:
    command, speaker = pair.command("evil"), pair.evil.says
    printed = EVIL.encode()
    pair.says(pair.evil, speaker.output(0, printed, identifier=command))
    words = {"status": "failed", "exit_code": 1, "reason": EVIL, "left": [EVIL], "survivors": [EVIL]}
    pair.says(pair.evil, speaker.done(printed, identifier=command, **words))
    await until(lambda: pair.run.states["evil"] is State.FAILED)

    shown = (await pair.items())["evil"]

    text = "".join((shown.stdout, shown.reason, *shown.left, *shown.survivors))
    assert "52;c;" in text, "it is shown, without its power"
    assert not {"\x1b", "\x07", "\x9b", "\r", "\u202e"} & set(text)


# At the relay


async def test_no_node_speaks_in_the_name_of_another(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    async with fleet.relay() as relay, fleet.connected(fleet.node(relay.url, "good")) as good:
        async with fleet.connected(fleet.node(relay.url, "evil")) as evil, asyncio.timeout(PATIENCE):
            await evil.send(Frame(FrameType.DONE, {"node": good.welcome.uid, "epoch": 1, "seq": 1}))
            with pytest.raises(Closed):
                await evil.receive()


async def test_no_node_takes_the_name_of_another(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    async with fleet.relay() as relay, fleet.connected(fleet.node(relay.url, "good")):
        with pytest.raises(ClawError, match="good"):
            await fleet.node(relay.url, "good", seed="evil").connect()


async def test_a_message_that_is_too_large_ends_its_session_and_no_other(tmp_path: Path) -> None:
    fleet = Fleet(tmp_path)
    async with fleet.relay(insecure=True) as relay:
        async with fleet.connected(fleet.node(relay.url, "good", insecure=True)) as good:
            async with connect(relay.url, proxy=None, max_size=None) as evil, asyncio.timeout(PATIENCE):
                await evil.send(bytes(MAX_FRAME * 4))
                await evil.wait_closed()
            await good.send(Frame(FrameType.PING, {"at": 1.0}))
            assert (await good._next()).type is FrameType.PONG
