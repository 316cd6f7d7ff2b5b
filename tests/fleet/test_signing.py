"""What the controller signs, and that signing it again gives the very same command."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fleet.dispatch_place import key_of

from devopsclaw.fleet.signing import OFFER_WINDOW, Order, Signer, command_id
from devopsclaw.model.risk import Effect
from devopsclaw.wire.envelope import BadSignature, verify_cancel, verify_envelope

CALL = "0123456789abcdef0123456789abcdef"
ORDER = Order("X-31", CALL, "uptime", Effect.READ, 60.0, 10.0, 1 << 20, "A-17")
SIGNER = Signer(key_of("controller"))
KEY = key_of("controller").public_hex


def test_a_command_says_what_when_where_and_who() -> None:
    command = SIGNER.command(ORDER, "n_web", 1000.0)

    envelope = verify_envelope(KEY, command.envelope, command.signature)
    assert (envelope.command, envelope.execution, envelope.node) == (command.id, "X-31", "n_web")
    assert (envelope.operation, envelope.effect, envelope.call) == ("host.exec", Effect.READ, CALL)
    assert envelope.params.model_dump() == {
        "command": "uptime",
        "timeout": 60.0,
        "grace": 10.0,
        "output_cap": 1 << 20,
    }
    assert (envelope.not_before, envelope.not_after) == (1000.0, 1000.0 + OFFER_WINDOW)
    assert (envelope.issuer, envelope.approval) == (KEY, "A-17")
    assert (command.not_before, command.not_after) == (envelope.not_before, envelope.not_after)
    assert (command.timeout, command.grace) == (60.0, 10.0)


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
        verify_envelope(KEY, command.envelope, command.signature)


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
        verify_cancel(KEY, command.envelope, command.signature)


def test_the_signer_does_not_show_its_key() -> None:
    assert "private" not in repr(SIGNER).lower()
