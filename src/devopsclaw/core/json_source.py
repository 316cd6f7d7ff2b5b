"""JSON with comments and trailing commas, read with the line of every value.

Not what the keys mean: that is `core.config`. No message repeats a value, which may be a secret.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

Scalar: TypeAlias = str | int | float | bool | None

MAX_DEPTH = 32
"""Deeper nesting than any setting has, and far from Python's own limit."""

WORDS: dict[str, Scalar] = {"true": True, "false": False, "null": None}

TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]++)
      | (?P<comment>//[^\n]*+ | /\*.*?\*/)
      | (?P<string>"(?:[^"\\\x00-\x08\x0a-\x1f]++ | \\.)*+")
      | (?P<number>-?[0-9][0-9A-Za-z_.+-]*+)
      | (?P<word>[A-Za-z_][\w-]*+)
      | (?P<mark>[{}\[\]:,])""",
    re.VERBOSE | re.DOTALL,
)


class BadJson(ValueError):
    """The text is not JSON; `line` counts from 1."""

    def __init__(self, line: int, why: str) -> None:
        super().__init__(f"line {line}: {why}")
        self.line = line
        self.why = why


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands. `line` is the key's for members; `start` and `end` are offsets."""

    value: Scalar | list[Node] | dict[str, Node]
    line: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Document:
    """A whole text. `comments` are (start, end) offsets, in order."""

    text: str
    root: Node
    comments: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Token:
    """One word of the text; `kind` is the group's name in `TOKEN`, or `end`."""

    kind: str
    text: str
    start: int
    line: int


def parse(text: str) -> Document:
    """Read one JSON value. Raises BadJson; a key written twice is an error."""
    tokens = list(_tokens(text))
    comments = tuple((t.start, t.start + len(t.text)) for t in tokens if t.kind == "comment")
    reader = _Reader([token for token in tokens if token.kind != "comment"])
    return Document(text, reader.read_all(), comments)


def _tokens(text: str) -> Iterator[Token]:
    at, line = 0, 1
    while at < len(text):
        match = TOKEN.match(text, at)
        if not match or not match.lastgroup:
            raise BadJson(line, _unreadable(text, at))
        if match.lastgroup != "space":
            yield Token(match.lastgroup, match.group(), at, line)
        line += match.group().count("\n")
        at = match.end()
    yield Token("end", "", at, line)


def _unreadable(text: str, at: int) -> str:
    if text.startswith("/*", at):
        return "this comment has no closing */"
    if text[at] == '"':
        return 'this " has no closing " on the same line'
    if text[at] == "'":
        return "text is written in double quotes, not in single ones"
    return f"there is no place for {text[at]!r} here"


class _Reader:
    """Recursive descent over the tokens, of which the last is `end`."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def read_all(self) -> Node:
        """The one value of the text. Raises BadJson."""
        root = self._value(0)
        if self._peek.kind != "end":
            raise BadJson(self._peek.line, "nothing may follow after the end of the first value")
        return root

    @property
    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._peek
        self._at += 1
        return token

    def _value(self, depth: int, line: int = 0) -> Node:
        """`line` is the key's, where there is one."""
        if depth > MAX_DEPTH:
            raise BadJson(self._peek.line, f"nested deeper than {MAX_DEPTH} levels")
        if self._peek.kind == "end":
            raise BadJson(self._peek.line, "the text ends where a value should stand")
        first = self._take()
        value: Scalar | list[Node] | dict[str, Node]
        if first.text == "{":
            value = self._members(first, depth)
        elif first.text == "[":
            value = self._items(first, depth)
        else:
            value = _scalar(first)
        last = self._tokens[self._at - 1]
        return Node(value, line or first.line, first.start, last.start + len(last.text))

    def _members(self, opening: Token, depth: int) -> dict[str, Node]:
        members: dict[str, Node] = {}
        while self._peek.text != "}":
            token = self._take()
            if token.kind == "end":
                raise BadJson(token.line, f"the {{ of line {opening.line} is never closed")
            if token.kind != "string":
                raise BadJson(token.line, 'a key in double quotes has to stand here, as "relay"')
            key = str(_scalar(token))
            if key in members:
                raise BadJson(token.line, f'"{key}" stands here again, first on line {members[key].line}')
            if self._take().text != ":":
                raise BadJson(token.line, f'a : has to follow "{key}"')
            members[key] = self._value(depth + 1, token.line)
            self._separate(opening, "}")
        self._take()
        return members

    def _items(self, opening: Token, depth: int) -> list[Node]:
        items: list[Node] = []
        while self._peek.text != "]":
            if self._peek.kind == "end":
                raise BadJson(self._peek.line, f"the [ of line {opening.line} is never closed")
            items.append(self._value(depth + 1))
            self._separate(opening, "]")
        self._take()
        return items

    def _separate(self, opening: Token, closing: str) -> None:
        """Take the comma; a missing one is reported on the line it is missing from."""
        if self._peek.text == ",":
            self._take()
        elif self._peek.kind == "end":
            raise BadJson(self._peek.line, f"the {opening.text} of line {opening.line} is never closed")
        elif self._peek.text != closing:
            raise BadJson(self._tokens[self._at - 1].line, f"a , or {closing} is missing after this value")


def _scalar(token: Token) -> Scalar:
    if token.kind == "word" and token.text in WORDS:
        return WORDS[token.text]
    if token.kind == "string":
        return _text(token)
    if token.kind == "number":
        return _number(token)
    raise BadJson(token.line, 'a value has to stand here: "text" in double quotes, a number, true or false')


def _text(token: Token) -> str:
    try:
        value = json.loads(token.text, strict=False)
        value.encode()  # a lone surrogate could not be written anywhere
    except ValueError as wrong:
        raise BadJson(token.line, "this text holds a \\ escape that means nothing") from wrong
    return str(value)


def _number(token: Token) -> int | float:
    try:
        number = json.loads(token.text)
    except ValueError as wrong:
        raise BadJson(token.line, "this is no number; units are not written, text is quoted") from wrong
    return number if isinstance(number, int) else float(number)
