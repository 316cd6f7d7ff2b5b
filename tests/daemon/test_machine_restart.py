"""The node machine over restarts of its daemon and its server."""

from __future__ import annotations

import pytest
from tests.daemon.node_driver import (
    FIRST,
    ISSUER,
    NODE,
    NOW,
    at,
    cancel,
    finished,
    machine,
    offer,
    offered,
    reconcile,
    rows_of,
    sent,
    types,
    word,
)

from devopsclaw.daemon.effects import Outcome, Purge, Read, Record, Row, Start, Stop, Watch
from devopsclaw.model.errors import Damaged
from devopsclaw.model.moment import Moment
from devopsclaw.wire.frames import FrameType
from devopsclaw.wire.merkle import Path
from devopsclaw.wire.offer import Sealed, open_offer

# Restart


def restored(state: str, now: Moment = NOW, **fields: object) -> list[object]:
    """The effects of a restart over one row."""
    effects = machine().on_frame(offer(), NOW)
    row = rows_of(effects)[0]
    node = machine(epoch=0)
    return list(node.restore([Row(FIRST, state, {**row.fields, **fields})], now))  # type: ignore[arg-type]


def test_an_accepted_command_starts_after_a_restart_if_it_is_in_time() -> None:
    effects = restored("accepted", at(59))

    assert [type(effect) for effect in effects] == [Record, Start]


def test_an_accepted_command_expires_over_a_restart_that_took_too_long() -> None:
    effects = restored("accepted", at(61))

    assert [(type(effect), effect.fields["status"]) for effect in effects] == [(Record, "expired")]  # type: ignore[attr-defined]


@pytest.mark.parametrize("state", ["starting", "running"])
def test_a_started_command_is_watched_after_a_restart_and_never_started(state: str) -> None:
    effects = restored(state, at(61))

    assert [type(effect) for effect in effects] == [Watch]


def test_a_command_that_was_being_stopped_is_stopped_again_after_a_restart() -> None:
    rows = rows_of(machine().on_frame(offer(), NOW))
    node = machine([Row(FIRST, "running", {**rows[0].fields, "stop": "timeout"})])

    assert node.on_started(FIRST, 42, 1.5, at(1)) == [Stop(FIRST, "timeout", 2.0)]


def test_a_command_that_is_cancelled_while_it_starts_is_stopped_once_it_has_started() -> None:
    node = machine()
    node.on_frame(offer(), NOW)

    assert types(node.on_frame(cancel(grace=3.0), NOW)) == ["record starting"]
    assert types(node.on_started(FIRST, 42, 1.5, NOW)) == ["record running", "STARTED", "stop"]


def test_an_adopted_command_is_reported_and_keeps_its_deadline() -> None:
    rows = rows_of(machine().on_frame(offer(timeout=10.0), NOW))
    node = machine(rows)

    adopted = node.on_started(FIRST, 42, 1.5, at(6))

    assert types(adopted) == ["record running"]
    assert node.on_tick(at(9.9)) == []
    assert types(node.on_tick(at(10))) == ["record running", "stop"]


def test_a_deadline_of_another_boot_means_nothing() -> None:
    rows = rows_of(machine().on_frame(offer(timeout=10.0), NOW))
    node = machine([Row(FIRST, "starting", {**rows[0].fields, "boot": "boot-0"})])

    assert node.on_tick(at(11)) == []
    assert types(node.on_finished(FIRST, Outcome(interrupted=True), at(12))) == ["record finished"]


def test_a_finished_command_is_told_after_a_restart() -> None:
    first = machine()
    effects = first.on_frame(offer(), NOW) + first.on_started(FIRST, 42, 1.5, NOW)
    effects += first.on_finished(FIRST, Outcome(exit_code=0, stdout_length=5), NOW)

    node = machine(rows_of(effects))
    resumed = node.on_frame(reconcile((FIRST, 3, 0)), at(1))

    assert types(resumed) == ["STANDING", "read", "DONE"]
    assert resumed[1] == Read(FIRST, "stdout", 3, 2)


def test_a_restart_knows_what_was_acknowledged() -> None:
    first = machine()
    effects = first.on_frame(offer(), NOW) + first.on_finished(FIRST, Outcome(exit_code=0), NOW)
    effects += first.on_frame(word(FrameType.DONE_ACK), NOW)

    node = machine(rows_of(effects))

    assert types(node.on_frame(offer(), at(1))) == ["REJECT"]


@pytest.mark.parametrize("lost", ["digest", "envelope", "work", "purge_at"])
def test_a_row_that_cannot_be_read_is_damage(lost: str) -> None:
    row = rows_of(machine().on_frame(offer(), NOW))[0]
    fields = {name: value for name, value in row.fields.items() if name != lost}

    with pytest.raises(Damaged, match="cannot be read"):
        machine([Row(FIRST, "running", fields)])


def test_a_finished_row_without_a_status_is_damage() -> None:
    with pytest.raises(Damaged, match="cannot be read"):
        machine([Row(FIRST, "finished", {"digest": "", "purge_at": 1.0})])


def test_an_id_is_purged_a_day_after_it_could_last_be_offered() -> None:
    node = finished()
    node.on_frame(word(FrameType.DONE_ACK), at(2))

    assert node.on_tick(at(60 + 86_399)) == []
    assert node.on_tick(at(60 + 86_400)) == [Purge(FIRST)]
    assert sent(node.on_frame(offer(), at(60 + 86_401)))[0].header["code"] == "expired"


def test_the_proof_of_whose_word_it_was_is_journalled() -> None:
    frame = offer()
    record = machine().on_frame(frame, NOW)[0]

    assert isinstance(record, Record)
    fields = record.fields
    path = Path(fields["sides"], bytes.fromhex(fields["path"]))
    sealed = Sealed(fields["envelope"].encode(), path, fields["work"].encode())
    assert sealed.pack() == frame.body
    assert open_offer(ISSUER, NODE, sealed, fields["signature"]) == offered()[0]
