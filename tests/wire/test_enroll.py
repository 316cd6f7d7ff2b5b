"""Transcripts and proofs: each field counts, each side has its own, no secret means no proof."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.wire.enroll import (
    Auth,
    Hello,
    Proof,
    Refusal,
    Side,
    Welcome,
    is_proven,
    is_signed,
    prove,
    sign,
    transcript,
)
from devopsclaw.wire.frames import BadFrame, Frame, FrameType, decode, encode
from devopsclaw.wire.table import Role

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw().hex()
HELLO = Hello(role=Role.NODE, versions=[1], name="web-1", public_key=PUBLIC, nonce="aa" * 32, auth=Auth.TOKEN)
ANSWER: dict[str, Any] = {"version": 1, "relay_nonce": "bb" * 32, "relay_key": "cc" * 32, "spki": b"s" * 32}
BASE = transcript(HELLO, **ANSWER)


@pytest.mark.parametrize(
    "change",
    [
        {"role": Role.CONTROLLER},
        {"versions": [1, 2]},
        {"name": "web-2"},
        {"public_key": "dd" * 32},
        {"nonce": "ab" * 32},
        {"auth": Auth.KEY},
        {"version": "0.2"},
    ],
)
def test_every_field_of_hello_changes_the_transcript(change: dict[str, Any]) -> None:
    assert transcript(HELLO.model_copy(update=change), **ANSWER) != BASE


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"relay_nonce": "ba" * 32},
        {"relay_key": "cd" * 32},
        {"spki": b""},
        {"spki": b"t" * 32},
    ],
)
def test_every_part_of_the_answer_changes_the_transcript(change: dict[str, Any]) -> None:
    assert transcript(HELLO, **{**ANSWER, **change}) != BASE


def test_the_join_token_that_is_named_is_part_of_the_transcript() -> None:
    joining = HELLO.model_copy(update={"auth": Auth.JOIN, "join": "0" * 16})

    assert transcript(joining.model_copy(update={"join": "1" * 16}), **ANSWER) != transcript(
        joining, **ANSWER
    )


def test_moving_a_character_from_one_field_to_the_next_changes_the_transcript() -> None:
    one = HELLO.model_copy(update={"name": "web-1", "public_key": PUBLIC})
    other = HELLO.model_copy(update={"name": "web-1" + PUBLIC[0], "public_key": PUBLIC[1:]})

    assert transcript(one, **ANSWER) != transcript(other, **ANSWER)


@given(st.text(min_size=1, max_size=40), st.text(max_size=40))
@settings(deadline=None, max_examples=50)
def test_a_proof_holds_for_the_same_secret_only(secret: str, other: str) -> None:
    proof = prove(Side.RELAY, secret, BASE)

    assert is_proven(Side.RELAY, secret, BASE, proof)
    assert is_proven(Side.RELAY, other, BASE, proof) == (other == secret)


def test_a_proof_cannot_be_sent_back_to_the_side_that_made_it() -> None:
    assert not is_proven(Side.CLIENT, "token", BASE, prove(Side.RELAY, "token", BASE))
    assert not is_signed(Side.CLIENT, PUBLIC, BASE, sign(Side.RELAY, KEY, BASE))


def test_without_a_secret_nothing_is_proven_not_even_by_an_empty_proof() -> None:
    assert prove(Side.RELAY, "", BASE) == ""
    assert not is_proven(Side.RELAY, "", BASE, "")


def test_a_signature_holds_for_its_key_and_transcript_only() -> None:
    signature = sign(Side.RELAY, KEY, BASE)

    assert is_signed(Side.RELAY, PUBLIC, BASE, signature)
    assert not is_signed(Side.RELAY, PUBLIC, transcript(HELLO, **{**ANSWER, "spki": b""}), signature)
    assert not is_signed(Side.RELAY, "00" * 32, BASE, signature)
    assert not is_signed(Side.RELAY, PUBLIC, BASE, "not hex")


def test_a_message_crosses_the_wire_unchanged() -> None:
    frame = decode(encode(HELLO.frame(FrameType.HELLO)))

    assert Hello.read(frame) == HELLO


def test_a_field_of_a_newer_minor_is_left_out() -> None:
    frame = Frame(FrameType.HELLO, {**HELLO.model_dump(mode="json"), "later": 1})

    assert Hello.read(frame) == HELLO


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("role", "relay"),
        ("versions", []),
        ("name", "web 1"),
        ("name", "-rf"),
        ("name", "x" * 65),
        ("name", "web-1\n"),
        ("public_key", "AA" * 32),
        ("nonce", ""),
        ("auth", "password"),
        ("version", "\x1b[31m"),
    ],
)
def test_a_hello_of_another_shape_is_a_bad_frame_naming_the_field(field: str, value: Any) -> None:
    with pytest.raises(BadFrame, match=field):
        Hello.read(Frame(FrameType.HELLO, {**HELLO.model_dump(mode="json"), field: value}))


@pytest.mark.parametrize(
    ("kind", "header"),
    [
        (Proof, {"proof": "xx", "signature": "aa" * 64}),
        (Proof, {"proof": ""}),
        (Welcome, {"epoch": 0, "uid": "n_a", "server_time": 1.0}),
        (Welcome, {"epoch": 1, "uid": "n_a", "server_time": 1.0, "root": "short"}),
        (Refusal, {"code": "Not A Code", "message": "m"}),
    ],
)
def test_the_other_messages_are_checked_too(kind: Any, header: dict[str, Any]) -> None:
    with pytest.raises(BadFrame):
        kind.read(Frame(FrameType.PROOF, header))
