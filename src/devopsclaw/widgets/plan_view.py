"""A plan, shown before anything is done: what, where, how it can be undone. It scrolls; it never runs."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.message import Message
from textual.widgets import Static

from devopsclaw.model.nodeset import fold
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.model.text import safe
from devopsclaw.widgets.words import many

LABEL = 9
"""Cells of the label column."""


class PlanView(VerticalScroll, can_focus=False):
    """One plan. `ReadToEnd` is posted when its last line has been on screen."""

    DEFAULT_CSS = """
    PlanView { height: 1fr; scrollbar-size: 0 0; padding: 0 1; }
    PlanView > Static { height: auto; width: 1fr; }
    """

    class ReadToEnd(Message):
        """The end of the plan is or was on screen."""

    def __init__(self, *, id: str = "plan-view") -> None:  # noqa: A002
        super().__init__(id=id)
        self._page = Static("", markup=False)

    def compose(self) -> ComposeResult:
        """The page that scrolls."""
        yield self._page

    def show(self, plan: Plan, before: Plan | None = None) -> None:
        """Show the plan; `before` is the one the person had read, if it is another."""
        self._page.update(described(plan, before))
        self.scroll_home(animate=False)
        self.call_after_refresh(self._look)

    def clear(self) -> None:
        """Show nothing."""
        self._page.update("")

    def page(self, pages: int) -> None:
        """Scroll by so many pages."""
        self.scroll_relative(y=pages * max(self.size.height - 1, 1), animate=False)
        self.call_after_refresh(self._look)

    def on_resize(self) -> None:
        """More may fit now."""
        self.call_after_refresh(self._look)

    def _look(self) -> None:
        if self.scroll_offset.y >= self.max_scroll_y:
            self.post_message(self.ReadToEnd())


def described(plan: Plan, before: Plan | None = None) -> Text:
    """The plan as lines: what is asked about first, its digest last."""
    text = Text()
    place = f" in {'+'.join(plan.environments).upper()}" if plan.environments else ""
    count = many(len(plan.nodes), "node")
    text.append(f"{plan.operation}  ", "bold").append(f"{plan.effect.value}  on {count}{safe(place)}\n")
    if before is not None and before.digest != plan.digest:
        _line(text, "CHANGED", difference(before, plan), "bold")
    text.append("\n")
    if plan.run:
        _line(text, "RUN", "\n".join(f"$ {line}" for line in safe(plan.run, tab_size=8).split("\n")), "bold")
        text.append("\n")
    if plan.risk not in ("", "none"):
        _line(text, "RISK", plan.risk, "bold")
    _line(text, "TARGET", safe(plan.target))
    _line(text, "NODES", safe(fold(plan.nodes)))
    for step in plan.steps:
        _line(text, "HOW", safe(step))
    _line(text, "REASON", safe(plan.reason))
    if plan.effect is not Effect.READ:
        _line(text, "UNDO", safe(plan.undo))
    _line(text, "DIGEST", plan.digest[:12], "dim")
    text.rstrip()
    return text


def difference(before: Plan, after: Plan, since: str = "since you last saw it") -> str:
    """What another plan says otherwise, in words."""
    gone, come = set(before.nodes) - set(after.nodes), set(after.nodes) - set(before.nodes)
    parts = [f"+ {fold(sorted(come))}"] if come else []
    parts += [f"- {fold(sorted(gone))}"] if gone else []
    named = type(after).model_fields
    parts += [name for name in named if name != "nodes" and getattr(before, name) != getattr(after, name)]
    return safe(f"{since}: {', '.join(parts)}")


def _line(text: Text, label: str, content: str, style: str = "") -> None:
    """One label and its content, wrapped lines under the content; nothing for an empty content."""
    if content:
        body = content.replace("\n", "\n" + " " * LABEL)
        text.append(f"{label:<{LABEL}}", "dim").append(f"{body}\n", style)
