"""Delivery of one command: offer, output, end, cancel. Under faults: tests/simulation."""

from __future__ import annotations

import hashlib

import pytest
from tests.fleet.delivery_driver import (
    FIRST,
    NODE,
    NOW,
    SECOND,
    Speaker,
    at,
    command,
    connected,
    frames,
    reconcile_in,
    running,
    sent,
    sign_cancel,
    story,
)

from devopsclaw.fleet.delivery import Delivery
from devopsclaw.fleet.effects import Ended, Recall, Record
from devopsclaw.model.headers import CREDIT_WINDOW, DoneHeader
from devopsclaw.model.state import State
from devopsclaw.wire.frames import FrameType

# Offers


def test_an_offer_is_on_record_before_it_is_sent() -> None:
    assert story(connected().offer(command(), NOW)) == ["record sent", "moved sent", "OFFER"]


def test_an_offer_carries_the_signed_bytes_as_they_are() -> None:
    frame = frames(connected().offer(command(), NOW))[0]

    assert frame.body == b"{}"
    assert frame.header == {"node": NODE, "command": FIRST, "signature": "00"}


def test_nothing_is_sent_to_a_node_that_is_offline() -> None:
    delivery = Delivery(sign_cancel)

    assert story(delivery.offer(command(), NOW)) == ["record ended", "ended unreachable"]
    assert story(delivery.on_presence(NODE, True, 1, at(1))) == ["RECONCILE"]


def test_a_command_under_way_is_not_offered_again() -> None:
    assert sent().offer(command(), at(1)) == []


def test_an_accepted_command_runs() -> None:
    assert story(sent().on_frame(Speaker().accept(), at(1))) == ["record accepted", "moved running"]


def test_started_says_nothing_new() -> None:
    speaker = Speaker()

    assert running(speaker).on_frame(speaker.say(FrameType.STARTED, command=FIRST, pid=4, at=1.0), NOW) == []


def test_whatever_comes_before_the_accept_implies_it() -> None:
    effects = sent().on_frame(Speaker().output(0, b"x"), at(1))

    assert story(effects)[:2] == ["record accepted", "moved running"]


@pytest.mark.parametrize(
    ("code", "state"),
    [
        ("expired", State.EXPIRED),
        ("bad_signature", State.DENIED),
        ("id_conflict", State.DENIED),
        ("incarnation", State.UNKNOWN),
        ("forgotten", State.UNKNOWN),
    ],
)
def test_a_refusal_ends_it(code: str, state: State) -> None:
    effects = sent().on_frame(Speaker().reject(code), at(1))

    assert story(effects) == ["record ended", f"ended {state}"]
    assert effects[1] == Ended(FIRST, state, f"because of {code}")


def test_a_refusal_of_what_was_accepted_means_nothing() -> None:
    speaker = Speaker()

    assert running(speaker).on_frame(speaker.reject("expired"), at(1)) == []


# Output


def test_output_is_kept_once_and_in_order() -> None:
    speaker = Speaker()
    delivery = running(speaker)

    assert story(delivery.on_frame(speaker.output(0, b"hello"), NOW)) == ["keep stdout 0 hello"]
    assert story(delivery.on_frame(speaker.output(0, b"hello"), NOW)) == []
    assert story(delivery.on_frame(speaker.output(3, b"lo world"), NOW)) == ["keep stdout 5  world"]
    assert story(delivery.on_frame(speaker.output(0, b"oops", "stderr"), NOW)) == ["keep stderr 0 oops"]


def test_a_hole_is_not_kept_and_the_node_is_asked_to_go_back() -> None:
    speaker = Speaker()
    delivery = running(speaker)
    delivery.on_frame(speaker.output(0, b"hello"), NOW)

    effects = delivery.on_frame(speaker.output(9, b"late"), NOW)

    assert story(effects) == ["RECONCILE"]
    assert frames(effects)[0].header["commands"] == [{"command": FIRST, "stdout": 5, "stderr": 0}]


def test_a_gap_is_on_record_and_output_goes_on_behind_it() -> None:
    speaker = Speaker()
    delivery = running(speaker)
    delivery.on_frame(speaker.output(0, b"head"), NOW)

    assert story(delivery.on_frame(speaker.gap(4, 100), NOW)) == ["record gap"]
    assert story(delivery.on_frame(speaker.gap(4, 100), NOW)) == []
    assert story(delivery.on_frame(speaker.output(100, b"tail"), NOW)) == ["keep stdout 100 tail"]
    assert story(delivery.on_frame(speaker.gap(200, 300), NOW)) == ["RECONCILE"]


def test_what_a_command_threw_away_itself_is_taken_back_and_damages_nothing() -> None:
    speaker = Speaker()
    delivery = running(speaker)
    delivery.on_frame(speaker.output(0, b"lost"), NOW)

    taken_back = delivery.on_frame(speaker.gap(0, 4), NOW)
    delivery.on_frame(speaker.output(4, b"kept"), NOW)
    digest = hashlib.sha256(b"kept").hexdigest()
    effects = delivery.on_frame(speaker.done(stdout_length=8, stdout_sha256=digest), at(1))

    assert taken_back == [Record(FIRST, "gap", {"stream": "stdout", "start": 0, "end": 4})]
    assert story(effects) == ["record ended", "ended ok", "DONE_ACK"]


def test_credit_grows_when_half_of_it_is_used() -> None:
    speaker = Speaker()
    delivery = running(speaker)
    half = CREDIT_WINDOW // 2

    quiet = delivery.on_frame(speaker.output(0, b"x" * (half - 1)), NOW)
    granting = delivery.on_frame(speaker.output(half - 1, b"x"), NOW)

    assert [effect for effect in frames(quiet)] == []
    assert [frame.type for frame in frames(granting)] == [FrameType.CREDIT]
    assert frames(granting)[0].header["stdout"] == half + CREDIT_WINDOW
    assert frames(granting)[0].header["stderr"] == CREDIT_WINDOW


# The end


def test_the_end_is_acknowledged_after_it_is_on_record() -> None:
    speaker = Speaker()
    delivery = running(speaker)

    effects = delivery.on_frame(speaker.done(), at(1))

    assert story(effects) == ["record ended", "ended ok", "DONE_ACK"]


def test_the_end_waits_for_the_last_byte() -> None:
    speaker = Speaker()
    delivery = running(speaker)

    early = delivery.on_frame(speaker.done(b"hello"), at(1))
    last = delivery.on_frame(speaker.output(0, b"hello"), at(1))

    assert early == []
    assert story(last) == ["keep stdout 0 hello", "record ended", "ended ok", "DONE_ACK"]


def test_the_end_waits_for_the_last_gap() -> None:
    speaker = Speaker()
    delivery = running(speaker)
    digest = hashlib.sha256(b"head").hexdigest()
    delivery.on_frame(speaker.done(stdout_length=100, stdout_sha256=digest), at(1))
    delivery.on_frame(speaker.output(0, b"head"), at(1))

    assert story(delivery.on_frame(speaker.gap(4, 100), at(1)))[-2:] == ["ended ok", "DONE_ACK"]


def test_the_report_is_recorded_whole() -> None:
    speaker = Speaker()
    delivery = running(speaker)

    effects = delivery.on_frame(speaker.done(status="failed", exit_code=3, left=["7 sleep"]), at(1))

    record, ended = effects[0], effects[1]
    assert record.fields["report"]["exit_code"] == 3  # type: ignore[union-attr]
    assert isinstance(ended, Ended) and ended.report is not None
    assert ended.report.left == ("7 sleep",)


@pytest.mark.parametrize("printed", [b"hellx", b"hello and more"])
def test_damaged_output_is_unknown_and_never_acknowledged(printed: bytes) -> None:
    speaker = Speaker()
    delivery = running(speaker)
    delivery.on_frame(speaker.output(0, printed), at(1))

    effects = delivery.on_frame(speaker.done(b"hello"), at(1))

    assert story(effects) == ["record damaged", "ended unknown"]
    assert "output damaged" in effects[1].reason  # type: ignore[union-attr]


def test_an_interrupted_command_is_unknown_for_good_and_acknowledged() -> None:
    speaker = Speaker()
    delivery = running(speaker)
    delivery.on_frame(speaker.output(0, b"what the node lost with its power"), at(1))

    effects = delivery.on_frame(
        speaker.done(b"what", status="unknown", reason="interrupted", exit_code=None), at(1)
    )

    assert story(effects) == ["record ended", "ended unknown", "DONE_ACK"]
    assert effects[1].reason == "interrupted"  # type: ignore[union-attr]


def test_the_end_of_a_command_that_is_not_held_is_looked_up() -> None:
    delivery = connected()
    done = Speaker().done()
    report = DoneHeader.model_validate(done.header).report()

    assert delivery.on_frame(done, NOW) == [Recall(FIRST, NODE, report)]
    assert story(delivery.on_recalled(FIRST, NODE, NOW)) == ["DONE_ACK"]


def test_other_words_about_a_command_that_is_not_held_mean_nothing() -> None:
    speaker = Speaker()

    assert connected().on_frame(speaker.accept(), NOW) == []


# Cancel


def test_a_cancel_is_on_record_before_it_is_sent() -> None:
    delivery = running(Speaker())

    assert story(delivery.cancel(FIRST, at(1))) == ["record cancelling", "CANCEL"]
    assert delivery.cancel(FIRST, at(2)) == []
    assert delivery.cancel(SECOND, at(2)) == []


def test_a_cancel_is_repeated_in_each_session_until_the_end() -> None:
    delivery = running(Speaker())
    delivery.on_presence(NODE, False, 1, at(1))

    assert story(delivery.cancel(FIRST, at(2))) == ["record cancelling"]
    assert story(delivery.on_presence(NODE, True, 2, at(3))) == ["RECONCILE", "CANCEL"]
    assert "CANCEL" in story(delivery.on_presence(NODE, True, 3, at(4)))
    assert story(delivery.on_frame(Speaker(3).done(status="killed"), at(5)))[1] == "ended killed"
    assert story(delivery.on_presence(NODE, True, 4, at(6))) == ["RECONCILE"]


def test_a_cancelled_offer_that_was_lost_is_not_sent_again() -> None:
    speaker = Speaker(2)
    delivery = sent()
    delivery.cancel(FIRST, at(1))
    asked = reconcile_in(delivery.on_presence(NODE, True, 2, at(2)))

    assert story(delivery.on_frame(speaker.standing(asked, "unseen"), at(2))) == ["CANCEL"]
    buried = delivery.on_frame(speaker.done(status="cancelled", exit_code=None), at(2))
    assert story(buried) == ["record ended", "ended cancelled", "DONE_ACK"]
