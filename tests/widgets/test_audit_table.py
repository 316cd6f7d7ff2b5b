"""The table of audit entries."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.widgets.conftest import Host, heard, lines_of
from tests.widgets.hostile import NASTY, texts, wrong

from devopsclaw.widgets.audit_table import COLUMNS, AuditTable, EntryRow, counted, verdict_sign
from devopsclaw.widgets.glyphs import ASCII, UNICODE

ENTRY = EntryRow("E-8840", "03:08:20", "maria", "fleet.exec", "role=web", "failed", "1 failed", 2.13)


def words(line: str) -> list[str]:
    """What stands in it."""
    return line.split()


async def test_an_entry_shows_when_who_what_and_how_it_ended(host: Host) -> None:
    table = AuditTable()
    async with host(table, (120, 5)):
        table.show([ENTRY])
        head, line = lines_of(table)[:2]

    assert words(head) == ["TIME", "ID", "WHO", "ACTION", "RESULT", "NODES", "TOOK", "TARGET"]
    assert " ".join(words(line)) == "> 03:08:20 E-8840 maria fleet.exec ✖ failed 1 failed 2.1s role=web"


@pytest.mark.parametrize("width", [80, 99])
async def test_below_100_cells_counts_and_duration_give_way_to_the_target(host: Host, width: int) -> None:
    table = AuditTable()
    async with host(table, (width, 5)):
        table.show([ENTRY])
        head, line = lines_of(table)[:2]

    assert words(head) == ["TIME", "ID", "WHO", "ACTION", "RESULT", "TARGET"]
    assert words(line)[-1] == "role=web" and "2.1s" not in line


async def test_the_design_size_has_room_for_a_target_of_19_letters(host: Host) -> None:
    table = AuditTable()
    async with host(table, (80, 5)):
        table.show([replace(ENTRY, target="env=prod/role=web12")])
        whole = lines_of(table)[1]
        table.show([replace(ENTRY, target="env=prod and role=web and not prod-web-2")])
        cut = lines_of(table)[1]

    assert whole.endswith("env=prod/role=web12")
    assert cut.endswith("env=prod and role=…")


async def test_a_long_user_or_action_is_cut_in_its_column_and_moves_no_other(host: Host) -> None:
    table = AuditTable()
    async with host(table, (80, 5)):
        table.show(
            [ENTRY, replace(ENTRY, id="E-2", user="maria.von.der.wiese", action="runbook.approve_step")]
        )
        first, second = lines_of(table)[1:3]

    assert "maria.von… runbook.appro…" in second
    assert first.index("✖ failed") == second.index("✖ failed")


async def test_enter_opens_the_entry_under_the_cursor(host: Host) -> None:
    table = AuditTable()
    async with host(table, (80, 5)) as pilot:
        table.show([ENTRY, replace(ENTRY, id="E-8839")])
        await pilot.press("j", "enter")

        assert [message.key for message in heard(pilot, AuditTable.Chosen)] == ["E-8839"]


async def test_enter_on_an_empty_table_opens_nothing(host: Host) -> None:
    table = AuditTable()
    async with host(table, (80, 5)) as pilot:
        await pilot.press("enter", "j", "G")
        table.show([])
        await pilot.press("enter")

        assert heard(pilot, AuditTable.Chosen) == []


async def test_a_new_entry_above_leaves_the_cursor_on_the_entry_it_was_on(host: Host) -> None:
    table = AuditTable()
    async with host(table, (80, 5)) as pilot:
        table.show([ENTRY])
        table.show([replace(ENTRY, id="E-8841"), ENTRY])
        await pilot.press("enter")

        assert [message.key for message in heard(pilot, AuditTable.Chosen)] == ["E-8840"]
        assert lines_of(table)[2].startswith("> 03:08:20 E-8840")


async def test_an_outcome_that_came_since_is_shown_in_the_same_line(host: Host) -> None:
    table = AuditTable()
    async with host(table, (80, 5)):
        table.show([replace(ENTRY, status="planned", duration=None)])
        assert "◌ planned" in lines_of(table)[1]
        table.show([replace(ENTRY, status="ok")])

        assert "● ok" in lines_of(table)[1]


async def test_an_entry_without_target_nodes_or_duration_is_a_line_all_the_same(host: Host) -> None:
    table = AuditTable()
    async with host(table, (120, 5)):
        table.show([EntryRow("E-1", "03:08:20", "maria", "audit.verify", "", "ok")])

        assert " ".join(words(lines_of(table)[1])) == "> 03:08:20 E-1 maria audit.verify ● ok"


async def test_in_ascii_no_other_sign_is_drawn(host: Host) -> None:
    table = AuditTable(ASCII)
    async with host(table, (80, 8)):
        table.show(
            [replace(ENTRY, id=f"E-{number}", status=status) for number, status in enumerate(STATUSES)]
            + [replace(ENTRY, id="E-9", target="t" * 90)]
        )

        assert all(line.isascii() for line in lines_of(table))


STATUSES = {
    "ok": "● ok",
    "none": "● none",
    "planned": "◌ planned",
    "running": "◌ running",
    "unknown": "? unknown",
    "unreachable": "? unreachable",
    "expired": "? expired",
    "denied": "✖ denied",
    "timed_out": "✖ timed_out",
    "a word of tomorrow": "✖ a word of tomorrow",
    "": "✖ ?",
}


@pytest.mark.parametrize(("status", "shown"), STATUSES.items())
def test_a_verdict_is_sign_and_word_as_recorded(status: str, shown: str) -> None:
    sign = verdict_sign(status, UNICODE)

    assert f"{sign.glyph} {sign.word}" == shown


def test_what_is_not_known_to_be_well_is_never_shown_as_well() -> None:
    good = {status for status in STATUSES if verdict_sign(status, UNICODE).tone == "ok"}

    assert good == {"ok", "none"}


def test_node_counts_are_words() -> None:
    assert counted({"ok": 41, "failed": 2}) == "41 ok 2 failed"
    assert (counted(None), counted(7), counted({})) == ("", "7", "")


async def test_words_of_an_attacker_stay_in_their_cell(host: Host) -> None:
    table = AuditTable()
    async with host(table, (120, 5)):
        table.show([EntryRow(*(NASTY,) * 7), ENTRY])
        lines = [table.render_line(y).text for y in range(5)]

    assert [wrong(line, 120) for line in lines] == [""] * 5
    assert lines[2].startswith("  03:08:20 E-8840")


@given(st.lists(texts, min_size=7, max_size=7))
@settings(deadline=None, max_examples=60)
def test_no_field_of_an_entry_can_break_its_line(fields: list[str]) -> None:
    name, when, user, action, target, status, nodes = fields
    entry = EntryRow(name, when, user, action, target, status, nodes)
    cells = [text for text, _ in AuditTable()._row(entry).cells]

    assert len(cells) == len(COLUMNS)
    assert [cell for cell in cells if len(cell.splitlines()) > 1 or set(cell) & set("\t\x1b\x9b")] == []
