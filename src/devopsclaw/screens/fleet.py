"""The fleet pane: every node as it stands, what the filter leaves, and the way to run something there."""

from __future__ import annotations

from asyncio import sleep
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from devopsclaw.model.errors import ClawError
from devopsclaw.model.text import one_line, safe
from devopsclaw.screens.base import CopyWanted, EntryWanted, Frame, NodesWanted, NodeWanted, RunWanted
from devopsclaw.screens.describe import facts_summary, node_summary, notice_of, side_sections
from devopsclaw.screens.desk import Desk
from devopsclaw.widgets.field import Field
from devopsclaw.widgets.fleet_grid import FleetGrid, NodeRow
from devopsclaw.widgets.rule import Rule
from devopsclaw.widgets.side_column import SideColumn
from devopsclaw.widgets.tone_line import Word
from devopsclaw.widgets.words import many

FILTER_DELAY = 0.15
"""Seconds after the last key before the filter is asked, so that typing asks once."""

JOIN = "devopsclaw agent-daemon --relay wss://HOST:9443 --token-file FILE"

NEEDS_NODES = frozenset({"run", "filter", "faults", "evidence", "copy"})


class Fleet(Frame):
    """Pane 2."""

    CSS_PATH = "fleet.tcss"
    mode = "fleet"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "run", "run", id="fleet.run", tooltip="fleet.exec"),
        Binding("slash", "filter", "filter", id="fleet.filter", tooltip="node.list"),
        Binding("f", "faults", "faults", id="fleet.faults"),
        Binding("o", "evidence", "evidence", id="fleet.evidence", tooltip="audit.list"),
        Binding("y", "copy", "copy", id="fleet.copy"),
        Binding("r", "reload", "reload", id="fleet.reload", tooltip="node.list", show=False),
        Binding("escape", "clear", "no filter", id="fleet.clear"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._target = ""
        self._matching: frozenset[str] | None = None
        self._faults_only = False

    def body(self) -> ComposeResult:
        """Filter, grid, detail of the row, and the situation column where there is room."""
        with Horizontal(id="halves"):
            with Vertical(id="main"):
                yield Field(placeholder="target: env=prod and role=web", id="filter")
                yield Static("", id="trouble", markup=False)
                yield Static("", id="notice", markup=False)
                yield FleetGrid(self.desk.glyphs)
                yield Static("", id="empty", markup=False)
                yield Rule(self.desk.glyphs, id="node-rule")
                yield Static("", id="node-strip", markup=False)
            yield SideColumn(self.desk.glyphs)

    def on_mount(self) -> None:
        """The filter shows only when there is one."""
        super().on_mount()
        self.query_one(FleetGrid).focus()
        self.show_nodes()

    @property
    def shown(self) -> list[NodeRow]:
        """The nodes that filter and faults leave: faulty ones first, then by name."""
        nodes = self.desk.situation.nodes.values()
        left = [node for node in nodes if self._is_shown(node)]
        return sorted(left, key=lambda node: (not node.is_failing, not node.is_faulty, node.name))

    def absorb(self, changed: frozenset[str]) -> None:
        """Presence or a run moved: repaint those rows where they stand; strangers are asked for."""
        grid, known = self.query_one(FleetGrid), self.desk.situation.nodes
        moved = [known[name] for name in changed & known.keys()]
        if any(self._is_shown(node) != (grid.row_at(node.name) is not None) for node in moved):
            self.show_nodes()
        for node in moved:
            grid.show_one(node, self.desk.wall())
        self._show_strip()
        super().absorb(changed)

    def nodes_listed(self) -> None:
        """Lay the fresh list out; a filter is asked again, as labels may have changed."""
        if self._target:
            self._refilter()
        self.show_nodes()

    def on_screen_resume(self) -> None:
        """Things moved while another screen was in front."""
        if self.is_mounted:
            self.show_nodes()

    def show_nodes(self) -> None:
        """Lay all rows out anew: the list, the filter or the minute changed."""
        grid, shown = self.query_one(FleetGrid), self.shown
        grid.mark(grid.marked & self.desk.situation.nodes.keys())
        grid.show(shown, self.desk.wall())
        grid.display = bool(shown)
        if shown and self.focused is None:
            grid.focus()  # it lost the keys when its last row went
        empty = self.query_one("#empty", Static)
        empty.display = not shown
        empty.update(self._emptiness())
        self._show_strip()
        self.settle()

    def settle(self) -> None:
        """See `Frame.settle`; the situation column is brought up to date too."""
        super().settle()
        if self.is_mounted and self.is_attached and self.query(SideColumn):
            situation, wall = self.desk.situation, self.desk.wall()
            self.query_one(SideColumn).show(side_sections(situation, wall, self.desk.glyphs))
            self._show_notice()

    def state_word(self) -> str:
        """FILTER while the filter is typed."""
        return "FILTER" if isinstance(self.focused, Field) else "NORMAL"

    def right_words(self) -> list[Word]:
        """Marks, faults, and how many nodes are shown of how many."""
        grid = self.query_one(FleetGrid)
        total = len(self.desk.situation.nodes)
        words: list[Word] = [(f"marked {len(grid.marked)}   ", "warn")] if grid.marked else []
        words += [("faults only   ", "warn")] if self._faults_only else []
        return [*words, (f"{len(grid.rows)} of {total}", "dim")] if total else words

    def position(self) -> str:
        """See `Frame.position`."""
        return self.query_one(FleetGrid).position

    def action_run(self) -> None:
        """Open the run form on the marked nodes, else on what the filter leaves, else on this node."""
        self.post_message(RunWanted(self._chosen_target()))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc has something to do only where there is a filter, most keys only where there are nodes."""
        if action == "clear":
            return self.query_one(Field).display
        return bool(self.desk.situation.nodes) or action not in NEEDS_NODES

    def action_filter(self) -> None:
        """Type a target expression; the list follows."""
        field = self.query_one(Field)
        field.display = True
        field.focus()

    def action_faults(self) -> None:
        """Show only nodes that are not well, or all again."""
        self._faults_only = not self._faults_only
        self.show_nodes()

    def action_evidence(self) -> None:
        """Open the newest audit entry that concerns this node."""
        node = self._current()
        if node:
            self.post_message(EntryWanted(node=node.name))
        else:
            self.say("no node is shown, so there is none to look for")

    def action_copy(self) -> None:
        """Send the marked names, or this one, to the clipboard."""
        grid, node = self.query_one(FleetGrid), self._current()
        names = sorted(grid.marked) or ([node.name] if node else [])
        if names:
            self.post_message(CopyWanted("\n".join(names), many(len(names), "name")))
        else:
            self.say("nothing to copy: no node is shown")

    def action_reload(self) -> None:
        """Ask the core for the nodes again."""
        self.post_message(NodesWanted())

    def action_clear(self) -> None:
        """Esc: no filter, and the keys back to the list."""
        self.query_one(Field).value = ""
        self._leave_filter()

    @on(Field.Changed, "#filter")
    def _filter_typed(self, event: Field.Changed) -> None:
        self._target = event.value.strip()
        self._refilter()

    @work(exclusive=True, group="filter")
    async def _refilter(self) -> None:
        """Ask which nodes the expression means; a wrong one leaves the list as it was and says why."""
        try:
            if self._target:
                await sleep(FILTER_DELAY)
                await self._match()
            else:
                self._matching = None
            self._complain(None)
        except ClawError as error:
            self._complain(error)
        self.show_nodes()

    async def _match(self) -> None:
        answer = await self.ask("node.list", {"target": self._target})
        self._matching = frozenset(item.name for item in answer.items)

    @on(Field.Submitted, "#filter")
    def _leave_filter(self) -> None:
        field = self.query_one(Field)
        field.display = bool(field.value.strip())
        self.query_one(FleetGrid).focus()

    @on(FleetGrid.Chosen)
    def _open_node(self, event: FleetGrid.Chosen) -> None:
        self.post_message(NodeWanted(event.key))

    @on(FleetGrid.Moved)
    def _cursor_moved(self) -> None:
        self._show_strip()
        self.settle()

    @on(FleetGrid.Marked)
    def _marks_changed(self) -> None:
        self.settle()

    def _is_shown(self, node: NodeRow) -> bool:
        if self._faults_only and not node.is_faulty:
            return False
        return self._matching is None or node.name in self._matching

    def _current(self) -> NodeRow | None:
        row = self.query_one(FleetGrid).current
        return self.desk.situation.nodes.get(row.key) if row else None

    def _chosen_target(self) -> str:
        grid, node = self.query_one(FleetGrid), self._current()
        if grid.marked:
            return " or ".join(sorted(grid.marked))
        if self._target:
            return self._target
        return node.name if node else ""

    def _complain(self, error: ClawError | None) -> None:
        trouble = self.query_one("#trouble", Static)
        trouble.display = error is not None
        if error is not None:
            hint = f"  ({error.hint})" if error.hint else ""
            trouble.update(safe(f" {self.desk.glyphs.failed} {error.message}{hint}"))

    def _show_notice(self) -> None:
        """What a person has to know to read the list rightly; on wide terminals the column says the rest."""
        notice, said = self.query_one("#notice", Static), notice_of(self.desk.situation, self.desk.glyphs)
        notice.display = bool(said)
        if notice.content != said:
            notice.update(said)

    def _show_strip(self) -> None:
        """The line under the grid: who the node under the cursor is."""
        node = self._current()
        strip, rule = self.query_one("#node-strip", Static), self.query_one("#node-rule", Rule)
        strip.display = rule.display = node is not None
        if node is not None:
            rule.show(one_line(node.name), one_line(node.address))
            shown = f"  {node_summary(node)}\n  {facts_summary(node.facts) or 'no facts reported yet'}"
            if strip.content != shown:
                strip.update(shown)

    def _emptiness(self) -> str:
        """Why there is no row, and what to do."""
        situation, glyphs = self.desk.situation, self.desk.glyphs
        said: tuple[str, ...]
        if situation.broken:
            said = (f"{glyphs.failed} The core did not open.", safe(situation.broken), "q leaves.")
        elif not situation.is_open:
            said = ("Opening the core ...",)
        elif not situation.nodes:
            said = ("No nodes yet.", f"On a server:  {JOIN}")
        elif self._faults_only and self._matching is None:
            all_of = many(len(situation.nodes), "node")
            said = (f"{glyphs.ok} No faults: {all_of}, all online.", "f shows them.")
        else:
            said = (f"0 of {many(len(situation.nodes), 'node')} match.", "Esc clears the filter.")
        return "".join(f"\n  {line}\n" for line in said)
