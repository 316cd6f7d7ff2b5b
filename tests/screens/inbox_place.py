"""A console with requests for a yes: how a test brings them about, and reads what is shown."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.screens.conftest import Bench, until
from textual.pilot import Pilot

from devopsclaw.model.approval import Approval
from devopsclaw.screens.inbox import Inbox
from devopsclaw.widgets.header_line import HeaderLine
from devopsclaw.widgets.prompt import Prompt
from devopsclaw.widgets.request_list import RequestList
from devopsclaw.widgets.rule import Rule
from devopsclaw.widgets.status_line import StatusLine
from devopsclaw.widgets.tray import Tray


def prompt(pilot: Pilot[int]) -> str:
    """What the inbox asks."""
    return pilot.app.screen.query_one(Prompt).render().plain


def title(pilot: Pilot[int]) -> str:
    """What stands above the request that is read."""
    return pilot.app.screen.query_one("#rule", Rule).render().plain


def notice(pilot: Pilot[int]) -> str:
    """The last line."""
    return pilot.app.screen.query_one(StatusLine).render().plain


def header(pilot: Pilot[int]) -> str:
    """The first line."""
    return pilot.app.screen.query_one(HeaderLine).render().plain


def listed(pilot: Pilot[int]) -> str:
    """The list of requests."""
    return pilot.app.screen.query_one(RequestList).render().plain


def tray(pilot: Pilot[int]) -> str:
    """What is docked; empty where nothing is."""
    found = pilot.app.screen.query_one(Tray)
    return found.render().plain if found.display else ""


def answers(bench: Bench) -> list[tuple[str, dict[str, Any]]]:
    """Every answer that was sent."""
    return [
        (name, given)
        for name, given, _, _ in bench.door.calls
        if name in ("approvals.allow", "approvals.deny")
    ]


@contextmanager
def ringing(pilot: Pilot[int]) -> Iterator[list[int]]:
    """One entry for each time the bell rings."""
    rung: list[int] = []
    pilot.app.bell = lambda: rung.append(1)  # type: ignore[method-assign]
    yield rung


async def arrived(pilot: Pilot[int], bench: Bench, **more: Any) -> Approval:
    """A request comes from elsewhere."""
    asked = bench.door.desk.ask(**more)
    known = pilot.app.desk.situation.requests  # type: ignore[attr-defined]
    await until(pilot, lambda: known.find(asked.id) is not None)
    return asked


async def gone_to(pilot: Pilot[int], bench: Bench, **more: Any) -> Approval:
    """A request came, and the person went to it."""
    asked = await arrived(pilot, bench, **more)
    await pilot.press("A")
    await until(pilot, lambda: isinstance(pilot.app.screen, Inbox) and "arming" in prompt(pilot))
    return asked


async def armed(pilot: Pilot[int], bench: Bench, **more: Any) -> Approval:
    """The same, and it counts from now on."""
    asked = await gone_to(pilot, bench, **more)
    bench.clock.advance(1)
    return asked
