"""The node machine with one command, rule by rule. Under faults: tests/simulation."""

from __future__ import annotations

import pytest
from tests.daemon.node_driver import (
    FIRST,
    NOW,
    SECOND,
    at,
    cancel,
    finished,
    machine,
    offer,
    offered,
    reconcile,
    rows_of,
    running,
    sent,
    types,
    word,
)

from devopsclaw.daemon.effects import Outcome, Record, Start, Stop
from devopsclaw.daemon.machine import MAX_IN_FLIGHT
from devopsclaw.model.moment import Moment
from devopsclaw.wire.frames import FrameType

ACCEPTED = ["record accepted", "ACCEPT", "record starting", "start"]


def test_an_offer_is_journalled_before_it_is_accepted_and_again_before_it_starts() -> None:
    effects = machine().on_frame(offer(), NOW)

    assert types(effects) == ACCEPTED
    assert effects[3] == Start(FIRST, offered()[0])


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
    frames = sent(node.on_frame(offer(timeout=11.0), at(1)))  # type: ignore[attr-defined]

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
