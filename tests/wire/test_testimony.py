"""What a node says of ends: signed by it, and fit for nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from devopsclaw.wire.envelope import BadEnvelope, BadSignature
from devopsclaw.wire.frames import Frame, FrameType, decode, encode
from devopsclaw.wire.testimony import DOMAINS, attest, check_testimony

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw().hex()
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key().public_bytes_raw().hex()
ABOUT = {"node": "n_a", "epoch": 3, "seq": 9, "command": "ab" * 16, "incarnation": 17.5}
WORDS = [
    Frame(FrameType.DONE, {**ABOUT, "status": "ok", "exit_code": 0, "duration": 0.25}),
    Frame(FrameType.REJECT, {**ABOUT, "code": "policy", "message": "not here", "offer": "5a" * 32}),
    Frame(
        FrameType.STANDING,
        {
            "node": "n_a",
            "epoch": 3,
            "seq": 9,
            "serial": 7,
            "incarnation": 17.5,
            "commands": [{"command": "ab" * 16, "state": "unseen"}],
        },
    ),
]


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.type.name)
def test_a_word_stays_signed_when_it_travels_and_is_said_again(word: Frame) -> None:
    said = decode(encode(attest(KEY, word)))

    check_testimony(PUBLIC, said)
    check_testimony(PUBLIC, Frame(said.type, {**said.header, "epoch": 4, "seq": 1}))


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.type.name)
def test_no_field_can_be_changed_added_or_left_out(word: Frame) -> None:
    said = attest(KEY, word)
    bound = set(word.header) - {"epoch", "seq"}
    changes: list[dict[str, Any]] = [{**said.header, name: "other"} for name in bound]
    changes += [{key: value for key, value in said.header.items() if key != name} for name in bound]
    changes.append({**said.header, "more": 1})

    for header in changes:
        with pytest.raises(BadSignature):
            check_testimony(PUBLIC, Frame(said.type, header))


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.type.name)
@pytest.mark.parametrize("signature", ["", "zz", 7, "00" * 64, None])
def test_a_word_without_the_nodes_signature_does_not_pass(word: Frame, signature: object) -> None:
    with pytest.raises(BadSignature):
        check_testimony(PUBLIC, Frame(word.type, {**word.header, "signature": signature}))
    with pytest.raises(BadSignature):
        check_testimony(PUBLIC, word)
    with pytest.raises(BadSignature):
        check_testimony(OTHER, attest(KEY, word))


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word.type.name)
def test_one_kind_of_word_never_passes_for_another(word: Frame) -> None:
    said = attest(KEY, word)

    for kind in DOMAINS.keys() - {word.type}:
        with pytest.raises(BadSignature):
            check_testimony(PUBLIC, Frame(kind, said.header))


@pytest.mark.parametrize("kind", [FrameType.ACCEPT, FrameType.STARTED, FrameType.OUTPUT, FrameType.GAP])
def test_what_claims_no_end_needs_no_signature(kind: FrameType) -> None:
    word = Frame(kind, ABOUT)

    assert attest(KEY, word) is word
    check_testimony(PUBLIC, word)


def test_an_answer_about_nothing_needs_no_signature() -> None:
    word = Frame(FrameType.STANDING, {**WORDS[2].header, "commands": []})

    assert attest(KEY, word) is word
    check_testimony(PUBLIC, word)


@pytest.mark.parametrize("commands", [None, {}, "", 0, False, [0]])
def test_only_an_empty_list_is_nothing(commands: object) -> None:
    with pytest.raises(BadSignature):
        check_testimony(PUBLIC, Frame(FrameType.STANDING, {**WORDS[2].header, "commands": commands}))


def test_what_is_not_json_cannot_be_signed() -> None:
    with pytest.raises(BadEnvelope, match="canonical form"):
        attest(KEY, Frame(FrameType.DONE, {"status": float("nan")}))
