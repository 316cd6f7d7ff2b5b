"""How keys are written, and which of them act right now: what help, palette and footer are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import key_to_character
from textual.screen import Screen

from devopsclaw.widgets.field import Field
from devopsclaw.widgets.prompt import Prompt

NAMES = {"slash": "/", "escape": "Esc", "pageup": "PgUp", "pagedown": "PgDn", "space": "Space", "minus": "-"}


@dataclass(frozen=True, slots=True)
class KeyAction:
    """One action that has a key here. `operation` is what it calls, `node` where the action lives."""

    keys: tuple[str, ...]
    label: str
    action: str
    operation: str
    node: DOMNode
    is_shown: bool
    place: str
    """`here` for the screen and its widgets, `everywhere` for the console."""


def key_name(key: str) -> str:
    """The key as people write it: `Ctrl+L`, `Enter`, `?`."""
    if key in NAMES:
        return NAMES[key]
    *modifiers, last = key.split("+")
    character = key_to_character(last)
    name = character if character and character.isprintable() else last.capitalize()
    if modifiers:
        return "+".join(
            [*(each.capitalize() for each in modifiers), name.upper() if len(name) == 1 else name]
        )
    return name


def key_actions(screen: Screen[Any]) -> list[KeyAction]:
    """The actions that work on this screen now: those shown below it first; twins of a key together."""
    found: dict[tuple[int, str], KeyAction] = {}
    is_typing = isinstance(screen.focused, Field)
    question = screen.focused if isinstance(screen.focused, Prompt) else None
    for active in screen.active_bindings.values():
        binding = active.binding
        if is_typing and len(key_name(binding.key)) == 1:
            continue
        if question is not None and not question.lets(binding.key):
            continue
        # Only our own bindings have ids: what Textual brings along for editing is not an action of ours.
        if not binding.id or not active.enabled:
            continue
        named = (id(active.node), binding.action)
        before = found.get(named)
        found[named] = _joined(before, binding, active.node)
    return sorted(found.values(), key=lambda each: (each.place != "here", not each.is_shown))


def _joined(before: KeyAction | None, binding: Binding, node: DOMNode) -> KeyAction:
    keys = (*(before.keys if before else ()), key_name(binding.key))
    return KeyAction(
        keys,
        binding.description,
        binding.action,
        binding.tooltip,
        node,
        binding.show,
        "everywhere" if isinstance(node, App) else "here",
    )
