"""What the console knows right now: nodes, relay, runs, warnings. Folded from results and events."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from devopsclaw.core.bus import Gap
from devopsclaw.model.events import (
    ApprovalAsked,
    ApprovalClosed,
    CallStarted,
    NodeMoved,
    NodePrinted,
    NodeSeen,
    RelayMoved,
    RunEnded,
    RunPlanned,
    Warned,
)
from devopsclaw.screens.live_run import LiveRun
from devopsclaw.screens.requests import Requests
from devopsclaw.widgets.fleet_grid import NodeRow
from devopsclaw.widgets.header_line import Headline

RUNS_KEPT, WARNINGS_KEPT = 50, 5
"""Ended runs are on record; here only the last ones are kept at hand."""


def node_row(item: Any) -> NodeRow:
    """A node of `node.list` as a row."""
    return NodeRow(
        name=item.name,
        status=str(item.status),
        drained=item.drained,
        address=item.address or "",
        labels=item.labels,
        groups=tuple(item.groups),
        last_seen=item.last_seen,
        facts=item.facts,
        alarm=item.alarm or "",
    )


def minute(wall: float) -> str:
    """Wall time as `03:09Z`."""
    return f"{datetime.fromtimestamp(wall, UTC):%H:%MZ}"


@dataclass(slots=True)
class Situation:
    """Shared by all screens of one console. `protected` are the values of `env` that count as protected."""

    protected: Collection[str] = ()
    demo: bool = False
    caution: str = ""
    """What the header says of this home that is not so elsewhere."""
    nodes: dict[str, NodeRow] = field(default_factory=dict)
    relay: str = ""
    """A word of `RelayMoved`. While it is tried again after a loss it stays `lost`."""
    relay_why: str = ""
    relay_since: float | None = None
    """Wall time at which a link that stood was lost; None where that was not seen here."""
    relay_url: str = ""
    """What is dialled; empty where there is no relay to try."""
    runs: dict[str, LiveRun] = field(default_factory=dict)
    open_runs: set[str] = field(default_factory=set)
    """Ids of the runs that are not over, whoever started them."""
    requests: Requests = field(default_factory=Requests)
    warnings: list[Warned] = field(default_factory=list)
    entries: list[tuple[str, str]] = field(default_factory=list)
    """Ids and operations of the audit entries written since the console opened, newest last."""
    is_open: bool = False
    is_reconnecting: bool = False
    """Whether the core that was there has ended and another is looked for."""
    broken: str = ""
    """Why the core did not open."""
    wall: Callable[[], float] = time.time
    _standing: tuple[list[NodeRow], tuple[str, ...]] | None = None

    def list_fleet(self, items: Iterable[Any], status: Any) -> None:
        """Take the whole fleet as the core has it: the items of `node.list`, the result of `fleet.status`."""
        self.nodes = {item.name: self._with_run(node_row(item)) for item in items}
        self._hear_of_relay(status.connection, status.why, "" if status.relay == "none" else status.relay)
        self.open_runs = set(status.open_runs)
        self._standing = None

    def absorb(self, events: Iterable[Any]) -> frozenset[str]:
        """Take events; the names of the nodes that changed. One that is not in `nodes` has to be listed."""
        changed: set[str] = set()
        for event in events:
            match event:
                case NodeSeen():
                    self._see(event)
                    changed.add(event.node)
                case RelayMoved():
                    self._hear_of_relay(event.status, event.why, event.url)
                case Warned():
                    others = [each for each in self.warnings if each != event]
                    self.warnings = [*others, event][-WARNINGS_KEPT:]
                case Gap():
                    self._drop(event.dropped)
                case ApprovalAsked() | ApprovalClosed():
                    self.requests.take(event.request)
                case CallStarted() | RunPlanned() | NodeMoved() | NodePrinted() | RunEnded():
                    changed |= self._run(event)
        return frozenset(changed)

    def run_of(self, call: str, command: str = "", target: str = "") -> LiveRun:
        """The run of this call, made on first mention."""
        if call not in self.runs:
            self.runs[call] = LiveRun(call, command, target)
            self._forget()
        return self.runs[call]

    def settle(self, live: LiveRun, result: Any) -> None:
        """Take the result of a run: it may be here before the event that tells the end."""
        live.settle(result)
        if not live.is_running:
            self.open_runs.discard(live.run)

    def named(self, run: str) -> LiveRun | None:
        """The run with this id, if it is at hand."""
        return next((live for live in self.runs.values() if live.run == run), None)

    @property
    def running(self) -> list[LiveRun]:
        """Runs with a part still open."""
        return [live for live in self.runs.values() if live.run in self.open_runs]

    def go_away(self) -> None:
        """What happens from now on is not told here for a while."""
        for live in self.runs.values():
            live.was_away = True

    @property
    def missed(self) -> list[LiveRun]:
        """Runs that ended, and not all that came of them is known here."""
        return [
            live
            for live in self.runs.values()
            if live.run and live.missed and not live.is_settled and live.run not in self.open_runs
        ]

    @property
    def jobs(self) -> list[tuple[str, str]]:
        """Id and command of each run that is not over, newest first; of some only the id is known here."""
        commands = {live.run: live.command for live in self.running}
        ids = sorted(self.open_runs, key=lambda run: (len(run), run), reverse=True)
        return [(run, commands.get(run, "")) for run in ids]

    @property
    def failing(self) -> list[NodeRow]:
        """Nodes that are away or in alarm, by name."""
        return self._stand()[0]

    def headline(self, wall: float) -> Headline:
        """The header's words at this wall time."""
        return Headline(
            minute=minute(wall),
            environments=self._stand()[1],
            failing=len(self.failing),
            total=len(self.nodes),
            jobs=len(self.open_runs),
            approvals=len(self.requests.docked),
            relay=self.relay,
            relay_why=self.relay_why,
            relay_since="" if self.relay_since is None else minute(self.relay_since),
            demo=self.demo,
            caution=self.caution,
            opening=not self.is_open and not self.broken,
            reconnecting=self.is_reconnecting,
            broken=bool(self.broken),
        )

    def _stand(self) -> tuple[list[NodeRow], tuple[str, ...]]:
        """Failing nodes and protected environments, counted once per change: fleets are large."""
        if self._standing is None:
            nodes = self.nodes.values()
            failing = sorted((node for node in nodes if node.is_failing), key=lambda node: node.name)
            environments = {node.environment for node in nodes} & set(self.protected)
            self._standing = failing, tuple(sorted(environments))
        return self._standing

    def _hear_of_relay(self, status: str, why: str, url: str) -> None:
        """The first of two losses says since when; a try in between is no other state."""
        self.relay_url = url
        if status == "connecting" and self.relay == "lost":
            return
        if status != "lost":
            self.relay_since = None
        elif self.relay == "connected":
            self.relay_since = self.wall()
        self.relay, self.relay_why = status, why

    def _see(self, event: NodeSeen) -> None:
        known = self.nodes.get(event.node)
        if known is not None:
            facts = event.facts or known.facts
            self.nodes[event.node] = replace(known, status=event.link, last_seen=event.at, facts=facts)
            self._standing = None

    def _run(self, event: CallStarted | RunPlanned | NodeMoved | NodePrinted | RunEnded) -> set[str]:
        """Hand the event to its run; the name of the node that changed with it."""
        if isinstance(event, CallStarted) and event.entry:
            self.entries = [*self.entries, (event.entry, event.operation)][-RUNS_KEPT:]
        if isinstance(event, RunPlanned):
            self.run_of(event.call, event.command)
            self.open_runs.add(event.run)
        if isinstance(event, RunEnded):
            self.open_runs.discard(event.run)
        live = self.runs.get(event.call)
        if live is not None and not live.is_settled:
            live.absorb(event)
        if not isinstance(event, NodeMoved) or event.node not in self.nodes:
            return set()
        state = event.state.value.replace("_", " ")
        self.nodes[event.node] = replace(self.nodes[event.node], last_run=event.run, last_state=state)
        return {event.node}

    def _with_run(self, node: NodeRow) -> NodeRow:
        """The node with what it ran last, as far as this console saw it."""
        before = self.nodes.get(node.name)
        if before is None or not before.last_run:
            return node
        return replace(node, last_run=before.last_run, last_state=before.last_state)

    def _drop(self, count: int) -> None:
        for live in self.running:
            live.dropped += count

    def _forget(self) -> None:
        ended = [call for call, live in self.runs.items() if live.has_begun and not live.is_running]
        for call in ended[: max(len(self.runs) - RUNS_KEPT, 0)]:
            del self.runs[call]
