"""Every cell of the table, on both sides of a handshake: what is not let in ends it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.wire.test_session import NODE, WELCOME, client, converse, key, relay

from devopsclaw.wire.frames import BadFrame, Frame, FrameType
from devopsclaw.wire.session import ClientSession, Credentials, RelaySession
from devopsclaw.wire.table import Role, Seat, Stage, is_allowed, seat_of
from devopsclaw.wire.uid import uid_of

STAGES = list(Stage)
CLIENTS = {
    Role.NODE: NODE,
    Role.CONTROLLER: replace(NODE, role=Role.CONTROLLER, name="laptop", key=key("laptop")),
}


def client_at(stage: Stage, mine: Credentials) -> ClientSession:
    """A client that is so far."""
    one, other = client(mine), relay()
    if stage is Stage.PROVING:
        one.receive(other.receive(one.open()).frames[0])
    if stage in (Stage.OPEN, Stage.CLOSED):
        converse(one, other)
    if stage is Stage.OPEN:
        one.receive(other.welcome(WELCOME.model_copy(update={"uid": uid_of(bytes.fromhex(mine.public_key))})))
    if stage is Stage.CLOSED:
        one.stage = Stage.CLOSED
    return one


def relay_at(stage: Stage) -> RelaySession:
    """A relay's session that is so far."""
    one, other = client(), relay()
    if stage is Stage.PROVING:
        other.receive(one.open())
    if stage in (Stage.OPEN, Stage.CLOSED):
        converse(one, other)
    if stage is Stage.OPEN:
        other.welcome(WELCOME)
    if stage is Stage.CLOSED:
        other.stage = Stage.CLOSED
    return other


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("role", list(Role))
def test_a_client_takes_nothing_that_its_cell_does_not_name(role: Role, stage: Stage) -> None:
    for kind in FrameType:
        session = client_at(stage, CLIENTS[role])
        assert session.stage is stage
        if is_allowed(seat_of(role), stage, kind):
            continue
        with pytest.raises(BadFrame, match=f"{kind.name} is not let in"):
            session.receive(Frame(kind))


@pytest.mark.parametrize("stage", STAGES)
def test_a_relay_takes_nothing_from_a_stranger_that_its_cell_does_not_name(stage: Stage) -> None:
    for kind in FrameType:
        session = relay_at(stage)
        assert session.stage is stage
        if is_allowed(Seat.RELAY_TO_STRANGER, stage, kind):
            continue
        with pytest.raises(BadFrame, match=f"{kind.name} is not let in"):
            session.receive(Frame(kind))
