"""Who may say what, and when: the one table of frames that are let in. What is not in it is refused.

A frame is judged by who reads it and how far the session is. The relay never originates a command:
it only carries, so what a node takes from its relay link is what a controller signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from devopsclaw.wire.frames import FrameType as F


class Role(StrEnum):
    """What a session's client is; the relay is the other side."""

    NODE = "node"
    CONTROLLER = "controller"


class Seat(StrEnum):
    """Who reads, and for the relay also who speaks."""

    RELAY_TO_STRANGER = "relay, to somebody not yet known"
    RELAY_TO_NODE = "relay, to a node"
    RELAY_TO_CONTROLLER = "relay, to a controller"
    NODE = "node"
    CONTROLLER = "controller"


class Stage(StrEnum):
    """How far a session is; both sides go through them in this order."""

    GREETING = "greeting"
    PROVING = "proving"
    OPEN = "open"
    CLOSED = "closed"


FROM_NODE = frozenset({F.ACCEPT, F.REJECT, F.STARTED, F.OUTPUT, F.GAP, F.DONE, F.STANDING})
"""Node to controller, carried by the relay as they are."""
FROM_CONTROLLER = frozenset({F.OFFER, F.DONE_ACK, F.CREDIT, F.CANCEL, F.RECONCILE})
"""Controller to node, carried by the relay as they are."""
FROM_RELAY = frozenset({F.PONG, F.DRAIN, F.GOODBYE})
FROM_CLIENT = frozenset({F.PING, F.GOODBYE})
TO_RELAY = frozenset({F.FORGET, F.MINT, F.REVOKE, F.ALARMS_SEEN, F.RELEASE})
"""Controller to the relay itself: who may join, and who is shut out."""

ALLOWED: Mapping[tuple[Seat, Stage], frozenset[F]] = {
    (Seat.RELAY_TO_STRANGER, Stage.GREETING): frozenset({F.HELLO}),
    (Seat.RELAY_TO_STRANGER, Stage.PROVING): frozenset({F.PROOF}),
    (Seat.RELAY_TO_NODE, Stage.OPEN): FROM_CLIENT | FROM_NODE | {F.FACTS},
    (Seat.RELAY_TO_CONTROLLER, Stage.OPEN): FROM_CLIENT | FROM_CONTROLLER | TO_RELAY,
    (Seat.NODE, Stage.GREETING): frozenset({F.CHALLENGE, F.REFUSED}),
    (Seat.NODE, Stage.PROVING): frozenset({F.WELCOME, F.REFUSED}),
    (Seat.NODE, Stage.OPEN): FROM_RELAY | FROM_CONTROLLER,
    (Seat.CONTROLLER, Stage.GREETING): frozenset({F.CHALLENGE, F.REFUSED}),
    (Seat.CONTROLLER, Stage.PROVING): frozenset({F.WELCOME, F.REFUSED}),
    (Seat.CONTROLLER, Stage.OPEN): FROM_RELAY | FROM_NODE | {F.PRESENCE, F.TOKENS, F.ALARMS},
}


def is_allowed(seat: Seat, stage: Stage, frame_type: F) -> bool:
    """Whether this reader takes this frame at this stage."""
    return frame_type in ALLOWED.get((seat, stage), frozenset())


def seat_of(role: Role) -> Seat:
    """The seat of a client of this role."""
    return Seat.NODE if role is Role.NODE else Seat.CONTROLLER


def relay_seat(role: Role) -> Seat:
    """The relay's seat towards a client of this role, once it is known."""
    return Seat.RELAY_TO_NODE if role is Role.NODE else Seat.RELAY_TO_CONTROLLER
