"""The frames a controller says, as golden headers; and what the node's side reads in them."""

from __future__ import annotations

from tests.fleet.delivery_driver import FIRST, NODE, command, sign_cancel

from devopsclaw.fleet.effects import Command
from devopsclaw.fleet.entry import Entry
from devopsclaw.fleet.orders import Orders
from devopsclaw.fleet.session import NodeSession
from devopsclaw.model.headers import (
    CREDIT_WINDOW,
    RECONCILE_COMMANDS,
    AboutCommand,
    CreditHeader,
    ReconcileHeader,
    SignedHeader,
)
from devopsclaw.model.state import State
from devopsclaw.wire.frames import Frame, FrameType, decode, encode

ORDERS = Orders(sign_cancel)


def test_an_offer_is_what_was_signed() -> None:
    frame = ORDERS.offer(command(body=b"signed", signature="5a")).frame

    assert frame == Frame(FrameType.OFFER, {"node": NODE, "command": FIRST, "signature": "5a"}, b"signed")
    assert SignedHeader.model_validate(frame.header).signature == "5a"


def test_a_cancel_is_signed_for_this_command_and_says_its_grace() -> None:
    signed: list[Command] = []

    def sign(wanted: Command) -> tuple[bytes, str]:
        signed.append(wanted)
        return b"stop", "77"

    frame = Orders(sign).cancel(command(grace=3.5)).frame

    header = {"node": NODE, "command": FIRST, "grace": 3.5, "signature": "77"}
    assert frame == Frame(FrameType.CANCEL, header, b"stop")
    assert [each.id for each in signed] == [FIRST]


def test_credit_names_both_streams() -> None:
    entry = Entry(command(), State.RUNNING)
    entry.stdout.granted, entry.stderr.granted = 500, 700

    frame = ORDERS.credit(entry).frame

    assert frame == Frame(FrameType.CREDIT, {"node": NODE, "command": FIRST, "stdout": 500, "stderr": 700})
    assert CreditHeader.model_validate(frame.header).stderr == 700


def test_an_acknowledgement_names_command_and_node() -> None:
    frame = ORDERS.acknowledge(FIRST, NODE).frame

    assert frame == Frame(FrameType.DONE_ACK, {"node": NODE, "command": FIRST})
    assert AboutCommand.model_validate(frame.header).command == FIRST


def session_of(count: int) -> NodeSession:
    """A node with so many commands under way, each with as much output as an offset may name."""
    session = NodeSession(NODE, serial=2**53)
    for number in range(count):
        entry = Entry(command(f"{number:032x}"), State.RUNNING)
        entry.stdout.offset = entry.stderr.offset = 2**53
        session.entries[entry.id] = entry
    return session


def test_reconcile_asks_for_all_that_was_sent_in_frames_that_fit() -> None:
    count = 2 * RECONCILE_COMMANDS + 1
    frames = [send.frame for send in ORDERS.reconcile(session_of(count))]

    headers = [ReconcileHeader.model_validate(frame.header) for frame in frames]
    assert [len(header.commands) for header in headers] == [RECONCILE_COMMANDS, RECONCILE_COMMANDS, 1]
    assert len({each.command for header in headers for each in header.commands}) == count
    assert {(header.node, header.serial) for header in headers} == {(NODE, 2**53)}
    assert [decode(encode(frame)) for frame in frames] == frames  # a header that is too long raises


def test_reconcile_says_from_where_output_goes_on_and_leaves_out_what_was_not_sent() -> None:
    session = session_of(0)
    sent, pending = Entry(command(), State.UNKNOWN), Entry(command("2" * 32), State.PENDING)
    sent.stdout.take(0, b"hello")
    session.entries = {entry.id: entry for entry in (sent, pending)}

    (send,) = ORDERS.reconcile(session)

    assert send.frame.header["commands"] == [{"command": FIRST, "stdout": 5, "stderr": 0}]


def test_a_node_without_commands_is_asked_too() -> None:
    (send,) = ORDERS.reconcile(NodeSession(NODE, serial=4))

    assert send.frame == Frame(FrameType.RECONCILE, {"node": NODE, "serial": 4, "commands": []})


def test_an_offer_grants_what_a_new_stream_counts_with() -> None:
    assert Entry(command(), State.PENDING).stdout.granted == CREDIT_WINDOW
