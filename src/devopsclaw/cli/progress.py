"""What a person sees while a command runs on nodes: one line that changes, or with -v one line per
change. It also knows which run was started, so that leaving can name it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from devopsclaw.cli.folds import counts_text
from devopsclaw.cli.output import Printer
from devopsclaw.core.bus import Subscription
from devopsclaw.model.events import NodeMoved, RunPlanned, Warned
from devopsclaw.model.state import State

DRAWN_EVERY = 0.1
"""Seconds; sources are drained at most ten times a second (design §14)."""


class Watch:
    """Follows the events of one call, or of the runs that its params name."""

    def __init__(self, printer: Printer, named: Iterable[str] = ()) -> None:
        self.run = ""
        """Id of the run, as `X-31`, once it is on record."""
        self.calls: set[str] = set()
        self._named = frozenset(named)
        self._printer = printer
        self._states: dict[str, State] = {}

    def wants(self, event: Any) -> bool:
        """Whether the event belongs here."""
        if isinstance(event, Warned):
            return True
        is_ours = getattr(event, "call", "") in self.calls or getattr(event, "run", "") in self._named
        return is_ours and isinstance(event, RunPlanned | NodeMoved)

    def feed(self, events: Iterable[Any]) -> None:
        """Take note of what happened, and tell what has to be told at once."""
        for event in events:
            match event:
                case RunPlanned():
                    self.run = event.run
                    self._states = dict.fromkeys(event.nodes, State.PENDING)
                case NodeMoved():
                    self.run = event.run
                    self._states[event.node] = event.state
                    self._tell(event)
                case Warned():
                    self._printer.warn(event.text, event.hint)

    def _tell(self, event: NodeMoved) -> None:
        if self._printer.settings.verbose:
            reason = f" ({event.reason})" if event.reason else ""
            self._printer.note(f"{event.run} {event.node} {event.state}{reason}")

    async def follow(self, subscription: Subscription) -> None:
        """Feed and draw until cancelled."""
        async for batch in subscription.batches(DRAWN_EVERY):
            self.feed(batch)
            if self.run and self._printer.has_terminal:
                self._printer.draw(self.line())

    def line(self) -> str:
        """As `X-31  3 nodes: 1 ok, 2 running`."""
        counted = Counter(self._states.values())
        counts = {state.value: counted[state] for state in State if counted[state]}
        return f"{self.run}  {counts_text(counts)}"
