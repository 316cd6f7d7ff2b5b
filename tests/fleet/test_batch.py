"""The commands of one run under one signature, and when there has to be a second one."""

from __future__ import annotations

from tests.fleet.dispatch_place import key_of

from devopsclaw.core.runs import RunNode
from devopsclaw.fleet.batch import RENEWED_AFTER, Batch
from devopsclaw.fleet.effects import Command
from devopsclaw.fleet.signing import OFFER_WINDOW, Order, Signer, command_id
from devopsclaw.model.risk import Effect
from devopsclaw.wire.envelope import Envelope
from devopsclaw.wire.offer import NotForNode, Sealed, open_offer

CALL = "c" * 32
PARTS = [RunNode(name, f"n_{name}", command_id(CALL, f"n_{name}")) for name in ("a", "b", "c", "d", "e")]
KEY = key_of("controller")


def batch() -> Batch:
    """Of all parts."""
    return Batch(Signer(KEY), Order("X-1", CALL, "uptime", Effect.READ, 10.0, 2.0, 1000), PARTS)


def sealed(command: Command) -> Sealed:
    """Its offer."""
    return Sealed.unpack(command.body)


def test_one_signature_serves_all_that_are_sent_soon() -> None:
    made = batch()

    commands = [made.command(part, 1000.0 + number * 70) for number, part in enumerate(PARTS)]

    assert len({command.signature for command in commands}) == 1
    assert [command.id for command in commands] == [part.command for part in PARTS]


def test_half_of_the_window_is_left_for_the_way() -> None:
    made = batch()
    made.command(PARTS[0], 1000.0)

    last = made.command(PARTS[1], 1000.0 + RENEWED_AFTER)
    renewed = made.command(PARTS[2], 1000.0 + RENEWED_AFTER + 1)

    assert (last.not_after, renewed.not_after) == (1000.0 + OFFER_WINDOW, 1301.0 + OFFER_WINDOW)


def test_what_was_sent_is_not_signed_for_again() -> None:
    made = batch()
    early = made.command(PARTS[0], 1000.0)
    late = made.command(PARTS[1], 2000.0)

    assert sealed(early).path.steps == 3 and sealed(late).path.steps == 2
    for other in (sealed(early).path, sealed(late).path):
        replayed = Sealed(sealed(late).envelope, other, sealed(early).work)
        try:
            open_offer(KEY.public_hex, early.node, replayed, late.signature)
        except NotForNode:
            continue
        raise AssertionError("the first node would run it again in a later window")


def test_a_clock_that_was_set_back_does_not_lengthen_a_window() -> None:
    made = batch()
    made.command(PARTS[0], 100_000.0)

    command = made.command(PARTS[1], 1000.0)

    assert Envelope.parse(sealed(command).envelope).not_after == 1000.0 + OFFER_WINDOW
