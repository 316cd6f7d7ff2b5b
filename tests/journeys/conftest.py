"""Fixtures of the journeys: real processes of the installed command, each in a home of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.journeys.processes import House, Machine
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
    """Opens a terminal of 80×24 on a machine, with a command line of the product in it."""
    with ExitStack() as stack:

        def open_terminal(machine: Machine, *words: str, **more: str) -> Terminal:
            opened = Terminal(machine, tmp_path / "tmux", *words, **more)
            stack.callback(opened.close)
            return opened

        yield open_terminal
