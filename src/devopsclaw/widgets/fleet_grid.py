"""The table of nodes: one line each, its connection first. Which nodes it shows is decided elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from devopsclaw.model.state import Link
from devopsclaw.model.text import one_line
from devopsclaw.widgets.glyphs import UNICODE, Glyphs, Sign, link_sign
from devopsclaw.widgets.line_table import Cell, Column, LineTable, Row
from devopsclaw.widgets.words import age


@dataclass(frozen=True, slots=True)
class NodeRow:
    """What the fleet pane knows of a node. `last_seen` is wall time in seconds, None: never heard."""

    name: str
    status: str
    drained: bool = False
    address: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    last_seen: float | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    alarm: str = ""
    last_run: str = ""
    last_state: str = ""

    @property
    def is_faulty(self) -> bool:
        """Whether a person on call should look at it."""
        return bool(self.alarm) or self.status != Link.ONLINE.value

    @property
    def is_failing(self) -> bool:
        """Whether it counts in the header: away, or in alarm."""
        return bool(self.alarm) or self.status in (Link.OFFLINE.value, Link.LOST.value)

    @property
    def environment(self) -> str:
        """Its `env` label."""
        return self.labels.get("env", "")


WIDEST = 32
"""Cells of a column whose width follows what is in it; longer names are cut with an ellipsis."""


def columns_for(nodes: Sequence[NodeRow]) -> tuple[Column, ...]:
    """Columns in which the names of these nodes fit. Where they get long, the address goes first."""
    name = _fitting(12, (node.name for node in nodes))
    environment = _fitting(5, (node.environment for node in nodes))
    role = _fitting(5, (node.labels.get("role", "") for node in nodes))
    others = 2 + 11 + name + environment + role + 15 + 13 + 5
    return (
        Column("STATUS", 11),
        Column("NODE", name),
        Column("ENV", environment),
        Column("ROLE", role),
        Column("ADDRESS", 15, at_least=others),
        Column("NOTE", 0),
    )


def _fitting(least: int, texts: Iterable[str]) -> int:
    return min(max(least, *map(len, texts), 0), WIDEST)


class FleetGrid(LineTable):
    """Nodes with presence, marks and notes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter,d", "choose", "detail", id="fleet.detail", tooltip="node.show"),
        Binding("space", "mark", "mark", id="fleet.mark"),
        Binding("v", "range", "range", id="fleet.range", show=False),
        Binding("u", "unmark", "clear marks", id="fleet.unmark", show=False),
    ]

    class Marked(Message):
        """The marks changed."""

    def __init__(self, glyphs: Glyphs = UNICODE, *, id: str = "fleet-grid") -> None:  # noqa: A002
        super().__init__(columns_for(()), glyphs, id=id)
        self._anchor = ""

    def show(self, nodes: list[NodeRow], now: float) -> None:
        """Show these nodes in this order; `now` is wall time, for ages."""
        columns = columns_for(nodes)
        if columns != self.columns:
            self.columns = columns
            self.forget_strips()
        self.replace([self.row_of(node, now) for node in nodes])

    def show_one(self, node: NodeRow, now: float) -> None:
        """Repaint one node that is already shown."""
        self.update_row(self.row_of(node, now))

    def row_of(self, node: NodeRow, now: float) -> Row:
        """The node as a line."""
        sign = link_sign(node.status, node.drained, self.glyphs)
        cells: list[Cell] = [
            (f"{sign.glyph} {sign.word}", sign.tone),
            (shown(node.name), "strong" if node.is_faulty else ""),
            (shown(node.environment), ""),
            (shown(node.labels.get("role", "")), ""),
            (shown(node.address), "dim"),
            note_of(node, now, sign, self.glyphs),
        ]
        return Row(node.name, tuple(cells))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without nodes there is nothing to choose or to mark."""
        return bool(self.rows) or action not in ("choose", "mark", "range", "unmark")

    def action_choose(self) -> None:
        """Open the node under the cursor."""
        if self.current:
            self.post_message(self.Chosen(self.current.key))

    def action_mark(self) -> None:
        """Mark or unmark the node under the cursor and step down; a range starts here."""
        if self.current is None:
            return
        self._anchor = self.current.key
        self.mark(self.marked ^ {self.current.key})
        self.action_move(1)
        self.post_message(self.Marked())

    def action_range(self) -> None:
        """Mark all from the last mark to the cursor."""
        if self.current is None:
            return
        places = sorted((self.place_of(self._anchor or self.current.key), self.cursor))
        self.mark(self.marked | {row.key for row in self.rows[places[0] : places[1] + 1]})
        self.post_message(self.Marked())

    def action_unmark(self) -> None:
        """Take all marks away."""
        self._anchor = ""
        self.mark(frozenset())
        self.post_message(self.Marked())


def shown(text: str) -> str:
    """The text made safe, in one line; most names are plain, and a fleet has ten thousand of them."""
    return text if text.isascii() and text.isprintable() else one_line(text)


def note_of(node: NodeRow, now: float, sign: Sign, glyphs: Glyphs) -> Cell:
    """The one thing worth saying: an alarm, an age (only when late), being drained, the last run."""
    if node.alarm:
        return f"{glyphs.needs_you} {one_line(node.alarm)}", "bad"
    if node.status != Link.ONLINE.value:
        seen = "never seen" if node.last_seen is None else f"seen {age(now - node.last_seen)} ago"
        return (f"drained, {seen}" if node.drained else seen), sign.tone
    if node.last_run:
        return f"{node.last_run} {node.last_state}", "dim"
    return "", ""
