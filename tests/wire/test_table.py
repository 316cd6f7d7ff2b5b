"""The table of frames that are let in, cell by cell: what is not named here is refused."""

from __future__ import annotations

from itertools import product

import pytest

from devopsclaw.wire.frames import FrameType
from devopsclaw.wire.table import ALLOWED, Role, Seat, Stage, is_allowed, relay_seat, seat_of

NODE_WORDS = "ACCEPT REJECT STARTED OUTPUT GAP DONE STANDING"
CONTROLLER_WORDS = "OFFER DONE_ACK CREDIT CANCEL RECONCILE"
ENTRY_WORDS = "FORGET MINT REVOKE ALARMS_SEEN RELEASE"
EXPECTED = {
    (Seat.RELAY_TO_STRANGER, Stage.GREETING): "HELLO",
    (Seat.RELAY_TO_STRANGER, Stage.PROVING): "PROOF",
    (Seat.RELAY_TO_NODE, Stage.OPEN): f"PING GOODBYE FACTS {NODE_WORDS}",
    (Seat.RELAY_TO_CONTROLLER, Stage.OPEN): f"PING GOODBYE {ENTRY_WORDS} {CONTROLLER_WORDS}",
    (Seat.NODE, Stage.GREETING): "CHALLENGE REFUSED",
    (Seat.NODE, Stage.PROVING): "WELCOME REFUSED",
    (Seat.NODE, Stage.OPEN): f"PONG DRAIN GOODBYE {CONTROLLER_WORDS}",
    (Seat.CONTROLLER, Stage.GREETING): "CHALLENGE REFUSED",
    (Seat.CONTROLLER, Stage.PROVING): "WELCOME REFUSED",
    (Seat.CONTROLLER, Stage.OPEN): f"PONG DRAIN GOODBYE PRESENCE TOKENS ALARMS {NODE_WORDS}",
}
"""Written out by hand, apart from the table itself, so that a slip in either shows."""
RESERVED = {
    FrameType.PTY_OPEN,
    FrameType.PTY_DATA,
    FrameType.PTY_CLOSE,
    FrameType.STDIN_DATA,
}


@pytest.mark.parametrize(("seat", "stage"), list(product(Seat, Stage)))
def test_each_cell_lets_in_what_is_named_and_nothing_else(seat: Seat, stage: Stage) -> None:
    named = EXPECTED.get((seat, stage), "").split()

    assert {each.name for each in FrameType if is_allowed(seat, stage, each)} == set(named)


def test_reserved_frames_are_let_in_nowhere() -> None:
    assert not any(RESERVED & allowed for allowed in ALLOWED.values())


def test_every_frame_that_is_not_reserved_is_let_in_somewhere() -> None:
    used = set[FrameType]().union(*ALLOWED.values())

    assert used == set(FrameType) - RESERVED


def test_a_relay_takes_no_command_from_a_node_and_no_result_from_a_controller() -> None:
    from_node = ALLOWED[Seat.RELAY_TO_NODE, Stage.OPEN]
    from_controller = ALLOWED[Seat.RELAY_TO_CONTROLLER, Stage.OPEN]

    assert not from_node & {FrameType.OFFER, FrameType.CANCEL, FrameType.FORGET}
    assert not from_node & {FrameType.MINT, FrameType.REVOKE, FrameType.RELEASE}
    assert not from_controller & {FrameType.DONE, FrameType.OUTPUT, FrameType.FACTS}


@pytest.mark.parametrize("role", list(Role))
def test_each_role_has_its_own_seat_on_both_sides(role: Role) -> None:
    assert role in seat_of(role)
    assert role in relay_seat(role)
