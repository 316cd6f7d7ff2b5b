"""What all screens share: header and status line, the way to the core, and what they ask of the app.

A screen never imports another; to go somewhere it posts one of the messages below.
"""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.screen import Screen

from devopsclaw.model.call import Consent
from devopsclaw.model.errors import ClawError
from devopsclaw.model.text import safe
from devopsclaw.screens.desk import Desk
from devopsclaw.screens.keys import KeyAction, key_actions
from devopsclaw.widgets.header_line import HeaderLine
from devopsclaw.widgets.status_line import Standing, StatusLine
from devopsclaw.widgets.tone_line import ToneLine, Word
from devopsclaw.widgets.tray import Tray

PANES = (("2", "fleet", "Fleet"), ("5", "audit", "Audit"))
"""Key, mode and word of each pane that exists; numbers are final (design §14.5)."""


LOW, TALL = 20, 30
"""Lines of a terminal below which a docked request takes one or two of them, and from which up to six."""


class NodesWanted(Message):
    """List the nodes again."""


class RunWanted(Message):
    """Open the run form with this target and command."""

    def __init__(self, target: str, command: str = "") -> None:
        super().__init__()
        self.target = target
        self.command = command


class RunConfirmed(Message):
    """Start this: the person saw the plan, and said yes where one is needed. With `waits` somebody else has
    to say it too.
    """

    def __init__(
        self, call: str, params: dict[str, Any], consent: Consent | None, *, waits: bool = False
    ) -> None:
        super().__init__()
        self.call = call
        self.params = params
        self.consent = consent
        self.waits = waits


class RunOpened(Message):
    """Show the run with this id, as `X-31`."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self.run = run


class EntryWanted(Message):
    """Show this audit entry, or the newest that concerns the node."""

    def __init__(self, entry: str = "", node: str = "") -> None:
        super().__init__()
        self.entry = entry
        self.node = node


class NodeWanted(Message):
    """Show all that is known of this node."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name


class CopyWanted(Message):
    """Send this text to the clipboard; `what` names it for the notice."""

    def __init__(self, text: str, what: str) -> None:
        super().__init__()
        self.text = text
        self.what = what


class Frame(Screen[None]):
    """A screen with header, panes, body and status. `mode` is the pane it belongs to."""

    DEFAULT_CSS = """
    Frame { layout: vertical; }
    Frame > #body { height: 1fr; }
    """
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide")]
    mode = "fleet"
    docks = True
    """Whether requests for a yes are docked here."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk = desk
        self._notice: tuple[str, str] = ("", "")

    def compose(self) -> ComposeResult:
        """The frame around `body`."""
        yield HeaderLine(self.desk.glyphs)
        yield ToneLine(id="panes")
        with Vertical(id="body"):
            yield from self.body()
        yield Tray(self.desk.glyphs)
        yield StatusLine()

    def body(self) -> ComposeResult:
        """What stands between header and status line; nothing, where a screen has nothing to show."""
        yield from ()

    def on_mount(self) -> None:
        """Show what is known at once."""
        self.settle()

    def on_screen_resume(self) -> None:
        """Back on top: things may have changed meanwhile."""
        self.settle()

    def on_descendant_focus(self) -> None:
        """Other keys act now."""
        self.call_after_refresh(self.settle)

    def absorb(self, changed: frozenset[str]) -> None:
        """Events came, and the situation has taken them; `changed` are the nodes that moved."""
        self.settle()

    def tick(self) -> None:
        """A minute is over, or the core just opened."""
        self.settle()

    def nodes_listed(self) -> None:
        """The situation has a fresh list of nodes."""
        self.settle()

    def is_full(self) -> bool:
        """Whether there is little room here for what is docked."""
        return False

    def state_word(self) -> str:
        """NORMAL, FILTER, ANSWER: what typing does."""
        return "NORMAL"

    def right_words(self) -> list[Word]:
        """What stands at the right of the line of panes."""
        return []

    def position(self) -> str:
        """Which part of a longer list is on screen."""
        return ""

    def say(self, text: str, tone: str = "") -> None:
        """Show a notice in the status line, in one line, until the next key."""
        self._notice = (" ".join(safe(text).split()), tone)
        self.settle()

    def unsay(self, text: str) -> None:
        """Take this notice away, as it is not so any more; another that came meanwhile stays."""
        if self._notice[0] == text:
            self.say("")

    def say_error(self, error: ClawError) -> None:
        """Show what happened and what to do next."""
        self.say(f"{error.message}{'; ' + error.hint if error.hint else ''}", "bad")

    def on_key(self) -> None:
        """A key takes the last notice away."""
        if self._notice[0]:
            self._notice = ("", "")
            self.call_after_refresh(self.settle)

    def settle(self) -> None:
        """Bring header, panes and status line up to date; lines that say the same are not repainted."""
        if not self.is_mounted or not self.is_attached:
            return
        self.query_one(HeaderLine).show(self.desk.situation.headline(self.desk.wall()))
        self._show_panes()
        self._dock()
        self.query_one(StatusLine).show(self._standing())

    async def ask(self, name: str, params: dict[str, Any], **options: Any) -> Any:
        """Run an operation through the door; raises ClawError, Unreachable while the core is not open."""
        return await self.desk.at_core().run(name, params, **options)

    def _dock(self) -> None:
        """Show what waits for a yes; it takes no focus, and no key."""
        docked = self.desk.situation.requests.docked if self.docks else []
        room = 1 if self.is_full() else 2 if self.size.height < TALL else 3
        self.query_one(Tray).show(docked, self.desk.wall(), 1 if self.size.height < LOW else room)

    def _standing(self) -> Standing:
        actions = key_actions(self) if self.is_current else []
        notice, tone = self._notice
        return Standing(
            word=self.state_word(),
            keys=_keys(actions, "here"),
            globals=_keys(actions, "everywhere"),
            notice=notice,
            tone=tone,
            position=self.position(),
        )

    def _show_panes(self) -> None:
        panes = [(f" {key} {word} ", "here" if mode == self.mode else "dim") for key, mode, word in PANES]
        self.query_one("#panes", ToneLine).show([(" ", ""), *panes], self.right_words())


def _keys(actions: list[KeyAction], place: str) -> tuple[tuple[str, str], ...]:
    return tuple((each.keys[0], each.label) for each in actions if each.place == place and each.is_shown)
