"""A server: its journal, spill and exit files, its processes, and a daemon around the real node machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import Any

from tests.simulation.actor import Actor
from tests.simulation.checks import Checks
from tests.simulation.disk import FileDisk, LogDisk
from tests.simulation.network import Link
from tests.simulation.process import (
    EMPTIED_AT,
    STREAMS,
    Exit,
    Script,
    SimProcess,
    Track,
    gaps_of,
    printed_bytes,
    without_gap,
)
from tests.simulation.relay import SimRelay, Welcome
from tests.simulation.world import World

from devopsclaw.core.keys import SigningKey
from devopsclaw.daemon.admission import MAX_SKEW, Admission
from devopsclaw.daemon.effects import (
    Forget,
    Outcome,
    Purge,
    Read,
    Record,
    Row,
    Send,
    Start,
    Stop,
    Watch,
)
from devopsclaw.daemon.machine import NodeMachine
from devopsclaw.daemon.trust import Pinned
from devopsclaw.model.headers import Stream
from devopsclaw.model.moment import Moment
from devopsclaw.wire.frames import BadFrame, Frame, decode, encode
from devopsclaw.wire.offer import Offer
from devopsclaw.wire.table import Seat, Stage, is_allowed
from devopsclaw.wire.testimony import attest
from devopsclaw.wire.uid import uid_of


class SimNode(Actor):
    """`machine_type` may be a machine with a planted bug."""

    def __init__(
        self,
        world: World,
        key: SigningKey,
        relay: SimRelay,
        checks: Checks,
        machine_type: type[NodeMachine],
        trust: Pinned,
        scripts: dict[str, Script],
        crash_chance: float,
        is_batching: bool,
    ) -> None:
        super().__init__(world, uid_of(key.public), crash_chance, is_batching)
        self.uid = self.name
        self._key = key
        self._trust = trust
        self.rows: dict[str, Row] = {}
        self.spill = FileDisk()
        self.exits: dict[str, Exit] = {}
        self._emptied: dict[str, int] = {}
        self._tracks: dict[str, Track] = {}
        self.processes: dict[str, SimProcess] = {}
        self.machine: NodeMachine | None = None
        self._machine_type = machine_type
        self._relay = relay
        self._checks = checks
        self._scripts = scripts
        self._journal = LogDisk(self._apply)
        self._link: Link | None = None
        self._epoch = 0
        self._boot = 1
        self._pids = 100
        self._skew = world.between(-2.0, 2.0)
        self._dials = 0
        self._incarnation = 0.0
        self._booted_at = -100.0
        self.has_lost_power = False

    def now(self) -> Moment:
        """This server's clocks: its wall clock is off by some seconds."""
        return Moment(self.world.now + self._skew, self.world.now - self._booted_at)

    def start(self) -> None:
        """The daemon starts over what its disk holds."""
        self.is_up = True
        self.world.tell("{}: daemon starts, boot {}", self.uid[:6], self._boot)
        admission = Admission(self.uid, self._incarnation, self._trust.offer, self._trust.cancel)
        self.machine = self._machine_type(admission, f"boot {self._boot}")
        self.feed(self.machine.restore(list(self.rows.values()), self.now()))
        self._dial()

    def crash(self) -> None:
        """kill -9 of the daemon: commands and their shims go on."""
        self.world.tell("{}: daemon KILLED", self.uid[:6])
        self._fall(self.world.between(0.2, 15.0))

    def lose_power(self, lose_journal: bool) -> None:
        """The whole server: processes end without a word, disks keep what was synced."""
        self.world.tell("{}: POWER LOST{}", self.uid[:6], ", journal too" if lose_journal else "")
        self.has_lost_power = True
        if self.is_up:
            self._fall(self.world.between(1.0, 20.0))
        for process in self.processes.values():
            process.is_alive = False
        self.processes.clear()
        self.spill.crash(self.world.random)
        for command in [each for each in self.exits if self.world.chance(0.5)]:
            del self.exits[command]
        self._boot += 1
        self._booted_at = self.world.now
        if lose_journal:
            self.rows.clear()
            self._incarnation = self.now().wall + MAX_SKEW

    def tick(self) -> None:
        """Time has passed."""
        if self.is_up and self.machine is not None:
            self.feed(self.machine.on_tick(self.now()))

    @property
    def unacked(self) -> list[str]:
        """Commands whose end the controller has not acknowledged, as the disk has it."""
        return [row.command for row in self.rows.values() if row.state != "acked"]

    def write(self, effects: Iterable[Any]) -> None:
        """Journal what is to be journalled; a crash in the middle of the commit may go either way."""
        records = [effect for effect in effects if isinstance(effect, Record)]
        for record in records:
            self._journal.write(record)
        if records and self.world.chance(self._crash_chance):
            self.crash()
            return
        self._journal.sync()

    def perform(self, effect: Any) -> None:
        """See Actor."""
        match effect:
            case Send(frame):
                self._send(frame)
            case Start(command, offer):
                self._spawn(command, offer)
            case Stop(command, why, grace):
                self.world.tell("{}: stop {} because of {}", self.uid[:6], command[:6], why)
                self._terminate(command, grace)
            case Read(command, stream, offset, limit):
                data = self._content(command, stream, offset, limit)
                self.mine(self.world.between(0.0, 0.01), self._read, command, stream, offset, data)
            case Watch(command):
                self._watch(command)
            case Forget(command):
                self._checks.forgets(self.uid, command)
                for stream in STREAMS:
                    self.spill.delete(f"{command}/{stream}")
            case Purge(command):
                del self.rows[command]
            case _:
                assert isinstance(effect, Record)

    def _apply(self, record: Record) -> None:
        known = self.rows.get(record.command)
        fields = {**(known.fields if known else {}), **record.fields}
        self.rows[record.command] = Row(record.command, record.state, fields)

    def _fall(self, seconds: float) -> None:
        self._journal.crash(self.world.random)
        self.die()
        self.machine = None
        self._epoch = 0
        if self._link is not None:
            self._link.break_off(0.0, self.world.between(0.0, 20.0))
            self._link = None
        self.world.later(seconds, self._rise)

    def _rise(self) -> None:
        if not self.is_up:
            self.start()

    # The link

    def _dial(self) -> None:
        self._dials += 1
        self._link = self._relay.dial_node(self.uid, partial(self._arrive, self._dials))
        if self._link is None:
            self.mine(self.world.between(0.2, 3.0), self._dial)
        else:
            self._link.closed_near = partial(self._closed, self._dials)

    def _arrive(self, dial: int, message: Any) -> None:
        if not self.is_up or self.machine is None:
            return
        if isinstance(message, Welcome):
            if dial == self._dials:
                self._enter(message)
            return
        try:
            frame = decode(message)
        except BadFrame:
            frame = None
        if frame is None or not is_allowed(Seat.NODE, Stage.OPEN, frame.type):
            self._hang_up("a frame that is not let in")
        else:
            self.feed(self.machine.on_frame(frame, self.now()))

    def _enter(self, welcome: Welcome) -> None:
        if not self._trust.show(welcome.root):
            self._hang_up("another root")
        elif self.machine is not None:
            self._epoch = welcome.epoch
            self.feed(self.machine.on_link(welcome.epoch, self.now()))

    def _hang_up(self, why: str) -> None:
        self.world.tell("{}: hangs up: {}", self.uid[:6], why)
        if self._link is not None:
            self._link.break_off(0.0, self.world.between(0.0, 10.0))

    def _closed(self, dial: int) -> None:
        if self.is_up and self.machine is not None and dial == self._dials:
            self._epoch = 0
            self._link = None
            self.feed(self.machine.on_unlink(self.now()))
            self.mine(self.world.between(0.1, 5.0), self._dial)

    def _send(self, frame: Frame) -> None:
        if self._link is None or frame.header["epoch"] != self._epoch:
            return
        command = frame.header.get("command", "")
        self._checks.node_sends(self, frame.type, command)
        self.world.tell("{}: {} {}", self.uid[:6], frame.type.name, command[:6])
        said = attest(self._key.private, frame)
        self._checks.attests(said)
        self._link.to_far.send(encode(said))

    # Processes

    def _spawn(self, command: str, offer: Offer) -> None:
        self._checks.wants_start(command, self.now().wall, offer)
        if self.now().wall > offer.envelope.not_after:
            self._finish(command, Outcome(expired=True, reason="its time was over before it could start"))
            return
        self._checks.starts(self, command, self.now().wall, offer)
        script = self._scripts[command]
        if script.cannot_start:
            self._finish(command, Outcome(reason="could not start: no more processes"))
            return
        self._pids += 1
        process = SimProcess(self._pids, command, script, self.world.now)
        self.processes[command] = process
        for part in (0.3, EMPTIED_AT, 0.9):
            self.world.later(script.duration * part, self._print, process, part)
        self.world.later(script.duration, self._end, process, Exit(script.exit_code, None))
        if self.world.chance(self._crash_chance):
            self.crash()  # it runs, and nobody has told the machine
            return
        self._started(process)

    def _started(self, process: SimProcess) -> None:
        assert self.machine is not None
        self.feed(self.machine.on_started(process.command, process.pid, process.started, self.now()))

    def _print(self, process: SimProcess, part: float) -> None:
        if not process.is_alive:
            return
        for stream in STREAMS:
            size = process.script.size(stream)
            name = f"{process.command}/{stream}"
            gone = process.script.thrown_away(stream)
            if part == EMPTIED_AT and gone:
                self.spill.delete(name)
                self._emptied[name] = 1
                self._checks.emptied.add(process.command)
            start = self.spill.length(name) + (gone if self._emptied.get(name) else 0)
            end = size if part == 1.0 else int(size * part)
            self.spill.append(name, printed_bytes(process.command, stream, size)[start:end])
        self._notice(process)

    def _track(self, command: str, stream: Stream) -> Track:
        """Look at a file, and note what is seen: an emptied one goes on behind what was seen before."""
        name = f"{command}/{stream}"
        seen, emptied = self._tracks.get(name, Track()), self._emptied.get(name, 0)
        base = seen.length if emptied > seen.emptied else seen.base
        self._tracks[name] = Track(emptied, base, max(seen.length, base + self.spill.length(name)))
        return self._tracks[name]

    def _content(self, command: str, stream: Stream, offset: int, limit: int) -> bytes:
        base = self._tracks.get(f"{command}/{stream}", Track()).base
        return self.spill.read(f"{command}/{stream}", offset - base, limit) if offset >= base else b""

    def _notice(self, process: SimProcess) -> None:
        """Tell the machine what is kept however much follows."""
        if self.machine is None:
            return
        for stream in STREAMS:
            track = self._track(process.command, stream)
            if track.base:
                self.feed(self.machine.on_gap(process.command, stream, 0, track.base))
            length = min(track.length, track.base + process.script.cap // 2)
            self.feed(self.machine.on_printed(process.command, stream, length, self.now()))

    def _end(self, process: SimProcess, found: Exit) -> None:
        if not process.is_alive:
            return
        if found.signal is None:
            self._print(process, 1.0)
        process.is_alive = False
        del self.processes[process.command]
        self.exits[process.command] = found
        lengths = {stream: self.spill.length(f"{process.command}/{stream}") for stream in STREAMS}
        self._checks.ends(process.command, found, lengths)
        self.world.tell("{}: {} ended, {}", self.uid[:6], process.command[:6], found)
        self.mine(self.world.between(0.0, 0.05), self._collect, process.command)

    def _terminate(self, command: str, grace: float) -> None:
        process = self.processes.get(command)
        if process is not None:
            delay, signal = (grace, 9) if process.script.ignores_term else (0.01, 15)
            self.world.later(delay, self._end, process, Exit(None, signal))

    def _watch(self, command: str) -> None:
        process = self.processes.get(command)
        if process is not None:
            self._started(process)
            self._notice(process)
        else:
            self._collect(command)

    def _collect(self, command: str) -> None:
        """How it ended, from the exit file; without one nobody knows."""
        found = self.exits.get(command)
        if found is None:
            self._finish(command, self._outcome(command, interrupted=True))
        else:
            outcome = self._outcome(command)
            self._finish(command, replace(outcome, exit_code=found.exit_code, signal=found.signal))

    def _outcome(self, command: str, interrupted: bool = False) -> Outcome:
        cap = self._scripts[command].cap
        content = {stream: self.spill.read(f"{command}/{stream}") for stream in STREAMS}
        tracks = {stream: self._track(command, stream) for stream in STREAMS}
        digests = {
            stream: hashlib.sha256(without_gap(content[stream], cap)).hexdigest() for stream in STREAMS
        }
        for stream in STREAMS:
            self.spill.sync(f"{command}/{stream}")
        return Outcome(
            interrupted=interrupted,
            stdout_length=tracks["stdout"].length,
            stderr_length=tracks["stderr"].length,
            stdout_sha256=digests["stdout"],
            stderr_sha256=digests["stderr"],
            gaps=gaps_of(tracks, cap),
        )

    def _finish(self, command: str, outcome: Outcome) -> None:
        if self.machine is not None:
            self.feed(self.machine.on_finished(command, outcome, self.now()))

    def _read(self, command: str, stream: Stream, offset: int, data: bytes) -> None:
        if self.machine is not None:
            self.feed(self.machine.on_chunk(command, stream, offset, data, self.now()))
