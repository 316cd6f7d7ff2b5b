"""The node `local`: a daemon in the core's own process, joined by a pipe. Loaded only where needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from devopsclaw.assembly.node import NodeParts, open_node
from devopsclaw.core.clock import Clock
from devopsclaw.core.keys import SigningKey
from devopsclaw.core.paths import Home
from devopsclaw.core.pipe import pipe
from devopsclaw.daemon.journal import open_journal
from devopsclaw.daemon.policy_file import PolicyFile
from devopsclaw.daemon.trust import Pinned
from devopsclaw.model.errors import ClawError
from devopsclaw.model.events import Warned
from devopsclaw.wire.channel import Channel, Closed
from devopsclaw.wire.enroll import Welcome
from devopsclaw.wire.uid import uid_of

Start = Callable[[Coroutine[Any, Any, None]], object]
"""Runs something beside, until the core closes."""


Say = Callable[[Warned], object]
"""Tells a person what they should know."""


ANEW = "a new one begins; what an earlier devopsclaw left running here is not known any more"


async def join(
    home: Home,
    key: SigningKey,
    root: str,
    clock: Clock,
    start: Start,
    say: Say,
    policy: PolicyFile | None = None,
) -> Channel:
    """Start the daemon with this key, which obeys the controller `root` (public key, hex); the core's end
    of the pipe to it. Raises ClawError where it cannot start.
    """
    if policy is not None and policy.word.startswith("broken"):
        say(Warned(policy.notice, "correct the file; it is read again at once"))
    welcome = Welcome(epoch=1, uid=uid_of(key.public), server_time=clock.wall(), root=root)
    ours: Channel
    theirs: Channel
    ours, theirs = pipe(welcome, welcome, Closed)
    running: asyncio.Future[Path | None] = asyncio.get_running_loop().create_future()
    start(_serve(home, key, root, clock, policy, theirs, running))
    if aside := await running:
        say(Warned(f"this machine's journal was damaged; it was kept as {aside}", ANEW))
    return ours


async def _serve(
    home: Home,
    key: SigningKey,
    root: str,
    clock: Clock,
    policy: PolicyFile | None,
    channel: Channel,
    running: asyncio.Future[Path | None],
) -> None:
    try:
        async with await open_journal(home.state / "local.db") as journal:
            parts = NodeParts(key, Pinned(root), journal, home.output / "local", clock, policy)
            async with open_node(parts) as daemon:
                running.set_result(journal.set_aside)
                async with asyncio.TaskGroup() as group:
                    group.create_task(daemon.run())
                    group.create_task(daemon.converse(channel))
    except ClawError as failed:
        if running.done():
            raise
        running.set_exception(failed)
