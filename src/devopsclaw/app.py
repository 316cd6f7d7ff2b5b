"""The console: it opens on the fleet, then opens the core, then shows what happens. It owns no capability."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable
from operator import methodcaller
from typing import Any, ClassVar

from textual import on, work
from textual.app import App
from textual.binding import Binding, BindingType

from devopsclaw.core.bus import Gap, Subscription
from devopsclaw.core.door import Door
from devopsclaw.model.call import Consent
from devopsclaw.model.errors import ClawError, Unreachable
from devopsclaw.model.events import RelayMoved
from devopsclaw.palette import Palette
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


class Console(App[int], inherit_bindings=False):
    """One console. `open_core` is called after the first paint, so that the picture is there at once.

    `copier` sends text to a clipboard and says how it did; without one the terminal is asked (OSC 52).
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
        super().__init__()
        self.desk = desk or system_desk(os.environ)
        self.desk.situation = Situation(protected=frozenset(protected), demo=demo)
        self._open_core = open_core
        self._copier = copier
        self._first_pane = pane
        self._leaving = asyncio.Event()
        self._mouse_is_on = self._is_listing = self._lists_again = False
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
        self.call_after_refresh(self._live)
        self._wait_for_minute()

    @work(group="core")
    async def _live(self) -> None:
        """Open the core, listen until the console is left, close it: all in this one task."""
        situation = self.desk.situation
        try:
            core = await self._open_core()
        except ClawError as error:
            situation.broken = f"{error.message}\n\n  {error.hint}" if error.hint else error.message
            self._front(lambda frame: frame.nodes_listed())
            return
        try:
            with core.door.events() as subscription:
                self.desk.door, situation.is_open = core.door, True
                self._listen(subscription)
                self._list_nodes()
                self._front(lambda frame: frame.tick())
                await self._leaving.wait()
        finally:
            await core.close()

    @work(group="events")
    async def _listen(self, subscription: Subscription) -> None:
        """Take what happens, at most ten times a second."""
        async for batch in subscription.batches(DRAIN_EVERY):
            known = self.desk.situation.nodes.keys()
            changed = self.desk.situation.absorb(batch)
            if changed - known or any(isinstance(event, RelayMoved | Gap) for event in batch):
                self._list_nodes()
            self._go_on()
            self._front(methodcaller("absorb", changed))

    @work(group="nodes")
    async def _list_nodes(self) -> None:
        """Ask for nodes, relay and open runs: once at a time, and once more if it was wanted meanwhile."""
        self._lists_again = self._is_listing
        if self._is_listing or self.desk.door is None:
            return
        self._is_listing = True
        try:
            await self._list_once(self.desk.door)
        except ClawError as error:
            wrong = error
            self._front(lambda frame: frame.say_error(wrong))
        finally:
            self._is_listing = False
        if self._lists_again:
            self._list_nodes()

    async def _list_once(self, door: Door) -> None:
        listed = await door.run("node.list", {})
        status = await door.run("fleet.status", {})
        self.desk.situation.list_fleet(listed.items, status)
        self._front(lambda frame: frame.nodes_listed())

    def _wait_for_minute(self) -> None:
        """The clock shows minutes, so it costs nothing in between."""
        self.set_timer(60 - self.desk.wall() % 60, self._minute)

    def _minute(self) -> None:
        self._wait_for_minute()
        self._list_nodes()
        self._front(lambda frame: frame.tick())

    def _front(self, tell: Callable[[Frame], None]) -> None:
        """Tell the frame in front; the others look for themselves when they come back."""
        frames = [screen for screen in self.screen_stack if isinstance(screen, Frame)]
        if frames and frames[-1].is_mounted:
            tell(frames[-1])

    # Ways from screen to screen

    def action_pane(self, mode: str) -> None:
        """Switch to a pane; each keeps what was open in it."""
        self.switch_mode(mode)

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
            self._front(lambda frame: frame.say("q leaves; what runs on nodes goes on", "warn"))

    def action_redraw(self) -> None:
        """Paint everything again."""
        self.screen.refresh(layout=True)

    def action_mouse(self) -> None:
        """The terminal's own selection works while the mouse is off, which it is at first."""
        self._mouse_is_on = not self._mouse_is_on
        report_mouse(self, self._mouse_is_on)
        word = "on: the terminal selects with Shift" if self._mouse_is_on else "off: the terminal selects"
        self._front(lambda frame: frame.say(f"mouse {word}"))

    def action_leave(self) -> None:
        """Leave; while jobs run, say so and ask first."""
        running = self.desk.situation.running
        if running:
            self.push_screen(Leave(self.desk, running), self._leave_if)
        else:
            self._leave()

    def _leave_if(self, yes: bool | None) -> None:
        if yes:
            self._leave()

    @work(group="leaving")
    async def _leave(self) -> None:
        """Close the core in the task that opened it, then give the terminal back."""
        self.workers.cancel_group(self, "runs")
        self._leaving.set()
        opened = [worker for worker in self.workers if worker.group == "core"]
        if self.desk.door is None:
            for worker in opened:
                worker.cancel()
        await self.workers.wait_for_complete(opened) if opened else None
        report_mouse(self, False)
        self.exit(0)

    async def _do(self, action: KeyAction | None) -> None:
        if action is not None:
            await self.run_action(action.action, action.node)

    @on(NodesWanted)
    def _nodes_wanted(self) -> None:
        self._list_nodes()

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
    async def _copy(self, event: CopyWanted) -> None:
        said = await send(self, self._copier, event.text, event.what)
        self._front(lambda frame: frame.say(said))

    # Runs

    @on(RunConfirmed)
    def _run_confirmed(self, event: RunConfirmed) -> None:
        params = event.params
        live = self.desk.situation.run_of(event.call, params["command"], params.get("target", ""))
        self._drive(live, params, event.consent)

    @work(group="runs")
    async def _drive(self, live: LiveRun, params: dict[str, Any], consent: Consent | None) -> None:
        """Run it; the app holds the call, so that no screen has to stay open for it."""
        door = self.desk.door
        try:
            if door is None:
                raise Unreachable("the core is not open", hint="q, then start the console again")
            live.settle(await door.run("fleet.exec", params, consent=consent, call_id=live.call))
        except ClawError as error:
            live.error = error
        self._go_on()
        self._front(lambda frame: frame.absorb(frozenset(live.states())))

    def _go_on(self) -> None:
        """From the run form to the fold view once the run began; back to the form where it did not."""
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
        door = self.desk.door
        if door is None:
            return
        live = LiveRun(run)
        try:
            live.settle(await door.run("jobs.show", {"run": run}))
        except ClawError as error:
            wrong = error
            self._front(lambda frame: frame.say_error(wrong))
            return
        self.push_screen(Folds(self.desk, live))
