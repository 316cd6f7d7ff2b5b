"""Where a person answers. It takes every key while it has the focus; the rules are `Confirmation`'s."""

from __future__ import annotations

from collections.abc import Callable, Collection
from math import inf
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from devopsclaw.widgets.confirmation import QUIET, RETURN, Answer, Ask, Confirmation

SCROLL_KEYS = {"pagedown": 1, "pageup": -1, "down": 1, "up": -1, "ctrl+d": 1, "ctrl+u": -1}


class Prompt(Widget, can_focus=True):
    """Hidden until `ask`; posts `Answered` once, then hides."""

    DEFAULT_CSS = """
    Prompt {
        height: 2; display: none; padding: 0 1; text-wrap: nowrap; text-overflow: ellipsis;
        &.-asking { display: block; }
        &> .prompt--ask { text-style: bold; }
        &> .prompt--grave { text-style: bold; color: $error; }
        &> .prompt--wait { color: $claw-muted; }
        &> .prompt--key { color: $warning; text-style: bold reverse; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"prompt--ask", "prompt--grave", "prompt--wait", "prompt--key"}

    class Answered(Message):
        """The person said yes, or went back. `typed` is the phrase where one was asked."""

        def __init__(self, yes: bool, typed: str = "") -> None:
            super().__init__()
            self.yes = yes
            self.typed = typed

    class Chosen(Message):
        """One of the other keys was pressed, when it counted; the question is closed."""

        def __init__(self, key: str) -> None:
            super().__init__()
            self.key = key

    class Turned(Message):
        """An answer was begun, or taken back: other keys act now."""

    class Scrolled(Message):
        """A key asked to scroll what the question is about, by this many pages."""

        def __init__(self, pages: int) -> None:
            super().__init__()
            self.pages = pages

    def __init__(self, steady: Callable[[], float], *, id: str = "prompt") -> None:  # noqa: A002
        super().__init__(id=id)
        self._steady = steady
        self._question = ""
        self._confirmation: Confirmation | None = None
        self._passing: frozenset[str] = frozenset()

    @property
    def is_asking(self) -> bool:
        """Whether a question is open."""
        return self._confirmation is not None

    def lets(self, key: str) -> bool:
        """Whether this key does anything while the question is open, here or behind it."""
        asked = self._confirmation
        if asked is None:
            return True
        if asked.has_begun:
            return key == "escape" and key in self._passing
        return key in self._passing or key in asked.others or (bool(asked.others) and key in "yn")

    def on_mount(self) -> None:
        """A terminal that was just switched to may still deliver keys meant for another window."""
        self.watch(self.app, "app_focus", self._return, init=False)

    def ask(
        self,
        question: str,
        ask: Ask,
        *,
        digit: str = "",
        phrase: str = "",
        seen: bool = True,
        others: Collection[str] = (),
        passing: Collection[str] = (),
        returned: float = -inf,
    ) -> None:
        """Open a question and take the focus; whoever calls this was asked to by the person.

        `others` are keys that answer otherwise, when they count; `passing` those that are not for the
        question, and go on to the screen while no answer is begun. `returned` is the steady time at which
        the terminal last came to the front.
        """
        self._question = question
        self._passing = frozenset(passing)
        self._confirmation = Confirmation(ask, self._steady(), digit, phrase, seen, others=frozenset(others))
        self._confirmation.disturb(returned, RETURN)
        self.add_class("-asking")
        self.focus()
        self._settle()

    def see_all(self) -> None:
        """All of what is asked about has been on screen."""
        if self._confirmation and not self._confirmation.seen:
            self._confirmation.seen = True
            self._settle()

    def close(self) -> None:
        """Withdraw the question; it was not answered."""
        self._confirmation = None
        self.remove_class("-asking")

    def on_key(self, event: events.Key) -> None:
        """Swallow the key, whatever it is but one that passes, and see what it comes to."""
        asked = self._confirmation
        if asked is not None and event.key in self._passing and not asked.has_begun:
            self._disturb()
            return
        event.stop()
        event.prevent_default()
        if self._confirmation is None:
            return
        if event.key == "escape" and event.key in self._passing:  # it takes back what was begun, no more
            self._disturb()
            return
        had_begun = self._confirmation.has_begun
        answer = self._confirmation.press(event.key, event.character or "", self._steady())
        if self._confirmation.has_begun != had_begun:
            self.post_message(self.Turned())
        if answer is not Answer.NOTHING:
            typed = self._confirmation.typed
            self.close()
            told = self.Answered(answer is Answer.YES, typed)
            self.post_message(self.Chosen(event.key) if answer is Answer.OTHER else told)
            return
        if event.key in SCROLL_KEYS:
            self.post_message(self.Scrolled(SCROLL_KEYS[event.key]))
        self._settle()

    def on_paste(self, event: events.Paste) -> None:
        """A paste is never an answer."""
        event.stop()
        self._disturb()

    def render(self) -> Text:
        """What is asked, and below it what to do about it."""
        text, asked = Text(no_wrap=True, overflow="ellipsis"), self._confirmation
        text.append(self._question, self._style("grave" if asked and asked.is_grave else "ask")).append("\n")
        if asked is None:
            return text
        if not asked.seen:
            text.append("read the plan to its end first: PgDn", self._style("wait"))
        elif not asked.has_begun and not asked.is_armed(self._steady()):
            text.append("arming: half a second without a key ...", self._style("wait"))
        else:
            self._instruct(text, asked)
        return text.append("   Esc back", self._style("wait"))

    def _instruct(self, text: Text, asked: Confirmation) -> None:
        key = self._style("key")
        is_spelling = asked.ask is Ask.PHRASE or (asked.ask is Ask.SPELLED and asked.has_begun)
        if is_spelling:
            text.append("type ").append(f" {asked.phrase} ", key).append(f"  > {asked.typed}_")
        elif asked.ask is Ask.DIGIT and asked.typed:
            text.append("now the digit ").append(f" {asked.digit} ", key)
        elif asked.ask is Ask.SPELLED:
            text.append(" y ", key).append("  then type ").append(f" {asked.phrase} ", key)
        elif asked.ask is Ask.REFUSAL:
            text.append("the yes has to be somebody else's")
        elif asked.ask is Ask.DIGIT:
            text.append(" y ", key).append("  then the digit ").append(f" {asked.digit} ", key)
        else:
            text.append(" Enter " if asked.ask is Ask.GO else " y ", key)
            text.append("  runs it" if asked.ask is Ask.GO else "  yes")
        if not is_spelling:
            text.append("   n no", self._style("wait"))

    def _return(self) -> None:
        self._disturb(RETURN)

    def _disturb(self, quiet: float = QUIET) -> None:
        if self._confirmation:
            if self._confirmation.has_begun:
                self.post_message(self.Turned())
            self._confirmation.disturb(self._steady(), quiet)
            self._settle(quiet)

    def _settle(self, quiet: float = QUIET) -> None:
        """Draw now, and once more when the quiet time may be over."""
        self.refresh()
        self.set_timer(quiet + 0.02, self.refresh)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"prompt--{name}", partial=True)
