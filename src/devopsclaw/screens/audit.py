"""The audit pane: what was done, newest first, and whether the record is whole."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from devopsclaw.model.errors import BadParams, ClawError
from devopsclaw.model.text import safe
from devopsclaw.screens.base import CopyWanted, EntryWanted, Frame
from devopsclaw.screens.describe import when
from devopsclaw.screens.desk import Desk
from devopsclaw.widgets.audit_table import AuditTable, EntryRow, counted
from devopsclaw.widgets.field import Field
from devopsclaw.widgets.tone_line import Word

FILTERS = ("user", "action", "node", "since", "until", "limit")
"""The filters of `audit.list`, typed as `user:maria since:1h`."""

EXAMPLE = "user:maria action:fleet.exec node:web-1 since:1h"


def parsed(text: str) -> dict[str, Any]:
    """The filter line as params of `audit.list`. Raises BadParams for a word that is no filter."""
    params: dict[str, Any] = {}
    for word in text.split():
        name, colon, value = word.partition(":")
        if not colon or name not in FILTERS or not value:
            raise BadParams(
                f"{word!r} is no filter", hint="as user:maria action:fleet.exec node:web-1 since:1h"
            )
        params[name] = value
    return params


def entry_row(item: Any, now: float) -> EntryRow:
    """An item of `audit.list` as a row; `now` is wall time."""
    return EntryRow(
        id=str(item.id),
        when=when(str(item.time), now),
        user=item.user,
        action=item.action,
        target=item.target or "",
        status=str(item.status),
        nodes=counted(item.nodes),
        duration=item.duration,
    )


class Audit(Frame):
    """Pane 5."""

    CSS_PATH = "audit.tcss"
    mode = "audit"

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", id="audit.filter", tooltip="audit.list"),
        Binding("V", "verify", "verify", id="audit.verify", tooltip="audit.verify"),
        Binding("r", "reload", "reload", id="audit.reload", tooltip="audit.list"),
        Binding("y", "copy", "copy id", id="audit.copy"),
        Binding("escape", "clear", "no filter", id="audit.clear"),
    ]

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk)
        self._mark: Word = ("chain not verified yet", "dim")
        self._seen = 0

    def body(self) -> ComposeResult:
        """Filter line and table."""
        yield Field(placeholder=EXAMPLE, id="filter")
        yield Static("", id="trouble", markup=False)
        yield AuditTable(self.desk.glyphs)
        yield Static("", id="empty", markup=False)

    def on_mount(self) -> None:
        """List at once."""
        super().on_mount()
        self.query_one(AuditTable).focus()
        self.reload()

    def on_screen_resume(self) -> None:
        """Entries may have come."""
        super().on_screen_resume()
        self.reload()

    def absorb(self, changed: frozenset[str]) -> None:
        """Something was put on record: list anew."""
        written = len(self.desk.situation.entries), self.desk.situation.entries[-1:]
        if hash(str(written)) != self._seen:
            self._seen = hash(str(written))
            self.reload()
        super().absorb(changed)

    def tick(self) -> None:
        """Outcomes of long calls appear without an event of their own."""
        self.reload()

    def state_word(self) -> str:
        """FILTER while the filter is typed."""
        return "FILTER" if isinstance(self.focused, Field) else "NORMAL"

    def right_words(self) -> list[Word]:
        """Whether the chain was verified, and what came of it."""
        return [self._mark]

    def position(self) -> str:
        """See `Frame.position`."""
        return self.query_one(AuditTable).position

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc has something to do only where there is a filter."""
        return action != "clear" or self.query_one(Field).display

    def action_filter(self) -> None:
        """Type a filter."""
        field = self.query_one(Field)
        field.display = True
        field.focus()

    def action_clear(self) -> None:
        """Esc: no filter."""
        self.query_one(Field).value = ""
        self._submitted()

    def action_reload(self) -> None:
        """Ask for the entries again."""
        self.reload()

    def action_copy(self) -> None:
        """Send the id to the clipboard."""
        row = self.query_one(AuditTable).current
        if row is not None:
            self.post_message(CopyWanted(row.key, row.key))
        else:
            self.say("nothing to copy: no entry is shown")

    @work(exclusive=True, group="verify")
    async def action_verify(self) -> None:
        """Verify the hash chain; the mark stays until the next time."""
        glyphs = self.desk.glyphs
        self.say("verifying the chain")
        try:
            result = await self.ask("audit.verify", {})
        except ClawError as error:
            self._mark = (f"{glyphs.unknown} chain could not be read", "warn")
            self.say_error(error)
            return
        said = safe(result.text()).split("\n")[0]
        marks = {0: (f"{glyphs.ok} chain verified", "ok"), 1: (f"{glyphs.failed} chain BROKEN", "bad")}
        self._mark = marks.get(result.exit, (f"{glyphs.unknown} chain could not be read", "warn"))
        self.say(said, "ok" if result.exit == 0 else "bad")

    @work(exclusive=True, group="entries")
    async def reload(self) -> None:
        """List by the filter; a wrong filter leaves the list as it was and says why."""
        trouble, table = self.query_one("#trouble", Static), self.query_one(AuditTable)
        try:
            result = await self.ask("audit.list", parsed(self.query_one(Field).value))
        except ClawError as error:
            trouble.display = True
            trouble.update(safe(f" {self.desk.glyphs.failed} {error.message}  ({error.hint})"))
            return
        trouble.display = False
        now = self.desk.wall()
        table.show([entry_row(item, now) for item in result.items])
        table.display = bool(result.items)
        empty = self.query_one("#empty", Static)
        empty.display = not result.items
        empty.update(
            "\n  No entries match.  Esc clears the filter." if self._is_filtered else "\n  No entries yet."
        )
        self.settle()

    @property
    def _is_filtered(self) -> bool:
        return bool(self.query_one(Field).value.strip())

    @on(Field.Submitted)
    def _submitted(self) -> None:
        self.query_one(Field).display = self._is_filtered
        self.query_one(AuditTable).focus()
        self.reload()

    @on(AuditTable.Chosen)
    def _open(self, event: AuditTable.Chosen) -> None:
        self.post_message(EntryWanted(event.key))

    @on(AuditTable.Moved)
    def _moved(self) -> None:
        self.settle()
