"""The smallest parts of target expressions: each function makes one of a word, or raises Misused."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from ipaddress import ip_network

from devopsclaw.fleet.expression import (
    Addressed,
    Atom,
    Compared,
    Comparison,
    Condition,
    Everyone,
    Grouped,
    Has,
    Named,
    Outcome,
    Ran,
    Standing,
)
from devopsclaw.fleet.labels import RESERVED, is_bare, valid_key, valid_name
from devopsclaw.fleet.pattern import compile_pattern
from devopsclaw.model.errors import BadTarget
from devopsclaw.model.nodeset import unfold

_BRACKET = re.compile(r"\[[^\[\]]*\]")
_NAME = re.compile(r"[A-Za-z0-9_*?.-]*")
_RUN = re.compile(r"last|[A-Z]-\d{1,9}", re.ASCII)


def named(word: str) -> Atom:
    """`all`, `@group`, or nodes by name, glob or folded range."""
    if word == "all":
        return Everyone()
    if word.startswith("@"):
        return Grouped(valid_name(word[1:]))
    if word in RESERVED:
        raise BadTarget(f"expected a target, found `{word}`")
    ranged = "[" in word
    if not _NAME.fullmatch(_BRACKET.sub("", word)):
        raise BadTarget(f"{word!r} is no name of a node", hint="a name has only A-Z a-z 0-9 . _ -")
    if ranged and ("*" in word or "?" in word):
        raise BadTarget(f"{word} mixes a range and a glob", hint="write web[1-3] or web*, or /web[1-3].*/")
    if ranged:
        unfold(word)
    return Named(word)


def prefixed(word: str) -> Atom:
    """An atom that begins with `env:`, `has:`, `ip:`, `run:` or `state:`."""
    prefix, _, rest = word.partition(":")
    if prefix not in _PREFIXES:
        raise BadTarget(f"unknown prefix `{prefix}:`", hint=_meant(prefix, _PREFIXES))
    return _PREFIXES[prefix](rest)


def number(text: str) -> float:
    """A finite number, as `>=` compares it."""
    try:
        value = float(text)
    except ValueError as wrong:
        raise BadTarget(f"`>=` compares numbers, and {text!r} is none") from wrong
    if not math.isfinite(value):
        raise BadTarget(f"`>=` compares finite numbers, not {text!r}")
    return value


def pattern(text: str) -> str:
    """The same regular expression, once it is known that it can be used."""
    return compile_pattern(text).pattern


def _environment(value: str) -> Atom:
    if not is_bare(value):
        raise BadTarget(f"{value!r} is no environment", hint="as env:prod; for a pattern write env~/prod.*/")
    return Compared("env", Comparison.EQUAL, value)


def _has(key: str) -> Atom:
    return Has(valid_key(key))


def _network(written: str) -> Atom:
    try:
        return Addressed(str(ip_network(written, strict=False)))
    except ValueError as wrong:
        raise BadTarget(f"{written!r} is no network", hint="as ip:10.0.0.0/8 or ip:10.0.1.10") from wrong


def _condition(word: str) -> Atom:
    if word not in set(Condition):
        raise BadTarget(f"a node is never {word!r}", hint=_meant(word, Condition))
    return Standing(Condition(word))


def _outcome(rest: str) -> Atom:
    run, _, word = rest.partition(":")
    if not _RUN.fullmatch(run):
        raise BadTarget(f"{run!r} is no run", hint="as run:X-31:failed or run:last:failed")
    if word not in set(Outcome):
        raise BadTarget(f"no node of a run can be chosen by {word!r}", hint=_meant(word, Outcome))
    return Ran(run, Outcome(word))


_PREFIXES: dict[str, Callable[[str], Atom]] = {
    "env": _environment,
    "has": _has,
    "ip": _network,
    "run": _outcome,
    "state": _condition,
}


def _meant(word: str, known: Iterable[str]) -> str:
    """The nearest of the known words, else all of them."""
    words = sorted(known)
    near = get_close_matches(word, words, 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(words)}"
