"""The strong join token: one line that a person carries to a new node, and what is derived from it.

    dcj1.ID.RELAY.TLS.ROOT.SECRET       each part in base64url without padding; TLS is empty on plain links

RELAY is the relay's public key, TLS the SHA-256 of its certificate's public key, ROOT the SHA-256 of the
controller's public key, SECRET 256 random bits. The secret itself is never sent and never stored: both sides
prove that they know `verifier`, which also covers the other parts, so a token that was altered on its way
proves nothing. Not here: how long it is good, for which names, and how often.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Self

PREFIX = "dcj1."
"""How every token of this kind begins; a fleet token cannot be taken for one by accident."""
ID_BYTES, SECRET_BYTES, HASH_BYTES = 8, 32, 32
DOMAIN = b"devopsclaw-join-1"


class BadToken(ValueError):
    """This text is no join token; the message never quotes it."""


@dataclass(frozen=True, slots=True)
class JoinToken:
    """`id`, `relay_key` and `root_hash` are hex; `spki` is raw, empty where the relay speaks without TLS."""

    id: str
    relay_key: str
    spki: bytes
    root_hash: str
    secret: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The token in this text. Raises BadToken."""
        parts = text.strip().removeprefix(PREFIX).split(".")
        if not text.startswith(PREFIX) or len(parts) != len(_LENGTHS):
            raise BadToken("a join token has six parts with dots between them: was it cut off?")
        raw = [_decoded(part) for part in parts]
        if any(len(part) not in sizes for part, sizes in zip(raw, _LENGTHS, strict=True)):
            raise BadToken("a part of the join token has a wrong length: was it cut off?")
        number, relay_key, spki, root_hash, secret = raw
        return cls(number.hex(), relay_key.hex(), spki, root_hash.hex(), secret)

    @property
    def text(self) -> str:
        """The line to carry."""
        return f"{self._open()}.{_encoded(self.secret)}"

    @property
    def verifier(self) -> str:
        """What both sides prove to know, hex: HMAC-SHA256 with the secret over all that stands before it."""
        return hmac.new(self.secret, DOMAIN + self._open().encode(), hashlib.sha256).hexdigest()

    def is_root(self, public_key: str) -> bool:
        """Whether this controller key (hex) is the one the token was made under."""
        return bool(public_key) and hash_of(public_key) == self.root_hash

    def _open(self) -> str:
        """All but the secret."""
        parts = (
            bytes.fromhex(self.id),
            bytes.fromhex(self.relay_key),
            self.spki,
            bytes.fromhex(self.root_hash),
        )
        return PREFIX + ".".join(map(_encoded, parts))


_LENGTHS = ((ID_BYTES,), (HASH_BYTES,), (0, HASH_BYTES), (HASH_BYTES,), (SECRET_BYTES,))


def hash_of(public_key: str) -> str:
    """SHA-256 of a public key, both hex."""
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()


def is_join_token(text: str) -> bool:
    """Whether this is meant as a join token, well-formed or not."""
    return text.startswith(PREFIX)


def _encoded(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def _decoded(text: str) -> bytes:
    try:
        return urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
    except (ValueError, binascii.Error):
        raise BadToken("a part of the join token is not base64url: was it cut off?") from None
