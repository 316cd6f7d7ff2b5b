"""Seeds of the simulation. SEEDS=20000 runs more of them; SEED=1234 runs one."""

from __future__ import annotations

import os

import pytest
from tests.simulation.scenario import run_seed

SEEDS = int(os.environ.get("SEEDS", "2000"))
ONE = os.environ.get("SEED", "")
CHUNK = 200


def chunks() -> list[range]:
    """The seeds of each test; one test for all would say nothing until its end."""
    if ONE:
        return [range(int(ONE), int(ONE) + 1)]
    return [range(start, min(start + CHUNK, SEEDS)) for start in range(0, SEEDS, CHUNK)]


@pytest.mark.parametrize("seeds", chunks(), ids=lambda seeds: f"{seeds.start}-{seeds.stop - 1}")
def test_nothing_starts_twice_and_what_is_shown_is_true(seeds: range) -> None:
    for seed in seeds:
        run_seed(seed)
