"""Keys, panes and the palette: each does something that exists, and none is a key that is not ours."""

from __future__ import annotations

import ast
import inspect
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import pytest
from tests.architecture.source_tree import Module, calls, modules
from tests.architecture.test_readme import understood, words_of
from textual.actions import parse
from textual.app import App
from textual.binding import Binding
from textual.screen import Screen
from textual.widget import Widget

from devopsclaw import ops
from devopsclaw.app import Console
from devopsclaw.core.operation import Operation
from devopsclaw.core.registry import discover
from devopsclaw.screens.base import PANES, Frame
from devopsclaw.screens.desk import CoreHandle

DRAWS = frozenset({"app", "palette", "console", "screens", "widgets"})

Owner = type[Any]
"""A class that binds keys."""

RESERVED = frozenset(
    {
        *("ctrl+a", "ctrl+b"),  # prefixes of screen and tmux
        *("ctrl+s", "ctrl+q"),  # flow control of serial lines and jump hosts
        "ctrl+backslash",  # SIGQUIT
        *("ctrl+h", "ctrl+i", "ctrl+m", "ctrl+left_square_bracket"),  # Backspace, Tab, Enter, Esc
        *("shift+enter", "ctrl+enter"),  # tmux does not deliver them by default
        *("f1", "f10", "f11"),  # eaten by terminal emulators
    }
)
NEVER = re.compile(r"^(alt|ctrl\+shift|meta|super|hyper)\+")
"""A slow link splits what begins with ESC, and few terminals tell the others apart."""

ONE_MEANING = {"ctrl+z": "suspend_process", "ctrl+c": "interrupt", "shift+tab": "step(-1)"}
"""Keys whose meaning people bring along; they may be bound to that and to nothing else."""

NUMBERS = {"1": "Chat", "2": "Fleet", "3": "Deploy", "4": "Runbook", "5": "Audit"}
"""Final, design §14.5; those that do not exist yet have no key."""


def pictures() -> Iterator[tuple[Module, ModuleType]]:
    """Every module that draws: its source, and itself."""
    for module in modules():
        if module.component in DRAWS:
            yield module, import_module(module.name)


@cache
def owners() -> tuple[Owner, ...]:
    """Every class of ours that binds keys of its own."""
    return tuple(
        each
        for module, loaded in pictures()
        for each in vars(loaded).values()
        if isinstance(each, type) and each.__module__ == module.name and "BINDINGS" in vars(each)
    )


def bindings() -> Iterator[tuple[Owner, Any]]:
    """Every binding, with the class that has it."""
    for owner in owners():
        yield from ((owner, binding) for binding in vars(owner)["BINDINGS"])


def keys(owner: Owner) -> list[str]:
    """The keys that this class and those of ours above it bind."""
    ours = [each for each in owner.__mro__ if each in owners()]
    return [key for each in ours for binding in vars(each)["BINDINGS"] for key in split(binding.key)]


def split(key: str) -> list[str]:
    """The single keys of a binding."""
    return [each.strip() for each in key.split(",")]


EACH = [pytest.param(owner, binding, id=f"{owner.__name__}-{binding.id}") for owner, binding in bindings()]
each = pytest.mark.parametrize(("owner", "binding"), EACH)
each_owner = pytest.mark.parametrize("owner", owners(), ids=lambda owner: owner.__name__)
each_frame = pytest.mark.parametrize(
    "owner", [owner for owner in owners() if issubclass(owner, Frame)], ids=lambda owner: owner.__name__
)


def test_the_walk_finds_the_console_its_palette_its_screens_and_its_widgets() -> None:
    found = {owner.__module__.split(".")[1] for owner in owners()}
    frames = {each for _, loaded in pictures() for each in vars(loaded).values() if inspect.isclass(each)}
    silent = {each for each in frames if issubclass(each, Frame) and each is not Frame} - set(owners())

    assert found == {"app", "palette", "screens", "widgets"}
    assert silent == set(), "a screen without a single key cannot even be left"


def test_keys_are_bound_in_bindings_and_nowhere_else() -> None:
    elsewhere = [
        f"{module.path}:{call.lineno}"
        for module, _ in pictures()
        for call in calls(module.tree)
        if isinstance(call.func, ast.Attribute) and call.func.attr in ("bind", "set_keymap", "update_keymap")
    ]

    assert elsewhere == []


@each
def test_a_key_has_an_id_and_says_what_it_does(owner: Owner, binding: Any) -> None:
    assert isinstance(binding, Binding)
    assert re.fullmatch(r"[a-z]+\.[a-z_]+", binding.id or "")
    assert binding.description and binding.description == binding.description.strip()


def test_no_two_actions_have_the_same_id() -> None:
    counted = Counter(binding.id for _, binding in bindings())

    assert [each for each, count in counted.items() if count > 1] == []


@each
def test_no_key_is_one_that_terminals_keep_for_themselves(owner: Owner, binding: Any) -> None:
    wrong = [key for key in split(binding.key) if key in RESERVED or NEVER.match(key)]
    taken = [key for key in split(binding.key) if ONE_MEANING.get(key, binding.action) != binding.action]

    assert wrong + taken == []


@each
def test_behind_a_key_is_an_action_that_takes_what_it_is_given(owner: Owner, binding: Any) -> None:
    place, name, given = parse(binding.action)

    action = getattr(owner, f"action_{name}", None)
    assert place == "" and action is not None, f"{owner.__name__} has no action_{name}"
    inspect.signature(action).bind(owner, *given)


@each
def test_the_operation_that_a_key_names_is_one_that_people_have(owner: Owner, binding: Any) -> None:
    """Help and palette show it, so it has to be what they can type and be granted, too."""
    have = {operation.name for operation in discover(ops, Operation) if not operation.remote}

    assert binding.tooltip == "" or binding.tooltip in have


def test_help_and_palette_are_made_of_the_bindings_alone() -> None:
    made = {
        module.path
        for module, _ in pictures()
        for call in calls(module.tree)
        if isinstance(call.func, ast.Name) and call.func.id == "KeyAction"
    }

    assert made == {"screens/keys.py"}


@each_owner
def test_a_key_does_one_thing_in_one_place(owner: Owner) -> None:
    assert [key for key, count in Counter(keys(owner)).items() if count > 1] == []


@each_frame
def test_no_screen_takes_a_key_from_its_own_widgets_or_from_the_console(owner: Owner) -> None:
    """The focused widget is asked first, the console last: a key bound twice is dead in one of them."""
    used = [
        each
        for each in vars(import_module(owner.__module__)).values()
        if inspect.isclass(each) and issubclass(each, Widget) and not issubclass(each, Screen)
    ]
    below = {key for each in used for key in keys(each)}

    assert set(keys(owner)) & below == set()
    assert set(keys(owner)) & set(keys(Console)) == set()


async def no_core() -> CoreHandle:
    """Never asked for."""
    raise AssertionError


def test_every_pane_has_its_final_number_its_key_and_a_screen() -> None:
    bound = {
        (key, parse(binding.action)[2][0])
        for binding in vars(Console)["BINDINGS"]
        if parse(binding.action)[1] == "pane"
        for key in split(binding.key)
    }
    console: App[int] = Console(no_core)

    assert bound == {(key, mode) for key, mode, _ in PANES}
    assert {mode for _, mode, _ in PANES} == set(console._modes) - {"_default"}
    assert [(key, word) for key, _, word in PANES if NUMBERS.get(key) != word] == []


def told() -> Iterator[str]:
    """Every command line of ours that a picture tells a person to type."""
    for module, _ in pictures():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield from re.findall(r"\bdevopsclaw (?:[a-z-]+ )*--?[a-z].*", node.value)


@pytest.mark.parametrize("line", sorted(set(told())))
def test_a_command_line_that_the_console_names_is_understood(line: str) -> None:
    assert understood(words_of(line))
