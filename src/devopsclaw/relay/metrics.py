"""What the relay counts, for Prometheus. No names, addresses or keys: the page is readable by anybody."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, disable_created_metrics, generate_latest

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""The text format that `generate_latest` writes; https://prometheus.io/docs/instrumenting/exposition_formats/"""


class Metrics:
    """The figures of one relay, in a registry of their own, so that several relays fit in one process."""

    def __init__(self) -> None:
        # Else each counter brings a second series, with the time of its birth.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped
        self._registry = CollectorRegistry()
        self._sessions = self._gauge("sessions", "Open sessions by role.", ("role",))
        self._nodes = self._gauge("nodes", "Nodes this relay knows, connected or not.")
        self._claimed = self._gauge("claimed", "1 once a controller has claimed this relay.")
        self._connections = self._gauge("connections", "Connections, those in their handshake included.")
        self.frames = self._counter("frames", "Frames carried, by the role that sent them.", ("role",))
        self.carried = self._counter("carried_bytes", "Bytes carried, by the role that sent them.", ("role",))
        self.dropped = self._counter("dropped_frames", "Frames for a node or controller that was not there.")
        self.refused = self._counter("refused", "Sessions refused, by reason.", ("code",))
        self.violations = self._counter("violations", "Sessions cut for breaking the protocol.")
        self.slow = self._counter("slow_peers", "Sessions cut because they did not read.")
        self.alarms = self._counter("alarms", "Events a person should look at, by kind.", ("kind",))

    def watch(self, roles: dict[str, Callable[[], float]], **figures: Callable[[], float]) -> None:
        """Where the gauges read from: sessions by role, and `nodes`, `claimed`, `connections`."""
        for role, count in roles.items():
            self._sessions.labels(role).set_function(count)
        self._nodes.set_function(figures["nodes"])
        self._claimed.set_function(figures["claimed"])
        self._connections.set_function(figures["connections"])

    def page(self) -> bytes:
        """The text that is scraped."""
        return generate_latest(self._registry)

    def _gauge(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Gauge:
        return Gauge(f"devopsclaw_relay_{name}", text, labels, registry=self._registry)

    def _counter(self, name: str, text: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(f"devopsclaw_relay_{name}", text, labels, registry=self._registry)
