"""A run's commands rebuilt from log and output store: the same bytes, and from where to go on."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.fleet.dispatch_place import Place, open_place

from devopsclaw.fleet import resume
from devopsclaw.fleet.effects import Row
from devopsclaw.fleet.live_run import LiveRun
from devopsclaw.fleet.resume import request_of, rows_of
from devopsclaw.model.call import Actor
from devopsclaw.model.state import State


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path) as opened:
        yield opened


async def told(place: Place, run: LiveRun, *events: tuple[str, dict[str, Any]]) -> list[Row]:
    """The rows after these events of node `web`."""
    await place.log.append(run.id, [(kind, "web", body) for kind, body in events])
    stored = await place.log.find(run.id)
    return await rows_of(stored, await place.log.events(run.id), place.outputs, place.signer)


@pytest.fixture
async def run(place: Place) -> LiveRun:
    await place.joined("web")
    return await place.recorded("web")


SENT = ("sent", {"not_before": 1000.0})
ACCEPTED = ("accepted", {"at": 1001.0})


async def test_what_was_asked_for_is_read_back_whole(place: Place) -> None:
    await place.joined("web")
    actor = Actor("ada", "cli", via="model", demo=True)
    asked = place.request("web", serial=True, delay=2.5, parallel=7, actor=actor, parent="f" * 32)
    run = await place.log.create(
        call=asked.call, entry="E-1", plan_json=asked.plan.model_dump_json(), nodes=[], body=asked.body()
    )

    assert request_of(await place.log.find(run)) == asked


async def test_a_run_recorded_without_its_pace_goes_one_node_at_a_time(place: Place) -> None:
    asked = place.request("web")
    body = {key: asked.body()[key] for key in ("user", "via", "timeout", "grace", "output_cap")}
    plan = asked.plan.model_dump_json()
    run = await place.log.create(call=asked.call, entry="E-1", plan_json=plan, nodes=[], body=body)

    assert request_of(await place.log.find(run)).serial


async def test_the_order_is_what_the_nodes_were_told(place: Place, run: LiveRun) -> None:
    order = request_of(await place.log.find(run.id)).order(run.id)

    assert (order.run, order.call, order.command, order.effect) == (run.id, run.call, "uptime", "read")
    assert (order.timeout, order.grace, order.output_cap) == (10.0, 2.0, 1000)


async def test_a_command_is_the_very_same_bytes_as_when_it_was_sent(place: Place, run: LiveRun) -> None:
    sent = place.command(run, "web")

    (row,) = await told(place, run, ("sent", {"not_before": sent.not_before}))

    assert (row.command, row.state, row.accepted_at, row.is_cancelling) == (sent, State.SENT, 0.0, False)


async def test_what_was_accepted_is_awaited_from_that_moment(place: Place, run: LiveRun) -> None:
    (row,) = await told(place, run, SENT, ACCEPTED)

    assert (row.state, row.accepted_at) == (State.RUNNING, place.clock.wall())


async def test_a_person_s_cancel_is_not_forgotten(place: Place, run: LiveRun) -> None:
    (row,) = await told(place, run, SENT, ACCEPTED, ("cancelling", {}))

    assert row.is_cancelling


async def test_what_is_unknown_is_asked_for_again(place: Place, run: LiveRun) -> None:
    (row,) = await told(place, run, SENT, ("unknown", {"reason": "link lost"}))

    assert row.state is State.UNKNOWN


@pytest.mark.parametrize(
    "last",
    [
        ("ended", {"status": "ok", "reason": ""}),
        ("ended", {"status": "unknown", "reason": "interrupted"}),
        ("damaged", {"status": "unknown", "reason": "output damaged"}),
    ],
)
async def test_what_has_its_last_word_on_record_is_not_asked_for_again(
    last: tuple[str, dict[str, Any]], place: Place, run: LiveRun
) -> None:
    assert await told(place, run, SENT, ACCEPTED, last) == []


async def test_what_was_never_sent_is_not_among_them(place: Place, run: LiveRun) -> None:
    assert await told(place, run) == []


async def test_output_goes_on_where_it_ends_on_disk(
    place: Place, run: LiveRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resume, "PIECE", 7)
    command = run.part("web").command
    await place.outputs.append(command, "stdout", 0, b"0123456789")
    await place.outputs.skip(command, "stdout", 10, 15)
    await place.outputs.append(command, "stdout", 15, b"abc")

    (row,) = await told(place, run, SENT, ACCEPTED)

    assert (row.stdout.offset, row.stderr.offset) == (18, 0)
    assert row.stdout.sha256 == hashlib.sha256(b"0123456789abc").hexdigest()
