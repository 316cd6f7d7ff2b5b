"""When a key counts as a person's yes. Pure: no widget, no clock; the time of each key is an argument.

A yes needs half a second without any key before it, so a burst typed blind cannot answer. Enter, Space and
Esc never answer (design §14.1, §14.2). Enter is taken only by `GO`, which starts what needs no confirmation.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

QUIET = 0.5
"""Seconds without a key before one counts, design §14.1."""

RETURN = 0.7
"""Seconds after the terminal came back to the front: keys meant for another window may still arrive."""


class Ask(StrEnum):
    """What a person has to do."""

    GO = "go"
    """Enter, once the plan is on screen: nothing here needs a yes."""
    YES = "yes"
    """`y`."""
    DIGIT = "digit"
    """`y`, then the digit shown."""
    PHRASE = "phrase"
    """Typing the phrase shown."""
    SPELLED = "spelled"
    """`y`, then typing the phrase shown: for where letters mean other things until the `y`."""
    REFUSAL = "refusal"
    """Nothing but `n`: the yes has to come from somebody else."""


class Answer(StrEnum):
    """What a key came to."""

    NOTHING = "nothing"
    YES = "yes"
    NO = "no"
    OTHER = "other"
    """One of the question's other keys."""


@dataclass(slots=True)
class Confirmation:
    """One question. `last_key` is the steady time of the last key of any kind, at first of its appearance."""

    ask: Ask
    last_key: float
    digit: str = ""
    phrase: str = ""
    seen: bool = True
    """Whether all of what is asked about has been on screen."""
    typed: str = ""
    has_begun: bool = False
    """Whether the answer was begun after a quiet time; its next keys follow without one."""
    others: frozenset[str] = frozenset()
    """Keys that answer otherwise, and count as late as a `y`."""

    @property
    def is_grave(self) -> bool:
        """Whether more than a key is asked for."""
        return self.ask in (Ask.DIGIT, Ask.PHRASE, Ask.SPELLED)

    def is_armed(self, now: float) -> bool:
        """Whether a key pressed now would count."""
        return self.seen and now - self.last_key >= QUIET

    def disturb(self, now: float, quiet: float = QUIET) -> None:
        """Something happened that may bring stray keys: the quiet time begins anew, and takes so long."""
        self.last_key = max(self.last_key, now + quiet - QUIET)
        self.has_begun, self.typed = False, ""

    def press(self, key: str, character: str, now: float) -> Answer:
        """Take a key: Textual's name of it, and the character it types (empty: none)."""
        counts = self.is_armed(now) or self.has_begun
        self.last_key = max(self.last_key, now)
        if key == "escape":
            return Answer.NO
        if not counts:
            return Answer.NOTHING
        is_spelling = self.ask is Ask.PHRASE or (self.ask is Ask.SPELLED and self.has_begun)
        return self._phrase(key, character) if is_spelling else self._key(key)

    def _key(self, key: str) -> Answer:
        if key == "n":
            return Answer.NO
        if key in self.others:
            return Answer.OTHER
        if self.ask in (Ask.SPELLED, Ask.REFUSAL):
            self.has_begun = self.ask is Ask.SPELLED and key == "y"
            return Answer.NOTHING
        if self.ask is Ask.GO:
            return Answer.YES if key == "enter" else Answer.NOTHING
        if self.ask is Ask.YES:
            return Answer.YES if key == "y" else Answer.NOTHING
        if self.typed and key == self.digit:
            return Answer.YES
        # Any other key takes the `y` back, and the quiet time with it.
        self.typed = "y" if key == "y" and not self.typed else ""
        self.has_begun = bool(self.typed)
        return Answer.NOTHING

    def _phrase(self, key: str, character: str) -> Answer:
        self.has_begun = True
        if key == "backspace":
            self.typed = self.typed[:-1]
        elif character.isprintable() and key != "space":
            self.typed += character
        return Answer.YES if self.phrase and self.typed == self.phrase else Answer.NOTHING
