"""The detail of an audit entry."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.screens.conftest import Bench, type_text, until
from textual.pilot import Pilot

from devopsclaw.model.errors import Damaged, NotFound
from devopsclaw.screens.audit import Audit
from devopsclaw.screens.base import EntryWanted
from devopsclaw.screens.entry import Entry
from devopsclaw.screens.fleet import Fleet
from devopsclaw.widgets.audit_table import AuditTable
from devopsclaw.widgets.glyphs import ASCII
from devopsclaw.widgets.page import Page
from devopsclaw.widgets.rule import Rule
from devopsclaw.widgets.status_line import StatusLine
from devopsclaw.widgets.tone_line import ToneLine


def page(pilot: Pilot[int]) -> list[str]:
    """The lines of the page, without blanks at the end."""
    rows = pilot.app.screen.query_one(Page).rows
    return ["".join(text for text, _ in row.cells).rstrip() for row in rows]


def status(pilot: Pilot[int]) -> str:
    """The last two lines."""
    return pilot.app.screen.query_one(StatusLine).render().plain


def title(pilot: Pilot[int]) -> str:
    """The rule above it."""
    return pilot.app.screen.query_one(Rule).render().plain


def emptiness(pilot: Pilot[int]) -> str:
    """What stands there in place of an entry; empty while an entry stands there."""
    empty = pilot.app.screen.query_one("#empty")
    return str(empty.render()) if empty.display else ""


async def opened(pilot: Pilot[int], **wanted: Any) -> None:
    """Open an entry, or the newest of a node, and wait for it or for what is wrong."""
    pilot.app.post_message(EntryWanted(**wanted))
    await until(pilot, lambda: isinstance(pilot.app.screen, Entry))
    await until(pilot, lambda: bool(page(pilot)) or bool(emptiness(pilot)))


async def test_every_field_that_has_a_value_is_a_line(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot, entry="E-8841")

        assert title(pilot).startswith("── E-8841 ──")
        assert page(pilot) == [
            "id               E-8841",
            "time             2026-11-22T03:08:11.002Z",
            "user             maria",
            "action           fleet.exec",
            "target           env=prod",
            "status           failed",
            "nodes.ok         5",
            "nodes.failed     1",
            "duration         2.1",
        ]


async def test_an_entry_that_is_still_open_has_no_duration_and_none_is_made_up(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot, entry="E-8840")

        assert page(pilot)[-1] == "status           planned"


async def test_of_a_node_the_newest_entry_is_shown_and_named(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot, node="prod-web-2")

        assert title(pilot).startswith("── E-8842 ──")
    assert bench.door.named("audit.list") == [({"node": "prod-web-2", "limit": 1}, None, False)]


async def test_y_sends_the_whole_entry_as_json(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot, entry="E-8841")
        await pilot.press("y")
        await until(pilot, lambda: "sent E-8841: tmux" in status(pilot))

    assert json.loads(bench.sent[0]) == vars(bench.door.entry("E-8841"))


async def test_what_is_sent_is_what_was_recorded_with_escapes_that_json_makes_harmless(bench: Bench) -> None:
    bench.door.entries[0].target = "role=日本\x1b[2J\n"
    async with bench.shown() as pilot:
        await opened(pilot, entry="E-8842")
        assert "target           role=日本␛[2J" in page(pilot)
        await pilot.press("y")
        await until(pilot, lambda: bool(bench.sent))

    assert "\x1b" not in bench.sent[0] and "日本" in bench.sent[0]
    assert json.loads(bench.sent[0])["target"] == "role=日本\x1b[2J\n"


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        ("audit.show", NotFound("there is no entry E-1", hint="audit list shows them")),
        ("audit.show", Damaged("the log cannot be read", hint="check the disk")),
    ],
)
async def test_an_entry_that_cannot_be_shown_says_why_and_what_to_do(
    bench: Bench, operation: str, error: Damaged | NotFound
) -> None:
    bench.door.failures[operation] = error
    async with bench.shown() as pilot:
        await opened(pilot, entry="E-1")

        assert error.message in emptiness(pilot) and error.hint in emptiness(pilot)
        assert not pilot.app.screen.query_one(Page).display


async def test_where_nothing_is_shown_there_is_nothing_to_copy(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot, entry="E-1")
        await pilot.press("y")
        await until(pilot, lambda: "nothing to copy" in status(pilot))

    assert bench.sent == []


async def test_a_node_without_a_past_says_so_and_what_makes_one(bench: Bench) -> None:
    bench.door.entries = []
    async with bench.shown() as pilot:
        await opened(pilot, node="local")

        assert "nothing was run on local yet" in emptiness(pilot)
        assert "x on the node runs something" in emptiness(pilot)
    assert bench.door.named("audit.show") == []


async def test_words_of_an_error_that_come_from_elsewhere_are_harmless(bench: Bench) -> None:
    bench.door.failures["audit.show"] = Damaged("broken at \x1b]0;owned\x07", hint="\x9b2J")
    async with bench.shown() as pilot:
        await opened(pilot, entry="E-1")

        assert "␛]0;owned␇" in emptiness(pilot) and "<U+009B>2J" in emptiness(pilot)


async def test_keys_typed_before_the_answer_came_do_no_harm(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await type_text(pilot, "oyGgjk")
        await until(pilot, lambda: isinstance(pilot.app.screen, Entry) and bool(page(pilot)))

        assert len(pilot.app.screen_stack) == 2
    assert bench.door.started == []


async def test_escape_goes_back_to_the_pane_it_was_opened_from(bench: Bench) -> None:
    async with bench.shown() as pilot:
        await opened(pilot, node="local")
        assert panes(pilot) == "fleet"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Fleet))
        await pilot.press("5")
        await until(pilot, lambda: bool(pilot.app.screen.query_one(AuditTable).rows))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, Entry))
        assert panes(pilot) == "audit"
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(pilot.app.screen, Audit))


def panes(pilot: Pilot[int]) -> str:
    """The pane that the line of panes marks."""
    line = pilot.app.screen.query_one("#panes", ToneLine)
    return next(text.split()[1].lower() for text, tone in line._left if tone == "here")


async def test_at_80_by_24_a_long_entry_is_wrapped_and_read_by_key(bench: Bench) -> None:
    bench.door.entries[0].target = " or ".join(f"web-{number:03}" for number in range(200))
    async with bench.shown() as pilot:
        await opened(pilot, entry="E-8842")
        table = pilot.app.screen.query_one(Page)
        assert table.position.startswith("1-18 of ")
        await pilot.press("G")
        await until(pilot, lambda: "nodes.ok" in table.render_line(table.size.height - 2).text)

        whole = "".join(line[17:] for line in page(pilot))
        assert bench.door.entries[0].target.replace(" ", "") in whole.replace(" ", "")


async def test_in_ascii_the_picture_is_ascii(bench: Bench) -> None:
    bench.glyphs = ASCII
    async with bench.shown() as pilot:
        await opened(pilot, entry="E-8841")

        assert title(pilot).isascii() and "".join(page(pilot)).isascii()
