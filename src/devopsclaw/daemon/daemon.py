"""Drives the node machine: its effects in order, durable ones first, and what the host reports back.

No protocol decision is taken here (daemon/machine), no process is spawned here (host/), and the link
comes from outside: one daemon talks over a relay's session or over a pipe, to the same effect.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from devopsclaw.core.clock import Clock
from devopsclaw.core.driver import Driver
from devopsclaw.core.gate import Gate
from devopsclaw.daemon.command import offer_of
from devopsclaw.daemon.effects import Effect, Outcome, Read, Record, Row, Send, Start, Stop, Watch
from devopsclaw.daemon.effects import Forget as ForgetSpill
from devopsclaw.daemon.effects import Purge as PurgeRow
from devopsclaw.daemon.journal import Journal
from devopsclaw.daemon.machine import NodeMachine
from devopsclaw.model import process
from devopsclaw.model.call import Actor
from devopsclaw.model.errors import ClawError, Damaged, NotFound
from devopsclaw.model.headers import Report, Stream
from devopsclaw.model.moment import Moment
from devopsclaw.model.runner import CommandRunner
from devopsclaw.wire.channel import Channel, Closed
from devopsclaw.wire.frames import Frame
from devopsclaw.wire.offer import Offer
from devopsclaw.wire.testimony import attest

log = logging.getLogger("devopsclaw.daemon")

DISK_RETRY = 1.0
"""Seconds between two tries to write the journal while its disk is full or locked."""


class Executed(Protocol):
    """What `host.exec` gives."""

    outcome: process.Outcome


@dataclass(frozen=True, slots=True)
class Session:
    """An open session, and what is still to be sent in it."""

    epoch: int
    outbox: asyncio.Queue[Frame] = field(default_factory=asyncio.Queue)


class Daemon:
    """One node. `run` goes on until it is cancelled; `converse` lives as long as its channel."""

    def __init__(
        self,
        machine: NodeMachine,
        journal: Journal,
        runner: CommandRunner,
        gate: Gate,
        key: Ed25519PrivateKey,
        clock: Clock,
    ) -> None:
        self._machine = machine
        self._journal = journal
        self._runner = runner
        self._gate = gate
        self._key = key
        self._clock = clock
        self._driver: Driver[Effect] = Driver(self._write, self._perform, self._look)
        self._session: Session | None = None
        self._group = asyncio.TaskGroup()
        self._caps: dict[str, int] = {}
        """Bytes that are kept of each stream, by command, until the command is forgotten."""
        self._begun: dict[str, Moment] = {}
        """When each command began that has not ended."""
        self._restored = asyncio.Event()
        self.trouble = ""
        """Why the journal cannot be written now; empty while it can. Nothing starts meanwhile."""

    async def run(self) -> None:
        """Go on where the journal ends, then work until cancelled. Commands outlive this."""
        rows = await self._journal.rows()
        async with self._group:
            effects = self._machine.restore(rows, self._now())
            self._recall(rows)
            self._feed(effects)
            self._restored.set()
            self._group.create_task(self._driver.run())

    async def converse(self, channel: Channel) -> None:
        """Serve one session until it closes; raises Closed with the reason.

        Nothing is heard before the journal was read: what it holds would pass for never seen.
        """
        await self._restored.wait()
        self._session = session = Session(channel.welcome.epoch)
        self._feed(self._machine.on_link(session.epoch, self._now()))
        speaking = self._group.create_task(self._speak(channel, session))
        try:
            while True:
                frame = await channel.receive()
                self._feed(self._machine.on_frame(frame, self._now()))
        finally:
            speaking.cancel()
            self._session = None
            self._feed(self._machine.on_unlink(self._now()))

    def started(self, command: str, shim: process.Started) -> None:
        """The host started the command as this process."""
        self._feed(self._machine.on_started(command, shim.pid, shim.start_time, self._now()))

    def printed(self, printed: process.Printed) -> None:
        """A spill file grew or was emptied. Before the end only what stays kept whatever follows is told."""
        cap = self._caps.get(printed.command, process.OUTPUT_CAP)
        first_gap = process.gap_of(printed.stream, cap + 1, cap)
        length = min(printed.length, printed.lost + first_gap.start) if first_gap else printed.length
        stream = _stream(printed.stream)
        if printed.lost:
            self._feed(self._machine.on_gap(printed.command, stream, 0, printed.lost))
        self._feed(self._machine.on_printed(printed.command, stream, length, self._now()))

    def _recall(self, rows: Iterable[Row]) -> None:
        """Know again what the journal says of commands of an earlier life: limits, place, output."""
        for row in rows:
            if not row.fields.get("envelope"):
                continue
            self._caps[row.command] = offer_of(row).work.params.output_cap
            if row.state == "finished":
                report = Report.model_validate(row.fields)
                outcome = process.Outcome(
                    stdout_length=report.stdout_length,
                    stderr_length=report.stderr_length,
                    gaps=tuple(process.Gap(*gap) for gap in report.gaps),
                )
                self._runner.recall(row.command, outcome, self._caps[row.command])

    def _now(self) -> Moment:
        return Moment(self._clock.wall(), self._clock.steady())

    def _feed(self, effects: list[Effect]) -> None:
        self._driver.feed(effects)

    def _look(self) -> None:
        self._feed(self._machine.on_tick(self._now()))

    async def _write(self, batch: list[Effect]) -> None:
        """Journal its records, however long the disk takes; nothing that depends on them happens before."""
        records = [effect for effect in batch if isinstance(effect, Record)]
        while records:
            try:
                await self._journal.record(records)
            except Damaged as full:
                self.trouble = full.message
                await asyncio.sleep(DISK_RETRY)
            else:
                self.trouble = ""
                return

    async def _perform(self, effect: Effect) -> None:
        match effect:
            case Send(frame):
                self._say(frame)
            case Read(command, stream, offset, limit):
                data = self._read(command, stream, offset, limit)
                self._feed(self._machine.on_chunk(command, stream, offset, data, self._now()))
            case Start(command, offer):
                self._spawn(self._execute(command, offer))
            case Watch(command, fields):
                self._spawn(self._watch(command, fields))
            case Stop(command, _, grace):
                self._spawn(self._stop(command, grace))
            case ForgetSpill(command):
                self._caps.pop(command, None)
                self._forget(command)
            case PurgeRow(command):
                await self._purge(command)
            case Record():
                pass

    def _read(self, command: str, stream: Stream, offset: int, limit: int) -> bytes:
        """Nothing, where the file cannot be read: the machine tells of a gap, and goes on with the others."""
        try:
            return self._runner.read(command, stream, offset, limit)
        except Damaged as broken:
            log.warning("the output of command %s is lost: %s", command, broken.message)
            return b""

    def _forget(self, command: str) -> None:
        """What cannot be deleted stays on the disk, for a person."""
        try:
            self._runner.forget(command)
        except Damaged as stuck:
            log.warning("the output of command %s is left over: %s", command, stuck.message)

    async def _purge(self, command: str) -> None:
        """A row that cannot be deleted now is found again at the next start, and then deleted."""
        try:
            await self._journal.purge(command)
        except Damaged as full:
            self.trouble = full.message

    def _say(self, frame: Frame) -> None:
        """Dropped where the session is over: the controller asks again in the next one.

        Nobody waits for a slow link here: a timeout has to kill in time whatever the relay does. What may
        wait is bounded by the credit that the controller gives.
        """
        if self._session is not None and frame.header["epoch"] == self._session.epoch:
            self._session.outbox.put_nowait(frame)

    async def _speak(self, channel: Channel, session: Session) -> None:
        """Send what is said in this session, in order, until it is over."""
        while True:
            frame = await session.outbox.get()
            try:
                await channel.send(attest(self._key, frame))
            except Closed:
                return

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._group.create_task(work)

    async def _execute(self, command: str, offer: Offer) -> None:
        """Through the node's gate, as everything; a command that cannot start, or not in time, has ended."""
        envelope, work = offer.envelope, offer.work
        if self._now().wall > envelope.not_after:
            self._finish(command, Outcome(expired=True))
            return
        actor = Actor(f"controller {envelope.issuer[:12]}", "relay")
        self._caps[command] = work.params.output_cap
        self._begun[command] = self._now()
        params = work.params.model_dump()
        try:
            ran: Executed = await self._gate.run(
                work.operation, params, actor, parent=envelope.call, call_id=command
            )
        except ClawError as refused:
            del self._begun[command]
            self._finish(command, Outcome(reason=refused.message))
        else:
            self._finish(command, self._report(command, ran.outcome))

    async def _watch(self, command: str, fields: Mapping[str, Any]) -> None:
        """What became of a command that an earlier life of this daemon started.

        If its files tell nothing, nobody knows; whatever else runs here goes on.
        """
        self._begun[command] = Moment(fields.get("at", 0.0), fields.get("steady", self._now().steady))
        shim = (int(fields.get("pid", 0)), int(fields.get("start_time", 0)), str(fields.get("boot", "")))
        try:
            if await self._runner.adopt(command, *shim, self._caps[command]):
                self.started(command, process.Started(*shim))
            outcome = await self._runner.wait(command)
        except Damaged as broken:
            log.warning("what became of command %s is not known: %s", command, broken.message)
            outcome = process.Outcome(interrupted=True)
        self._finish(command, self._report(command, outcome))

    async def _stop(self, command: str, grace: float) -> None:
        """The runner's own wait answers; it knows who survived."""
        with suppress(NotFound):
            await self._runner.stop(command, grace)

    def _report(self, command: str, outcome: process.Outcome) -> Outcome:
        begun = self._begun.pop(command)
        unseen = outcome.ended_at
        elapsed = unseen - begun.wall if unseen else self._now().steady - begun.steady
        return Outcome(
            exit_code=outcome.exit_code,
            signal=outcome.signal,
            interrupted=outcome.interrupted,
            reason=outcome.reason,
            stdout_length=outcome.stdout_length,
            stderr_length=outcome.stderr_length,
            stdout_sha256=outcome.stdout_sha256,
            stderr_sha256=outcome.stderr_sha256,
            gaps=tuple((_stream(gap.stream), gap.start, gap.end) for gap in outcome.gaps),
            left=outcome.left,
            survivors=outcome.survivors,
            started_at=begun.wall,
            duration=max(0.0, elapsed),
        )

    def _finish(self, command: str, outcome: Outcome) -> None:
        self._feed(self._machine.on_finished(command, outcome, self._now()))


def _stream(name: str) -> Stream:
    return "stdout" if name == "stdout" else "stderr"
