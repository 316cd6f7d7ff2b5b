"""Reads target expressions: text in, a tree of fleet/expression out. It knows no nodes.

expr  := both {("or" | "|") both}      both  := unary {("and" | "&") unary}
unary := ("not" | "!") unary | slice   slice := (atom | "(" expr ")") {"[" start ":" stop "]"}
atom  := all | name | glob* | name[01-20] | /regex/ | @group | ip:CIDR | state:WORD | run:ID:OUTCOME
       | env:VALUE | has:KEY | KEY=VALUE | KEY!=VALUE | KEY~REGEX | KEY>=NUMBER | KEY in (VALUE,VALUE)
"""

from __future__ import annotations

import re

from devopsclaw.fleet.atoms import named, number, pattern, prefixed
from devopsclaw.fleet.expression import (
    And,
    Compared,
    Comparison,
    Expression,
    NameMatches,
    Not,
    OneOf,
    Or,
    Sliced,
    ValueMatches,
)
from devopsclaw.fleet.labels import valid_key
from devopsclaw.fleet.scanner import Scanner

MAX_DEPTH = 50
"""Parentheses and `not` inside one another; far more than a person can read."""

_END = r"(?![A-Za-z0-9_.:%+*?\[-])"
_AND, _OR, _NOT = (re.compile(rule) for rule in (rf"&|and{_END}", rf"\||or{_END}", rf"!(?!=)|not{_END}"))
_WORD = re.compile(r"(?:[A-Za-z0-9_.*?:@%+/-]|\[[^\[\]:]*\])+")
_OPERATOR = re.compile(r"!=|>=|=|~|in(?=\s*\()")
_REGEX = re.compile(r"/((?:\\.|[^\\/])*)/", re.DOTALL)
_BARE_REGEX = re.compile(r"[A-Za-z0-9_.:@%+*?^$\\-]+")
_VALUE = re.compile(r'[A-Za-z0-9_.:@%+/-]+|"(?P<quoted>(?:\\.|[^\\"])*)"', re.DOTALL)
_SLICE = re.compile(r"\[\s*(-?\d{1,9})?\s*:\s*(-?\d{1,9})?\s*\]", re.ASCII)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_COMMA = "write `or` between targets for either, `and` for both"


def parse(text: str, origin: str = "target") -> Expression:
    """The expression; raises BadTarget that points at the column. `origin` names the option in errors."""
    return _Parser(Scanner(text, origin)).whole()


class _Parser:
    """Recursive descent: each method reads one rule of the grammar."""

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner
        self._depth = 0

    def whole(self) -> Expression:
        """The expression, with nothing behind it."""
        expression = self._either()
        found = self._scanner.next
        if found == "[":
            raise self._scanner.error("a slice has a colon", hint="as (role=web)[0:3], for the first three")
        if found:
            raise self._scanner.error(f"expected `and` or `or`, found {found!r}", hint=_COMMA)
        return expression

    def _either(self) -> Expression:
        parts = [self._both()]
        while self._scanner.take(_OR):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else Or(tuple(parts))

    def _both(self) -> Expression:
        parts = [self._unary()]
        while self._scanner.take(_AND):
            parts.append(self._unary())
        return parts[0] if len(parts) == 1 else And(tuple(parts))

    def _unary(self) -> Expression:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise self._scanner.error(f"more than {MAX_DEPTH} parentheses and `not` inside one another")
        negated = self._scanner.take(_NOT)
        expression = Not(self._unary()) if negated else self._sliced()
        self._depth -= 1
        return expression

    def _sliced(self) -> Expression:
        expression = self._primary()
        while bounds := self._scanner.take(_SLICE):
            start, stop = (None if bound is None else int(bound) for bound in bounds.groups())
            expression = Sliced(expression, start, stop)
        return expression

    def _primary(self) -> Expression:
        if self._scanner.skip("("):
            inner = self._either()
            self._close("expected `and`, `or` or a closing parenthesis")
            return inner
        if self._scanner.next == "/":
            return NameMatches(self._pattern())
        return self._atom()

    def _atom(self) -> Expression:
        start = self._scanner.place
        word = self._scanner.take(_WORD)
        if not word:
            found = self._scanner.next
            hint = _COMMA if found == "," else "as web*, role=web, @group, or all for every node"
            raise self._scanner.error(
                f"expected a target, found {found!r}" if found else "expected a target", hint=hint
            )
        operator = self._scanner.take(_OPERATOR)
        if operator:
            self._scanner.checked(start, valid_key, word[0])
            return self._comparison(word[0], operator[0])
        return self._scanner.checked(start, prefixed if ":" in word[0] else named, word[0])

    def _comparison(self, key: str, operator: str) -> Expression:
        if operator == "~":
            return ValueMatches(key, self._pattern())
        if operator == "in":
            return OneOf(key, self._values())
        start = self._scanner.place
        value = self._value()
        if operator == Comparison.AT_LEAST:
            self._scanner.checked(start, number, value)
        return Compared(key, Comparison(operator), value)

    def _values(self) -> tuple[str, ...]:
        """The values of `in (…)`; the operator has seen that the parenthesis is there."""
        self._scanner.skip("(")
        values = [self._value()]
        while self._scanner.skip(","):
            values.append(self._value())
        self._close("expected a comma or a closing parenthesis")
        return tuple(values)

    def _value(self) -> str:
        found = self._scanner.take(_VALUE)
        if self._scanner.next in {"*", "?"}:
            raise self._scanner.error(
                "values are compared as they stand", hint="for a pattern write key~/web.*/"
            )
        if not found:
            raise self._scanner.error("expected a value", hint='as web, or "Debian GNU/Linux" with spaces')
        quoted = found["quoted"]
        return found[0] if quoted is None else _ESCAPED.sub(r"\1", quoted)

    def _pattern(self) -> str:
        """A regular expression between slashes; after `~` a simple one also without."""
        start = self._scanner.place
        if found := self._scanner.take(_REGEX):
            text = _ESCAPED.sub(lambda pair: "/" if pair[1] == "/" else pair[0], found[1])
        elif found := self._scanner.take(_BARE_REGEX):
            text = found[0]
        else:
            raise self._scanner.error("expected a regular expression between slashes", hint="as name~/web.*/")
        return self._scanner.checked(start, pattern, text)

    def _close(self, otherwise: str) -> None:
        if not self._scanner.skip(")"):
            raise self._scanner.error(otherwise)
