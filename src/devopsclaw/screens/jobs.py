"""Recent runs, of every face; Enter opens one in the fold view."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from devopsclaw.model.errors import ClawError
from devopsclaw.model.state import State
from devopsclaw.model.text import one_line, safe
from devopsclaw.screens.base import Frame, RunOpened
from devopsclaw.screens.describe import when
from devopsclaw.screens.desk import Desk
from devopsclaw.widgets.glyphs import Sign, state_sign
from devopsclaw.widgets.line_table import Column, LineTable, Row
from devopsclaw.widgets.rule import Rule

SHOWN = 50

COLUMNS = (
    Column("STARTED", 8),
    Column("JOB", 7),
    Column("STATUS", 11),
    Column("WHO", 9),
    Column("NODES", 5),
    Column("TARGET", 16, at_least=100),
    Column("COMMAND", 0),
)


class Jobs(Frame):
    """The list of jobs."""

    CSS_PATH = "jobs.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", id="jobs.open", tooltip="jobs.show"),
        Binding("r", "reload", "reload", id="jobs.reload", tooltip="jobs.list"),
        Binding("escape", "back", "back", id="jobs.back"),
    ]

    def __init__(self, desk: Desk, mode: str = "fleet") -> None:
        super().__init__(desk)
        self.mode = mode
        self._seen_running = 0

    def body(self) -> ComposeResult:
        """The table."""
        yield Rule(self.desk.glyphs, "JOBS, newest first")
        yield LineTable(COLUMNS, self.desk.glyphs, id="jobs-table")
        yield Static("", id="empty", markup=False)

    def on_mount(self) -> None:
        """List at once."""
        super().on_mount()
        self.query_one(LineTable).focus()
        self.reload()

    def absorb(self, changed: frozenset[str]) -> None:
        """A run began or ended: list anew."""
        running = len(self.desk.situation.running)
        if running != self._seen_running:
            self._seen_running = running
            self.reload()
        super().absorb(changed)

    def position(self) -> str:
        """See `Frame.position`."""
        return self.query_one(LineTable).position

    def action_open(self) -> None:
        """Open the run under the cursor."""
        row = self.query_one(LineTable).current
        if row is not None:
            self.post_message(RunOpened(row.key))

    def action_reload(self) -> None:
        """Ask again."""
        self.reload()

    def action_back(self) -> None:
        """Go back."""
        self.dismiss()

    @work(exclusive=True, group="jobs")
    async def reload(self) -> None:
        """List the newest jobs."""
        try:
            result = await self.ask("jobs.list", {"limit": SHOWN})
        except ClawError as error:
            self.say_error(error)
            self._show_empty(f"{error.message}\n\n  {error.hint}")
            return
        self.query_one(LineTable).replace([self._row(item) for item in result.items])
        self._show_empty("Nothing was run yet.\n\n  x in the fleet pane runs something.")
        self.settle()

    def _show_empty(self, said: str) -> None:
        """Say it in place of the table where the table has no row."""
        table, empty = self.query_one(LineTable), self.query_one("#empty", Static)
        table.display, empty.display = bool(table.rows), not table.rows
        empty.update(safe(f"\n  {said}"))

    @on(LineTable.Moved)
    def _moved(self) -> None:
        self.settle()

    def _row(self, item: Any) -> Row:
        sign = self._sign(str(item.status))
        cells = (
            (when(str(item.started_at), self.desk.wall()), "dim"),
            (one_line(item.run), "strong"),
            (f"{sign.glyph} {sign.word}", sign.tone),
            (one_line(item.user), ""),
            (str(item.nodes), ""),
            (one_line(item.target), "dim"),
            (one_line(item.command), ""),
        )
        return Row(str(item.run), cells)

    def _sign(self, status: str) -> Sign:
        """The status is a state's word, or one of the job's own."""
        known = {state.value for state in State}
        if status in known:
            return state_sign(State(status), self.desk.glyphs)
        return Sign(" ", one_line(status), "")
