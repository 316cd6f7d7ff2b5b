"""What a person sees while a command runs on nodes: one line that changes, or with -v one line per
change. It also knows which run was started, so that leaving can name it. Events come as the JSON of the door.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from devopsclaw.cli.folds import counts_text
from devopsclaw.cli.output import Printer
from devopsclaw.model.state import State

DRAWN_EVERY = 0.1
"""Seconds; drawn at most ten times a second (design §14)."""

KINDS = ("RunPlanned", "NodeMoved", "Warned", "ApprovalAsked", "ApprovalClosed")
"""Events that are shown here."""


class Watch:
    """Follows the events of one call, or of the runs that its params name."""

    def __init__(self, printer: Printer, named: Iterable[str] = ()) -> None:
        self.run = ""
        """Id of the run, as `X-31`, once it is on record."""
        self.is_own = False
        """Whether the call itself started that run."""
        self.named = tuple(named)
        self._printer = printer
        self._states: dict[str, str] = {}
        self._drawn_at = 0.0
        self._warned: set[str] = set()

    def interest(self, call: str) -> dict[str, list[str]]:
        """Which events to ask a core for, for this call."""
        return {
            "kinds": list(KINDS),
            "calls": [call],
            "runs": [*self.named, *([self.run] if self.run else [])],
        }

    def feed(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take note of what happened, tell what has to be told at once, draw the rest."""
        for event in events:
            match event["event"]:
                case "RunPlanned":
                    self.run, self.is_own = event["run"], True
                    self._states = dict.fromkeys(event["nodes"], State.PENDING.value)
                case "NodeMoved":
                    self.run = event["run"]
                    self._states[event["node"]] = event["state"]
                    self._tell(event)
                case "ApprovalAsked":
                    self._printer.note(_waits(event["request"]))
                case "ApprovalClosed":
                    self._printer.note(_closed(event["request"]))
                case "Warned":
                    self._warn(event)
        if self.run and self._printer.has_terminal and time.monotonic() - self._drawn_at >= DRAWN_EVERY:
            self._drawn_at = time.monotonic()
            self._printer.draw(self.line())

    def _tell(self, event: Mapping[str, Any]) -> None:
        if self._printer.settings.verbose:
            reason = f" ({event['reason']})" if event["reason"] else ""
            self._printer.note(f"{event['run']} {event['node']} {event['state']}{reason}")

    def _warn(self, event: Mapping[str, Any]) -> None:
        """A core that was asked twice says what stays true twice; it is shown once."""
        if event["text"] not in self._warned:
            self._warned.add(event["text"])
            self._printer.warn(event["text"], event["hint"])

    def line(self) -> str:
        """As `X-31  3 nodes: 1 ok, 2 running`."""
        counted = Counter(self._states.values())
        counts = {state.value: counted[state.value] for state in State if counted[state.value]}
        return f"{self.run}  {counts_text(counts)}"


def _waits(asked: Mapping[str, Any]) -> str:
    until = time.strftime("%H:%M:%SZ", time.gmtime(asked["expires_at"]))
    who = "somebody else" if asked["needs_other"] else "a person"
    ways = f"A in a console, or devopsclaw approvals show {asked['id']}"
    return f"{asked['id']} waits for {who} until {until}: {ways}"


def _closed(asked: Mapping[str, Any]) -> str:
    by = f" by {asked['answered_by']}" if asked["answered_by"] else ""
    return f"{asked['id']} is {asked['status']}{by}{': ' + asked['reason'] if asked['reason'] else ''}"
