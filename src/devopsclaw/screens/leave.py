"""The question before the console is left while jobs run. It says what happens to them."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from devopsclaw.model.text import safe
from devopsclaw.screens.desk import Desk
from devopsclaw.screens.live_run import LiveRun
from devopsclaw.widgets.confirmation import Ask
from devopsclaw.widgets.prompt import Prompt
from devopsclaw.widgets.words import many

SHOWN = 5


class Leave(ModalScreen[bool]):
    """True: leave. Nothing but `y` leaves."""

    CSS_PATH = "leave.tcss"

    def __init__(self, desk: Desk, running: list[LiveRun]) -> None:
        super().__init__()
        self._desk = desk
        self._jobs = running

    def compose(self) -> ComposeResult:
        """The jobs, what becomes of them, the question."""
        with Vertical(id="leave"):
            yield Static(self._said(), markup=False)
            yield Prompt(self._desk.steady)

    def on_mount(self) -> None:
        """Ask at once."""
        self.query_one(Prompt).ask("LEAVE the console?", Ask.YES)

    @on(Prompt.Answered)
    def _answered(self, event: Prompt.Answered) -> None:
        self.dismiss(event.yes)

    def _said(self) -> str:
        glyph = self._desk.glyphs.running
        jobs = [f"  {glyph} {live.run}  $ {safe(live.command, tab_size=1)}" for live in self._jobs[:SHOWN]]
        more = len(self._jobs) - len(jobs)
        if more:
            jobs.append(f"  and {more} more")
        count = f"{many(len(self._jobs), 'job')} running"
        after = "What was sent to a node goes on there, and the node keeps its result.\nNothing new is sent."
        return f"{count}\n\n" + "\n".join(jobs) + f"\n\n{after}\n"
