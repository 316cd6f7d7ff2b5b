"""Root's way back on a node whose controller is lost: forget whom it obeys. Nothing else is touched."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack

from devopsclaw.core.clock import Clock
from devopsclaw.core.keys import Keys
from devopsclaw.core.lock import hold
from devopsclaw.core.paths import Home
from devopsclaw.daemon.journal import Journal, open_journal
from devopsclaw.daemon.trust import Trust
from devopsclaw.model.errors import Denied
from devopsclaw.wire.uid import uid_of

UNDER_WAY = frozenset({"accepted", "starting", "running"})
"""States of the journal in which a command may still run, or start."""


async def reset_trust(home: Home, clock: Clock, say: Callable[[str], None]) -> None:
    """Forget the pinned root. Raises Busy while the daemon runs, Denied while commands do."""
    home.make()
    trust = Trust(home.keys / "trust.json")
    if not trust.root:
        say("this node obeys no controller: there is nothing to forget")
        return
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(hold(home.run, "daemon", "agent-daemon --reset-trust", clock, 0.0))
        await _check_idle(home, stack)
        before = trust.forget()
    say(f"forgotten: this node obeyed the controller {uid_of(bytes.fromhex(before))}")
    say("it runs nothing now; start it with a join token, or it trusts the next controller it is shown:")
    say("  devopsclaw agent-daemon --relay ADDRESS --token-file FILE")


async def _check_idle(home: Home, stack: AsyncExitStack) -> None:
    """Nobody could stop what the old controller started."""
    database = await stack.enter_async_context(await open_journal(home.state / "node.db"))
    uid = uid_of(Keys(home.keys).load_or_create("node").public)
    live = [row.command for row in await Journal(database, uid).rows() if row.state in UNDER_WAY]
    if live:
        count = "1 command runs" if len(live) == 1 else f"{len(live)} commands run"
        raise Denied(
            f"{count} here for the controller that would be forgotten, as {live[0][:12]}",
            hint="let it end, or start the daemon and cancel it there; then --reset-trust again",
        )
