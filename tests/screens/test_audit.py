"""The audit pane and the detail of an entry."""

from __future__ import annotations

import json

import pytest
from tests.screens.conftest import Bench, type_text, until
from textual.pilot import Pilot

from devopsclaw.model.errors import BadParams, Damaged
from devopsclaw.model.events import CallStarted
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.screens.audit import parsed
from devopsclaw.screens.entry import Entry
from devopsclaw.widgets.audit_table import AuditTable
from devopsclaw.widgets.field import Field
from devopsclaw.widgets.status_line import StatusLine
from devopsclaw.widgets.tone_line import ToneLine


def cells(pilot: Pilot[int]) -> list[list[str]]:
    """The rows of the table."""
    return [[text for text, _ in row.cells] for row in pilot.app.screen.query_one(AuditTable).rows]


def mark(pilot: Pilot[int]) -> str:
    """The mark of the chain."""
    return pilot.app.screen.query_one("#panes", ToneLine).text


async def listed(pilot: Pilot[int]) -> None:
    """Wait for entries."""
    await until(pilot, lambda: bool(cells(pilot)))


def test_the_filter_line_becomes_params() -> None:
    assert parsed("user:maria  since:1h") == {"user": "maria", "since": "1h"}
    assert parsed("") == {}
    assert parsed("since:2026-11-22T09:30:00Z") == {"since": "2026-11-22T09:30:00Z"}


@pytest.mark.parametrize("wrong", ["maria", "user:", "colour:red", ":x"])
def test_a_word_that_is_no_filter_is_named(wrong: str) -> None:
    with pytest.raises(BadParams, match="is no filter"):
        parsed(wrong)


async def test_entries_stand_newest_first_older_days_by_date(bench: Bench) -> None:
    async with bench.shown(pane="audit") as pilot:
        await listed(pilot)

        assert [row[:2] for row in cells(pilot)][::4] == [["03:08:20", "E-8842"], ["11-21", "E-8830"]]
        assert [row[4] for row in cells(pilot)] == ["● ok", "✖ failed", "◌ planned", "● ok", "✖ denied"]


async def test_the_filter_asks_again(bench: Bench) -> None:
    async with bench.shown(pane="audit") as pilot:
        await listed(pilot)
        await pilot.press("slash")
        await type_text(pilot, "user:tomas\r")
        await until(pilot, lambda: [row[2] for row in cells(pilot)] == ["tomas", "tomas"])


async def test_a_wrong_filter_says_why_and_leaves_the_list(bench: Bench) -> None:
    async with bench.shown(pane="audit") as pilot:
        await listed(pilot)
        await pilot.press("slash")
        await type_text(pilot, "tomas\r")
        trouble = pilot.app.screen.query_one("#trouble")
        await until(pilot, lambda: "'tomas' is no filter" in str(trouble.render()))

        assert len(cells(pilot)) == 5


async def test_a_filter_that_matches_nothing_says_so_and_escape_clears_it(bench: Bench) -> None:
    async with bench.shown(pane="audit") as pilot:
        await listed(pilot)
        await pilot.press("slash")
        await type_text(pilot, "user:nobody\r")
        empty = pilot.app.screen.query_one("#empty")
        await until(pilot, lambda: bool(empty.display))
        assert "Esc clears the filter" in str(empty.render())
        await pilot.press("escape")
        await until(pilot, lambda: len(cells(pilot)) == 5)
        assert pilot.app.screen.query_one(Field).value == ""


async def test_v_verifies_and_the_mark_says_so(bench: Bench) -> None:
    async with bench.shown(pane="audit") as pilot:
        await listed(pilot)
        assert "not verified yet" in mark(pilot)
        await pilot.press("V")
        await until(pilot, lambda: "● chain verified" in mark(pilot))


async def test_a_broken_chain_is_said_loudly_with_the_entry(bench: Bench) -> None:
    bench.door.whole = False
    async with bench.shown(pane="audit") as pilot:
        await listed(pilot)
        await pilot.press("V")
        await until(pilot, lambda: "✖ chain BROKEN" in mark(pilot))
        assert "E-8712" in pilot.app.screen.query_one(StatusLine).render().plain


async def test_a_log_that_cannot_be_read_is_not_called_broken(bench: Bench) -> None:
    bench.door.failures["audit.verify"] = Damaged("the log cannot be read", hint="check the disk")
    async with bench.shown(pane="audit") as pilot:
        await listed(pilot)
        await pilot.press("V")
        await until(pilot, lambda: "? chain could not be read" in mark(pilot))


async def test_a_new_entry_appears(bench: Bench) -> None:
    async with bench.shown(pane="audit") as pilot:
        await listed(pilot)
        bench.door.entries.insert(
            0, type(bench.door.entries[0])(**{**vars(bench.door.entries[0]), "id": "E-9000"})
        )
        plan = Plan(operation="node.drain", effect=Effect.WRITE)
        bench.door.bus.publish(CallStarted("c", "node.drain", "maria", plan, "E-9000"))
        await until(pilot, lambda: cells(pilot)[0][1] == "E-9000")


async def test_enter_opens_the_entry_and_y_sends_its_json(bench: Bench) -> None:
    async with bench.shown(pane="audit") as pilot:
        await listed(pilot)
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Entry))
        page = pilot.app.screen.query_one("#page")
        await until(pilot, lambda: bool(page.rows))  # type: ignore[attr-defined]
        await pilot.press("y")
        await until(pilot, lambda: bool(bench.sent))

    assert json.loads(bench.sent[0])["nodes"] == {"ok": 5, "failed": 1}


async def test_an_entry_that_is_not_there_says_so(bench: Bench) -> None:
    async with bench.shown(pane="audit") as pilot:
        await listed(pilot)
        bench.door.entries = []
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Entry))
        empty = pilot.app.screen.query_one("#empty")
        await until(pilot, lambda: "there is no entry E-8842" in str(empty.render()))
