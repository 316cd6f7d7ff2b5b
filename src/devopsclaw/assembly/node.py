"""Puts one node together: journal, runner, gate, machine, driver. Not its link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from devopsclaw.core.bus import Bus
from devopsclaw.core.clock import Clock
from devopsclaw.core.db import Database
from devopsclaw.core.gate import Gate
from devopsclaw.core.keys import SigningKey
from devopsclaw.core.registry import Registry
from devopsclaw.core.services import Services
from devopsclaw.daemon.admission import Admission, permit_all
from devopsclaw.daemon.daemon import Daemon
from devopsclaw.daemon.guards import NodeGuards
from devopsclaw.daemon.journal import Journal
from devopsclaw.daemon.machine import NodeMachine
from devopsclaw.daemon.policy_file import PolicyFile
from devopsclaw.daemon.trust import Trust
from devopsclaw.host.process import boot_id
from devopsclaw.host.runner import Runner
from devopsclaw.model.progress import Progress
from devopsclaw.ops import host
from devopsclaw.wire.uid import uid_of


@dataclass(frozen=True, slots=True)
class NodeParts:
    """What a node is made of. Several nodes of one process may share `journal`, not the rest."""

    key: SigningKey
    trust: Trust
    journal: Database
    spill: Path
    """Folder of the spill files."""
    clock: Clock
    policy: PolicyFile | None = None
    """What the owner of the machine forbids."""


@asynccontextmanager
async def open_node(parts: NodeParts) -> AsyncIterator[Daemon]:
    """A daemon that is ready to `run`; its commands outlive the block."""
    uid = uid_of(parts.key.public)
    journal = Journal(parts.journal, uid)
    since = await journal.incarnation(parts.trust.obeys_since(parts.clock.wall()))
    permit = parts.policy.check if parts.policy else permit_all
    admission = Admission(uid, since, parts.trust.offer, parts.trust.cancel, permit)
    runner = Runner(parts.spill, lambda printed: daemon.printed(printed))
    services = Services(runner, Progress(lambda command, shim: daemon.started(command, shim)))
    gate = Gate(Registry([host.execute]), NodeGuards(), services, Bus(), parts.clock)
    machine = NodeMachine(admission, boot_id())
    daemon = Daemon(machine, journal, runner, gate, parts.key.private, parts.clock)
    try:
        yield daemon
    finally:
        await runner.close()
