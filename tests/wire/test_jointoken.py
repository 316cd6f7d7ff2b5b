"""The strong join token: what can be read from it, and what a change to it does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devopsclaw.wire.jointoken import BadToken, JoinToken, hash_of, is_join_token

ROOT = "ab" * 32
TOKEN = JoinToken("0123456789abcdef", "cd" * 32, b"s" * 32, hash_of(ROOT), b"x" * 32)


def test_a_token_is_read_as_it_was_written() -> None:
    assert JoinToken.parse(TOKEN.text) == TOKEN
    assert JoinToken.parse(f"{TOKEN.text}\n") == TOKEN
    assert is_join_token(TOKEN.text) and not is_join_token("my-fleet-secret-token")


def test_a_token_of_a_relay_without_tls_is_read_too() -> None:
    plain = JoinToken(TOKEN.id, TOKEN.relay_key, b"", TOKEN.root_hash, TOKEN.secret)

    assert JoinToken.parse(plain.text) == plain


def test_only_the_root_it_was_made_under_is_its_root() -> None:
    assert TOKEN.is_root(ROOT)
    assert not TOKEN.is_root("cd" * 32)
    assert not TOKEN.is_root("")


@given(st.integers(0, 8 + 32 + 32 + 32 + 32 - 1))
def test_whatever_is_altered_on_the_way_the_proof_no_longer_fits(place: int) -> None:
    parts = [bytes.fromhex(TOKEN.id), bytes.fromhex(TOKEN.relay_key), TOKEN.spki]
    parts += [bytes.fromhex(TOKEN.root_hash), TOKEN.secret]
    raw = bytearray(b"".join(parts))
    raw[place] ^= 1
    other = JoinToken(raw[:8].hex(), raw[8:40].hex(), bytes(raw[40:72]), raw[72:104].hex(), bytes(raw[104:]))

    assert other.verifier != TOKEN.verifier


def test_the_secret_is_in_no_repr_and_not_in_what_the_relay_keeps() -> None:
    assert TOKEN.secret.hex() not in repr(TOKEN) and repr(TOKEN.secret) not in repr(TOKEN)
    assert TOKEN.secret.hex() not in TOKEN.verifier


@pytest.mark.parametrize(
    "text",
    [
        "",
        "dcj1.",
        "dcj1.a.b.c.d.e",
        TOKEN.text[:-1],
        TOKEN.text[:-9],
        TOKEN.text + ".x",
        "dcj1.é.b.c.d.e",
        TOKEN.text[1:],
    ],
)
def test_half_a_token_is_none_and_is_not_quoted(text: str) -> None:
    with pytest.raises(BadToken) as broken:
        JoinToken.parse(text)

    assert not text or text not in str(broken.value)
