"""The question before the console is left while jobs run. It says what happens to them, and follows them."""

from __future__ import annotations

from textual import on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from devopsclaw.model.text import one_line
from devopsclaw.screens.desk import Desk
from devopsclaw.widgets.confirmation import Ask
from devopsclaw.widgets.prompt import Prompt
from devopsclaw.widgets.words import many

SHOWN = 5
"""Jobs that are named; the others are counted."""

AFTER = """
They go on without this console: a core in the background sees them
through, and ends with them. Start devopsclaw again to look.
"""
IN_DEMO = """
The demo ends with its console, and its nodes with it: so do they.
"""
DONE = "No job is running any more: each has ended.\n"


class Leave(ModalScreen[bool]):
    """True: leave. Nothing but `y` leaves, also when the last job has ended meanwhile."""

    CSS_PATH = "leave.tcss"

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def compose(self) -> ComposeResult:
        """The jobs, what becomes of them, the question."""
        with Vertical(id="leave"):
            yield Static("", id="jobs", markup=False)
            yield Static("", id="after", markup=False)
            yield Prompt(self._desk.steady)

    def on_mount(self) -> None:
        """Ask at once."""
        self.follow()
        self.query_one(Prompt).ask("LEAVE the console?", Ask.YES)

    def follow(self) -> None:
        """Things happened: jobs that ended go, new ones appear. The question stays."""
        running = self._desk.situation.jobs
        self._say("#jobs", _named(running, self._desk.glyphs.running) if running else DONE)
        after = IN_DEMO if self._desk.situation.demo else AFTER
        self._say("#after", after if running else "")

    def _say(self, place: str, said: str) -> None:
        static = self.query_one(place, Static)
        if static.content != said:
            static.update(said)

    @on(Prompt.Answered)
    def _answered(self, event: Prompt.Answered) -> None:
        self.dismiss(event.yes)


def _named(jobs: list[tuple[str, str]], glyph: str) -> str:
    """How many run, and the first of them, a line each; of some the command is not known here."""
    lines = [
        f"  {glyph} {run}  {f'$ {one_line(command)}' if command else '(not started from here)'}"
        for run, command in jobs[:SHOWN]
    ]
    if len(jobs) > SHOWN:
        lines.append(f"  and {len(jobs) - SHOWN} more")
    return "\n".join([f"{many(len(jobs), 'job')} running", "", *lines])
