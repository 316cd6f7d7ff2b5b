"""The invariants of delivery, watched from outside while a seed runs and once more at its end.

They know what really happened (which processes started, what they printed, how they ended) and compare it
with what controller and nodes say. Numbers I1 … I13 are those of the protocol's list of invariants; I15: no
end is shown that its node did not sign.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Protocol

from tests.simulation.disk import FileDisk
from tests.simulation.process import STREAMS, Exit, Script, printed_bytes, without_gap
from tests.simulation.relay import Presence
from tests.simulation.world import Violation, World

from devopsclaw.daemon.admission import MAX_SKEW
from devopsclaw.daemon.effects import Row
from devopsclaw.fleet.effects import Command, Keep, Record
from devopsclaw.model.headers import Report, Stream
from devopsclaw.model.state import State
from devopsclaw.wire.frames import Frame, FrameType
from devopsclaw.wire.offer import Offer

DRIVER_DELAY = 1.0
"""Seconds between what the machine decides and what its driver does, at most."""
NEVER_STARTED = frozenset({State.CANCELLED, State.EXPIRED, State.DENIED, State.UNREACHABLE})


class NodeSide(Protocol):
    """What is looked at on a node."""

    uid: str
    rows: dict[str, Row]


class ControllerSide(Protocol):
    """What is looked at on the controller."""

    outputs: FileDisk
    lines: dict[str, Any]

    def holds(self, command_id: str, stream: Stream) -> bytes:
        """The stored bytes of a stream."""
        ...


class Checks:
    """`controller` is set once it is made: a node's deletions are judged by what the controller holds."""

    def __init__(self, world: World, scripts: dict[str, Script], is_relay_hostile: bool) -> None:
        self.world = world
        self._is_relay_hostile = is_relay_hostile
        self.controller: ControllerSide | None = None
        self.starts_of: Counter[str] = Counter()
        self.exits: dict[str, Exit] = {}
        self.states: dict[str, State] = {}
        self.emptied: set[str] = set()
        """Commands that have thrown away what they had printed."""
        self._lengths: dict[str, dict[Stream, int]] = {}
        self._offered: dict[str, Command] = {}
        """What the controller has sent, by command id."""
        self._attested: defaultdict[tuple[str, str], list[Frame]] = defaultdict(list)
        """The ends that a node has signed, by its uid and command id."""
        self._scripts = scripts

    def require(self, holds: bool, invariant: str, text: str, *arguments: Any) -> None:
        """Raises Violation with the story unless it holds."""
        if not holds:
            self.world.tell("VIOLATION of " + invariant + ": " + text, *arguments)
            raise Violation(self.world.story())

    # On the node

    def wants_start(self, command: str, wall: float, offer: Offer) -> None:
        """The machine wants it started; its driver looks at the time once more."""
        window = (offer.envelope.not_before - MAX_SKEW, offer.envelope.not_after + DRIVER_DELAY)
        self.require(window[0] <= wall <= window[1], "I9", "{} would start out of its time", command[:6])

    def starts(self, node: NodeSide, command: str, wall: float, offer: Offer) -> None:
        """A process is about to be started."""
        asked = self._offered.get(command)
        envelope = offer.envelope
        wanted = (node.uid, offer.digest, envelope.not_before, envelope.not_after)
        is_asked = asked is not None and wanted == (
            asked.node,
            asked.digest,
            asked.not_before,
            asked.not_after,
        )
        self.require(is_asked, "I2", "{} starts, and nobody asked {} for it", command[:6], node.uid[:6])
        self.starts_of[command] += 1
        self.require(self.starts_of[command] == 1, "I1", "{} starts again", command[:6])
        self.require(wall <= envelope.not_after, "I9", "{} starts after its time", command[:6])
        row = node.rows.get(command)
        self.require(row is not None and row.state == "starting", "I3", "{} starts unrecorded", command[:6])

    def ends(self, command: str, found: Exit, lengths: dict[Stream, int]) -> None:
        """A process ended, its shim wrote how, and this is how much it had printed."""
        self.exits[command] = found
        self._lengths[command] = lengths

    def node_sends(self, node: NodeSide, frame_type: FrameType, command: str) -> None:
        """A node is about to say something about a command."""
        row = node.rows.get(command)
        if frame_type in (FrameType.ACCEPT, FrameType.STARTED):
            self.require(row is not None, "I3", "{} is accepted, not durably", command[:6])
        if frame_type is FrameType.DONE:
            durable = row is not None and row.state in ("finished", "acked")
            self.require(durable, "I3", "DONE for {} is sent, not durably", command[:6])

    def attests(self, frame: Frame) -> None:
        """A node has put its name to this."""
        if frame.type in (FrameType.DONE, FrameType.REJECT):
            self._attested[frame.header["node"], frame.header["command"]].append(frame)

    def forgets(self, uid: str, command: str) -> None:
        """A node is about to delete output. A hostile relay may make it: then the result is lost, and said
        to be unknown.
        """
        assert self.controller is not None
        if self._is_relay_hostile:
            return
        self._require_held(self.controller, command, "deleted on the node")

    # On the controller

    def takes(self, presence: Presence | None, frame: Frame, effects: Sequence[Any]) -> None:
        """A frame came in, and these effects of it."""
        is_live = presence is not None and frame.header["epoch"] == presence.epoch
        self.require(is_live or not effects, "I13", "a {} of a dead epoch is acted on", frame.type.name)

    def keeps(self, controller: ControllerSide, keep: Keep) -> None:
        """Bytes are about to be appended."""
        name = f"{keep.command}/{keep.stream}"
        skipped = controller.lines[keep.command].skipped[keep.stream]
        stored = controller.outputs.length(name) + skipped
        self.require(keep.offset == stored, "I5", "{} goes on at {}, not {}", name[:13], keep.offset, stored)

    def records(self, is_final: bool, record: Record) -> None:
        """A line of the run log became durable."""
        self.require(
            not is_final, "I6", "{} is recorded for {}, which has ended", record.kind, record.command[:6]
        )

    def moves(self, command: str, state: State) -> None:
        """The state that people see."""
        before = self.states.get(command)
        may_move = before is None or not before.is_final or before is State.UNKNOWN
        stays = before is not State.UNKNOWN or state.is_final
        self.require(may_move and stays, "I6", "{} moves from {} to {}", command[:6], before, state)
        self.states[command] = state

    def shows_end(self, command: Command, state: State, report: Report | None) -> None:
        """An end is shown: its node has signed it, or it is one that needs no node."""
        said = self._attested[command.node, command.id]
        if report is not None:
            reports = [each.header["signature"] for each in said if each.type is FrameType.DONE]
            self.require(
                report.signature in reports, "I15", "{} is {}, not so reported", command.id[:6], state
            )
        elif command.id in self._offered and state is not State.UNKNOWN:
            is_refused = any(each.type is FrameType.REJECT for each in said)
            self.require(is_refused, "I15", "{} is {}, and never was refused", command.id[:6], state)

    def offers(self, command: Command) -> None:
        """A command is about to be sent."""
        is_unknown = self.states.get(command.id) is State.UNKNOWN
        self.require(not is_unknown, "I6", "{} is unknown and sent again", command.id[:6])
        self._offered[command.id] = command

    def acknowledges(self, controller: ControllerSide, command: str) -> None:
        """The node is about to be told that it may delete."""
        self._require_held(controller, command, "acknowledged")

    def _require_held(self, controller: ControllerSide, command: str, what: str) -> None:
        line = controller.lines.get(command)
        is_final = line is not None and line.is_final and line.is_acknowledgeable
        self.require(is_final, "I4", "{} is {} without a durable end", command[:6], what)
        for stream in STREAMS:
            durable = controller.outputs.is_synced(f"{command}/{stream}")
            self.require(durable, "I4", "{} of {} is {} before it is durable", stream, command[:6], what)

    # At the end

    def conclude(self, command: str, state: State, was_cancelled: bool, lost_power: bool) -> None:
        """The state that is shown is what happened."""
        found = self.exits.get(command)
        script = self._scripts[command]
        possible = {
            **dict.fromkeys(NEVER_STARTED, self.starts_of[command] == 0),
            State.OK: found is not None and found.exit_code == 0,
            State.FAILED: script.cannot_start or (found is not None and found.exit_code != 0),
            State.TIMED_OUT: found is not None,
            State.KILLED: found is not None and was_cancelled,
            # A daemon killed after "starting" was journalled cannot know whether anything started.
            State.UNKNOWN: lost_power
            or self.starts_of[command] == 0
            or script.cannot_start
            or self._is_relay_hostile,
        }
        self.require(possible[state], "truth", "{} is {}, its process: {}", command[:6], state, found)
        if state is State.UNKNOWN and self._is_relay_hostile:
            return  # what it slipped in is what makes it unknown
        for stream in STREAMS:
            self._require_true_output(command, stream, lost_power or found is None)

    def _require_true_output(self, command: str, stream: Stream, may_be_cut: bool) -> None:
        assert self.controller is not None
        script = self._scripts[command]
        printed = printed_bytes(command, stream, script.size(stream))
        held = self.controller.holds(command, stream)
        gone = script.thrown_away(stream) if command in self.emptied else 0
        if may_be_cut:
            head = script.cap // 2  # what is kept after it depends on where the stream was cut
            matches = printed.startswith(held[:head]) or printed[gone:].startswith(held[:head])
        else:
            in_file = printed[gone : gone + self._lengths[command][stream]]
            matches = held == without_gap(in_file, script.cap)
        self.require(matches, "I5", "{} of {}: {} of {} bytes", stream, command[:6], len(held), len(printed))
