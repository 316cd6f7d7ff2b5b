"""One mark and one colour for each word of state. A state is always mark and word; colour only adds."""

from __future__ import annotations

_MARKS: dict[str, tuple[str, str, str]] = {
    "good": ("●", "+", "32"),
    "moving": ("◌", ".", "36"),
    "warned": ("▲", "!", "33"),
    "bad": ("✖", "x", "31"),
    "put aside": ("◇", "d", "33"),
    "not known": ("?", "?", "35"),
}
"""Kind → mark, mark in ASCII, ANSI colour (SGR code)."""

_KINDS: dict[str, str] = {
    **dict.fromkeys(("ok", "online", "connected", "whole"), "good"),
    **dict.fromkeys(("planned", "pending", "queued", "sent", "running", "connecting"), "moving"),
    **dict.fromkeys(("late", "waiting", "unclaimed", "none", "cancelled", "skipped"), "warned"),
    **dict.fromkeys(("failed", "timed_out", "killed", "denied", "unreachable", "expired"), "bad"),
    **dict.fromkeys(("offline", "lost", "quarantined", "broken"), "bad"),
    **dict.fromkeys(("drained", "locked"), "put aside"),
    "unknown": "not known",
}


def is_state(word: str) -> bool:
    """Whether the word is a state that has a mark."""
    return word in _KINDS


def marked(word: str, *, ascii_only: bool, colored: bool) -> str:
    """The word behind its mark, as `● ok`; a word without a mark as it is."""
    if word not in _KINDS:
        return word
    mark, plain, color = _MARKS[_KINDS[word]]
    text = f"{plain if ascii_only else mark} {word}"
    return f"\x1b[{color}m{text}\x1b[0m" if colored else text
