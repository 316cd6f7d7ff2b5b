"""A fleet of ten thousand: what moves is repainted, the rest is left alone."""

from __future__ import annotations

from time import perf_counter

from tests.screens.conftest import Bench, until
from tests.screens.fake_core import NIGHT, NodeItem
from textual.geometry import Region

from devopsclaw.model.events import NodeSeen
from devopsclaw.widgets.fleet_grid import FleetGrid
from devopsclaw.widgets.header_line import HeaderLine

COUNT = 10_000


def crowd(bench: Bench) -> None:
    """Put so many nodes behind the door."""
    bench.door.nodes = [NodeItem(name=f"web-{number:05}", uid=f"n_{number}") for number in range(COUNT)]


async def test_presence_of_a_thousand_nodes_repaints_only_the_lines_on_screen(bench: Bench) -> None:
    crowd(bench)
    async with bench.shown() as pilot:
        grid = pilot.app.screen.query_one(FleetGrid)
        await until(pilot, lambda: len(grid.rows) == COUNT)
        painted: list[Region] = []
        refresh = grid.refresh
        grid.refresh = lambda *regions, **options: painted.extend(regions or (Region(),)) or refresh(*regions)  # type: ignore[method-assign, func-returns-value]
        for number in range(0, COUNT, 10):
            bench.door.bus.publish(NodeSeen(f"web-{number:05}", "late", NIGHT - 50))
        header = pilot.app.screen.query_one(HeaderLine)
        await until(pilot, lambda: "late" in grid.rows[0].cells[0][0])

        assert painted and all(region.height == 1 for region in painted)
        assert len(painted) <= 4
        assert f"{COUNT} nodes" in header.render().plain


async def test_a_batch_of_a_thousand_changes_does_not_hold_the_keys_up(bench: Bench) -> None:
    crowd(bench)
    async with bench.shown() as pilot:
        grid = pilot.app.screen.query_one(FleetGrid)
        await until(pilot, lambda: len(grid.rows) == COUNT)
        situation = pilot.app.desk.situation  # type: ignore[attr-defined]
        events = [NodeSeen(f"web-{number:05}", "late", NIGHT - 50) for number in range(0, COUNT, 10)]
        began = perf_counter()
        changed = situation.absorb(events)
        pilot.app.screen.absorb(changed)  # type: ignore[attr-defined]
        took = perf_counter() - began

    # The bar of the design is 50 ms without the loop; five times that here, as machines differ.
    assert took < 0.25
