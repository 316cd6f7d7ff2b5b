"""Takes a command line apart into the simple commands in it, as far as that goes without a parser.

It errs on the side of finding too many commands: what stands in `$(…)`, backticks, here-documents and
braces is a command too. Variables, globs and escapes like `$'\\x72'` stay as they are written.
"""

from __future__ import annotations

import re

SEPARATORS = frozenset(";&|\n(){}`<>")
BLANKS = frozenset(" \t")
ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=.*", re.DOTALL)


class Lexer:
    """One pass over a text. `commands` are lists of words without their quotes, never empty."""

    def __init__(self, text: str) -> None:
        self.commands: list[list[str]] = []
        self._text = text
        self._place = 0
        self._words: list[str] = []
        self._word: str | None = None
        while self._place < len(text):
            self._step()
        self._end_command()

    def _step(self) -> None:
        letter = self._take()
        if letter in BLANKS:
            self._end_word()
        elif letter in SEPARATORS:
            self._end_command()
        elif letter == "'":
            self._add(self._until("'"))
        elif letter == '"':
            self._double_quoted()
        elif letter == "\\":
            self._escaped()
        else:
            self._add(letter)

    def _take(self) -> str:
        self._place += 1
        return self._text[self._place - 1]

    def _until(self, end: str) -> str:
        """The text up to the closing quote; an open quote reaches to the end."""
        found = self._text.find(end, self._place)
        stop = len(self._text) if found < 0 else found
        piece, self._place = self._text[self._place : stop], stop + 1
        return piece

    def _double_quoted(self) -> None:
        """Text up to the closing quote; a command that is substituted in it is a command of its own."""
        self._add("")
        while self._place < len(self._text):
            letter = self._take()
            if letter == '"':
                return
            if letter == "\\" and self._place < len(self._text):
                self._add(self._take())
            elif letter == "`":
                self.commands += Lexer(self._until("`")).commands
            elif letter == "$" and self._text.startswith("(", self._place):
                self._substituted()
            else:
                self._add(letter)

    def _substituted(self) -> None:
        """From the opening bracket to its partner; quotes in between are a matter of their own."""
        outside = self._words, self._word
        self._words, self._word = [], None
        depth = 0
        while self._place < len(self._text):
            letter = self._text[self._place]
            depth += (letter == "(") - (letter == ")")
            self._step()
            if not depth:
                break
        self._end_command()
        self._words, self._word = outside

    def _escaped(self) -> None:
        """The next character is itself; an escaped line end is nothing."""
        if self._place < len(self._text) and (letter := self._take()) != "\n":
            self._add(letter)

    def _add(self, piece: str) -> None:
        self._word = (self._word or "") + piece

    def _end_word(self) -> None:
        if self._word is not None:
            self._words.append(self._word)
            self._word = None

    def _end_command(self) -> None:
        self._end_word()
        if self._words:
            self.commands.append(self._words)
            self._words = []


def simple_commands(text: str) -> list[list[str]]:
    """The words of each simple command in the text, assignments in front of it left out."""
    return [words for each in Lexer(text).commands if (words := without_assignments(each))]


def without_assignments(words: list[str]) -> list[str]:
    """The words from the program on."""
    start = 0
    while start < len(words) and ASSIGNMENT.fullmatch(words[start]):
        start += 1
    return words[start:]


def program_of(word: str) -> str:
    """The name of a program, whatever folder is in front of it."""
    return word.rpartition("/")[2]
