"""Values put into words for the screens. Pure; what comes from elsewhere leaves here safe to show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from devopsclaw.model.state import State
from devopsclaw.model.text import one_line, safe
from devopsclaw.screens.situation import Situation
from devopsclaw.widgets.fleet_grid import NodeRow
from devopsclaw.widgets.glyphs import Glyphs, state_sign
from devopsclaw.widgets.side_column import Section
from devopsclaw.widgets.tone_line import Word
from devopsclaw.widgets.words import age

EXIT_WORDS = {
    0: "all ok",
    1: "some node failed",
    2: "nothing ran",
    3: "denied, nothing ran",
    4: "only unreachable nodes",
    5: "stopped by a failure budget",
    6: "only timeouts",
    7: "an outcome is unknown",
    8: "still running",
    12: "paused for a person",
    13: "cancelled",
}
"""Design §10."""

SHOWN_IN_COLUMN = 6

WHY = 90
"""Characters for why the relay is away: with them the notice is three lines of 80 cells."""


def ended_words(word: str, code: int) -> str:
    """How a run ended: the result's word where it says more than the code, as for one that was cancelled."""
    return EXIT_WORDS.get(13 if word == "cancelled" else code, "see below")


def when(time: str, now: float) -> str:
    """RFC 3339 in UTC as a time of day, as a date where that is not the day of `now`, wall time."""
    today = f"{datetime.fromtimestamp(now, UTC):%Y-%m-%d}"
    return time[11:19] if time.startswith(today) else time[5:10]


def counts_words(counts: Mapping[str, int], glyphs: Glyphs) -> list[Word]:
    """`✖ 2 failed  ◌ 3 running  ● 40 ok`, what is odd first."""
    states = sorted((State(word) for word in counts), key=_oddness)
    signs = [(counts[state.value], state_sign(state, glyphs)) for state in states]
    return [(f"{sign.glyph} {count} {sign.word}  ", sign.tone) for count, sign in signs]


def counts_line(counts: Mapping[str, int], glyphs: Glyphs) -> str:
    """The same as text."""
    return "".join(text for text, _ in counts_words(counts, glyphs)).rstrip()


def _oddness(state: State) -> int:
    if state is State.OK:
        return 2
    return 0 if state.is_final else 1


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """A JSON value as (name, text) lines, nested names dotted; empty values are left out.

    A name is one line; a text may be many.
    """
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from flat(inner, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(value, (list, tuple)) and any(isinstance(each, (Mapping, list)) for each in value):
        for number, inner in enumerate(value, start=1):
            yield from flat(inner, f"{prefix}.{number}" if prefix else str(number))
    elif isinstance(value, (list, tuple)):
        if value:
            yield one_line(prefix), safe("\n".join(str(each) for each in value), tab_size=8)
    elif isinstance(value, bool):
        yield one_line(prefix), "yes" if value else "no"
    elif value not in (None, ""):
        yield one_line(prefix), safe(str(value), tab_size=8)


def node_summary(node: NodeRow) -> str:
    """What is worth a line about the node under the cursor: labels, groups, then facts."""
    labels = " ".join(f"{name}={value}" for name, value in sorted(node.labels.items()))
    groups = " ".join(f"@{group}" for group in node.groups)
    return one_line("  ".join(part for part in (labels, groups) if part)) or "no labels"


def facts_summary(facts: Mapping[str, Any]) -> str:
    """The facts in one line, in the order in which the node tells them."""
    return "  ".join(f"{name} {text}" for name, text in flat(facts)).replace("\n", " ")


def notice_of(situation: Situation, glyphs: Glyphs) -> str:
    """The most urgent thing that changes how the list is to be read; empty for nothing."""
    if situation.relay == "lost":
        return _loss(situation, glyphs)
    if situation.warnings:
        newest = situation.warnings[-1]
        hint = f"  ({newest.hint})" if newest.hint else ""
        return one_line(f"{glyphs.needs_you} {newest.text}{hint}")
    return ""


def _loss(situation: Situation, glyphs: Glyphs) -> str:
    """What is known of a lost relay: since when, why, and whether it is tried again."""
    since = situation.relay_since
    at = "" if since is None else f" since {datetime.fromtimestamp(since, UTC):%H:%M:%SZ}"
    again = ", trying again" if situation.relay_url else ""
    why = f": {one_line(situation.relay_why)[:WHY]}" if situation.relay_why else ""
    heard = "This is what was last heard; work already sent goes on."
    return f"{glyphs.unknown} No relay{at}{again}{why}\n  {heard}"


def side_sections(situation: Situation, now: float, glyphs: Glyphs) -> tuple[Section, ...]:
    """The situation column: what needs a person, what fails, what runs, what was put on record."""
    failing = [_failing(node, now, glyphs) for node in situation.failing]
    running = [(f"{glyphs.running} {run} {one_line(said)}", "busy") for run, said in situation.jobs]
    recent = [(f"{entry}  {operation}", "dim") for entry, operation in reversed(situation.entries)]
    needs = [(f"{glyphs.needs_you} {one_line(warned.text)}", "warn") for warned in situation.warnings]
    return (
        Section("NEEDS YOU", tuple(needs)),
        Section(f"FAILING {len(failing)}/{len(situation.nodes)}", _few(failing)),
        Section("FLEET", _standing(situation, glyphs)),
        Section("RUNNING", _few(running)),
        Section("ON RECORD since start", _few(recent)),
    )


def _standing(situation: Situation, glyphs: Glyphs) -> tuple[tuple[str, str], ...]:
    """How many nodes are reachable, or were when the relay was there last."""
    total = len(situation.nodes)
    well = total - len(situation.failing)
    if not total:
        return ()
    if situation.relay in ("", "none", "connected"):
        return ((f"{glyphs.ok} {well} of {total} reachable", "ok"),)
    return ((f"{glyphs.unknown} {well} of {total} when last heard", "warn"),)


def _failing(node: NodeRow, now: float, glyphs: Glyphs) -> tuple[str, str]:
    if node.alarm:
        return f"{glyphs.needs_you} {one_line(node.name)}  {one_line(node.alarm)}", "bad"
    seen = "never seen" if node.last_seen is None else f"{age(now - node.last_seen)} ago"
    return f"{glyphs.failed} {one_line(node.name)}  {node.status} {seen}", "bad"


def _few(lines: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """The first lines, and how many there are beyond."""
    if len(lines) <= SHOWN_IN_COLUMN:
        return tuple(lines)
    return (*lines[:SHOWN_IN_COLUMN], (f"and {len(lines) - SHOWN_IN_COLUMN} more", "dim"))
