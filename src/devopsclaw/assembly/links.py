"""Opens the way to nodes: the relay where there is one, else the one node `local` in this process.

Only the way that is taken is loaded: each of the two costs a command some 50 ms of imports.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from devopsclaw.core.clock import Clock
from devopsclaw.core.config import Loaded
from devopsclaw.core.keys import Keys, SigningKey
from devopsclaw.fleet.fleet import Fleet
from devopsclaw.fleet.nodes import Nodes
from devopsclaw.fleet.session_feed import SessionFeed
from devopsclaw.host.facts import read_facts
from devopsclaw.model.errors import ClawError, Unreachable
from devopsclaw.relay.announcement import read_announcement
from devopsclaw.wire.channel import Channel
from devopsclaw.wire.uid import uid_of

if TYPE_CHECKING:
    from devopsclaw.daemon.policy_file import PolicyFile
    from devopsclaw.relay.dial import Dialer

LOCAL = "local"
"""The name of its key."""

Start = Callable[[Coroutine[Any, Any, None]], object]
"""Runs something beside, until the core closes."""


@dataclass(frozen=True, slots=True)
class Links:
    """What is needed to reach nodes. `open` is called once, by the fleet, when it is first needed."""

    loaded: Loaded
    key: SigningKey
    feed: SessionFeed
    clock: Clock
    start: Start

    async def open(self, fleet: Fleet) -> None:
        """Connect to the relay, or become the one node. Returns once it is known who is there, or not.

        A home whose nodes joined a relay never takes itself for the fleet, even where no relay is known now.
        """
        dialer = self._dialer()
        local = _local_uid(self.loaded)
        if dialer is None and not has_joined(fleet.nodes, local):
            await self._open_local(fleet)
            return
        fleet.nodes.hide(local)
        if local and local in await fleet.executions.open_uids():
            await self._join_local(local)
        if dialer is None:
            trouble = no_relay()
            fleet.report("lost", "", trouble.message, trouble)
        else:
            await self._open_relay(fleet, dialer)

    def _dialer(self) -> Dialer | None:
        """How the relay of this home is dialled; None where there is none."""
        if not (self.loaded.config.relay.url or read_announcement(self.loaded.home)):
            return None
        from devopsclaw.assembly.relay_client import find_relay

        return find_relay(self.loaded, self.key, self.clock)

    async def _open_relay(self, fleet: Fleet, dialer: Dialer) -> None:
        """Stay connected from now on; returns once it is known who is there, or that nobody is reached."""
        from devopsclaw.assembly.relay_client import connected

        arrived = asyncio.Event()

        def report(status: str, why: ClawError | None) -> None:
            if why is not None and not why.hint:
                why = Unreachable(why.message, hint=f"is the relay running at {dialer.url}?")
            trouble = None if status == "connected" else why or fleet.trouble
            fleet.report(status, dialer.url, why.message if why else "", trouble)

        async def follow(channel: Channel) -> None:
            await self.feed.follow_relay(channel, arrived)

        await connected(dialer, follow, arrived, report, self.start)

    async def _open_local(self, fleet: Fleet) -> None:
        """This machine is the fleet."""
        uid = uid_of(local_key(self.loaded).public)
        await self._join_local(uid)
        await fleet.nodes.add_local(uid, {**await read_facts(), **self._policy().facts})

    async def _join_local(self, uid: str) -> None:
        """The daemon of this process, joined by a pipe with the same frames."""
        from devopsclaw.assembly.local_node import join

        channel = await join(
            self.loaded.home,
            local_key(self.loaded),
            self.key.public_hex,
            self.clock,
            self.start,
            self.feed.say,
            self._policy(),
        )
        self.start(self.feed.follow_pipe(channel, uid))

    def _policy(self) -> PolicyFile:
        """What the owner of this machine forbids on it."""
        from devopsclaw.daemon.policy_file import PolicyFile

        return PolicyFile(Path(self.loaded.config.node.policy))


def local_key(loaded: Loaded) -> SigningKey:
    """The key of the node `local`."""
    return Keys(loaded.home.keys).load_or_create(LOCAL)


def _local_uid(loaded: Loaded) -> str:
    """The uid of the node `local`; empty where this home never had one."""
    return uid_of(local_key(loaded).public) if (loaded.home.keys / f"{LOCAL}.pem").exists() else ""


def no_relay() -> Unreachable:
    """The nodes joined a relay that is neither in the configuration nor started from this home now."""
    return Unreachable(
        "the relay of this home does not run", hint="devopsclaw relay start, or devopsclaw relay connect URL"
    )


def has_joined(nodes: Nodes, local: str) -> bool:
    """Whether any node but `local` (its uid) ever joined a relay."""
    return any(node.uid not in ("", local) for node in nodes.inventory().nodes)
