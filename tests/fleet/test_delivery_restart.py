"""Delivery where something was lost: the unknown, restarts; and its cost."""

from __future__ import annotations

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

from devopsclaw.fleet.delivery import Delivery
from devopsclaw.fleet.effects import Ended, Moved, Row
from devopsclaw.fleet.stream import Kept
from devopsclaw.model.state import State

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
