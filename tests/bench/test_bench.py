"""The harness on made-up figures: what it counts, how it judges, what it prints. Nothing is measured here."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bench.measure import Bar, Judged, Line, interleaved, milliseconds, slope
from tests.bench.report import as_json, table

TWICE = Line("twice", "ms", [20.0, 10.0, 30.0], [10.0, 9.0, 11.0], "the peer", Bar(Judged.TIMES, at_most=1.5))
FAST = Line("fast", "ms", [10.0], [40.0], "the peer", Bar(Judged.FASTER, at_least=3))
OVER = Line("over", "ms", [45.0], [20.0], "the peer", Bar(Judged.OVER, at_most=30))
PLAIN = Line("plain", "KB", [12.0], bar=Bar(Judged.ITSELF, at_most=25), note="said once")
UNJUDGED = Line("unjudged", "ms", [12.0], [6.0], "the peer")


async def test_every_contender_runs_once_a_round_and_warm_rounds_do_not_count() -> None:
    order: list[str] = []

    async def run(name: str) -> float:
        order.append(name)
        return float(len(order))

    taken = await interleaved({"a": lambda: run("a"), "b": lambda: run("b")}, rounds=3, warm=1)

    assert {name: len(costs) for name, costs in taken.items()} == {"a": 3, "b": 3}
    assert [set(order[place : place + 2]) for place in range(0, 8, 2)] == [{"a", "b"}] * 4
    assert order[0:2] != order[2:4]


@pytest.mark.parametrize(
    ("line", "figure", "verdict"),
    [(TWICE, 2.0, "missed"), (FAST, 4.0, "ok"), (OVER, 25.0, "ok"), (PLAIN, 12.0, "ok"), (UNJUDGED, 2.0, "")],
)
def test_a_line_is_judged_by_the_figure_its_bar_is_about(line: Line, figure: float, verdict: str) -> None:
    assert line.figure == figure
    assert line.verdict == verdict


def test_a_missing_peer_is_an_error_and_no_verdict() -> None:
    with pytest.raises(ValueError, match="not measured"):
        _ = Line("alone", "ms", [1.0], bar=Bar(Judged.TIMES, at_most=2)).verdict


@pytest.mark.parametrize(
    ("bar", "text"),
    [
        (Bar(Judged.TIMES, at_most=1.5), "≤ 1.5 x"),
        (Bar(Judged.FASTER, at_least=3), "≥ 3 x"),
        (Bar(Judged.OVER, at_most=30), "≤ 30 over"),
        (Bar(Judged.ITSELF, at_most=250_000), "≤ 250,000"),
    ],
)
def test_a_bar_says_its_limit(bar: Bar, text: str) -> None:
    assert bar.text == text


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.sets(st.integers(0, 1000), min_size=2, max_size=9))
def test_the_slope_of_a_straight_line_is_its_own(base: float, growth: float, places: set[int]) -> None:
    points = [(float(place), base + growth * place) for place in places]

    assert slope(points) == pytest.approx(growth, abs=1e-3)


def test_one_place_has_no_slope() -> None:
    with pytest.raises(ValueError, match="two places"):
        slope([(1.0, 2.0), (1.0, 3.0)])


def test_seconds_become_milliseconds() -> None:
    assert milliseconds([0.5, 1.0]) == [500.0, 1000.0]


def test_the_table_shows_median_range_peer_figure_bar_and_verdict() -> None:
    drawn = table([TWICE, PLAIN]).splitlines()

    assert drawn[0].split() == ["what", "ours", "beside", "figure", "bar", "verdict"]
    assert drawn[1].split("  ")[0] == "twice"
    for part in ("20.0 ms (10.0–30.0)", "10.0 ms (9.00–11.0)", "the peer", "2.00 x", "≤ 1.5 x", "missed"):
        assert part in drawn[1]
    assert "12.0 KB" in drawn[2]
    assert "  plain: said once" in drawn
    assert drawn[-1] == "1 of 2 bars hold; missed: twice"


def test_the_json_holds_every_round() -> None:
    found = json.loads(json.dumps(as_json([TWICE, UNJUDGED], quick=True, seconds=1.26)))

    assert found["schema"] == "devopsclaw.bench/1"
    assert found["seconds"] == 1.3
    assert found["items"][0]["ours"] == [20.0, 10.0, 30.0]
    assert found["items"][0]["verdict"] == "missed"
    assert found["items"][1]["bar"] is None
