"""The controller: its run log and output store, and a driver around the real delivery machine."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.simulation.actor import Actor
from tests.simulation.checks import Checks
from tests.simulation.disk import FileDisk, LogDisk
from tests.simulation.network import Link
from tests.simulation.node import sign
from tests.simulation.process import STREAMS
from tests.simulation.relay import Presence, SimRelay
from tests.simulation.world import World

from devopsclaw.fleet.delivery import Delivery
from devopsclaw.fleet.effects import Command, Ended, Keep, Moved, Recall, Record, Row, Send
from devopsclaw.fleet.stream import Kept
from devopsclaw.model.headers import Stream
from devopsclaw.model.state import State
from devopsclaw.wire.envelope import Cancel
from devopsclaw.wire.frames import Frame, FrameType, decode, encode

ISSUER = "ab" * 32


@dataclass
class Line:
    """One command in the run log, folded: what a restart finds."""

    command: Command
    state: State = State.PENDING
    accepted_at: float = 0.0
    is_cancelling: bool = False
    is_final: bool = False
    is_acknowledgeable: bool = False
    reason: str = ""
    skipped: dict[Stream, int] = field(default_factory=lambda: {"stdout": 0, "stderr": 0})


def sign_cancel(command: Command) -> tuple[bytes, str]:
    """A cancel as the controller signs it."""
    body = Cancel(command=command.id, node=command.node, grace=command.grace, issuer=ISSUER).canonical()
    return body, sign(body)


class SimController(Actor):
    """`delivery_type` may be a machine with a planted bug."""

    def __init__(
        self,
        world: World,
        relay: SimRelay,
        checks: Checks,
        delivery_type: type[Delivery],
        crash_chance: float,
        is_batching: bool,
    ) -> None:
        super().__init__(world, "controller", crash_chance, is_batching)
        self.lines: dict[str, Line] = {}
        self.outputs = FileDisk()
        self.delivery: Delivery | None = None
        self.started_at = 0.0
        self._delivery_type = delivery_type
        self._relay = relay
        self._checks = checks
        self._log = LogDisk(self._apply)
        self._link: Link | None = None
        self._dials = 0
        self._seen: dict[str, Presence] = {}

    def start(self) -> None:
        """The core starts over what its disk holds."""
        self.is_up = True
        self.started_at = self.world.now
        self.world.tell("controller: starts")
        self.delivery = self._delivery_type(sign_cancel)
        rows = [self._row(line) for line in self.lines.values() if not line.is_final]
        self.feed(self.delivery.restore(rows, self.now()))
        self._dial()

    def crash(self) -> None:
        """kill -9, or a power cut: what was not synced may be gone."""
        self.world.tell("controller: KILLED")
        self._log.crash(self.world.random)
        self.outputs.crash(self.world.random)
        self.die()
        self.delivery = None
        self._seen.clear()
        if self._link is not None:
            self._link.break_off(0.0, self.world.between(0.0, 10.0))
            self._link = None
        self.world.later(self.world.between(0.5, 20.0), self.start)

    def submit(self, command: Command) -> None:
        """A person asks for it: on record first; if the core is down there is nobody to ask."""
        if self.delivery is None:
            return
        self.world.tell("controller: submit {} for {}", command.id[:6], command.node[:6])
        self.lines[command.id] = Line(command)
        self.feed(self.delivery.offer(command, self.now()))

    def cancel(self, command_id: str) -> None:
        """A person wants it stopped."""
        if self.delivery is not None and command_id in self.lines:
            self.world.tell("controller: cancel {}", command_id[:6])
            self.feed(self.delivery.cancel(command_id, self.now()))

    def tick(self) -> None:
        """Time has passed."""
        if self.delivery is not None:
            self.feed(self.delivery.on_tick(self.now()))

    def holds(self, command_id: str, stream: Stream) -> bytes:
        """The stored bytes of a stream, without its gaps."""
        return self.outputs.read(f"{command_id}/{stream}")

    def write(self, effects: Iterable[Any]) -> None:
        """Outputs and records of these effects, durable in this order; a crash may tear either."""
        is_written = False
        for effect in effects:
            if isinstance(effect, Keep):
                self._keep(effect)
            if isinstance(effect, Record):
                self.outputs.sync_all()
                self._log.write(effect)
                is_written = True
            if isinstance(effect, Record) and effect.kind == "gap":
                self._sync()  # where a gap is must be known before what comes after it is stored
        if is_written and self.world.chance(self._crash_chance):
            self.crash()
        else:
            self._sync()

    def _sync(self) -> None:
        self.outputs.sync_all()
        self._log.sync()

    def perform(self, effect: Any) -> None:
        """See Actor."""
        match effect:
            case Send(frame):
                self._send(frame)
            case Moved(command, state, reason):
                self.world.tell("controller: {} is {} {}", command[:6], state, reason)
                self._checks.moves(command, state)
            case Ended(command, state, reason):
                self.world.tell("controller: {} ENDED {} {}", command[:6], state, reason)
                self._checks.moves(command, state)
            case Recall(command, node):
                self._recall(command, node)
            case _:
                assert isinstance(effect, Record | Keep)

    def _apply(self, record: Record) -> None:
        line = self.lines[record.command]
        self._checks.records(line.is_final, record)
        match record.kind:
            case "sent":
                line.state = State.SENT
            case "accepted":
                line.accepted_at = record.fields["at"]
                line.state = State.RUNNING if line.state is State.SENT else line.state
            case "gap":
                line.skipped[record.fields["stream"]] += record.fields["end"] - record.fields["start"]
            case "cancelling":
                line.is_cancelling = True
            case "unknown":
                line.state = State.UNKNOWN
            case _:
                line.state, line.is_final = State(record.fields["status"]), True
                line.reason = record.fields["reason"]
                line.is_acknowledgeable = record.kind == "ended"

    def _row(self, line: Line) -> Row:
        kept = {
            stream: Kept.of([self.holds(line.command.id, stream)], line.skipped[stream]) for stream in STREAMS
        }
        return Row(
            line.command, line.state, line.accepted_at, line.is_cancelling, kept["stdout"], kept["stderr"]
        )

    def _keep(self, keep: Keep) -> None:
        name = f"{keep.command}/{keep.stream}"
        self._checks.keeps(self, keep)
        self.outputs.append(name, keep.data)

    def _recall(self, command: str, node: str) -> None:
        line = self.lines.get(command)
        if line is not None and line.is_acknowledgeable and self.delivery is not None:
            self.feed(self.delivery.on_recalled(command, node, self.now()))

    # The link

    def _dial(self) -> None:
        self._dials += 1
        self._link = self._relay.dial_controller(partial(self._arrive, self._dials))
        if self._link is None:
            self.mine(self.world.between(0.2, 3.0), self._dial)
        else:
            self._link.closed_near = partial(self._closed, self._dials)

    def _arrive(self, dial: int, message: Any) -> None:
        if self.delivery is None:
            return
        if isinstance(message, Presence):
            if dial == self._dials:
                self._seen[message.uid] = message
                self.feed(
                    self.delivery.on_presence(message.uid, message.connected, message.epoch, self.now())
                )
            return
        frame = decode(message)
        effects = self.delivery.on_frame(frame, self.now())
        self._checks.takes(self._seen.get(frame.header["node"]), frame, effects)
        self.feed(effects)

    def _closed(self, dial: int) -> None:
        if self.delivery is None or dial != self._dials:
            return
        self._link = None
        for presence in self._seen.values():
            self.feed(self.delivery.on_presence(presence.uid, False, presence.epoch, self.now()))
        self.mine(self.world.between(0.1, 5.0), self._dial)

    def _send(self, frame: Frame) -> None:
        command = frame.header.get("command", "")
        if frame.type is FrameType.DONE_ACK:
            self._checks.acknowledges(self, command)
        if frame.type is FrameType.OFFER:
            self._checks.offers(command)
        self.world.tell("controller: {} {} to {}", frame.type.name, command[:6], frame.header["node"][:6])
        if self._link is not None:
            self._link.to_far.send(encode(frame))
