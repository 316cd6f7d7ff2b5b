"""Delivery over sessions that come and go: fences, questions and answers."""

from __future__ import annotations

import pytest
from tests.fleet.delivery_driver import (
    FIRST,
    NODE,
    NOW,
    Speaker,
    at,
    command,
    connected,
    frames,
    reconcile_in,
    running,
    sent,
    story,
)

from devopsclaw.fleet.delivery import ASK_AGAIN, QUIET
from devopsclaw.fleet.effects import Ended
from devopsclaw.model.headers import RECONCILE_COMMANDS
from devopsclaw.model.state import State
from devopsclaw.wire.frames import Frame, FrameType, encode

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
    assert frames(effects)[0].body == command().body


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
