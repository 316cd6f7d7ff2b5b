"""The fleet as operations see it: links opened once, and the state of the relay in words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.fleet.dispatch_place import Place, open_place

from devopsclaw.fleet.fleet import Fleet
from devopsclaw.fleet.membership import Registration
from devopsclaw.model.errors import BadConfig, Unreachable
from devopsclaw.model.events import RelayMoved


class Links:
    """Counts how often they are opened; fails while told to."""

    def __init__(self) -> None:
        self.opened = 0
        self.trouble: BadConfig | None = None

    async def open(self, fleet: Fleet) -> None:
        """See `assembly.links`."""
        await asyncio.sleep(0)
        if self.trouble:
            raise self.trouble
        self.opened += 1


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path) as opened:
        yield opened


@pytest.fixture
def links() -> Links:
    return Links()


@pytest.fixture
def fleet(place: Place, links: Links) -> Fleet:
    return Fleet(place.nodes, place.executions, place.bus, links.open)


async def test_links_are_opened_once_however_many_ask(fleet: Fleet, links: Links) -> None:
    await asyncio.gather(*(fleet.ready() for _ in range(5)))
    await fleet.ready()

    assert links.opened == 1


async def test_links_that_failed_are_tried_again_by_the_next_who_asks(fleet: Fleet, links: Links) -> None:
    links.trouble = BadConfig("the token file cannot be read")
    with pytest.raises(BadConfig):
        await fleet.ready()

    links.trouble = None
    await fleet.ready()

    assert links.opened == 1


async def test_a_change_of_the_relay_is_told_and_kept(place: Place, fleet: Fleet) -> None:
    trouble = Unreachable("nothing listens there")
    with place.bus.subscribe() as events:
        fleet.report("lost", "wss://relay:9443", "nothing listens there", trouble)

    assert events.drain() == [RelayMoved("lost", "wss://relay:9443", "nothing listens there")]
    assert fleet.trouble is trouble


async def test_the_summary_counts_nodes_by_how_they_are_connected(place: Place, fleet: Fleet) -> None:
    assert fleet.summary() == {"relay": "none", "connection": "none", "nodes": 0}

    await place.joined("a")
    await place.joined("b")
    await place.nodes.register(Registration("c"))
    fleet.report("connected", "wss://relay:9443", "")

    assert fleet.summary() == {
        "relay": "wss://relay:9443",
        "connection": "connected",
        "nodes": 3,
        "online": 2,
        "offline": 1,
    }


async def test_the_summary_says_why_the_relay_is_out_of_reach(fleet: Fleet) -> None:
    fleet.report("lost", "wss://relay:9443", "it restarts")

    assert fleet.summary()["why"] == "it restarts"
