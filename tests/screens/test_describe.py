"""Values in words."""

from __future__ import annotations

import pytest
from tests.screens.fake_core import NIGHT, FleetStatus, fleet

from devopsclaw.model.events import RunPlanned, Warned
from devopsclaw.screens.describe import (
    counts_line,
    facts_summary,
    flat,
    node_summary,
    notice_of,
    side_sections,
    when,
)
from devopsclaw.screens.situation import Situation, node_row
from devopsclaw.widgets.glyphs import UNICODE


def test_counts_put_what_is_odd_first() -> None:
    assert (
        counts_line({"running": 3, "ok": 40, "timed_out": 2}, UNICODE)
        == "✖ 2 timed out  ◌ 3 running  ● 40 ok"
    )


def test_nested_values_become_lines_and_empty_ones_go() -> None:
    body = {
        "id": "E-1",
        "nodes": {"ok": 5},
        "left": [],
        "note": "",
        "none": None,
        "rows": [{"a": 1}, {"a": 2}],
    }

    assert list(flat(body)) == [("id", "E-1"), ("nodes.ok", "5"), ("rows.1.a", "1"), ("rows.2.a", "2")]


def test_a_list_is_one_line_for_each_and_a_flag_is_a_word() -> None:
    assert list(flat({"steps": ["one", "two"], "demo": False})) == [("steps", "one\ntwo"), ("demo", "no")]


def test_text_from_elsewhere_is_harmless() -> None:
    assert "\x1b" not in next(flat({"a\x1b": "b\x1b[31m"}))[1]
    assert "\x1b" not in facts_summary({"os": "\x1b[31m"})


@pytest.mark.parametrize(
    ("time", "shown"), [("2026-11-22T03:08:20.114Z", "03:08:20"), ("2026-11-21T22:47:51.000Z", "11-21")]
)
def test_a_time_is_a_time_today_and_a_date_before(time: str, shown: str) -> None:
    assert when(time, NIGHT) == shown


def test_a_node_is_summed_up_by_labels_and_groups() -> None:
    node = fleet()[0].model_copy(update={"groups": ["canary"]})

    assert node_summary(node_row(node)) == "az=b env=prod role=web  @canary"
    assert node_summary(node_row(fleet()[-1])) == "no labels"


def test_the_column_says_reachable_only_while_the_relay_is_there() -> None:
    situation = Situation()
    situation.list_fleet(fleet(), FleetStatus())
    said = [line for section in side_sections(situation, NIGHT, UNICODE) for line, _ in section.lines]
    assert "● 8 of 9 reachable" in said
    situation.relay = "lost"
    said = [line for section in side_sections(situation, NIGHT, UNICODE) for line, _ in section.lines]
    assert "? 8 of 9 when last heard" in said


def test_many_lines_of_a_section_are_counted_not_shown() -> None:
    situation = Situation()
    nodes = [fleet()[1].model_copy(update={"name": f"web-{number:02}"}) for number in range(20)]
    situation.list_fleet(nodes, FleetStatus())
    failing = side_sections(situation, NIGHT, UNICODE)[1]

    assert failing.heading == "FAILING 20/20"
    assert failing.lines[-1] == ("and 14 more", "dim")


def test_every_open_run_is_named_also_one_that_was_started_elsewhere() -> None:
    situation = Situation()
    situation.list_fleet(fleet(), FleetStatus(open_runs=["X-5"]))
    situation.absorb([RunPlanned("c", "X-6", "echo a\necho b", ("local",))])
    running = side_sections(situation, NIGHT, UNICODE)[3]

    assert [text.rstrip() for text, _ in running.lines] == ["◌ X-6 echo a␊echo b", "◌ X-5"]


def test_the_notice_is_the_lost_relay_else_the_newest_warning_else_nothing() -> None:
    situation = Situation()
    assert notice_of(situation, UNICODE) == ""
    situation.absorb([Warned("old"), Warned("new", "do this")])
    assert notice_of(situation, UNICODE) == "⚑ new  (do this)"
    situation.relay = "lost"
    assert "last heard" in notice_of(situation, UNICODE)


def test_of_a_lost_relay_only_what_is_known_is_said() -> None:
    situation = Situation(relay="lost", wall=lambda: NIGHT)
    heard = "\n  This is what was last heard; work already sent goes on."
    assert notice_of(situation, UNICODE) == f"? No relay{heard}"

    situation.relay_why = "the relay of this home does not run"
    assert notice_of(situation, UNICODE) == f"? No relay: {situation.relay_why}{heard}"

    situation.relay_url, situation.relay_since = "wss://relay:9443", NIGHT
    said = notice_of(situation, UNICODE)
    assert said.startswith("? No relay since 03:09:14Z, trying again: the relay of")


def test_a_long_or_hostile_reason_leaves_the_notice_its_last_line() -> None:
    situation = Situation(relay="lost", relay_why="\x1b[2J\n" + "very long " * 40)
    said = notice_of(situation, UNICODE)

    assert "\x1b" not in said and said.count("\n") == 1
    assert len(said.split("\n")[0]) < 2 * 78
