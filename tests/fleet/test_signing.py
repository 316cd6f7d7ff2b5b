"""What the controller signs, and that signing it again gives the very same command."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fleet.dispatch_place import key_of

from devopsclaw.fleet.effects import Command
from devopsclaw.fleet.signing import OFFER_WINDOW, Order, Signer, command_id
from devopsclaw.model.risk import Effect
from devopsclaw.wire.envelope import BadSignature, verify_cancel, verify_envelope
from devopsclaw.wire.offer import Offer, Sealed, open_offer

CALL = "0123456789abcdef0123456789abcdef"
ORDER = Order("X-31", CALL, "uptime", Effect.READ, 60.0, 10.0, 1 << 20, "A-17", "ada", "cli")
SIGNER = Signer(key_of("controller"))
KEY = key_of("controller").public_hex


def opened(command: Command, key: str = KEY) -> Offer:
    """What the node of the command reads in it."""
    return open_offer(key, command.node, Sealed.unpack(command.body), command.signature)


def test_a_command_says_what_when_where_and_who() -> None:
    command = SIGNER.command(ORDER, "n_web", 1000.0)

    offer = opened(command)
    envelope, work = offer.envelope, offer.work
    assert (work.command, envelope.execution, offer.digest) == (command.id, "X-31", command.digest)
    assert (work.operation, envelope.effect, envelope.call) == ("host.exec", Effect.READ, CALL)
    assert work.params.model_dump() == {
        "command": "uptime",
        "timeout": 60.0,
        "grace": 10.0,
        "output_cap": 1 << 20,
    }
    assert (envelope.not_before, envelope.not_after) == (1000.0, 1000.0 + OFFER_WINDOW)
    assert (envelope.issuer, envelope.approval) == (KEY, "A-17")
    assert (envelope.user, envelope.via) == ("ada", "cli")
    assert (command.not_before, command.not_after) == (envelope.not_before, envelope.not_after)
    assert (command.timeout, command.grace) == (60.0, 10.0)


def test_all_nodes_of_a_run_are_signed_for_once() -> None:
    uids = [f"n_{number}" for number in range(9)]

    commands = SIGNER.commands(ORDER, uids, 1000.0)

    assert list(commands) == uids
    assert {command.signature for command in commands.values()} == {commands["n_0"].signature}
    assert [opened(command).work.command for command in commands.values()] == [
        command_id(CALL, uid) for uid in uids
    ]


def test_who_is_signed_for_beside_a_node_changes_nothing_of_its_work() -> None:
    alone = SIGNER.command(ORDER, "n_web", 9000.0)
    among = SIGNER.commands(ORDER, ["n_db", "n_web"], 1000.0)["n_web"]

    assert alone.digest == among.digest
    assert opened(alone).envelope != opened(among).envelope


def test_the_work_of_one_node_does_not_give_away_that_of_another() -> None:
    commands = SIGNER.commands(ORDER, ["n_a", "n_b"], 1000.0)
    other = Signer(key_of("mallory")).commands(ORDER, ["n_a", "n_b"], 1000.0)
    works = [opened(command).work for command in commands.values()]

    assert works[0].salt != works[1].salt
    assert other["n_a"].digest != commands["n_a"].digest


def test_a_name_too_long_to_be_signed_is_cut() -> None:
    order = replace(ORDER, user="a" * 300)

    assert opened(SIGNER.command(order, "n_web", 1000.0)).envelope.user == "a" * 64


def test_the_same_order_is_the_same_bytes() -> None:
    assert SIGNER.command(ORDER, "n_web", 1000.0) == SIGNER.command(ORDER, "n_web", 1000.0)


@settings(deadline=None, max_examples=50)
@given(st.uuids(), st.uuids(), st.text("abc", min_size=1), st.text("abc", min_size=1))
def test_ids_differ_exactly_where_call_or_node_differ(
    one: object, other: object, here: str, there: str
) -> None:
    first, second = command_id(f"{one}", here), command_id(f"{other}", there)

    assert (first == second) == ((one, here) == (other, there))
    assert len(first) == 32


def test_a_command_of_another_controller_is_not_believed() -> None:
    command = Signer(key_of("mallory")).command(ORDER, "n_web", 1000.0)

    with pytest.raises(BadSignature):
        opened(command)


def test_a_cancel_names_its_command_and_is_signed() -> None:
    command = SIGNER.command(ORDER, "n_web", 1000.0)

    body, signature = SIGNER.cancel(command)

    cancel = verify_cancel(KEY, body, signature)
    assert (cancel.command, cancel.node, cancel.grace, cancel.issuer) == (command.id, "n_web", 10.0, KEY)


def test_a_cancel_is_no_envelope_and_an_envelope_no_cancel() -> None:
    command = SIGNER.command(ORDER, "n_web", 1000.0)
    body, signature = SIGNER.cancel(command)

    with pytest.raises(BadSignature):
        verify_envelope(KEY, body, signature)
    with pytest.raises(BadSignature):
        verify_cancel(KEY, Sealed.unpack(command.body).envelope, command.signature)


def test_the_signer_does_not_show_its_key() -> None:
    assert "private" not in repr(SIGNER).lower()
