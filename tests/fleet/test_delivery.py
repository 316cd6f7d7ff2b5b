"""Delivery, rule by rule. How the rules hold together under faults: tests/simulation."""

from __future__ import annotations

import hashlib
import time

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

from devopsclaw.fleet.delivery import ASK_AGAIN, QUIET, Delivery
from devopsclaw.fleet.effects import Ended, Moved, Recall, Row
from devopsclaw.fleet.stream import Kept
from devopsclaw.model.headers import CREDIT_WINDOW, RECONCILE_COMMANDS
from devopsclaw.model.state import State
from devopsclaw.wire.frames import Frame, FrameType, encode

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

    assert delivery.on_frame(Speaker().done(), NOW) == [Recall(FIRST, NODE)]
    assert story(delivery.on_recalled(FIRST, NODE, NOW)) == ["DONE_ACK"]


def test_other_words_about_a_command_that_is_not_held_mean_nothing() -> None:
    speaker = Speaker()

    assert connected().on_frame(speaker.accept(), NOW) == []


# Fences


def test_a_frame_of_another_epoch_is_dropped_and_counted() -> None:
    delivery = sent()

    assert delivery.on_frame(Speaker(epoch=2).accept(), NOW) == []
    assert delivery.on_frame(Speaker(epoch=0).accept(), NOW) == []
    assert delivery.dropped == 2


def test_a_frame_that_comes_twice_or_was_overtaken_is_dropped() -> None:
    speaker = Speaker()
    delivery = sent()
    first, second = speaker.accept(), speaker.output(0, b"x")
    delivery.on_frame(first, NOW)
    delivery.on_frame(second, NOW)

    assert delivery.on_frame(first, NOW) == []
    assert delivery.on_frame(second, NOW) == []
    assert delivery.dropped == 2


def test_a_missing_frame_is_noticed_and_the_node_is_asked_once() -> None:
    speaker = Speaker()
    delivery = running(speaker)
    speaker.output(0, b"lost")

    assert story(delivery.on_frame(speaker.output(4, b"b"), NOW)) == ["RECONCILE"]
    assert story(delivery.on_frame(speaker.output(5, b"c"), NOW)) == []


def test_a_frame_lost_while_the_answer_is_awaited_asks_once_more() -> None:
    speaker = Speaker()
    delivery = running(speaker)
    speaker.accept()
    asked = reconcile_in(delivery.on_frame(speaker.output(4, b"b"), NOW))
    speaker.accept()

    assert story(delivery.on_frame(speaker.standing(asked, "running"), NOW)) == ["RECONCILE"]


@pytest.mark.parametrize(
    "frame",
    [
        Frame(FrameType.ACCEPT, {"node": NODE, "epoch": 1, "seq": 1}),
        Frame(FrameType.ACCEPT, {"node": "n_unheard", "epoch": 1, "seq": 1, "command": FIRST}),
        Frame(FrameType.OUTPUT, {"node": NODE, "epoch": 1, "seq": 1, "command": FIRST, "stream": "x"}),
        Frame(FrameType.PRESENCE, {"node": NODE, "epoch": 1, "seq": 1}),
        Speaker().done(status="running"),
    ],
)
def test_a_frame_that_makes_no_sense_is_dropped_and_counted(frame: Frame) -> None:
    delivery = sent()

    assert delivery.on_frame(frame, NOW) == []
    assert delivery.dropped == 1


def test_a_presence_of_an_older_epoch_is_late_news() -> None:
    delivery = connected(epoch=5)

    assert delivery.on_presence(NODE, False, 4, NOW) == []
    assert delivery.on_presence(NODE, True, 4, NOW) == []
    assert story(delivery.offer(command(), NOW))[-1] == "OFFER"


# Links


def test_each_new_session_is_asked_where_everything_stands() -> None:
    delivery = running(Speaker())

    assert delivery.on_presence(NODE, True, 1, at(1)) == []
    assert story(delivery.on_presence(NODE, True, 2, at(2))) == ["RECONCILE"]
    assert delivery.on_presence(NODE, False, 2, at(3)) == []
    assert story(delivery.on_presence(NODE, True, 2, at(4))) == ["RECONCILE"]


def test_a_lost_offer_is_sent_again_as_it_was() -> None:
    delivery = sent()
    asked = reconcile_in(delivery.on_presence(NODE, True, 2, at(1)))

    effects = delivery.on_frame(Speaker(2).standing(asked, "unseen"), at(1))

    assert story(effects) == ["OFFER"]
    assert frames(effects)[0].body == command().envelope


def test_a_lost_offer_whose_time_is_over_is_withdrawn_and_expires() -> None:
    delivery = sent()
    speaker = Speaker(2)
    asked = reconcile_in(delivery.on_presence(NODE, True, 2, at(61)))

    assert story(delivery.on_frame(speaker.standing(asked, "unseen"), at(61))) == ["CANCEL"]
    buried = delivery.on_frame(speaker.done(status="cancelled", exit_code=None), at(61))
    assert story(buried) == ["record ended", "ended expired", "DONE_ACK"]


@pytest.mark.parametrize("state", ["accepted", "starting", "running"])
def test_a_standing_replaces_a_lost_accept(state: str) -> None:
    delivery = sent()
    asked = reconcile_in(delivery.on_presence(NODE, True, 2, at(1)))

    effects = delivery.on_frame(Speaker(2).standing(asked, state), at(1))

    assert story(effects) == ["record accepted", "moved running"]


def test_an_accepted_command_that_its_node_never_saw_is_unknown() -> None:
    delivery = running(Speaker())
    asked = reconcile_in(delivery.on_presence(NODE, True, 2, at(1)))

    effects = delivery.on_frame(Speaker(2).standing(asked, "unseen"), at(1))

    assert effects[1] == Ended(FIRST, State.UNKNOWN, "the node lost its journal")


def test_a_journal_younger_than_the_command_cannot_say_that_it_never_ran() -> None:
    delivery = sent()
    asked = reconcile_in(delivery.on_presence(NODE, True, 2, at(1)))
    younger = Speaker(2).standing(asked, "unseen", incarnation=NOW.wall + 0.5)

    assert story(delivery.on_frame(younger, at(1))) == ["record ended", "ended unknown"]


def test_a_tombstone_of_a_younger_journal_proves_nothing_either() -> None:
    speaker = Speaker()
    delivery = sent()
    delivery.cancel(FIRST, at(1))
    buried = speaker.done(status="cancelled", exit_code=None, incarnation=NOW.wall + 0.5)

    effects = delivery.on_frame(buried, at(1))

    assert story(effects) == ["record ended", "ended unknown", "DONE_ACK"]


def test_a_command_that_its_node_has_forgotten_is_unknown() -> None:
    delivery = running(Speaker())
    asked = reconcile_in(delivery.on_presence(NODE, True, 2, at(1)))

    effects = delivery.on_frame(Speaker(2).standing(asked, "forgotten"), at(1))

    assert story(effects) == ["record ended", "ended unknown"]


def test_an_answer_to_an_older_question_means_nothing() -> None:
    delivery = sent()
    old = reconcile_in(delivery.on_presence(NODE, True, 2, at(1)))
    delivery.on_presence(NODE, True, 3, at(2))

    assert delivery.on_frame(Speaker(3).standing(old, "unseen"), at(2)) == []


def test_a_question_about_many_commands_fits_its_frames() -> None:
    delivery = connected()
    for number in range(RECONCILE_COMMANDS + 1):
        delivery.offer(command(f"{number:032x}"), NOW)

    asked = frames(delivery.on_presence(NODE, True, 2, at(1)))

    assert [len(frame.header["commands"]) for frame in asked] == [RECONCILE_COMMANDS, 1]
    assert all(len(encode(frame)) < 32 * 1024 for frame in asked)


def test_an_unanswered_question_is_asked_again() -> None:
    delivery = sent()
    delivery.on_presence(NODE, True, 2, NOW)

    assert delivery.on_tick(at(ASK_AGAIN - 0.1)) == []
    assert story(delivery.on_tick(at(ASK_AGAIN))) == ["RECONCILE"]


def test_a_node_that_is_silent_for_long_is_asked() -> None:
    speaker = Speaker()
    delivery = running(speaker, timeout=None)
    delivery.on_frame(speaker.output(0, b"x"), at(30))

    assert delivery.on_tick(at(QUIET)) == []
    assert story(delivery.on_tick(at(30 + QUIET))) == ["RECONCILE"]


def test_a_node_without_commands_is_left_alone() -> None:
    assert connected().on_tick(at(10_000)) == []


# Unknown


def lost(speaker: Speaker) -> Delivery:
    """A delivery whose running command became unknown when the link was lost for a minute."""
    delivery = running(speaker, timeout=None)
    delivery.on_presence(NODE, False, 1, at(1))
    assert delivery.on_tick(at(60.9)) == []
    assert story(delivery.on_tick(at(61))) == ["record unknown", "moved unknown"]
    return delivery


def test_a_lost_link_makes_it_unknown_after_a_minute() -> None:
    lost(Speaker())


def test_a_link_that_comes_back_in_time_changes_nothing() -> None:
    delivery = running(Speaker(), timeout=None)
    delivery.on_presence(NODE, False, 1, at(1))
    delivery.on_presence(NODE, True, 2, at(59))

    assert not any(isinstance(effect, Moved) for effect in delivery.on_tick(at(62)))


def test_the_unknown_becomes_the_truth_when_the_node_reports() -> None:
    delivery = lost(Speaker())
    asked = delivery.on_presence(NODE, True, 2, at(100))

    effects = delivery.on_frame(Speaker(2).done(), at(100))

    assert frames(asked)[0].header["commands"] == [{"command": FIRST, "stdout": 0, "stderr": 0}]
    assert story(effects) == ["record ended", "ended ok", "DONE_ACK"]


def test_the_unknown_stays_so_while_it_still_runs_but_says_why() -> None:
    delivery = lost(Speaker())
    asked = reconcile_in(delivery.on_presence(NODE, True, 2, at(100)))

    effects = delivery.on_frame(Speaker(2).standing(asked, "running"), at(100))

    assert story(effects) == ["moved unknown"]
    assert "is back" in effects[0].reason  # type: ignore[union-attr]


def test_the_unknown_is_never_sent_again() -> None:
    delivery = sent(not_after=NOW.wall + 3600)
    delivery.on_presence(NODE, False, 1, at(1))
    assert story(delivery.on_tick(at(61))) == ["record unknown", "moved unknown"]
    asked = reconcile_in(delivery.on_presence(NODE, True, 2, at(100)))

    effects = delivery.on_frame(Speaker(2).standing(asked, "unseen"), at(100))

    assert story(effects) == ["CANCEL"]


def test_an_offer_that_nobody_answers_is_unknown_a_minute_after_its_time() -> None:
    delivery = sent()

    assert "moved unknown" not in story(delivery.on_tick(at(119)))
    assert "moved unknown" in story(delivery.on_tick(at(120)))


def test_a_command_that_is_not_reported_in_time_is_unknown() -> None:
    delivery = running(Speaker(), timeout=10.0, grace=2.0)

    assert "moved unknown" not in story(delivery.on_tick(at(71)))
    assert "moved unknown" in story(delivery.on_tick(at(72)))


def test_a_word_that_was_long_on_its_way_does_not_move_the_deadline() -> None:
    delivery = sent(timeout=10.0, grace=2.0)
    delivery.on_frame(Speaker().accept(), at(110))

    assert "moved unknown" in story(delivery.on_tick(at(60 + 12 + 60)))


def test_a_command_without_a_timeout_may_run_for_ever() -> None:
    delivery = running(Speaker(), timeout=None)

    assert "moved unknown" not in story(delivery.on_tick(at(100_000)))


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


# Restart


def restored(state: State, **changes: object) -> Delivery:
    """A delivery after a restart over one command."""
    delivery = Delivery(sign_cancel)
    assert delivery.restore([Row(command(), state, **changes)], NOW) == []  # type: ignore[arg-type]
    return delivery


def test_a_pending_command_is_sent_after_a_restart() -> None:
    effects = restored(State.PENDING).on_presence(NODE, True, 3, at(1))

    assert story(effects) == ["RECONCILE", "record sent", "moved sent", "OFFER"]
    assert frames(effects)[0].header["commands"] == []


def test_a_pending_command_whose_time_is_over_expires_after_a_restart() -> None:
    effects = restored(State.PENDING).on_presence(NODE, True, 3, at(61))

    assert story(effects) == ["RECONCILE", "record ended", "ended expired"]


def test_a_pending_command_can_be_cancelled_without_being_sent() -> None:
    assert story(restored(State.PENDING).cancel(FIRST, at(1))) == ["record ended", "ended cancelled"]


def test_a_pending_command_whose_node_stays_away_is_unreachable() -> None:
    assert story(restored(State.PENDING).on_tick(at(60))) == ["record ended", "ended unreachable"]


@pytest.mark.parametrize("state", [State.SENT, State.RUNNING, State.UNKNOWN])
def test_a_sent_command_is_asked_for_after_a_restart_from_its_durable_offsets(state: State) -> None:
    delivery = restored(state, accepted_at=NOW.wall, stdout=Kept.of([b"he", b"llo"], skipped=10))

    effects = delivery.on_presence(NODE, True, 3, at(1))

    assert story(effects) == ["RECONCILE"]
    assert frames(effects)[0].header["commands"] == [{"command": FIRST, "stdout": 15, "stderr": 0}]


def test_the_digest_goes_on_where_the_restart_cut_it() -> None:
    speaker = Speaker(3)
    delivery = restored(State.RUNNING, accepted_at=NOW.wall, stdout=Kept.of([b"hel"]))
    delivery.on_presence(NODE, True, 3, at(1))
    delivery.on_frame(speaker.output(3, b"lo"), at(1))

    assert story(delivery.on_frame(speaker.done(b"hello"), at(1)))[1:] == ["ended ok", "DONE_ACK"]


def test_the_first_frame_after_a_restart_may_have_any_number() -> None:
    speaker = Speaker(3)
    for _ in range(56):
        speaker.accept()
    delivery = restored(State.RUNNING, accepted_at=NOW.wall)
    asked = reconcile_in(delivery.on_presence(NODE, True, 3, at(1)))

    assert delivery.on_frame(speaker.standing(asked, "running"), at(1)) == []
    assert delivery.dropped == 0


def test_a_cancel_is_repeated_after_a_restart() -> None:
    delivery = restored(State.RUNNING, accepted_at=NOW.wall, is_cancelling=True)

    assert story(delivery.on_presence(NODE, True, 3, at(1))) == ["RECONCILE", "CANCEL"]


def test_a_sent_command_whose_node_stays_away_is_unknown_after_a_restart() -> None:
    assert story(restored(State.SENT).on_tick(at(60))) == ["record unknown", "moved unknown"]


def test_commands_may_be_restored_while_their_node_is_there() -> None:
    delivery = connected()

    effects = delivery.restore([Row(command(), State.PENDING), Row(command(SECOND), State.SENT)], at(1))

    assert story(effects) == ["RECONCILE", "record sent", "moved sent", "OFFER"]


# Size


def test_the_cost_of_a_frame_does_not_grow_with_the_number_of_commands() -> None:
    few, many = cost_per_command(100), cost_per_command(5_000)

    assert many < 5 * few


def cost_per_command(nodes: int) -> float:
    """Seconds for one command from offer to end, with so many nodes at once; the best of three."""
    return min(_time_all(nodes) for _ in range(3)) / nodes


def _time_all(nodes: int) -> float:
    delivery = Delivery(sign_cancel)
    names = [f"n_{number}" for number in range(nodes)]
    speakers = [Speaker(1, name) for name in names]
    for name in names:
        delivery.on_presence(name, True, 1, NOW)
    begun = time.perf_counter()
    for number, name in enumerate(names):
        delivery.offer(command(f"{number:032x}", node=name), NOW)
    for number, speaker in enumerate(speakers):
        delivery.on_frame(speaker.accept(f"{number:032x}"), NOW)
        delivery.on_tick(NOW)
    for number, speaker in enumerate(speakers):
        delivery.on_frame(speaker.output(0, b"up 3 days", identifier=f"{number:032x}"), NOW)
    ended = [
        effect
        for number, speaker in enumerate(speakers)
        for effect in delivery.on_frame(speaker.done(b"up 3 days", f"{number:032x}"), NOW)
        if isinstance(effect, Ended)
    ]
    assert len(ended) == nodes
    return time.perf_counter() - begun
