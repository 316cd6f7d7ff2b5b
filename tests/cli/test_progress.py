"""Following a run."""

from __future__ import annotations

import io
import time
from typing import Any

import pytest

from devopsclaw.cli import progress
from devopsclaw.cli.output import Printer
from devopsclaw.cli.progress import DRAWN_EVERY, Watch
from devopsclaw.cli.settings import Settings
from devopsclaw.core import door_words as words
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
    return watch, screen


def feed(watch: Watch, *events: Any) -> None:
    """Tell it of these, as a core does."""
    watch.feed(words.told(events))


def wants(watch: Watch, event: Any) -> bool:
    """Whether a core tells it of this, of the call c1."""
    return words.interest_of(watch.interest("c1")).wants(event)


def test_it_wants_its_own_call_and_every_warning() -> None:
    watch, _ = watching()

    assert wants(watch, PLANNED) and wants(watch, Warned("x"))
    assert not wants(watch, RunPlanned("other", "X-1", "", ()))
    assert not wants(watch, RunEnded("c1", "X-31", 0))


def test_it_wants_the_runs_that_its_params_name() -> None:
    watch, _ = watching("X-9")
    moved = NodeMoved("other", "X-9", "a", State.OK)

    assert wants(watch, moved)
    feed(watch, moved)
    assert watch.run == "X-9"


def test_at_the_next_core_it_wants_the_run_that_it_watched() -> None:
    watch, _ = watching()
    feed(watch, PLANNED)

    assert wants(watch, NodeMoved("of another call", "X-31", "a", State.OK))


def test_a_warning_that_a_second_core_repeats_is_told_once() -> None:
    watch, screen = watching()

    feed(watch, Warned("the audit trail was changed", "devopsclaw audit verify"))
    feed(watch, Warned("the audit trail was changed", "devopsclaw audit verify"))

    assert screen.getvalue().count("changed") == 1


def test_every_kind_that_it_follows_is_an_event() -> None:
    assert set(progress.KINDS) <= set(words.KINDS)


def test_the_line_counts_nodes_by_state() -> None:
    watch, _ = watching()

    feed(watch, PLANNED, NodeMoved("c1", "X-31", "a", State.OK))

    assert watch.line() == "X-31  2 nodes: 1 pending, 1 ok"


def test_verbose_tells_each_move_with_its_reason() -> None:
    watch, screen = watching(verbose=True)

    feed(watch, PLANNED, NodeMoved("c1", "X-31", "a", State.UNREACHABLE, reason="no route"))

    assert screen.getvalue().startswith("X-31 a unreachable (no route)\n")


def test_a_warning_is_told_with_its_hint() -> None:
    watch, screen = watching()

    feed(watch, Warned("2 runs wait for a core", "devopsclaw"))

    assert screen.getvalue() == "warning: 2 runs wait for a core\n  try: devopsclaw\n"


def test_on_a_terminal_the_line_is_drawn_while_events_come() -> None:
    watch, screen = watching()

    feed(watch, PLANNED)

    assert screen.getvalue() == "X-31  2 nodes: 2 pending"


def test_it_is_not_drawn_more_often_than_a_person_can_see(monkeypatch: pytest.MonkeyPatch) -> None:
    watch, screen = watching()
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    feed(watch, PLANNED)
    for number in range(10):
        now[0] += DRAWN_EVERY / 10
        feed(watch, NodeMoved("c1", "X-31", "ab"[number % 2], State.RUNNING))

    assert screen.getvalue().count("X-31") == 2


def test_with_quiet_nothing_is_drawn() -> None:
    watch, screen = watching(quiet=True)

    feed(watch, PLANNED)

    assert watch.run == "X-31"
    assert screen.getvalue() == ""
