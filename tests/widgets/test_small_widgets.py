"""Lines, columns and pages of words."""

from __future__ import annotations

import pytest
from tests.widgets.conftest import Host, heard, lines_of

from devopsclaw.widgets.audit_table import AuditTable, EntryRow, counted, verdict_sign
from devopsclaw.widgets.field import Field
from devopsclaw.widgets.glyphs import ASCII, UNICODE
from devopsclaw.widgets.page import Page
from devopsclaw.widgets.rule import Rule
from devopsclaw.widgets.side_column import Section, SideColumn
from devopsclaw.widgets.tone_line import ToneLine
from devopsclaw.widgets.words import age, many

ENTRY = EntryRow("E-8840", "03:08:20", "maria", "fleet.exec", "role=web", "failed", "1 failed", 2.13)


def test_one_is_one_and_two_are_many() -> None:
    assert (many(1, "node"), many(0, "node"), many(2, "job")) == ("1 node", "0 nodes", "2 jobs")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(-3, "0s"), (9.9, "9s"), (19, "10s"), (61, "1m"), (7300, "2h"), (200_000, "2d")]
)
def test_ages_are_coarse(seconds: float, shown: str) -> None:
    assert age(seconds) == shown


async def test_a_rule_fills_its_line_and_keeps_what_is_at_the_right(host: Host) -> None:
    rule = Rule(UNICODE, "X-31  $ df -h /")
    async with host(rule, (50, 3)):
        rule.show("X-31  $ " + "long " * 30, "env=prod")
        line = rule.render().plain

    assert len(line) == 50
    assert line.startswith("── X-31") and line.endswith(" env=prod ──") and "…" in line


async def test_a_rule_in_ascii(host: Host) -> None:
    rule = Rule(ASCII, "KEYS")
    async with host(rule, (20, 3)):
        assert rule.render().plain == "-- KEYS " + "-" * 12


async def test_a_line_of_words_gives_way_to_its_right_end(host: Host) -> None:
    line = ToneLine()
    async with host(line, (20, 3)):
        line.show([("left words are long", "ok")], [("right", "dim")])

        assert line.render().plain == "left words ar…right "
        assert line.text == "left words are longright"


async def test_the_column_leaves_empty_sections_out_and_wraps(host: Host) -> None:
    column = SideColumn()
    async with host(column, (40, 8)):
        long = "3 entries of the audit trail could not be written"
        column.show((Section("NEEDS YOU", ((long, "warn"),)), Section("RUNNING", ())))
        lines = [line.rstrip() for line in column.render().plain.split("\n")]

    assert lines[:3] == ["│ NEEDS YOU", "│ 3 entries of the audit trail", "│   could not be written"]
    assert not any("RUNNING" in line for line in lines)
    assert len(lines) == 8


async def test_a_page_wraps_under_its_names_and_shows_headings(host: Host) -> None:
    page = Page()
    async with host(page, (40, 12)):
        page.show([("LABELS", ""), ("hash", "0123456789" * 3), ("steps", "one\ntwo")])
        lines = lines_of(page)

    assert lines[:5] == [
        "> LABELS",
        "  hash             01234567890123456789",
        "                   0123456789",
        "  steps            one",
        "                   two",
    ]


async def test_entries_show_when_who_what_and_how_it_ended(host: Host) -> None:
    table = AuditTable()
    async with host(table, (120, 5)) as pilot:
        table.show([ENTRY])
        await pilot.press("enter")
        shown = " ".join(lines_of(table)[1].split())
        chosen = [message.key for message in heard(pilot, AuditTable.Chosen)]

    assert shown == "> 03:08:20 E-8840 maria fleet.exec ✖ failed 1 failed 2.1s role=web"
    assert chosen == ["E-8840"]


@pytest.mark.parametrize(
    ("status", "shown"),
    [("ok", "● ok"), ("planned", "◌ planned"), ("unknown", "? unknown"), ("denied", "✖ denied"), ("", "✖ ?")],
)
def test_a_verdict_is_sign_and_word_as_recorded(status: str, shown: str) -> None:
    sign = verdict_sign(status, UNICODE)

    assert f"{sign.glyph} {sign.word}" == shown


def test_node_counts_are_words() -> None:
    assert counted({"ok": 41, "failed": 2}) == "41 ok 2 failed"
    assert (counted(None), counted(7)) == ("", "7")


async def test_a_field_has_no_border_and_no_blinking_cursor(host: Host) -> None:
    field = Field("", "what to do")
    async with host(field):
        assert not field.cursor_blink
        assert field.outer_size.height == 1
