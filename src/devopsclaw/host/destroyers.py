"""Which command lines destroy, by `data/destroyers.yaml`; and which are refused to everyone.

Programs are looked for where a shell would start them, and after every program that starts others
(`sudo`, `xargs`, `sh -c`). Where a shell reads its text from somewhere, at every word.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from posixpath import normpath

from devopsclaw.host.rules import load
from devopsclaw.host.words import program_of, simple_commands

DEPTH = 4
"""Texts within texts that are looked into, as `sh -c "sudo sh -c '…'"`; deeper is not found."""

HAS_COMMAND = re.compile(r"[\s;]")
"""A single word that a shell may take for a whole command with arguments."""


def destroyer_in(command: str) -> str:
    """The name of the first thing in it that destroys, as `rm`; empty where nothing does."""
    rules = load("destroyers.yaml")
    for words in candidates(command):
        pattern = rules["destroyers"].get(_name(words[0]))
        if pattern is not None and re.search(pattern, " ".join(words[1:])):
            return _name(words[0])
    redirected = any(re.search(pattern, command) for pattern in rules["redirections"])
    return "a redirection" if redirected else ""


def refusal_of(command: str) -> str:
    """Why nobody may run this; empty where somebody may."""
    rules = load("destroyers.yaml")
    if re.search(rules["refused_redirection"], command):
        return "it overwrites a whole block device"
    for words in candidates(command):
        for rule in rules["refused"]:
            if _name(words[0]) in rule["programs"] and _is_refused(rule, words[1:]):
                return str(rule["why"])
    return ""


def candidates(command: str, depth: int = DEPTH) -> Iterator[list[str]]:
    """Words that may be started as a program with its arguments, each at least one word long."""
    commands = simple_commands(command)
    rules = load("destroyers.yaml")
    wrappers = set(rules["wrappers"])
    starts = [words if program_of(words[0]) in wrappers else words[:1] for words in commands]
    is_fed = any(program_of(word) in rules["shells"] for words in starts for word in words)
    for words, start in zip(commands, starts, strict=True):
        yield words
        if is_fed or len(start) > 1 or "-exec" in words:
            yield from (words[place:] for place in range(1, len(words)))
        if depth and is_fed:
            for text in filter(HAS_COMMAND.search, words):
                yield from candidates(text, depth - 1)


def _name(word: str) -> str:
    """The program's name; `mkfs.ext4` is `mkfs`."""
    name = program_of(word)
    return "mkfs" if name.startswith("mkfs.") else name


def _is_refused(rule: dict[str, str], words: Sequence[str]) -> bool:
    if not re.search(rule["needs"], " ".join(words)):
        return False
    operands = [_path(word) for word in words if not word.startswith("-")]
    return any(re.search(rule["operand"], each) for each in operands)


def _path(word: str) -> str:
    """A path without detours, so that `/./` and `/tmp/..` are the root they are."""
    return normpath(word) if word.startswith("/") else word
