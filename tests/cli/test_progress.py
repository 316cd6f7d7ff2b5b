"""Following a run."""

from __future__ import annotations

import asyncio
import contextlib
import io

from devopsclaw.cli.output import Printer
from devopsclaw.cli.progress import DRAWN_EVERY, Watch
from devopsclaw.cli.settings import Settings
from devopsclaw.core.bus import Bus
from devopsclaw.model.events import NodeMoved, RunEnded, RunPlanned, Warned
from devopsclaw.model.state import State

PLANNED = RunPlanned("c1", "X-31", "uptime", ("a", "b"))


class Terminal(io.StringIO):
    """A stream in front of a person."""

    def isatty(self) -> bool:
        """Yes."""
        return True


def watching(*named: str, verbose: bool = False, quiet: bool = False) -> tuple[Watch, Terminal]:
    """A watch of the call c1, and what it writes to stderr."""
    screen = Terminal()
    watch = Watch(Printer(Settings(verbose=verbose, quiet=quiet), io.StringIO(), screen, {}), named)
    watch.calls.add("c1")
    return watch, screen


def test_it_wants_its_own_call_and_every_warning() -> None:
    watch, _ = watching()

    assert watch.wants(PLANNED) and watch.wants(Warned("x"))
    assert not watch.wants(RunPlanned("other", "X-1", "", ()))
    assert not watch.wants(RunEnded("c1", "X-31", 0))


def test_it_wants_the_runs_that_its_params_name() -> None:
    watch, _ = watching("X-9")
    moved = NodeMoved("other", "X-9", "a", State.OK)

    assert watch.wants(moved)
    watch.feed([moved])
    assert watch.run == "X-9"


def test_the_line_counts_nodes_by_state() -> None:
    watch, _ = watching()

    watch.feed([PLANNED, NodeMoved("c1", "X-31", "a", State.OK)])

    assert watch.line() == "X-31  2 nodes: 1 pending, 1 ok"


def test_verbose_tells_each_move_with_its_reason() -> None:
    watch, screen = watching(verbose=True)

    watch.feed([PLANNED, NodeMoved("c1", "X-31", "a", State.UNREACHABLE, reason="no route")])

    assert screen.getvalue() == "X-31 a unreachable (no route)\n"


def test_a_warning_is_told_with_its_hint() -> None:
    watch, screen = watching()

    watch.feed([Warned("2 runs wait for a core", "devopsclaw")])

    assert screen.getvalue() == "warning: 2 runs wait for a core\n  try: devopsclaw\n"


async def drawn(watch: Watch, *events: object) -> None:
    """Follow these events for as long as a person needs to see them drawn once."""
    bus = Bus()
    with bus.subscribe(watch.wants) as subscription:
        for event in events:
            bus.publish(event)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(DRAWN_EVERY / 2):
                await watch.follow(subscription)


async def test_on_a_terminal_the_line_is_drawn_while_events_come() -> None:
    watch, screen = watching()

    await drawn(watch, PLANNED)

    assert screen.getvalue() == "X-31  2 nodes: 2 pending"


async def test_with_quiet_nothing_is_drawn() -> None:
    watch, screen = watching(quiet=True)

    await drawn(watch, PLANNED)

    assert watch.run == "X-31"
    assert screen.getvalue() == ""
