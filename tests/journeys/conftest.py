"""Fixtures of the journeys: real processes of the installed command, each in a home of its own."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.journeys.processes import Holder, House, Machine, holder
from tests.journeys.terminal import Terminal


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """Machines to start things on; everything ends with the test."""
    house = House(tmp_path)
    yield house
    house.end()


@pytest.fixture
def claw(house: House) -> Machine:
    """The command line of a person at their desk, in a home where nothing was done yet."""
    return house.machine("desk")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """Opens terminals of 80×24 on a machine, each with a command line of the product in it."""
    numbers = itertools.count(1)
    with ExitStack() as stack:

        def open_terminal(machine: Machine, *words: str, **more: str) -> Terminal:
            opened = Terminal(machine, tmp_path / f"tmux-{next(numbers)}", *words, **more)
            stack.callback(opened.close)
            return opened

        yield open_terminal


@pytest.fixture(params=["its own core", "a resident core"])
def at_a_core(request: pytest.FixtureRequest, claw: Machine) -> Iterator[Machine]:
    """The same desk twice: a console opens a core of its own, or finds one that is there to stay."""
    if request.param == "its own core":
        yield claw
        return
    resident = claw.start("--headless", "gateway")
    resident.wait_said("core: open on")
    yield claw
    assert holder(claw) == Holder(resident.process.pid, "gateway")
    assert resident.end() == 0, resident.said
