"""The table of audit entries, newest first. What an entry means is told by its detail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType

from devopsclaw.model.text import one_line
from devopsclaw.widgets.glyphs import UNICODE, Glyphs, Sign
from devopsclaw.widgets.line_table import Column, LineTable, Row


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry, as the list shows it; `when` a time of day or a date, `duration` seconds."""

    id: str
    when: str
    user: str
    action: str
    target: str
    status: str
    nodes: str = ""
    duration: float | None = None


COLUMNS = (
    Column("TIME", 8),
    Column("ID", 8),
    Column("WHO", 10),
    Column("ACTION", 14),
    Column("RESULT", 13),
    Column("NODES", 12, at_least=100),
    Column("TOOK", 6, at_least=100),
    Column("TARGET", 0),
)

GOOD, PENDING = frozenset({"ok", "none"}), frozenset({"planned", "running"})


class AuditTable(LineTable):
    """Entries by id; Enter opens one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "choose", "open", id="audit.open", tooltip="audit.show")
    ]

    def __init__(self, glyphs: Glyphs = UNICODE, *, id: str = "audit-table") -> None:  # noqa: A002
        super().__init__(COLUMNS, glyphs, id=id)

    def show(self, entries: Sequence[EntryRow]) -> None:
        """Show the entries in this order."""
        self.replace([self._row(entry) for entry in entries])

    def action_choose(self) -> None:
        """Open the entry under the cursor."""
        if self.current:
            self.post_message(self.Chosen(self.current.key))

    def _row(self, entry: EntryRow) -> Row:
        sign = verdict_sign(entry.status, self.glyphs)
        took = "" if entry.duration is None else f"{entry.duration:.1f}s"
        cells = (
            (one_line(entry.when), "dim"),
            (one_line(entry.id), "strong"),
            (one_line(entry.user), ""),
            (one_line(entry.action), ""),
            (f"{sign.glyph} {sign.word}", sign.tone),
            (one_line(entry.nodes), ""),
            (took, "dim"),
            (one_line(entry.target), "dim"),
        )
        return Row(entry.id, cells)


def verdict_sign(status: str, glyphs: Glyphs) -> Sign:
    """The sign of an entry's status, whose word is shown as it is recorded."""
    word = one_line(status) or "?"
    if status in GOOD:
        return Sign(glyphs.ok, word, "ok")
    if status in PENDING:
        return Sign(glyphs.running, word, "busy")
    if status in ("unknown", "unreachable", "expired"):
        return Sign(glyphs.unknown, word, "warn")
    return Sign(glyphs.failed, word, "bad")


def counted(nodes: object) -> str:
    """The node counts of an entry in words: `41 ok 2 failed`; a plain number or text as it is."""
    if isinstance(nodes, Mapping):
        return " ".join(f"{count} {state}" for state, count in nodes.items())
    return "" if nodes is None else str(nodes)
