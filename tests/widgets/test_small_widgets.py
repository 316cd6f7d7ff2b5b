"""Lines of words, rules, and what is typed into."""

from __future__ import annotations

import pytest
from tests.widgets.conftest import Host

from devopsclaw.widgets.field import Field
from devopsclaw.widgets.glyphs import ASCII, UNICODE
from devopsclaw.widgets.rule import Rule
from devopsclaw.widgets.tone_line import ToneLine
from devopsclaw.widgets.words import age, many


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


async def test_a_field_has_no_border_and_no_blinking_cursor(host: Host) -> None:
    field = Field("", "what to do")
    async with host(field):
        assert not field.cursor_blink
        assert field.outer_size.height == 1
