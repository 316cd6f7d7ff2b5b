"""All that is known of one node: its connection, labels, and the facts it reports of itself."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from devopsclaw.model.errors import ClawError
from devopsclaw.model.text import one_line, safe
from devopsclaw.screens.base import CopyWanted, EntryWanted, Frame, RunWanted
from devopsclaw.screens.describe import flat
from devopsclaw.screens.desk import Desk
from devopsclaw.widgets.page import Page
from devopsclaw.widgets.rule import Rule
from devopsclaw.widgets.words import age

DERIVED = frozenset({"seen", "state"})
"""Fields of `node.show` that say in words what other fields say."""


class Node(Frame):
    """The detail of a node."""

    CSS_PATH = "node.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("x", "run", "run here", id="node.run", tooltip="fleet.exec"),
        Binding("o", "evidence", "evidence", id="node.evidence", tooltip="audit.list"),
        Binding("y", "copy", "copy name", id="node.copy"),
        Binding("escape", "back", "back", id="node.back"),
    ]

    def __init__(self, desk: Desk, name: str) -> None:
        super().__init__(desk)
        self._node_name = name

    def body(self) -> ComposeResult:
        """Title and fields."""
        yield Rule(self.desk.glyphs, one_line(self._node_name))
        yield Page(self.desk.glyphs)

    def on_mount(self) -> None:
        """Ask for it."""
        super().on_mount()
        self.query_one(Page).focus()
        self._load()

    def absorb(self, changed: frozenset[str]) -> None:
        """It moved: ask again."""
        if self._node_name in changed:
            self._load()
        super().absorb(changed)

    def position(self) -> str:
        """See `Frame.position`."""
        return self.query_one(Page).position

    def action_run(self) -> None:
        """Open the run form on this node."""
        self.post_message(RunWanted(self._node_name))

    def action_evidence(self) -> None:
        """Open the newest audit entry that concerns it."""
        self.post_message(EntryWanted(node=self._node_name))

    def action_copy(self) -> None:
        """Send its name to the clipboard."""
        self.post_message(CopyWanted(self._node_name, self._node_name))

    def action_back(self) -> None:
        """Go back."""
        self.dismiss()

    @work(exclusive=True, group="node")
    async def _load(self) -> None:
        page = self.query_one(Page)
        try:
            result = await self.ask("node.show", {"name": self._node_name})
        except ClawError as error:
            self.say_error(error)
            if not page.rows:
                page.show([("", safe(text)) for text in (error.message, error.hint) if text])
            return
        page.show(_lines(result.model_dump(mode="json"), self.desk.wall()))
        self.settle()


def _lines(body: dict[str, Any], now: float) -> list[tuple[str, str]]:
    """Plain fields first, then labels and facts under their headings; `now` is wall time, for the age."""
    body = {name: value for name, value in body.items() if name not in DERIVED}
    seen = body.get("last_seen")
    if isinstance(seen, (int, float)):
        at = f"{datetime.fromtimestamp(seen, UTC):%Y-%m-%d %H:%M:%SZ}"
        body["last_seen"] = f"{at}, {age(now - seen)} ago"
    nested = {name: value for name, value in body.items() if isinstance(value, dict)}
    lines = list(flat({name: value for name, value in body.items() if name not in nested}))
    for name, value in nested.items():
        below = list(flat(value))
        lines += [(" ", ""), (one_line(name).upper(), ""), *(below or [("", "none")])]
    return lines
