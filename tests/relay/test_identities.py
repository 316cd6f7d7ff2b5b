"""What a relay knows, on a real database: names, keys, the claim, epochs."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest

from devopsclaw.core.clock import ManualClock
from devopsclaw.relay.identities import EPOCH_BLOCK, identities
from devopsclaw.wire.uid import uid_of

KEY, OTHER = "aa" * 32, "bb" * 32


async def test_what_was_written_is_there_after_a_restart(tmp_path: Path) -> None:
    clock = ManualClock()
    async with identities(tmp_path / "relay.db", clock) as (known, aside):
        node = await known.join("web-1", KEY, "10.0.0.1")
        await known.claim(OTHER, "laptop")
        await known.quarantine(node, "two machines")
        clock.advance(5)
        node.address, node.epoch = "10.0.0.2", 7
        known.see(node)
    async with identities(tmp_path / "relay.db", clock) as (known, _):
        again = known.nodes[uid_of(bytes.fromhex(KEY))]

    assert aside is None
    assert known.root == OTHER
    assert known.named("web-1") is again
    assert (again.address, again.epoch, again.quarantine) == ("10.0.0.2", 7, "two machines")
    assert again.last_seen == clock.now
    assert not again.is_connected


async def test_a_name_and_a_key_are_bound_once(tmp_path: Path) -> None:
    async with identities(tmp_path / "relay.db", ManualClock()) as (known, _):
        await known.join("web-1", KEY, "")

        with pytest.raises(sqlite3.IntegrityError):
            await known.join("web-1", OTHER, "")
        with pytest.raises(sqlite3.IntegrityError):
            await known.join("web-2", KEY, "")

    assert len(known.nodes) == 1


async def test_a_relay_is_claimed_once(tmp_path: Path) -> None:
    async with identities(tmp_path / "relay.db", ManualClock()) as (known, _):
        await known.claim(KEY, "laptop")

        with pytest.raises(sqlite3.IntegrityError):
            await known.claim(OTHER, "other")

    assert known.root == KEY


async def test_forgetting_frees_name_and_key(tmp_path: Path) -> None:
    async with identities(tmp_path / "relay.db", ManualClock()) as (known, _):
        node = await known.join("web-1", KEY, "")
        known.see(node)
        await known.forget(node.uid)
        await known.forget(node.uid)

        again = await known.join("web-1", OTHER, "")
        assert known.named("web-1") is again
    async with identities(tmp_path / "relay.db", ManualClock()) as (known, _):
        assert [node.public_key for node in known.nodes.values()] == [OTHER]


async def test_epochs_only_grow_over_restarts_blocks_and_a_lost_database(tmp_path: Path) -> None:
    clock = ManualClock()
    taken: list[int] = []
    for name in ("relay.db", "relay.db", "another.db"):
        async with identities(tmp_path / name, clock) as (known, _):
            taken += [await known.take_epoch() for _ in range(EPOCH_BLOCK + 5)]
        clock.advance(4 * EPOCH_BLOCK)

    assert taken == sorted(set(taken))


async def test_epochs_taken_at_once_differ(tmp_path: Path) -> None:
    async with identities(tmp_path / "relay.db", ManualClock()) as (known, _):
        taken = await asyncio.gather(*(known.take_epoch() for _ in range(50)))

    assert len(set(taken)) == 50
