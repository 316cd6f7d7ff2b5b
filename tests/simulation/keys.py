"""The keys of the simulation: real ones, the same in every seed."""

from __future__ import annotations

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from devopsclaw.core.keys import SigningKey
from devopsclaw.wire.uid import uid_of


def key_of(word: str) -> SigningKey:
    """The same key for the same word."""
    private = Ed25519PrivateKey.from_private_bytes(hashlib.sha256(word.encode()).digest())
    public = private.public_key().public_bytes_raw()
    return SigningKey(private, public, public.hex())


CONTROLLER, MALLORY = key_of("controller"), key_of("mallory")
NODES = [key_of(f"node {number}") for number in range(3)]
PUBLIC = {uid_of(key.public): key.public_hex for key in NODES}
"""The nodes' public keys by uid, as the controller has them."""
