"""One run: what its nodes answer, folded, while it goes on and after. Opened for runs of any face."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from devopsclaw.model.call import Consent
from devopsclaw.model.errors import ClawError
from devopsclaw.model.state import LIVE
from devopsclaw.model.text import one_line, safe
from devopsclaw.screens.base import CopyWanted, EntryWanted, Frame, RunWanted
from devopsclaw.screens.describe import counts_words, ended_words
from devopsclaw.screens.desk import Desk
from devopsclaw.screens.live_run import LiveRun
from devopsclaw.widgets.confirmation import Ask
from devopsclaw.widgets.fold_view import FoldView, silence
from devopsclaw.widgets.prompt import Prompt
from devopsclaw.widgets.rule import Rule
from devopsclaw.widgets.tone_line import ToneLine, Word
from devopsclaw.widgets.words import many


class Folds(Frame):
    """The fold view of one run."""

    CSS_PATH = "folds.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("X", "cancel", "cancel", id="run.cancel", tooltip="jobs.cancel"),
        Binding("x", "again", "run again", id="run.again", tooltip="fleet.exec"),
        Binding("o", "evidence", "evidence", id="run.evidence", tooltip="audit.show"),
        Binding("y", "copy", "copy output", id="run.copy"),
        Binding("escape", "back", "back", id="run.leave"),
    ]

    def __init__(self, desk: Desk, live: LiveRun) -> None:
        super().__init__(desk)
        self._live = live
        self._drawn: tuple[Any, ...] = ()

    @property
    def live(self) -> LiveRun:
        """The run that is shown."""
        return self._live

    def body(self) -> ComposeResult:
        """What runs, how it stands, and the folds."""
        yield Rule(self.desk.glyphs, id="run-rule")
        yield ToneLine(id="counts")
        yield Static("", id="trouble", markup=False)
        yield FoldView(self.desk.glyphs)
        yield Prompt(self.desk.steady)

    def on_mount(self) -> None:
        """Show what there is already."""
        super().on_mount()
        self.query_one(FoldView).focus()
        self.show_run()

    def absorb(self, changed: frozenset[str]) -> None:
        """Events came, perhaps for this run."""
        self._catch_up()

    def on_screen_resume(self) -> None:
        """It went on meanwhile."""
        self._catch_up()

    def state_word(self) -> str:
        """ANSWER while a question is open."""
        return "ANSWER" if self.query_one(Prompt).is_asking else "NORMAL"

    def right_words(self) -> list[Word]:
        """Its audit entry."""
        return [(self._live.entry, "dim")] if self._live.entry else []

    def position(self) -> str:
        """See `Frame.position`."""
        return self.query_one(FoldView).position

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Only what still runs can be cancelled; only what is on record has evidence."""
        if action == "cancel":
            return self._live.is_running and bool(self._live.run)
        if action == "evidence":
            return bool(self._live.entry)
        return True

    def show_run(self) -> None:
        """Bring title, counts and folds up to date."""
        if not self.is_mounted:
            return
        live, rule = self._live, self.query_one("#run-rule", Rule)
        command = safe(live.command.strip(), tab_size=1).replace("\n", " ; ")
        rule.show(f"{live.run or 'starting'}  $ {command}", one_line(live.target))
        folds = live.folds()
        self.query_one("#counts", ToneLine).show(self._counts())
        if live.error is not None:
            self._complain(live.error)
        self.query_one(FoldView).show(folds, is_over=live.is_over)
        if live.is_over:
            self._withdraw()
        self.refresh_bindings()
        self.settle()

    def action_cancel(self) -> None:
        """Ask before the job is cancelled; the question goes away when the job ends."""
        counts = self._live.counts()
        running = sum(counts.get(state.value, 0) for state in LIVE)
        question = f"CANCEL {self._live.run} on {many(running, 'node')} where it still runs"
        self.query_one(Prompt).ask(question, Ask.YES)
        self.settle()

    def action_again(self) -> None:
        """Open the run form with the same command and target."""
        target = self._live.target or " or ".join(sorted(self._live.states()))
        self.post_message(RunWanted(target, self._live.command))

    def action_evidence(self) -> None:
        """Open its audit entry."""
        self.post_message(EntryWanted(self._live.entry))

    def action_copy(self) -> None:
        """Send the output of the fold under the cursor to the clipboard, made safe."""
        fold = self.query_one(FoldView).fold
        if fold is None:
            self.say("nothing to copy: no node has answered yet")
        elif not fold.stdout + fold.stderr:
            self.say(f"nothing to copy: {silence(fold, self._live.is_over)}")
        else:
            what = f"the output of {many(fold.count, 'node')}"
            self.post_message(CopyWanted(safe(fold.stdout + fold.stderr), what))

    def action_back(self) -> None:
        """Go back; what runs goes on."""
        self.dismiss()

    @on(Prompt.Answered)
    def _answered(self, event: Prompt.Answered) -> None:
        self.query_one(FoldView).focus()
        if event.yes:
            self._cancel()
        else:
            self.say(f"{self._live.run} goes on")

    @work(exclusive=True, group="cancel")
    async def _cancel(self) -> None:
        """The yes was given here, to this run; the nodes report what came of it."""
        self.say(self._cancelling, "warn")
        try:
            await self.ask("jobs.cancel", {"run": self._live.run}, consent=Consent("yes"))
        except ClawError as error:
            self.say_error(error)
        self._catch_up()

    def _catch_up(self) -> None:
        """Show it; a run that was fetched while it went on takes no events, so its end is asked for."""
        live = self._live
        self.show_run()
        if live.is_settled and live.is_running and live.run not in self.desk.situation.open_runs:
            self._fetch_end()

    @work(exclusive=True, group="end")
    async def _fetch_end(self) -> None:
        try:
            self._live.settle(await self.ask("jobs.show", {"run": self._live.run}))
        except ClawError as error:
            self.say_error(error)
            return
        self.show_run()

    def _withdraw(self) -> None:
        """The run has ended: there is nothing left to cancel, and nothing is being cancelled."""
        self.unsay(self._cancelling)
        prompt = self.query_one(Prompt)
        if prompt.is_asking:
            prompt.close()
            self.query_one(FoldView).focus()
            self.say(f"{self._live.run} has ended" if self._live.error is None else "")

    @property
    def _cancelling(self) -> str:
        return f"cancelling {self._live.run}"

    @on(FoldView.Moved)
    def _moved(self) -> None:
        self.settle()

    def _counts(self) -> list[Word]:
        """How many nodes stand where, and how the run as a whole stands."""
        live, counts = self._live, self._live.counts()
        words: list[Word] = [("  ", ""), *counts_words(counts, self.desk.glyphs)]
        if live.exit_code is not None and not live.is_running:
            ended = ended_words(live.word, live.exit_code)
            words.append((f" ended, exit {live.exit_code}: {ended}", "dim"))
        elif live.word == "paused":
            words.append((f" paused: devopsclaw jobs resume {live.run} goes on", "warn"))
        elif live.error is None:
            words.append(
                (f" of {many(sum(counts.values()), 'node')}, going on" if counts else "waiting", "dim")
            )
        if live.missed and not live.is_settled:
            words.append(("   some output went by; the result will have it", "warn"))
        return words

    def _complain(self, error: ClawError) -> None:
        trouble = self.query_one("#trouble", Static)
        trouble.display = True
        hint = f"\n    {error.hint}" if error.hint else ""
        trouble.update(safe(f"  {self.desk.glyphs.failed} {error.message}{hint}"))
