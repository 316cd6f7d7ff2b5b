"""The node machine, rule by rule. How the rules hold together under faults: tests/simulation."""

from __future__ import annotations

import pytest
from tests.daemon.node_driver import (
    FIRST,
    NODE,
    NOW,
    SECOND,
    at,
    cancel,
    envelope,
    finished,
    machine,
    offer,
    reconcile,
    rows_of,
    running,
    sent,
    sign,
    types,
    word,
)

from devopsclaw.daemon.effects import Outcome, Purge, Read, Record, Row, Start, Stop, Watch
from devopsclaw.daemon.machine import MAX_IN_FLIGHT
from devopsclaw.model.errors import Damaged
from devopsclaw.model.headers import CREDIT_WINDOW
from devopsclaw.model.moment import Moment
from devopsclaw.wire.frames import MAX_BODY, FrameType, encode

ACCEPTED = ["record accepted", "ACCEPT", "record starting", "start"]


def test_an_offer_is_journalled_before_it_is_accepted_and_again_before_it_starts() -> None:
    effects = machine().on_frame(offer(), NOW)

    assert types(effects) == ACCEPTED
    assert effects[3] == Start(FIRST, envelope())


def test_a_started_command_is_journalled_before_it_is_told() -> None:
    node = machine()
    node.on_frame(offer(), NOW)

    effects = node.on_started(FIRST, 42, 1.5, at(1))

    assert effects[0] == Record(FIRST, "running", {"pid": 42, "start_time": 1.5, "boot": "boot-1"})
    assert sent(effects)[0].type is FrameType.STARTED
    assert sent(effects)[0].header["pid"] == 42


def test_frames_are_numbered_within_their_epoch() -> None:
    node = machine(epoch=4)
    first = sent(node.on_frame(offer(), NOW) + node.on_started(FIRST, 42, 1.5, NOW))
    node.on_link(5, NOW)
    second = sent(node.on_frame(reconcile(), NOW))

    assert [(frame.header["epoch"], frame.header["seq"]) for frame in first + second] == [
        (4, 1),
        (4, 2),
        (5, 1),
    ]


def test_the_end_is_journalled_before_it_is_told() -> None:
    effects = running().on_finished(FIRST, Outcome(exit_code=0, duration=1.0), at(1))

    assert types(effects) == ["record finished", "DONE"]
    header = sent(effects)[0].header
    assert (header["status"], header["exit_code"], header["reason"]) == ("ok", 0, "")


@pytest.mark.parametrize(
    ("outcome", "status", "reason"),
    [
        (Outcome(exit_code=0), "ok", ""),
        (Outcome(exit_code=3), "failed", ""),
        (Outcome(signal=11), "failed", ""),
        (Outcome(interrupted=True), "unknown", "interrupted"),
        (Outcome(reason="could not start: no shell"), "failed", "could not start: no shell"),
        (Outcome(expired=True, reason="too late"), "expired", "too late"),
    ],
)
def test_the_outcome_decides_the_word(outcome: Outcome, status: str, reason: str) -> None:
    header = sent(running().on_finished(FIRST, outcome, at(1)))[0].header

    assert (header["status"], header["reason"]) == (status, reason)


def test_an_end_is_reported_once() -> None:
    node = finished()

    assert node.on_finished(FIRST, Outcome(exit_code=1), at(2)) == []


def test_an_acknowledged_command_is_journalled_before_its_output_is_deleted() -> None:
    node = finished()

    assert types(node.on_frame(word(FrameType.DONE_ACK), at(2))) == ["record acked", "forget"]
    assert node.on_frame(word(FrameType.DONE_ACK), at(3)) == []


def test_an_acknowledgement_of_a_running_command_means_nothing() -> None:
    assert running().on_frame(word(FrameType.DONE_ACK), at(1)) == []


# Never twice


def test_the_same_offer_again_is_answered_and_starts_nothing() -> None:
    assert types(running().on_frame(offer(), at(1))) == ["ACCEPT"]


def test_the_same_offer_after_the_end_is_answered_with_the_end() -> None:
    assert types(finished().on_frame(offer(), at(2))) == ["DONE"]


def test_the_same_offer_after_its_time_is_still_answered_from_the_journal() -> None:
    assert types(finished().on_frame(offer(), at(3600))) == ["DONE"]


def test_the_same_offer_after_the_acknowledgement_is_refused_as_forgotten() -> None:
    node = finished()
    node.on_frame(word(FrameType.DONE_ACK), at(2))

    assert sent(node.on_frame(offer(), at(3)))[0].header["code"] == "forgotten"


@pytest.mark.parametrize("node", [running(), finished()])
def test_another_command_under_a_used_id_is_a_conflict(node: object) -> None:
    frames = sent(node.on_frame(offer(execution="X-2"), at(1)))  # type: ignore[attr-defined]

    assert [frame.header["code"] for frame in frames] == ["id_conflict"]


def test_more_commands_than_fit_are_refused_for_good() -> None:
    node = machine()
    for number in range(MAX_IN_FLIGHT):
        assert types(node.on_frame(offer(f"{number:032x}"), NOW)) == ACCEPTED

    refused = node.on_frame(offer(FIRST), NOW)
    node.on_finished(f"{0:032x}", Outcome(exit_code=0), at(1))
    repeated = node.on_frame(offer(FIRST), at(1))

    assert types(refused) == ["record finished", "DONE"]
    assert types(repeated) == ["DONE"]
    assert sent(repeated)[0].header["status"] == "denied"
    assert types(node.on_frame(offer(SECOND), at(1))) == ACCEPTED


# Cancel and timeout


def test_a_cancel_is_journalled_before_the_command_is_stopped() -> None:
    effects = running().on_frame(cancel(grace=3.0), at(1))

    assert effects == [Record(FIRST, "running", {"stop": "cancel"}), Stop(FIRST, "cancel", 3.0)]


def test_a_cancelled_command_was_killed_whatever_it_returned() -> None:
    node = running()
    node.on_frame(cancel(), at(1))

    assert sent(node.on_finished(FIRST, Outcome(exit_code=0), at(2)))[0].header["status"] == "killed"


def test_a_command_that_never_ran_was_not_killed() -> None:
    node = running()
    node.on_frame(cancel(), at(1))

    assert sent(node.on_finished(FIRST, Outcome(reason="no shell"), at(2)))[0].header["status"] == "failed"


def test_a_second_cancel_stops_nothing_twice() -> None:
    node = running()
    node.on_frame(cancel(), at(1))

    assert node.on_frame(cancel(), at(2)) == []


def test_a_cancel_after_the_end_is_answered_with_the_end() -> None:
    assert types(finished().on_frame(cancel(), at(2))) == ["DONE"]


def test_a_cancel_after_the_acknowledgement_means_nothing() -> None:
    node = finished()
    node.on_frame(word(FrameType.DONE_ACK), at(2))

    assert node.on_frame(cancel(), at(3)) == []


def test_a_cancel_that_comes_before_its_offer_leaves_a_tombstone() -> None:
    node = machine()

    buried = node.on_frame(cancel(), NOW)
    offered = node.on_frame(offer(), at(1))

    assert types(buried) == ["record finished", "DONE"]
    assert sent(buried)[0].header["status"] == "cancelled"
    assert types(offered) == ["DONE"]


def test_a_tombstone_outlives_its_acknowledgement_and_a_restart() -> None:
    node = machine()
    effects = node.on_frame(cancel(), NOW) + node.on_frame(word(FrameType.DONE_ACK), NOW)

    again = machine(rows_of(effects))

    assert types(again.on_frame(offer(), at(1))) == ["REJECT"]


@pytest.mark.parametrize("frame", [cancel(node="n_other"), word(FrameType.CANCEL, signature="forged")])
def test_a_cancel_that_is_not_for_us_or_not_signed_is_dropped(frame: object) -> None:
    node = running()

    assert node.on_frame(frame, at(1)) == []  # type: ignore[arg-type]
    assert node.dropped == 1


def test_a_command_is_stopped_when_its_time_is_over() -> None:
    node = running(timeout=10.0, grace=2.0)

    assert node.due == at(10).steady
    assert node.on_tick(at(9.9)) == []
    assert node.on_tick(at(10)) == [
        Record(FIRST, "running", {"stop": "timeout"}),
        Stop(FIRST, "timeout", 2.0),
    ]
    assert sent(node.on_finished(FIRST, Outcome(signal=15), at(11)))[0].header["status"] == "timed_out"


def test_time_runs_by_the_steady_clock() -> None:
    node = running(timeout=10.0)

    assert node.on_tick(Moment(NOW.wall + 86_400, at(9).steady)) == []
    assert types(node.on_tick(Moment(NOW.wall - 86_400, at(10).steady))) == ["record running", "stop"]


def test_a_command_without_a_timeout_has_no_deadline() -> None:
    node = running(timeout=None)

    assert node.due is None
    assert node.on_tick(at(1_000_000)) == []


def test_a_command_that_ended_is_not_stopped() -> None:
    assert finished(timeout=10.0).on_tick(at(11)) == []


def test_a_cancelled_command_is_not_stopped_again_when_its_time_is_over() -> None:
    node = running(timeout=10.0)
    node.on_frame(cancel(), at(1))

    assert node.on_tick(at(11)) == []


# Output


def test_output_is_read_when_it_is_printed_and_sent_when_it_is_read() -> None:
    node = running()

    reading = node.on_printed(FIRST, "stdout", 5, at(1))
    sending = node.on_chunk(FIRST, "stdout", 0, b"hello", at(1))

    assert reading == [Read(FIRST, "stdout", 0, 5)]
    assert [(frame.header["offset"], frame.body) for frame in sent(sending)] == [(0, b"hello")]


def test_one_read_of_each_stream_is_out_at_a_time() -> None:
    node = running()

    assert types(node.on_printed(FIRST, "stdout", 5, at(1))) == ["read"]
    assert node.on_printed(FIRST, "stdout", 9, at(1)) == []
    assert types(node.on_printed(FIRST, "stderr", 3, at(1))) == ["read"]
    assert node.on_chunk(FIRST, "stdout", 0, b"hello", at(1))[1:] == [Read(FIRST, "stdout", 5, 4)]


def test_a_read_is_never_longer_than_a_frame() -> None:
    assert running().on_printed(FIRST, "stdout", 10**9, at(1)) == [Read(FIRST, "stdout", 0, MAX_BODY)]


def test_no_byte_is_read_past_the_credit() -> None:
    node = running()
    effects = node.on_printed(FIRST, "stdout", 10**9, at(1))
    while effects:
        read = effects[-1]
        assert isinstance(read, Read)
        assert read.offset + read.limit <= CREDIT_WINDOW
        effects = node.on_chunk(FIRST, "stdout", read.offset, b"x" * read.limit, at(1))
        effects = [effect for effect in effects if isinstance(effect, Read)]

    granted = node.on_frame(word(FrameType.CREDIT, stdout=CREDIT_WINDOW + 10, stderr=0), at(2))

    assert granted == [Read(FIRST, "stdout", CREDIT_WINDOW, 10)]
    assert node.on_frame(word(FrameType.CREDIT, stdout=1, stderr=0), at(2)) == []


def test_a_gap_is_told_where_it_stands_and_once() -> None:
    node = running()
    node.on_gap(FIRST, "stdout", 5, 100)
    node.on_printed(FIRST, "stdout", 110, at(1))

    effects = node.on_chunk(FIRST, "stdout", 0, b"first", at(1))

    assert types(effects) == ["OUTPUT", "GAP", "read"]
    assert {name: sent(effects)[1].header[name] for name in ("start", "end")} == {"start": 5, "end": 100}
    assert effects[2] == Read(FIRST, "stdout", 100, 10)


def test_the_end_is_told_while_output_is_still_on_its_way() -> None:
    node = running()

    effects = node.on_finished(FIRST, Outcome(exit_code=0, stdout_length=5), at(1))

    assert types(effects) == ["record finished", "read", "DONE"]
    assert types(node.on_chunk(FIRST, "stdout", 0, b"hello", at(1))) == ["OUTPUT"]


def test_a_spill_file_that_lost_its_end_is_told_as_a_gap() -> None:
    node = running()
    node.on_finished(FIRST, Outcome(exit_code=0, stdout_length=5), at(1))

    effects = node.on_chunk(FIRST, "stdout", 0, b"", at(1))

    assert types(effects) == ["GAP"]
    assert sent(effects)[0].header["end"] == 5


# Links


def test_a_command_goes_on_without_a_link_and_says_nothing() -> None:
    node = running()
    node.on_unlink(at(1))

    assert node.on_printed(FIRST, "stdout", 5, at(2)) == []
    assert types(node.on_finished(FIRST, Outcome(exit_code=0, stdout_length=5), at(3))) == ["record finished"]


def test_a_new_link_alone_says_nothing() -> None:
    node = finished()
    node.on_unlink(at(2))

    assert node.on_link(2, at(3)) == []
    assert node.on_tick(at(4)) == []


def test_a_reconcile_is_answered_and_output_goes_on_from_the_controllers_offsets() -> None:
    node = running()
    node.on_printed(FIRST, "stdout", 10, at(1))
    node.on_chunk(FIRST, "stdout", 0, b"0123456789", at(1))
    node.on_link(2, at(2))

    effects = node.on_frame(reconcile((FIRST, 4, 0), (SECOND, 0, 0), serial=9), at(2))

    header = sent(effects)[0].header
    assert header["serial"] == 9
    assert header["commands"] == [
        {"command": FIRST, "state": "running"},
        {"command": SECOND, "state": "unseen"},
    ]
    assert effects[1:] == [Read(FIRST, "stdout", 4, 6)]


def test_a_chunk_that_was_read_before_the_rewind_is_not_sent() -> None:
    node = running()
    node.on_printed(FIRST, "stdout", 10, at(1))
    node.on_link(2, at(2))
    node.on_frame(reconcile((FIRST, 4, 0)), at(2))

    effects = node.on_chunk(FIRST, "stdout", 0, b"0123456789", at(2))

    assert effects == [Read(FIRST, "stdout", 4, 6)]


def test_a_reconcile_repeats_the_end_until_it_is_acknowledged() -> None:
    node = finished()

    assert types(node.on_frame(reconcile((FIRST, 0, 0)), at(2))) == ["STANDING", "DONE"]
    assert types(node.on_frame(reconcile((FIRST, 0, 0)), at(3))) == ["STANDING", "DONE"]
    node.on_frame(word(FrameType.DONE_ACK), at(4))
    standing = sent(node.on_frame(reconcile((FIRST, 0, 0)), at(5)))
    assert [frame.header["commands"][0]["state"] for frame in standing] == ["forgotten"]


def test_an_end_that_the_controller_does_not_ask_for_is_repeated_too() -> None:
    assert types(finished().on_frame(reconcile(), at(2))) == ["STANDING", "DONE"]


@pytest.mark.parametrize(
    "frame",
    [
        word(FrameType.CREDIT, stdout=-1, stderr=0),
        word(FrameType.CREDIT, stdout="5", stderr=0),
        word(FrameType.DONE_ACK, command="no id"),
        word(FrameType.OFFER),
        word(FrameType.RECONCILE, serial=1, commands=[{"command": FIRST}]),
        word(FrameType.PRESENCE),
        word(FrameType.DONE_ACK, node="n_other"),
    ],
)
def test_a_frame_that_makes_no_sense_is_dropped_and_counted(frame: object) -> None:
    node = finished()

    assert node.on_frame(frame, at(2)) == []  # type: ignore[arg-type]
    assert node.dropped == 1


def test_the_longest_report_still_fits_a_frame() -> None:
    names = tuple("4242 " + "🦀" * 5000 for _ in range(5000))
    outcome = Outcome(exit_code=0, left=names, survivors=names, reason="🦀" * 100_000)

    frame = sent(running().on_finished(FIRST, outcome, at(1)))[0]

    assert len(encode(frame)) > 1000
    assert frame.header["left"][-1] == "and 4950 more"


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


@pytest.mark.parametrize("lost", ["digest", "envelope", "purge_at"])
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


def test_the_signature_is_journalled_with_the_envelope() -> None:
    record = machine().on_frame(offer(), NOW)[0]

    assert isinstance(record, Record)
    assert record.fields["envelope"].encode() == envelope().canonical()
    assert record.fields["signature"] == sign(envelope().canonical())
    assert NODE in record.fields["envelope"]
