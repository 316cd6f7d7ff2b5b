"""The signs of the console and their ASCII stand-ins. Each is one cell wide; none stands without its word.

Not here: colours, which are the theme's, and words, which are `model.state`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from devopsclaw.model.state import LIVE, Link, State


@dataclass(frozen=True, slots=True)
class Glyphs:
    """One set of signs. `ellipsis` ends text that was cut."""

    ok: str
    running: str
    warn: str
    failed: str
    drained: str
    unknown: str
    needs_you: str
    folded: str
    open: str
    bar: str
    wrapped: str
    rule: str
    upright: str
    ellipsis: str


UNICODE = Glyphs("●", "◌", "▲", "✖", "◇", "?", "⚑", "▸", "▾", "│", "┆", "─", "│", "…")
ASCII = Glyphs("+", ".", "!", "x", "d", "?", "*", ">", "v", "|", ":", "-", "|", "~")

AMBIGUOUS = ("zh", "ja", "ko")
"""In these locales terminals draw signs of ambiguous width (Unicode annex 11) two cells wide."""


def glyphs_for(environment: Mapping[str, str]) -> Glyphs:
    """The set this terminal can draw, by its locale and kind.

    Python coerces the C locale by setting LC_CTYPE to C.UTF-8 (PEP 538), which says nothing about the
    terminal; then LANG decides.
    """
    ctype = environment.get("LC_CTYPE", "")
    coerced = "" if ctype in ("C.UTF-8", "C.utf8", "UTF-8") else ctype
    locale = (environment.get("LC_ALL") or coerced or environment.get("LANG") or "").lower()
    is_utf8 = "utf-8" in locale or "utf8" in locale
    # The Linux console's fonts lack most of these signs whatever the locale says.
    is_poor = environment.get("TERM") in ("linux", "dumb") or locale.startswith(AMBIGUOUS)
    return UNICODE if is_utf8 and not is_poor else ASCII


@dataclass(frozen=True, slots=True)
class Sign:
    """How a state looks: its sign, its word, and the tone that the theme colours."""

    glyph: str
    word: str
    tone: str


def state_sign(state: State, glyphs: Glyphs) -> Sign:
    """The sign of a node's part of a run."""
    if state in LIVE:
        glyph, tone = (glyphs.running, "busy") if state is State.RUNNING else (glyphs.running, "dim")
    elif state is State.OK:
        glyph, tone = glyphs.ok, "ok"
    elif state in (State.UNKNOWN, State.UNREACHABLE, State.EXPIRED):
        glyph, tone = glyphs.unknown, "warn"
    elif state in (State.SKIPPED, State.CANCELLED):
        glyph, tone = glyphs.drained, "warn"
    else:
        glyph, tone = glyphs.failed, "bad"
    return Sign(glyph, state.value.replace("_", " "), tone)


@lru_cache(maxsize=64)
def link_sign(status: str, drained: bool, glyphs: Glyphs) -> Sign:
    """The sign of a node's connection; `status` is a word of `Link`, `waiting` or `unclaimed`."""
    signs = {
        Link.ONLINE.value: Sign(glyphs.ok, "online", "ok"),
        Link.LATE.value: Sign(glyphs.warn, "late", "warn"),
        Link.OFFLINE.value: Sign(glyphs.failed, "offline", "bad"),
        Link.LOST.value: Sign(glyphs.unknown, "lost", "bad"),
        "waiting": Sign(glyphs.needs_you, "waiting", "warn"),
        "unclaimed": Sign(glyphs.needs_you, "unclaimed", "warn"),
    }
    sign = signs.get(status, Sign(glyphs.unknown, status or "unknown", "warn"))
    return Sign(glyphs.drained, "drained", "note") if drained and sign.tone == "ok" else sign
