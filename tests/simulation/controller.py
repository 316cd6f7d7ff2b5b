"""The controller: its run log and output store, and a driver around the real delivery machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from tests.simulation.actor import Actor
from tests.simulation.checks import Checks
from tests.simulation.disk import FileDisk, LogDisk
from tests.simulation.keys import CONTROLLER, PUBLIC
from tests.simulation.network import Link
from tests.simulation.process import STREAMS
from tests.simulation.relay import Presence, SimRelay
from tests.simulation.world import World

from devopsclaw.fleet.delivery import Delivery
from devopsclaw.fleet.effects import Command, Doubted, Ended, Keep, Moved, Recall, Record, Row, Send
from devopsclaw.fleet.recalled import is_taken
from devopsclaw.fleet.signing import Signer
from devopsclaw.fleet.stream import Kept
from devopsclaw.model.headers import Report, Stream
from devopsclaw.model.state import State
from devopsclaw.wire.envelope import BadEnvelope
from devopsclaw.wire.frames import BadFrame, Frame, FrameType, decode, encode
from devopsclaw.wire.table import Seat, Stage, is_allowed
from devopsclaw.wire.testimony import check_testimony

SIGNER = Signer(CONTROLLER)


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
    ended: list[Mapping[str, Any]] = field(default_factory=list)
    skipped: dict[Stream, int] = field(default_factory=lambda: {"stdout": 0, "stderr": 0})


class SimController(Actor):
    """`delivery_type` may be a machine with a planted bug; so is one that `is_credulous`: it checks no
    signature of any node.
    """

    def __init__(
        self,
        world: World,
        relay: SimRelay,
        checks: Checks,
        delivery_type: type[Delivery],
        crash_chance: float,
        is_batching: bool,
        is_credulous: bool,
    ) -> None:
        super().__init__(world, "controller", crash_chance, is_batching)
        self.lines: dict[str, Line] = {}
        self.outputs = FileDisk()
        self.delivery: Delivery | None = None
        self.started_at = 0.0
        self.alarms = 0
        self._delivery_type = delivery_type
        self._is_credulous = is_credulous
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
        self.delivery = self._delivery_type(SIGNER.cancel, random_bits=self.world.random.getrandbits)
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
            case Ended(command, state, reason, report):
                self.world.tell("controller: {} ENDED {} {}", command[:6], state, reason)
                self._checks.moves(command, state)
                self._checks.shows_end(self.lines[command].command, state, report)
            case Recall(command, node, report):
                self._recall(command, node, report)
            case Doubted(command):
                self._alarm("{} was refused in an offer that was never made", command[:6])
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
                start, end = record.fields["start"], record.fields["end"]
                if start == 0:
                    self.outputs.delete(f"{record.command}/{record.fields['stream']}")
                    line.skipped[record.fields["stream"]] = 0
                line.skipped[record.fields["stream"]] += end - start
            case "cancelling":
                line.is_cancelling = True
            case "unknown":
                line.state = State.UNKNOWN
            case _:
                line.state, line.is_final = State(record.fields["status"]), True
                line.reason = record.fields["reason"]
                line.is_acknowledgeable = record.kind == "ended"
                if line.is_acknowledgeable:
                    line.ended.append(record.fields)

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

    def _recall(self, command: str, node: str, report: Report) -> None:
        line = self.lines.get(command)
        if line is None or not line.is_acknowledgeable or line.command.node != node:
            return
        if not is_taken(report, line.ended):
            self._alarm("{} ended otherwise than is on record: {}", command[:6], report.status)
        elif self.delivery is not None:
            self.feed(self.delivery.on_recalled(command, node, self.now()))

    def _alarm(self, text: str, *arguments: Any) -> None:
        self.alarms += 1
        self.world.tell("controller: ALARM: " + text, *arguments)

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
                known = self._seen.get(message.uid)
                if known is None or (message.connected and message.epoch >= known.epoch):
                    self._seen[message.uid] = message
                self.feed(
                    self.delivery.on_presence(message.uid, message.connected, message.epoch, self.now())
                )
            return
        try:
            frame = decode(message)
        except BadFrame:
            frame = None
        if frame is None or not is_allowed(Seat.CONTROLLER, Stage.OPEN, frame.type):
            self._hang_up()
        elif self._believes(frame):
            effects = self.delivery.on_frame(frame, self.now())
            self._checks.takes(self._seen.get(frame.header["node"]), frame, effects)
            self.feed(effects)

    def _believes(self, frame: Frame) -> bool:
        """As `fleet.session_feed`: a frame of a node that is known, and what it claims is signed by it."""
        public_key = PUBLIC.get(str(frame.header.get("node", "")))
        if public_key is None:
            return False
        try:
            check_testimony(public_key, frame)
        except BadEnvelope:
            self._alarm("a {} that its node did not sign", frame.type.name)
            return self._is_credulous
        return True

    def _hang_up(self) -> None:
        self.world.tell("controller: hangs up: a frame that is not let in")
        if self._link is not None:
            self._link.break_off(0.0, self.world.between(0.0, 10.0))

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
            self._checks.offers(self.lines[command].command)
        self.world.tell("controller: {} {} to {}", frame.type.name, command[:6], frame.header["node"][:6])
        if self._link is not None:
            self._link.to_far.send(encode(frame))
