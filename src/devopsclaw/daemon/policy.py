"""What the owner of a machine forbids, whoever signs it: the rules of a policy file. They may only refuse.

    refuse: [reboot, 'rm\\s+-r']          a word that stands alone, or a regular expression found anywhere
    allow_only: ['systemctl status .*']   nothing else runs; each has to match the whole command line
    users: [ada, ci]                      only what these people asked for
    no_model: true                        nothing that a model asked for
    read_only: true                       only what was approved as a read
    max_timeout: 10m                      nothing that may run longer

Who asked and what was approved is the controller's signed word. Not here: the file itself (policy_file).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from devopsclaw.daemon.effects import Rejected
from devopsclaw.model.duration import seconds
from devopsclaw.model.errors import BadParams
from devopsclaw.model.risk import Effect
from devopsclaw.wire.offer import Offer

if TYPE_CHECKING:
    from yaml import SafeLoader
    from yaml.nodes import Node

PLAIN_WORD = re.compile(r"[\w-]+")
SHOWN = 80
"""Characters of a rule that a refusal quotes."""
MODEL = "model"
"""The door of a model, as the controller names it."""


class BrokenPolicy(ValueError):
    """The text is no policy; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A word or an expression, as it is written and as it is looked for."""

    text: str
    compiled: re.Pattern[str]

    @classmethod
    def of(cls, text: str) -> Pattern:
        """Raises ValueError for what is neither."""
        try:
            is_word = PLAIN_WORD.fullmatch(text)
            return cls(text, re.compile(rf"(?<![\w-]){text}(?![\w-])" if is_word else text))
        except re.error as wrong:
            raise ValueError(f"{text[:SHOWN]!r} is no regular expression: {wrong}") from wrong


@dataclass(frozen=True, slots=True)
class Rules:
    """All that is forbidden. None: that rule is not there."""

    refuse: tuple[Pattern, ...] = ()
    allow_only: tuple[Pattern, ...] | None = None
    users: tuple[str, ...] | None = None
    no_model: bool = False
    read_only: bool = False
    max_timeout: float | None = None

    def check(self, offer: Offer) -> None:
        """Raises Rejected with the rule that forbids it."""
        envelope, params = offer.envelope, offer.work.params
        for pattern in self.refuse:
            if pattern.compiled.search(params.command):
                raise _forbidden(f"no command with {pattern.text[:SHOWN]}")
        if self.allow_only is not None:
            self._require_listed(self.allow_only, params.command)
        if self.users is not None and envelope.user not in self.users:
            raise _forbidden(f"nothing that {envelope.user or 'nobody'} asked for")
        if self.no_model and envelope.via == MODEL:
            raise _forbidden("nothing that a model asked for")
        if self.read_only and envelope.effect is not Effect.READ:
            raise _forbidden(f"only what reads, and this was approved as {envelope.effect}")
        if self.max_timeout is not None and (params.timeout is None or params.timeout > self.max_timeout):
            raise _forbidden(f"nothing that may run longer than {self.max_timeout:g} s")

    def _require_listed(self, listed: tuple[Pattern, ...], command: str) -> None:
        if not any(each.compiled.fullmatch(command) for each in listed):
            raise _forbidden("only the commands that it lists")


def parse(text: str) -> Rules:
    """The rules of a policy file. Raises BrokenPolicy, with the line of what is wrong."""
    import yaml  # a machine without a policy does not pay for it

    try:
        return Rules(**_found(yaml.SafeLoader(text)))
    except yaml.YAMLError as wrong:
        mark = getattr(wrong, "problem_mark", None)
        where = f"line {mark.line + 1}: " if mark else ""
        raise BrokenPolicy(f"{where}{getattr(wrong, 'problem', None) or 'it is no YAML'}") from wrong


def _found(loader: SafeLoader) -> dict[str, Any]:
    """What each rule says, by its name."""
    from yaml.nodes import MappingNode

    root = loader.get_single_node()
    found: dict[str, Any] = {}
    if root is None:
        return found
    if not isinstance(root, MappingNode):
        raise _broken(root, "it is no list of rules, as `refuse: [reboot]`")
    for key, value in root.value:
        name = str(loader.construct_object(key, deep=True))
        if name not in READERS:
            raise _broken(key, f"there is no rule {name[:SHOWN]}; there are {', '.join(READERS)}")
        if name in found:
            raise _broken(key, f"{name} stands there twice")
        found[name] = _read(name, value, loader.construct_object(value, deep=True))
    return found


def _read(name: str, node: Node, value: object) -> object:
    try:
        return READERS[name](value)
    except (ValueError, BadParams) as wrong:
        why = wrong.message if isinstance(wrong, BadParams) else str(wrong)
        raise _broken(node, f"{name}: {why}") from wrong


def _patterns(value: object) -> tuple[Pattern, ...]:
    return tuple(Pattern.of(each) for each in _words(value))


def _words(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise ValueError("a list of words is wanted, in quotes where YAML reads them otherwise")
    return tuple(value)


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false is wanted")
    return value


def _length(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("a length of time is wanted, as 10m")
    return seconds(str(value), "the timeout")


READERS: Mapping[str, Callable[[object], object]] = {
    "refuse": _patterns,
    "allow_only": _patterns,
    "users": _words,
    "no_model": _switch,
    "read_only": _switch,
    "max_timeout": _length,
}


def _forbidden(what: str) -> Rejected:
    return Rejected("policy", f"this node's policy allows {what}")


def _broken(node: Node, why: str) -> BrokenPolicy:
    return BrokenPolicy(f"line {node.start_mark.line + 1}: {why}")
