"""The run form: a command, where, for how long; its plan; and the yes that the plan needs.

The gate decides what needs a yes: a plan goes there as it is, and what it asks for is asked here.
"""

from __future__ import annotations

from typing import Any, ClassVar
from uuid import uuid4

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label, Static

from devopsclaw.model.call import Consent
from devopsclaw.model.errors import OTHER, ApprovalNeeded, BadParams, ClawError
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect, Risk
from devopsclaw.model.text import safe
from devopsclaw.screens.base import Frame, RunConfirmed
from devopsclaw.screens.desk import Desk
from devopsclaw.screens.situation import minute
from devopsclaw.widgets.confirmation import Ask
from devopsclaw.widgets.field import Field
from devopsclaw.widgets.plan_view import PlanView
from devopsclaw.widgets.prompt import Prompt
from devopsclaw.widgets.rule import Rule

FIELDS = (
    ("command", "what each node runs, by /bin/sh"),
    ("target", "web-1 or role=web and env=prod"),
    ("timeout", "60s, 5m; empty: the default"),
)

HINT = """
Enter shows the plan: which nodes, what each of them will run, how to undo it.
A command that only reads then runs at once. Anything else waits for you."""


class RunForm(Frame):
    """Fields above, plan below, the question at the end."""

    CSS_PATH = "run_form.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,down", "step(1)", "next field", id="run.next"),
        Binding("shift+tab,up", "step(-1)", "previous", id="run.previous", show=False),
        Binding("escape", "back", "back", id="run.back"),
    ]

    def __init__(self, desk: Desk, target: str = "", command: str = "") -> None:
        super().__init__(desk)
        self._given = {"command": command, "target": target, "timeout": ""}
        self._plan: Plan | None = None
        self._is_again = False
        self._call = ""
        self._consent: Consent | None = None
        self._needs_other = False

    def body(self) -> ComposeResult:
        """The form, the plan, the question."""
        yield Rule(self.desk.glyphs, "RUN")
        for name, placeholder in FIELDS:
            with Horizontal(classes="field"):
                yield Label(f"{name:<9}", markup=False)
                yield Field(self._given[name], placeholder, id=name)
        yield Static("", id="trouble", markup=False)
        yield Static(HINT, id="hint", markup=False)
        yield Rule(self.desk.glyphs, id="plan-rule")
        yield PlanView()
        yield Static("", id="waits", markup=False)
        yield Prompt(self.desk.steady)

    def on_mount(self) -> None:
        """Start in the first empty field."""
        super().on_mount()
        self._show_plan_part(False)
        self.query_one("#command", Field).focus()

    @property
    def waits_for(self) -> str:
        """The id of the call that was started from here and has not begun yet."""
        return self._call

    def is_full(self) -> bool:
        """A plan needs the room, and its question stays where it is."""
        return True

    def state_word(self) -> str:
        """ANSWER while a question is open, WAITING while somebody else's is; else what is typed is text."""
        if self.query_one(Prompt).is_asking:
            return "ANSWER"
        return "WAITING" if self._needs_other else "FORM"

    def absorb(self, changed: frozenset[str]) -> None:
        """Somebody else's yes may have been asked for."""
        self._show_waiting()
        super().absorb(changed)

    def on_unmount(self) -> None:
        """What waits for somebody else waits for as long as its form is open."""
        self._withdraw()

    def action_step(self, by: int) -> None:
        """To the next or the previous field."""
        if by > 0:
            self.focus_next(Field)
        else:
            self.focus_previous(Field)

    def action_back(self) -> None:
        """Leave; nothing was started. What waits for somebody else is withdrawn first."""
        if not self._needs_other:
            self.dismiss()
            return
        self._withdraw()
        self._wait_for_other(False)
        self._forget()
        self.query_one("#command", Field).focus()
        self.say("withdrawn; nothing ran")

    def refused(self, error: ClawError) -> None:
        """The call that was started from here did not run."""
        self._call = ""
        self._wait_for_other(False)
        if isinstance(error, ApprovalNeeded) and error.phrase == OTHER:
            self._start(self._consent, waits=True)
        elif isinstance(error, ApprovalNeeded):
            self._is_again = True
            self._make_plan()
        else:
            self._complain(error)
            self.query_one("#command", Field).focus()

    @on(Field.Submitted)
    def _submitted(self) -> None:
        self._make_plan()

    @on(Field.Changed)
    def _edited(self) -> None:
        """Another command is another plan: what was shown does not hold any more."""
        self._forget()

    @work(exclusive=True, group="plan")
    async def _make_plan(self) -> None:
        """Show the plan, and go on by what it needs."""
        before = self._plan if self._is_again else None
        try:
            plan = await self.ask("fleet.exec", self._params(), dry_run=True)
        except ClawError as error:
            self._forget()
            self._complain(error)
            return
        self._complain(None)
        self._plan = plan
        self._show_plan_part(True)
        self.query_one("#plan-rule", Rule).show("PLAN", "nothing has run yet")
        self.query_one(PlanView).show(plan, before)
        self._go_on(plan)

    def _go_on(self, plan: Plan) -> None:
        """Start it, or put the question that the gate has for exactly this plan."""
        prompt, question = self.query_one(Prompt), f"{plan.risk.upper()} RISK: {_subject(plan)}"
        if plan.risk == Risk.CRITICAL.word:
            prompt.ask(question, Ask.PHRASE, phrase=plan.phrase, seen=False)
        elif plan.phrase:
            prompt.ask(question, Ask.DIGIT, digit=self.desk.digit(), seen=False)
        elif plan.effect is Effect.READ:
            self._start(None)
        else:
            prompt.ask(question, Ask.GO, seen=False)
        self.settle()

    @on(PlanView.ReadToEnd)
    def _plan_was_read(self) -> None:
        self.query_one(Prompt).see_all()

    @on(Prompt.Scrolled)
    def _scroll_plan(self, event: Prompt.Scrolled) -> None:
        self.query_one(PlanView).page(event.pages)

    @on(Prompt.Answered)
    def _answered(self, event: Prompt.Answered) -> None:
        if not event.yes or self._plan is None:
            self._forget()
            self.query_one("#command", Field).focus()
            self.say("nothing ran")
            return
        self._is_again = False
        if not self._plan.phrase:
            self._start(None)
        else:
            phrase = event.typed if self._plan.risk == Risk.CRITICAL.word else "yes"
            self._start(Consent(phrase, self._plan.digest))

    def _start(self, consent: Consent | None, *, waits: bool = False) -> None:
        self._call, self._consent = uuid4().hex, consent
        self.desk.situation.requests.mine.add(self._call)
        self.query_one("#plan-rule", Rule).show("PLAN", "nothing has run yet" if waits else "starting")
        self._wait_for_other(waits)
        self.post_message(RunConfirmed(self._call, self._params(), consent, waits=waits))

    def _wait_for_other(self, waits: bool) -> None:
        """While somebody else is asked, the form is as it was asked about."""
        self._needs_other = waits
        for field in self.query(Field):
            field.disabled = waits
        self.query_one("#waits").display = waits
        self._show_waiting()
        self.settle()

    def _show_waiting(self) -> None:
        asked = self.desk.situation.requests.of(self._call) if self._needs_other else None
        if asked is not None:
            until = minute(asked.expires_at)
            said = f"{asked.id} waits for somebody else until {until}\nEsc withdraws it"
            self.query_one("#waits", Static).update(said)

    def _withdraw(self) -> None:
        """Cancel the call that waits, unless it has begun: then it is a job like any other."""
        live = self.desk.situation.runs.get(self._call)
        if not self._needs_other or live is None or live.has_begun:
            return
        if self.desk.door is not None:
            self.desk.door.cancel(self._call)
        del self.desk.situation.runs[self._call]
        self._call = ""

    def _params(self) -> dict[str, Any]:
        """The fields as params; raises BadParams for what would be no command at all."""
        fields = {name: self.query_one(f"#{name}", Field).value.strip() for name, _ in FIELDS}
        if not fields["command"]:
            raise BadParams("there is no command", hint="type one, as: df -h /")
        return {name: value for name, value in fields.items() if value}

    def _forget(self) -> None:
        self._is_again = False
        self.query_one(Prompt).close()
        self._show_plan_part(False)
        self.query_one(PlanView).clear()
        self.settle()

    def _show_plan_part(self, is_shown: bool) -> None:
        self.query_one("#plan-rule").display = is_shown
        self.query_one("#hint").display = not is_shown

    def _complain(self, error: ClawError | None) -> None:
        trouble = self.query_one("#trouble", Static)
        trouble.display = error is not None
        if error is not None:
            hint = f"\n          {error.hint}" if error.hint else ""
            trouble.update(safe(f" {self.desk.glyphs.failed} {error.message}{hint}"))


def _subject(plan: Plan) -> str:
    """What the question is about: command, count, place."""
    place = f" in {'+'.join(plan.environments).upper()}" if plan.environments else ""
    count = f"{len(plan.nodes)} node{'' if len(plan.nodes) == 1 else 's'}"
    return safe(
        f"{plan.run.strip().splitlines()[0] if plan.run.strip() else plan.operation} on {count}{place}",
        tab_size=1,
    )
