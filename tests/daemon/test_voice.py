"""What a node says: numbered without a hole, and read by the other end as it was meant."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tests.daemon.node_driver import FIRST, NODE, SECOND

from devopsclaw.daemon.effects import Rejected, Send
from devopsclaw.daemon.voice import Voice
from devopsclaw.model.headers import (
    AboutCommandFromNode,
    DoneHeader,
    FromNode,
    GapHeader,
    OutputHeader,
    RejectHeader,
    Report,
    Standing,
    StandingHeader,
)
from devopsclaw.model.state import State
from devopsclaw.wire.frames import Frame, FrameType, decode, encode

SINCE = 123.5
LATE = Rejected("expired", "late")
REPORT = Report(
    status=State.TIMED_OUT,
    signal=9,
    stdout_length=9,
    gaps=(("stdout", 0, 5),),
    left=("12 sleep",),
    started_at=1.0,
)

Word = Callable[[Voice], Send]
WORDS: dict[FrameType, tuple[Word, type[FromNode]]] = {
    FrameType.ACCEPT: (lambda voice: voice.accept(FIRST), AboutCommandFromNode),
    FrameType.REJECT: (lambda voice: voice.reject(FIRST, LATE, "5a", 9.5), RejectHeader),
    FrameType.STARTED: (lambda voice: voice.started(FIRST, 42, 1.5), AboutCommandFromNode),
    FrameType.OUTPUT: (lambda voice: voice.output(FIRST, "stderr", 7, b"\0raw\xff"), OutputHeader),
    FrameType.GAP: (lambda voice: voice.gap(FIRST, "stdout", 0, 5), GapHeader),
    FrameType.DONE: (lambda voice: voice.done(FIRST, REPORT), DoneHeader),
    FrameType.STANDING: (lambda voice: voice.standing(7, [(FIRST, Standing.RUNNING)]), StandingHeader),
}


def opened(epoch: int = 4) -> Voice:
    """A voice in an open session."""
    voice = Voice(NODE, SINCE)
    voice.open(epoch)
    return voice


def heard(said: Send) -> Frame:
    """The frame as the controller gets it."""
    return decode(encode(said.frame))


@pytest.mark.parametrize("kind", WORDS, ids=lambda kind: kind.name)
def test_each_word_names_node_and_session_and_is_read_by_the_other_end(kind: FrameType) -> None:
    say, header = WORDS[kind]
    frame = heard(say(opened()))

    read = header.model_validate(frame.header)
    assert frame.type is kind
    assert (read.node, read.epoch, read.seq) == (NODE, 4, 1)


def test_words_are_numbered_without_a_hole_whatever_they_are() -> None:
    """A hole would tell the controller that a frame was lost."""
    voice = opened()

    said = [say(voice) for say, _ in WORDS.values()]

    assert [each.frame.header["seq"] for each in said] == list(range(1, len(WORDS) + 1))


def test_each_session_counts_anew_under_its_own_number() -> None:
    voice = opened(4)
    voice.accept(FIRST)
    voice.close()
    assert voice.epoch == 0, "so nothing that asks first is said"

    voice.open(5)

    header = voice.accept(FIRST).frame.header
    assert (header["epoch"], header["seq"]) == (5, 1)


def test_output_is_carried_as_bytes_at_its_offset() -> None:
    frame = heard(opened().output(FIRST, "stderr", 7, b"\0raw\xff"))

    assert (frame.header["stream"], frame.header["offset"], frame.body) == ("stderr", 7, b"\0raw\xff")


def test_the_end_says_all_of_the_report_and_of_which_journal_it_is() -> None:
    header = DoneHeader.model_validate(heard(opened().done(FIRST, REPORT)).header)

    assert (header.report(), header.incarnation) == (REPORT, SINCE)
    assert "signature" not in opened().done(FIRST, REPORT).frame.header, "whoever sends it signs it"


def test_a_refusal_says_why_in_a_word_and_in_a_sentence() -> None:
    refusal = Rejected("expired", "it came too late")
    header = heard(opened().reject(FIRST, refusal, "5a", 9.5)).header

    assert (header["command"], header["code"], header["message"]) == (FIRST, "expired", "it came too late")
    assert (header["offer"], header["at"], header["incarnation"]) == ("5a", 9.5, SINCE)


def test_a_standing_answers_one_question_and_names_each_command_asked_for() -> None:
    standings = [(FIRST, Standing.RUNNING), (SECOND, Standing.UNSEEN)]
    header = StandingHeader.model_validate(heard(opened().standing(7, standings)).header)

    assert (header.serial, header.incarnation) == (7, SINCE)
    assert [(each.command, each.state) for each in header.commands] == standings
