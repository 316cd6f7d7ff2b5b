"""Signed values: one form in bytes, and a signature that fits one key, one kind and one value only."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.model.risk import Effect
from devopsclaw.wire.envelope import (
    BadEnvelope,
    BadSignature,
    Cancel,
    CommandParams,
    Envelope,
    Signed,
    Work,
    digest,
    sign_cancel,
    sign_envelope,
    verify_cancel,
    verify_envelope,
)
from devopsclaw.wire.frames import MAX_BODY

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw().hex()
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
OTHER_PUBLIC = OTHER.public_key().public_bytes_raw().hex()


def envelope(call: str = "c1", issuer: str = PUBLIC) -> Envelope:
    """One execution."""
    return Envelope(
        execution="X-31",
        root="5a" * 32,
        effect=Effect.READ,
        user="ada",
        via="cli",
        not_before=1_800_000_000,
        not_after=1_800_000_600,
        issuer=issuer,
        call=call,
    )


def work(command: str = "uptime") -> Work:
    """What one node is to run."""
    params = CommandParams(command=command, timeout=30, grace=10, output_cap=1_048_576)
    return Work(command="0f" * 16, params=params, salt="5a" * 16)


def test_the_canonical_bytes_are_sorted_without_spaces_and_stay_the_same() -> None:
    raw = work("df -h “/”").canonical()

    assert raw.startswith(b'{"command":"0f0f')
    assert b": " not in raw
    assert "“/”".encode() in raw
    assert digest(raw) == digest(work("df -h “/”").canonical())


@given(st.text(min_size=1, max_size=64))
@settings(deadline=None, max_examples=100)
def test_what_was_signed_is_what_is_read(call: str) -> None:
    value = envelope(call)
    raw = value.canonical()

    assert verify_envelope(PUBLIC, raw, sign_envelope(KEY, raw)) == value


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_no_changed_byte_passes(data: st.DataObject) -> None:
    raw = bytearray(envelope().canonical())
    signature = sign_envelope(KEY, bytes(raw))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= data.draw(st.integers(1, 255))

    with pytest.raises(BadSignature):
        verify_envelope(PUBLIC, bytes(raw), signature)


def test_another_key_does_not_pass() -> None:
    raw = envelope().canonical()

    with pytest.raises(BadSignature):
        verify_envelope(OTHER_PUBLIC, raw, sign_envelope(KEY, raw))


def test_a_key_cannot_sign_in_the_name_of_another_issuer() -> None:
    raw = envelope(issuer=OTHER_PUBLIC).canonical()

    with pytest.raises(BadEnvelope, match="another issuer"):
        verify_envelope(PUBLIC, raw, sign_envelope(KEY, raw))


def test_one_kind_of_signature_never_passes_for_another() -> None:
    cancel = Cancel(command="0f" * 16, node="n_abc", grace=10, issuer=PUBLIC).canonical()

    assert verify_cancel(PUBLIC, cancel, sign_cancel(KEY, cancel)).node == "n_abc"
    with pytest.raises(BadSignature):
        verify_cancel(PUBLIC, cancel, sign_envelope(KEY, cancel))
    with pytest.raises(BadSignature):
        verify_envelope(PUBLIC, envelope().canonical(), sign_cancel(KEY, envelope().canonical()))


@pytest.mark.parametrize("signature", ["", "zz", "00" * 64, "00" * 63])
def test_a_malformed_signature_is_a_bad_signature(signature: str) -> None:
    with pytest.raises(BadSignature):
        verify_envelope(PUBLIC, envelope().canonical(), signature)


@pytest.mark.parametrize("public_key", ["", "zz" * 32, "00" * 5])
def test_a_malformed_key_is_a_bad_signature(public_key: str) -> None:
    raw = envelope().canonical()

    with pytest.raises(BadSignature):
        verify_envelope(public_key, raw, sign_envelope(KEY, raw))


def changed(value: Signed, **fields: Any) -> bytes:
    """Canonical bytes of a value with some fields replaced."""
    fields = {**value.model_dump(mode="json"), **fields}
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not JSON"),
        (b"\xff", "not JSON"),
        (b"[]", "not valid"),
        (changed(envelope(), v=2), "v$"),
        (changed(envelope(), extra=1), "extra"),
        (changed(envelope(), root="5a"), "root"),
        (changed(envelope(), not_after=-1), "not_after"),
        (changed(envelope(), not_after=5), "canonical"),
        (b" " + changed(envelope()), "canonical"),
        (changed(envelope(), execution="X" * 65), "execution"),
        (b" " * (MAX_BODY + 1), "at most"),
    ],
)
def test_signed_bytes_of_another_shape_are_refused_with_the_field(raw: bytes, why: str) -> None:
    with pytest.raises(BadEnvelope, match=why):
        Envelope.parse(raw)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"operation": "host.reboot"}, "operation"),
        ({"command": "X"}, "command"),
        ({"salt": ""}, "salt"),
        ({"params": {"command": "", "grace": 1, "output_cap": 1}}, "params"),
    ],
)
def test_work_of_another_shape_is_refused_with_the_field(fields: dict[str, Any], why: str) -> None:
    with pytest.raises(BadEnvelope, match=why):
        Work.parse(changed(work(), **fields))


def test_the_message_of_a_bad_envelope_does_not_quote_it() -> None:
    with pytest.raises(BadEnvelope) as wrong:
        Work.parse(changed(work(), command="secret-text"))

    assert "secret-text" not in str(wrong.value)
