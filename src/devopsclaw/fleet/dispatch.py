"""Drives delivery: its effects in order, durable ones first, and the frames that come from nodes.

No decision of the protocol is taken here (fleet/delivery), nor how a channel is made (boot). A node is
reached through whatever channel said last that it is there.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial

from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import Clock
from devopsclaw.core.driver import Driver
from devopsclaw.core.outputs import Outputs
from devopsclaw.core.runs import Event, RunLog
from devopsclaw.fleet.delivery import Delivery
from devopsclaw.fleet.effects import Command, Doubted, Effect, Ended, Keep, Moved, Recall, Record, Row, Send
from devopsclaw.fleet.ending import end_of
from devopsclaw.fleet.live_run import LiveRun
from devopsclaw.fleet.patience import Patience
from devopsclaw.fleet.progress import STILL_THERE
from devopsclaw.fleet.recalled import is_taken
from devopsclaw.model.errors import NotFound
from devopsclaw.model.events import NodeMoved, NodePrinted, Warned
from devopsclaw.model.headers import Report
from devopsclaw.model.moment import Moment
from devopsclaw.model.state import State
from devopsclaw.wire.channel import Channel, Closed
from devopsclaw.wire.frames import Frame

DOUBTED = "{} was shown a command in our name that we never sent; it refused it"
LOOK = "somebody may have taken over the relay; look at its host"
CONTRADICTED = "{} reports the end {} of its part in {}, which is not the one on record; it is kept there"
LOOK_THERE = "look at that node: it may have run what was shown as refused"


@dataclass(frozen=True, slots=True)
class Part:
    """A command under way: which node's part of which run. `not_before`: its window's start, wall seconds."""

    run: LiveRun
    node: str
    not_before: float


class Dispatch:
    """`run` goes on until it is cancelled. Everything else may be called from the same loop."""

    def __init__(self, delivery: Delivery, log: RunLog, outputs: Outputs, bus: Bus, clock: Clock) -> None:
        self._delivery = delivery
        self._log = log
        self._outputs = outputs
        self._bus = bus
        self._clock = clock
        self.patience = Patience(bus)
        """With the disk that runs are logged on."""
        self._driver: Driver[Effect] = Driver(self._write, self._perform, self._look)
        self._channels: dict[str, Channel] = {}
        self._epochs: dict[str, int] = {}
        """Of the nodes that have a channel."""
        self._parts: dict[str, Part] = {}
        """By command id, from its offer to its end."""
        self._contradicted: set[str] = set()
        """Commands whose nodes report another end than the one on record; said once."""

    async def run(self) -> None:
        """Do what delivery asks for, for ever."""
        await self._driver.run()

    @property
    def held(self) -> int:
        """How many commands are under way."""
        return len(self._parts)

    def resume(self, run: LiveRun, rows: Iterable[Row]) -> None:
        """Go on with these commands of the run, as an earlier core left them."""
        rows = list(rows)
        for row in rows:
            self._hold(run, row.command)
        self._feed(self._delivery.restore(rows, self._now()))
        for uid in {row.command.node for row in rows}:
            if uid in self._channels:
                self.on_presence(uid, self._channels[uid], self._epochs[uid])

    def offer(self, run: LiveRun, command: Command) -> None:
        """Send a command of this run."""
        self._hold(run, command)
        self._feed(self._delivery.offer(command, self._now()))

    def settle(self, run: LiveRun, node: str, state: State, reason: str) -> None:
        """This node's part ended here: nothing was sent, and that is on record."""
        run.end(self._clock.wall())
        run.move(node, state)
        self._bus.publish(NodeMoved(run.call, run.id, node, state, None, reason))

    def cancel(self, run: LiveRun) -> None:
        """Stop every command of the run that has not ended, and those of which nobody knows."""
        for command in sorted(run.under_way):
            self._feed(self._delivery.cancel(command, self._now()))

    def on_presence(self, uid: str, channel: Channel | None, epoch: int) -> None:
        """The node is reached through this channel from now on; None: it is not reached."""
        if channel is None:
            self._channels.pop(uid, None)
            self._epochs.pop(uid, None)
        else:
            self._channels[uid] = channel
            self._epochs[uid] = epoch
        self._feed(self._delivery.on_presence(uid, channel is not None, epoch, self._now()))

    def lose(self, uid: str) -> None:
        """The node is not reached any more, through whatever it was."""
        if uid in self._channels:
            self.on_presence(uid, None, self._epochs[uid])

    def lose_channel(self, channel: Channel) -> None:
        """Nobody is reached through this channel any more."""
        for uid in [uid for uid, way in self._channels.items() if way is channel]:
            self.lose(uid)

    def on_frame(self, frame: Frame) -> None:
        """A frame came from a node; who sent it was checked by the one who received it."""
        self._feed(self._delivery.on_frame(frame, self._now()))

    def _hold(self, run: LiveRun, command: Command) -> None:
        self._parts[command.id] = Part(run, run.node_of(command.id), command.not_before)
        run.under_way.add(command.id)

    def _now(self) -> Moment:
        return Moment(self._clock.wall(), self._clock.steady())

    def _feed(self, effects: list[Effect]) -> None:
        self._driver.feed(effects)

    def _look(self) -> None:
        self._feed(self._delivery.on_tick(self._now()))

    async def _write(self, batch: list[Effect]) -> None:
        """Make the batch durable, however long the disk takes; nothing is acknowledged before.

        Output first, in order for each command; then the log, which says that the output is there. What
        waits at the same time is committed together, so all commands go side by side.
        """
        printed: dict[str, list[Keep | Record]] = defaultdict(list)
        by_run: dict[str, list[Event]] = defaultdict(list)
        for effect in batch:
            match effect:
                case Keep() | Record(kind="gap" | "ended"):
                    printed[effect.command].append(effect)
            if isinstance(effect, Record):
                by_run[self._parts[effect.command].run.id].append(self._event(effect))
        async with asyncio.TaskGroup() as group:
            for effects in printed.values():
                group.create_task(self._keep_all(effects))
        for run, events in by_run.items():
            await self.patience.until_written(partial(self._log.append, run, events))

    async def _keep_all(self, effects: list[Keep | Record]) -> None:
        """One command's, one after the other: a stream has no holes, and ends once."""
        for effect in effects:
            await self.patience.until_written(partial(self._keep, effect))

    async def _keep(self, effect: Keep | Record) -> None:
        """What an effect means for the stored output."""
        match effect:
            case Keep(command, stream, offset, data):
                await self._outputs.append(command, stream, offset, data)
            case Record(command, "gap", fields):
                await self._outputs.skip(command, fields["stream"], fields["start"], fields["end"])
            case Record(command, "ended"):
                await self._outputs.close(command)

    async def _perform(self, effect: Effect) -> None:
        match effect:
            case Send(frame):
                await self._send(frame)
            case Keep(command, stream, offset, data):
                part = self._parts[command]
                run = part.run
                self._bus.publish(NodePrinted(run.call, run.id, part.node, stream, offset, data))
            case Moved(command, state, reason):
                self._move(self._parts[command], state, reason, None)
            case Ended(command, state, reason, report):
                part = self._parts.pop(command)
                part.run.under_way.discard(command)
                part.run.end(end_of(state, report, part.not_before, self._clock.wall()))
                self._move(part, state, reason, report.exit_code if report else None)
            case Recall(command, node, report):
                await self._recall(command, node, report)
            case Doubted(command, _):
                self._bus.publish(Warned(DOUBTED.format(self._parts[command].node), LOOK))
            case Record():
                pass

    async def _send(self, frame: Frame) -> None:
        """Dropped where there is no way to the node: presence makes delivery ask again."""
        channel = self._channels.get(frame.header["node"])
        if channel is None:
            return
        try:
            await channel.send(frame)
        except Closed:
            return

    def _move(self, part: Part, state: State, reason: str, exit_code: int | None) -> None:
        run = part.run
        if part.node in run.decided:
            self._contradict(run, part.node, state)
            return
        run.move(part.node, state, is_awaited=reason == STILL_THERE)
        self._bus.publish(NodeMoved(run.call, run.id, part.node, state, exit_code, reason))

    def _contradict(self, run: LiveRun, node: str, state: State) -> None:
        """A person closed this part; the node's word is on record beside theirs, and people are told."""
        if state is not State.UNKNOWN:
            said = f"{node} of {run.id} was settled as {run.states[node]}; the node itself now says {state}"
            self._bus.publish(Warned(said, f"devopsclaw jobs show {run.id}"))

    def _event(self, record: Record) -> Event:
        part = self._parts[record.command]
        window = {"not_before": part.not_before} if record.kind == "sent" else {}
        return record.kind, part.node, {**record.fields, **window}

    async def _recall(self, command: str, node: str, report: Report) -> None:
        """A node still keeps what an earlier core may hold: only then let it delete it."""
        try:
            run = await self._log.of_command(command)
        except NotFound:
            return
        part = next(each for each in run.nodes if each.command == command)
        events = await self._log.events(run.run)
        ended = [each.body for each in events if each.kind == "ended" and each.node == part.node]
        if part.uid != node or not ended:
            return
        if is_taken(report, ended):
            self._feed(self._delivery.on_recalled(command, node, self._now()))
        elif command not in self._contradicted:
            self._contradicted.add(command)
            self._bus.publish(Warned(CONTRADICTED.format(part.node, report.status, run.run), LOOK_THERE))
