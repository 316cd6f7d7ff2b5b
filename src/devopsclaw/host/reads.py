"""Which command lines only look, by `data/reads.yaml`. Whatever is not understood is no read."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from devopsclaw.host.rules import load
from devopsclaw.host.words import program_of

META = frozenset(";&|<>`$(){}[]*?~\\#!")
"""What may make a shell do more than start one program with these words, quoted or not."""

TRUSTED = frozenset({"", "/bin/", "/usr/bin/", "/sbin/", "/usr/sbin/"})
"""Folders whose programs are what their names say."""


def is_plain(command: str) -> bool:
    """Whether a shell does nothing with this text but split it into words."""
    return not META.intersection(command) and all(each.isprintable() or each == "\t" for each in command)


def is_read(command: str) -> bool:
    """Whether this is one program, called in a way that only looks; `sudo` in front is seen through."""
    if not is_plain(command):
        return False
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    return are_read([word for word in words[:1] if word != "sudo"] + words[1:])


def are_read(words: Sequence[str]) -> bool:
    """The same for words that are separate already."""
    if not words or words[0].removesuffix(program_of(words[0])) not in TRUSTED:
        return False
    name = program_of(words[0])
    rules = load("reads.yaml")
    rule = rules["programs"].get(name)
    return name in rules["any"] or (rule is not None and Usage(rule).allows(words[1:]))


class Usage:
    """One program or sub-command: see the head of `data/reads.yaml` for what a rule may say."""

    def __init__(self, rule: Mapping[str, Any]) -> None:
        self._rule = rule
        self._options = rule.get("options", [])
        self._values = rule.get("values", [])
        self._seen: set[str] = set()
        self._operands: list[str] = []

    def allows(self, words: Sequence[str]) -> bool:
        """Whether the program only looks when it is called with these words."""
        rest = list(words)
        while rest:
            word = rest.pop(0)
            if word == "--":
                self._operands += rest
                break
            if self._is_option(word):
                if not self._takes(word, rest):
                    return False
            elif "commands" in self._rule:
                return self._allows_command(word, rest)
            else:
                self._operands.append(word)
        return self._is_complete()

    def _is_option(self, word: str) -> bool:
        if not word.startswith("-") or word == "-":
            return False
        return not (self._rule.get("exact") and word not in self._options and self._fits(word))

    def _takes(self, word: str, rest: list[str]) -> bool:
        """Whether this option is known; its value is taken off `rest`."""
        name = word.partition("=")[0] if word.startswith("--") else word
        if self._options == "any":
            return True
        if name in self._options:
            self._seen.add(name)
            if name in self._values and "=" not in word:
                del rest[:1]
            return True
        is_cluster = not word.startswith("--") and not self._rule.get("exact")
        return is_cluster and self._takes_cluster(word[1:], rest)

    def _takes_cluster(self, letters: str, rest: list[str]) -> bool:
        """`-abc`; an option with a value takes the remaining letters, or the next word."""
        for place, letter in enumerate(letters, 1):
            option, value = f"-{letter}", letters[place:]
            if option not in self._options:
                return False
            self._seen.add(option)
            if option in self._values:
                if not value:
                    del rest[:1]
                return True
            if value.isdigit():
                return True
        return True

    def _allows_command(self, name: str, rest: list[str]) -> bool:
        rule = self._rule["commands"].get(name)
        return rule is not None and Usage(rule).allows(rest)

    def _is_complete(self) -> bool:
        if "commands" in self._rule:
            return self._rule.get("bare", True) and not self._operands
        if "needs" in self._rule and not self._seen.intersection(self._rule["needs"]):
            return False
        if len(self._operands) > self._rule.get("most", len(self._operands)):
            return False
        return all(self._fits(operand) for operand in self._operands)

    def _fits(self, operand: str) -> bool:
        pattern = self._rule.get("operands")
        return pattern is not None and re.fullmatch(pattern, operand) is not None
