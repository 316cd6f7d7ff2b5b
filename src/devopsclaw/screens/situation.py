"""What the console knows right now: nodes, relay, runs, warnings. Folded from results and events."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from devopsclaw.core.bus import Gap
from devopsclaw.model.events import (
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
    relay_why: str = ""
    runs: dict[str, LiveRun] = field(default_factory=dict)
    open_runs: set[str] = field(default_factory=set)
    """Ids of the runs that are not over, whoever started them."""
    warnings: list[Warned] = field(default_factory=list)
    entries: list[tuple[str, str]] = field(default_factory=list)
    """Ids and operations of the audit entries written since the console opened, newest last."""
    is_open: bool = False
    broken: str = ""
    """Why the core did not open."""
    _standing: tuple[list[NodeRow], tuple[str, ...]] | None = None

    def list_fleet(self, items: Iterable[Any], status: Any) -> None:
        """Take the whole fleet as the core has it: the items of `node.list`, the result of `fleet.status`."""
        self.nodes = {item.name: self._with_run(node_row(item)) for item in items}
        self.relay, self.relay_why = status.connection, status.why
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
                    self.relay, self.relay_why = event.status, event.why
                case Warned():
                    others = [each for each in self.warnings if each != event]
                    self.warnings = [*others, event][-WARNINGS_KEPT:]
                case Gap():
                    self._drop(event.dropped)
                case CallStarted() | RunPlanned() | NodeMoved() | NodePrinted() | RunEnded():
                    changed |= self._run(event)
        return frozenset(changed)

    def run_of(self, call: str, command: str = "", target: str = "") -> LiveRun:
        """The run of this call, made on first mention."""
        if call not in self.runs:
            self.runs[call] = LiveRun(call, command, target)
            self._forget()
        return self.runs[call]

    def named(self, run: str) -> LiveRun | None:
        """The run with this id, if it is at hand."""
        return next((live for live in self.runs.values() if live.run == run), None)

    @property
    def running(self) -> list[LiveRun]:
        """Runs with a part still open."""
        return [live for live in self.runs.values() if live.run in self.open_runs]

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
            relay=self.relay,
            relay_why=self.relay_why,
            demo=self.demo,
            caution=self.caution,
            opening=not self.is_open and not self.broken,
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
