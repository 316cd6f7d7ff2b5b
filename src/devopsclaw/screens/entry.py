"""One audit entry in full: who, what, where, what came of it, and its place in the chain."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from devopsclaw.model.errors import ClawError, NotFound
from devopsclaw.model.text import one_line, safe
from devopsclaw.screens.base import CopyWanted, Frame
from devopsclaw.screens.describe import flat
from devopsclaw.screens.desk import Desk
from devopsclaw.widgets.page import Page
from devopsclaw.widgets.rule import Rule


class Entry(Frame):
    """The detail of an entry; with a node instead of an id, of the newest that concerns it."""

    CSS_PATH = "entry.tcss"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy JSON", id="entry.copy"),
        Binding("escape", "back", "back", id="entry.back"),
    ]

    def __init__(self, desk: Desk, entry: str = "", node: str = "", mode: str = "audit") -> None:
        super().__init__(desk)
        self.mode = mode
        self._entry = entry
        self._node = node
        self._body: dict[str, Any] = {}

    def body(self) -> ComposeResult:
        """Title and fields."""
        yield Rule(self.desk.glyphs, self._entry)
        yield Page(self.desk.glyphs)
        yield Static("", id="empty", markup=False)

    def on_mount(self) -> None:
        """Ask for it."""
        super().on_mount()
        self.query_one(Page).focus()
        self._load()

    def position(self) -> str:
        """See `Frame.position`."""
        return self.query_one(Page).position

    def action_copy(self) -> None:
        """Send the whole entry, as JSON, to the clipboard."""
        if self._body:
            self.post_message(CopyWanted(json.dumps(self._body, indent=2, ensure_ascii=False), self._entry))
        else:
            self.say("nothing to copy: there is no entry on screen")

    def action_back(self) -> None:
        """Go back."""
        self.dismiss()

    @work(exclusive=True, group="entry")
    async def _load(self) -> None:
        try:
            name = self._entry or await self._newest()
            result = await self.ask("audit.show", {"id": name})
        except ClawError as error:
            empty = self.query_one("#empty", Static)
            empty.display, self.query_one(Page).display = True, False
            empty.update(safe(f"\n  {error.message}\n\n  {error.hint}"))
            return
        self._entry, self._body = name, result.model_dump(mode="json")
        self.query_one(Rule).show(one_line(name))
        self.query_one(Page).show(flat(self._body))
        self.settle()

    async def _newest(self) -> str:
        """The id of the newest entry of the node. Raises NotFound where there is none."""
        listed = await self.ask("audit.list", {"node": self._node, "limit": 1})
        if not listed.items:
            raise NotFound(f"nothing was run on {self._node} yet", hint="x on the node runs something")
        return str(listed.items[0].id)
