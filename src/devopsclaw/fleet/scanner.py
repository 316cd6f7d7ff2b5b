"""A cursor over the text of a target expression, and errors that point at a column. It knows no grammar."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from devopsclaw.model.errors import BadTarget, Misused
from devopsclaw.model.text import safe

Checked = TypeVar("Checked")

_SPACE = re.compile(r"\s*")


class Scanner:
    """Takes what matches from the front. `origin` names the option in errors."""

    def __init__(self, text: str, origin: str) -> None:
        self._text = text
        self._origin = origin
        self.place = 0
        self.skip_space()

    @property
    def next(self) -> str:
        """The next character; empty at the end."""
        return self._text[self.place : self.place + 1]

    def skip_space(self) -> None:
        """Go on to what is no space."""
        found = _SPACE.match(self._text, self.place)
        self.place = found.end() if found else self.place

    def take(self, wanted: re.Pattern[str]) -> re.Match[str] | None:
        """What matches here, taken with the space behind it; None, and nothing taken, where nothing does."""
        found = wanted.match(self._text, self.place)
        if found:
            self.place = found.end()
            self.skip_space()
        return found

    def skip(self, character: str) -> bool:
        """Take this one character, with the space behind it; whether it was there."""
        if self.next != character:
            return False
        self.place += 1
        self.skip_space()
        return True

    def checked(self, start: int, check: Callable[[str], Checked], text: str) -> Checked:
        """What `check` makes of the text; where it refuses, the error points at `start`."""
        try:
            return check(text)
        except Misused as wrong:
            raise self.error(wrong.message, hint=wrong.hint, at=start) from wrong

    def error(self, what: str, *, hint: str = "", at: int | None = None) -> BadTarget:
        """The error for this place, or for `at`, with a caret below the column."""
        place = self.place if at is None else at
        before, rest = (
            safe(part.replace("\n", " ").replace("\t", " "))
            for part in (self._text[:place], self._text[place:])
        )
        message = f"{self._origin}, column {place + 1}: {what}"
        shown = f"\n  {before}{rest}\n  {' ' * len(before)}^" if self._text.strip() else ""
        return BadTarget(message + shown, hint=hint)
