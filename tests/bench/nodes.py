"""Many nodes in one process, for measurements of what lies between them and the core.

Run as `python -m tests.bench.nodes WORK URL TOKEN_FILE [--insecure]`, told on stdin, line by line, how many
are wanted in all; says `ready N` when so many are there. WORK is `idle` (a session and nothing else),
`answer` (a session that answers each offer at once, keeping nothing) or `instant` (real daemons, with
their journal, whose commands end at once: nothing is spawned).
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.bench import bare

from devopsclaw.assembly.roles import keep_link
from devopsclaw.core.background import Background, background
from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import SystemClock
from devopsclaw.core.context import Ctx
from devopsclaw.core.db import Database
from devopsclaw.core.gate import Gate
from devopsclaw.core.operation import operation
from devopsclaw.core.paths import home
from devopsclaw.core.rbac import Role as UserRole
from devopsclaw.core.registry import Registry
from devopsclaw.core.services import Services
from devopsclaw.daemon.admission import Admission
from devopsclaw.daemon.daemon import Daemon
from devopsclaw.daemon.guards import NodeGuards
from devopsclaw.daemon.journal import Journal, open_journal
from devopsclaw.daemon.machine import NodeMachine
from devopsclaw.daemon.trust import Trust
from devopsclaw.daemon.voice import Voice
from devopsclaw.host.runner import Runner
from devopsclaw.model.headers import EMPTY_SHA256, Report
from devopsclaw.model.process import Outcome
from devopsclaw.model.risk import Effect
from devopsclaw.model.state import State
from devopsclaw.ops.host import HostExec, HostExecuted, plan_exec
from devopsclaw.relay.dial import Dialer
from devopsclaw.relay.link import RelayLink
from devopsclaw.relay.pins import Pins
from devopsclaw.wire.offer import Sealed, open_offer
from devopsclaw.wire.table import Role
from devopsclaw.wire.testimony import attest
from devopsclaw.wire.uid import uid_of

AT_ONCE = 50
"""Handshakes under way."""
NAME = "bench-{:04}"
REPORT = Report(status=State.OK, exit_code=0)


@operation(
    "host.exec", Effect.DESTRUCTIVE, role=UserRole.OPERATOR, plan=plan_exec, remote=True, for_model=False
)
async def end_at_once(ctx: Ctx, params: HostExec) -> HostExecuted:
    """Say that the command ended well, without running it."""
    return HostExecuted(outcome=Outcome(exit_code=0, stdout_sha256=EMPTY_SHA256, stderr_sha256=EMPTY_SHA256))


@dataclass(frozen=True, slots=True)
class Crowd:
    """Where the nodes connect to, and what they live on."""

    url: str
    token: str
    insecure: bool
    stack: AsyncExitStack
    tasks: Background
    pins: Pins
    clock: SystemClock = field(default_factory=SystemClock)

    def dialer(self, number: int) -> Dialer:
        """How this node dials; its key comes from its name."""
        name = NAME.format(number)
        return Dialer(
            url=self.url,
            role=Role.NODE,
            key=Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest()),
            name=name,
            pins=self.pins,
            token=self.token,
            insecure=self.insecure,
        )

    async def sit_idle(self, number: int) -> None:
        """Open a session and keep it."""
        link = await self.dialer(number).connect()
        self.stack.push_async_callback(link.close)

    async def answer(self, number: int) -> None:
        """Open a session, check what is offered, and sign an end of it."""
        dialer = self.dialer(number)
        link = await dialer.connect()
        self.stack.push_async_callback(link.close)
        self.tasks.start(self._answer(dialer.key, link))

    async def _answer(self, key: Ed25519PrivateKey, link: RelayLink) -> None:
        uid = link.welcome.uid
        voice = Voice(uid, 0.0)
        voice.open(link.welcome.epoch)
        while True:
            frame = await link.receive()
            offer = open_offer(bare.PUBLIC, uid, Sealed.unpack(frame.body), str(frame.header["signature"]))
            await link.send(attest(key, voice.done(offer.work.command, REPORT).frame))

    async def enter(self, work: str, number: int, journal: Database) -> None:
        """Be one node more."""
        if work == "idle":
            await self.sit_idle(number)
        elif work == "answer":
            await self.answer(number)
        else:
            await self.serve(number, journal)

    async def serve(self, number: int, journal: Database) -> None:
        """Be a node whose commands end at once."""
        dialer = self.dialer(number)
        trust = Trust(home().keys / f"{dialer.name}.json")
        daemon = await instant_daemon(dialer.key, trust, journal, self.clock)
        self.tasks.start(daemon.run())
        self.tasks.start(keep_link(dialer, daemon, trust, self.clock))


async def instant_daemon(
    key: Ed25519PrivateKey, trust: Trust, journal: Database, clock: SystemClock
) -> Daemon:
    """As `assembly.node.open_node` makes it, but for the one operation."""
    uid = uid_of(key.public_key().public_bytes_raw())
    rows = Journal(journal, uid)
    admission = Admission(uid, await rows.incarnation(clock.wall()), trust.offer, trust.cancel)
    gate = Gate(Registry([end_at_once]), NodeGuards(), Services(), Bus(), clock)
    runner = Runner(home().output, lambda printed: None)
    return Daemon(NodeMachine(admission, ""), rows, runner, gate, key, clock)


async def main(work: str, url: str, token_file: str, *flags: str) -> None:
    """Follow what is asked on stdin until it ends."""
    where = home().make()
    token = Path(token_file).read_text()
    async with AsyncExitStack() as stack:
        tasks = await stack.enter_async_context(background())
        crowd = Crowd(url, token, "--insecure" in flags, stack, tasks, Pins(where.keys / "relays.json"))
        journal = await stack.enter_async_context(await open_journal(where.state / "node.db"))
        count = 0
        while asked := await asyncio.to_thread(sys.stdin.readline):
            limit = asyncio.Semaphore(AT_ONCE)

            async def enter(number: int, limit: asyncio.Semaphore = limit) -> None:
                async with limit:
                    await crowd.enter(work, number, journal)

            async with asyncio.TaskGroup() as group:
                for number in range(count, int(asked)):
                    group.create_task(enter(number))
            count = int(asked)
            print(f"ready {count}", flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
