"""The node machine and its link: output under credit, reconcile, senseless frames."""

from __future__ import annotations

import pytest
from tests.daemon.node_driver import (
    FIRST,
    SECOND,
    at,
    finished,
    reconcile,
    running,
    sent,
    types,
    word,
)

from devopsclaw.daemon.effects import Outcome, Read
from devopsclaw.model.headers import CREDIT_WINDOW
from devopsclaw.wire.frames import MAX_BODY, FrameType, encode

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
