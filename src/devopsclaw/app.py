"""The console: it opens on the fleet, then opens the core, then shows what happens. It owns no capability."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.worker import WorkerCancelled

from devopsclaw.model.errors import ClawError
from devopsclaw.palette import Palette
from devopsclaw.screens.at_requests import AtRequests
from devopsclaw.screens.audit import Audit
from devopsclaw.screens.base import (
    CopyWanted,
    EntryWanted,
    Frame,
    NodesWanted,
    NodeWanted,
    RunConfirmed,
    RunOpened,
    RunWanted,
)
from devopsclaw.screens.desk import CoreHandle, Desk, system_desk
from devopsclaw.screens.entry import Entry
from devopsclaw.screens.fleet import Fleet
from devopsclaw.screens.folds import Folds
from devopsclaw.screens.help import Help
from devopsclaw.screens.inbox import Inbox
from devopsclaw.screens.jobs import Jobs
from devopsclaw.screens.keys import KeyAction, key_actions
from devopsclaw.screens.leave import Leave
from devopsclaw.screens.live_run import LiveRun
from devopsclaw.screens.node import Node
from devopsclaw.screens.run_form import RunForm
from devopsclaw.screens.situation import Situation
from devopsclaw.screens.terminal import Copier, report_mouse, send
from devopsclaw.screens.themes import DEFAULT, as_theme, theme_named, variables

DRAIN_EVERY = 0.1
"""Seconds between two looks at the events, design §14.6."""

PROTECTED = ("prod", "production", "live")
"""The default of `fleet.protected_envs`, design §9."""


class Console(AtRequests, inherit_bindings=False):
    """One console. `open_core` is called after the first paint, so that the picture is there at once.

    `copier` knows ways to a clipboard beside the terminal's own (OSC 52), and may be given later.
    `protected` are the environments whose word stands in the header.
    """

    CSS_PATH = "app.tcss"
    TITLE = "devopsclaw"
    DEFAULT_MODE = "fleet"
    ENABLE_COMMAND_PALETTE = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark", "help", "help", id="app.help"),
        Binding("colon,ctrl+p", "palette", "palette", id="app.palette"),
        Binding("J", "jobs", "jobs", id="app.jobs", tooltip="jobs.list"),
        Binding("A,f8", "inbox", "approvals", id="app.approvals", show=False, tooltip="approvals.list"),
        Binding("2", "pane('fleet')", "fleet", id="pane.fleet", show=False, tooltip="node.list"),
        Binding("5", "pane('audit')", "audit", id="pane.audit", show=False, tooltip="audit.list"),
        Binding("M", "mouse", "mouse on or off", id="app.mouse", show=False),
        Binding("ctrl+l", "redraw", "redraw", id="app.redraw", show=False),
        Binding("ctrl+c", "interrupt", "back", id="app.interrupt", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "suspend", id="app.suspend", show=False),
        Binding("q", "leave", "leave", id="app.leave"),
    ]

    def __init__(
        self,
        open_core: Callable[[], Awaitable[CoreHandle]],
        *,
        protected: Iterable[str] = PROTECTED,
        demo: bool = False,
        copier: Copier | None = None,
        desk: Desk | None = None,
        theme: str = DEFAULT,
        pane: str = "fleet",
    ) -> None:
        chosen = theme_named(theme)
        self._colours = chosen.colours
        super().__init__(desk or system_desk(os.environ), open_core)
        self.desk.situation = Situation(frozenset(protected), demo, wall=self.desk.wall)
        self.copier = copier
        self._first_pane = pane
        self._mouse_is_on = False
        self.animation_level = "none"
        self.register_theme(as_theme(chosen))
        self.theme = theme
        self.add_mode("fleet", lambda: Fleet(self.desk))
        self.add_mode("audit", lambda: Audit(self.desk))

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our variables, for the moment before the theme is set."""
        return variables(self._colours)

    def on_mount(self) -> None:
        """The first picture stands; now the core."""
        if self._first_pane != self.DEFAULT_MODE:
            self.switch_mode(self._first_pane)
        self.call_after_refresh(self.be_at_core)
        self._wait_for_minute()

    def _wait_for_minute(self) -> None:
        """The clock shows minutes, so it costs nothing in between."""
        self.set_timer(60 - self.desk.wall() % 60, self._minute)

    def _minute(self) -> None:
        self._wait_for_minute()
        self.list_nodes()
        self.front(lambda frame: frame.tick())

    def front(self, tell: Callable[[Frame], None]) -> None:
        """Tell the frame in front; the others look for themselves when they come back."""
        frames = [screen for screen in self.screen_stack if isinstance(screen, Frame)]
        if frames and frames[-1].is_mounted:
            tell(frames[-1])
        for top in self.screen_stack[-1:]:
            if isinstance(top, Leave) and top.is_mounted:
                top.follow()

    # Ways from screen to screen

    def action_pane(self, mode: str) -> None:
        """Switch to a pane; each keeps what was open in it."""
        self.switch_mode(mode)
        self.call_after_refresh(self.go_on)

    def action_help(self) -> None:
        """Every key that acts here."""
        if not isinstance(self.screen, Help):
            self.push_screen(Help(self.desk, key_actions(self.screen), self.current_mode))

    def action_palette(self) -> None:
        """Every action that works here, found by typing."""
        self.push_screen(Palette(key_actions(self.screen), self.desk.glyphs), self._do)

    def action_jobs(self) -> None:
        """The recent runs."""
        if not isinstance(self.screen, Jobs):
            self.push_screen(Jobs(self.desk, self.current_mode))

    async def action_interrupt(self) -> None:
        """Ctrl+C closes what is open; on a pane it says how to leave. It stops nothing on a node."""
        if len(self.screen_stack) > 1:
            self.pop_screen()
        else:
            self.front(lambda frame: frame.say("q leaves; what runs on nodes goes on", "warn"))

    def action_inbox(self) -> None:
        """The requests that wait for a yes: nothing is answered before somebody came here."""
        if not isinstance(self.screen, Inbox):
            self.push_screen(Inbox(self.desk, self.current_mode))

    def action_redraw(self) -> None:
        """Paint everything again."""
        self.screen.refresh(layout=True)

    def action_mouse(self) -> None:
        """The terminal's own selection works while the mouse is off, which it is at first."""
        self._mouse_is_on = not self._mouse_is_on
        report_mouse(self, self._mouse_is_on)
        word = "on: the terminal selects with Shift" if self._mouse_is_on else "off: the terminal selects"
        self.front(lambda frame: frame.say(f"mouse {word}"))

    def action_leave(self) -> None:
        """Leave; while jobs run, say so and ask first."""
        if self.desk.situation.open_runs:
            self.push_screen(Leave(self.desk), self._leave_if)
        else:
            self._leave()

    def _leave_if(self, yes: bool | None) -> None:
        if yes:
            self._leave()

    @work(group="leaving")
    async def _leave(self) -> None:
        """Close the core in the task that opened it, then give the terminal back."""
        self.workers.cancel_group(self, "runs")
        self.leaving.set()
        opened = [worker for worker in self.workers if worker.group == "core"]
        if self.desk.door is None:
            for worker in opened:
                worker.cancel()
        with suppress(WorkerCancelled):  # none was open
            await self.workers.wait_for_complete(opened) if opened else None
        report_mouse(self, False)
        self.exit(0)

    async def _do(self, action: KeyAction | None) -> None:
        if action is not None:
            await self.run_action(action.action, action.node)

    @on(NodesWanted)
    def _nodes_wanted(self) -> None:
        self.list_nodes()

    @on(NodeWanted)
    def _node_wanted(self, event: NodeWanted) -> None:
        self.push_screen(Node(self.desk, event.name))

    @on(EntryWanted)
    def _entry_wanted(self, event: EntryWanted) -> None:
        self.push_screen(Entry(self.desk, event.entry, event.node, self.current_mode))

    @on(RunWanted)
    def _run_wanted(self, event: RunWanted) -> None:
        self.push_screen(RunForm(self.desk, event.target, event.command))

    @on(CopyWanted)
    @work(exclusive=True, group="copy")
    async def _copy(self, event: CopyWanted) -> None:
        said = await send(self, self.copier, event.text, event.what)
        self.front(lambda frame: frame.say(said))

    # Runs

    @on(RunConfirmed)
    def _run_confirmed(self, event: RunConfirmed) -> None:
        params = event.params
        live = self.desk.situation.run_of(event.call, params["command"], params.get("target", ""))
        self._drive(live, event)

    @work(group="runs")
    async def _drive(self, live: LiveRun, wanted: RunConfirmed) -> None:
        """Run it; the app holds the call, so that no screen has to stay open for it."""
        try:
            result = await self.answer(self.desk.at_core(), live, wanted)
            self.desk.situation.settle(live, result)
        except ClawError as error:
            live.error = error
        self.go_on()
        self.front(lambda frame: frame.absorb(frozenset(live.states())))

    def go_on(self) -> None:
        """From the run form to the fold view once the run began; back to the form where it did not."""
        self.tell_requests()
        form = self.screen
        if not isinstance(form, RunForm) or not form.waits_for:
            return
        live = self.desk.situation.runs.get(form.waits_for)
        if live is not None and live.has_begun:
            self.switch_screen(Folds(self.desk, live))
        elif live is not None and live.error is not None:
            del self.desk.situation.runs[live.call]
            form.refused(live.error)

    @on(RunOpened)
    def _run_opened(self, event: RunOpened) -> None:
        live = self.desk.situation.named(event.run)
        if live is not None:
            self.push_screen(Folds(self.desk, live))
        else:
            self._fetch(event.run)

    @work(exclusive=True, group="fetch")
    async def _fetch(self, run: str) -> None:
        """A run that this console did not see begin: its result so far."""
        live = LiveRun(run)
        try:
            live.settle(await self.desk.at_core().run("jobs.show", {"run": run}))
        except ClawError as error:
            wrong = error
            self.front(lambda frame: frame.say_error(wrong))
            return
        self.push_screen(Folds(self.desk, live))
