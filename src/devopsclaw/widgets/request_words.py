"""A request for a yes in words: what it is about first, all of it, nothing that could draw a prompt. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import chop_cells

from devopsclaw.model.approval import Approval
from devopsclaw.model.nodeset import fold
from devopsclaw.model.text import one_line
from devopsclaw.widgets.plan_view import difference
from devopsclaw.widgets.words import clock, left, many

LABEL = 9
"""Cells of the label column."""

NAMED = 12
"""Nodes that are named one by one; more are folded."""

FLAG = "it has characters that hide or mislead; here they are written out"


@dataclass(frozen=True, slots=True)
class Said:
    """One line, safe to show: a text in its tone beside a label; over the whole width where that is empty."""

    label: str
    text: str
    tone: str = ""


def subject(request: Approval) -> str:
    """Verb, object, count, environment, in one line."""
    plan = request.plan
    place = f" in {'+'.join(plan.environments).upper()}" if plan.environments else ""
    where = f" on {many(len(plan.nodes), 'node')}{place}" if plan.nodes else f" {plan.target}{place}"
    return one_line(f"{plan.operation}{where}")


def command(request: Approval) -> list[str]:
    """What would run, line by line; every character that a terminal would act on is written out."""
    return [one_line(line) for line in (request.plan.run or request.plan.target).split("\n")]


def is_disguised(request: Approval) -> bool:
    """Whether characters in it are not what they seem, or not seen at all."""
    return command(request) != (request.plan.run or request.plan.target).split("\n")


def facts(request: Approval, room: int, dropping: int = -1) -> list[Said]:
    """The four that come first: what is asked for, the exact command, the nodes, the risk.

    `room` is the width in cells, `dropping` the place of the node that `-` would leave out.
    """
    plan = request.plan
    lines = [Said("", f"{subject(request)}, {plan.effect.value}", "strong"), *_quoted(request, room)]
    if is_disguised(request):
        lines += _said("CAREFUL", FLAG, room, "bad")
    lines += _said("NODES", _nodes(request, dropping), room)
    if request.before is not None:
        lines += _said("CHANGED", difference(request.before, plan, "since it was allowed"), room, "warn")
    return [*lines, *_said("RISK", _risk(request), room, "bad" if request.phrase else "warn")]


def details(request: Approval, room: int, now: float) -> list[Said]:
    """What comes after them: who asks and why, how it runs, how to undo it, until when, and the digest."""
    plan = request.plan
    via = f" via {request.via}" if request.via else ""
    asker = f"{request.user} at the {request.door}{via}, {clock(request.asked_at)}"
    remaining = left(request.expires_at - now)
    lines = [
        *_said("ASKED", asker, room),
        *_said("WHY", plan.reason or "(no reason given)", room),
        *_said("UNDO", plan.undo, room),
        *_said("EXPIRES", f"{clock(request.expires_at)}, in {remaining}: then it is denied", room),
        *_said("TARGET", plan.target, room),
    ]
    for step in plan.steps:
        lines += _said("HOW", step, room)
    return [*lines, *_said("DIGEST", request.digest[:12], room, "dim")]


def _nodes(request: Approval, dropping: int) -> str:
    names = request.plan.nodes
    if not names:
        return "none"
    if len(names) <= NAMED:
        marked = [f">{name}<" if place == dropping else name for place, name in enumerate(names)]
        return " ".join(marked)
    marked_one = f"   >{names[dropping]}< {dropping + 1} of {len(names)}" if dropping >= 0 else ""
    return f"{fold(names)}{marked_one}"


def _risk(request: Approval) -> str:
    plan = request.plan
    reasons = [plan.effect.value, many(len(plan.nodes), "node")] if plan.nodes else [plan.effect.value]
    reasons += [f"in {', '.join(plan.environments)}"] if plan.environments else []
    reasons += ["changes who is trusted"] if plan.trust else []
    other = "; somebody other than the asker has to allow it" if request.needs_other else ""
    return f"{request.risk.upper()}: {', '.join(reasons)}{other}"


def _quoted(request: Approval, room: int) -> Iterator[Said]:
    """The command behind a margin on every line, so that nothing in it looks like a line of ours."""
    sign = "$"
    for line in command(request):
        for piece in chop_cells(line, max(room - 4, 8)) or [""]:
            yield Said("", f"  {sign} {piece}", "strong")
            sign = "|"


def _said(label: str, text: str, room: int, tone: str = "") -> list[Said]:
    """The text beside its label, wrapped under itself; nothing for an empty text."""
    pieces = chop_cells(one_line(text), max(room - LABEL, 8)) if text else []
    return [Said(" " if place else label, piece, tone) for place, piece in enumerate(pieces)]
