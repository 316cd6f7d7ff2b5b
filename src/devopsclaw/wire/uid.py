"""The lasting name of a key: what a node is called when names, addresses and hosts may change."""

from __future__ import annotations

import base64
import hashlib

PREFIX, DIGITS = "n_", 26
"""26 base32 digits keep 130 bits of the hash, so nobody finds a second key for a uid."""


def uid_of(public_key: bytes) -> str:
    """`n_` and 26 lower-case base32 digits of the SHA-256 of a raw 32-byte Ed25519 public key."""
    digest = hashlib.sha256(public_key).digest()
    return PREFIX + base64.b32encode(digest).decode().lower()[:DIGITS]
