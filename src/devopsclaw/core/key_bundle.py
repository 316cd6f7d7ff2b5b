"""What has to be saved of a home so that a lost disk is not a lost fleet, sealed with a passphrase.

One JSON object. What is secret is sealed with ChaCha20-Poly1305 under a key that scrypt makes of the
passphrase; what stands open beside it (whose key, when) is covered by the seal too. Not where the file lies,
and not what is done with it. Sources: RFC 7914 (scrypt), RFC 8439 (ChaCha20-Poly1305).
"""

from __future__ import annotations

import json
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import Annotated, Literal

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import ConfigDict, Field, ValidationError

from devopsclaw.model.errors import BadParams, Denied
from devopsclaw.model.value import Value

COST = 2**17
"""scrypt's N with r=8, p=1: 128 MiB and some tenths of a second for each guess."""
COSTLIEST = 2**20
SHORTEST = 12
"""Characters of a passphrase: the file may be copied and tried at leisure."""
LARGEST = 1024 * 1024
"""Bytes of a file that is read as a bundle."""


class Contents(Value):
    """What is sealed. Private keys are PEM; empty for one that this home does not have."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    controller: str = Field(repr=False)
    relay: str = Field(default="", repr=False)
    relays: dict[str, str] = {}
    """Pinned public keys of relays by `HOST:PORT`."""
    relay_url: str = ""


class Opening(Value):
    """What anybody may read of a bundle: whose it is, from when, and how the key is made."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Literal["devopsclaw.keys/1"] = "devopsclaw.keys/1"
    public_key: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    time: Annotated[str, Field(max_length=40)]
    cost: Annotated[int, Field(ge=2**14, le=COSTLIEST)]
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    nonce: Annotated[str, Field(pattern=r"^[0-9a-f]{24}$")]

    def canonical(self) -> bytes:
        """The bytes that the seal covers beside what is sealed."""
        return json.dumps(self.model_dump(), sort_keys=True, separators=(",", ":")).encode()


@dataclass(frozen=True, slots=True)
class Bundle:
    """A sealed bundle."""

    opening: Opening
    sealed: bytes = field(repr=False)

    @property
    def text(self) -> str:
        """The file."""
        fields = {**self.opening.model_dump(), "sealed": b64encode(self.sealed).decode()}
        return json.dumps(fields, indent=1) + "\n"

    def open(self, passphrase: str) -> Contents:
        """What is sealed. Slow on purpose. Raises Denied for a wrong passphrase or an altered file."""
        cipher = ChaCha20Poly1305(_key(passphrase, self.opening))
        try:
            plain = cipher.decrypt(bytes.fromhex(self.opening.nonce), self.sealed, self.opening.canonical())
            contents = Contents.model_validate_json(plain)
        except (InvalidTag, ValidationError) as wrong:
            raise Denied(
                "the passphrase does not open this file, or the file was altered",
                hint="type the passphrase that was given when the keys were exported",
            ) from wrong
        if public_of(contents.controller) != self.opening.public_key:
            raise Denied("the file holds another key than it says", hint="take another copy of it")
        return contents


def seal(contents: Contents, passphrase: str, time: str, cost: int = COST) -> Bundle:
    """Seal it. Slow on purpose. Raises BadParams for a passphrase that is too short."""
    if len(passphrase) < SHORTEST:
        raise BadParams(
            f"the passphrase has to have at least {SHORTEST} characters",
            hint="type it when asked, or set DEVOPSCLAW_KEYS_PASSPHRASE; several words are easier to keep",
        )
    opening = Opening(
        public_key=public_of(contents.controller),
        time=time,
        cost=cost,
        salt=secrets.token_hex(16),
        nonce=secrets.token_hex(12),
    )
    cipher = ChaCha20Poly1305(_key(passphrase, opening))
    plain = contents.model_dump_json().encode()
    return Bundle(opening, cipher.encrypt(bytes.fromhex(opening.nonce), plain, opening.canonical()))


def parse(text: str) -> Bundle:
    """The bundle in this text, still sealed. Raises BadParams."""
    try:
        fields = json.loads(text)
        sealed = b64decode(fields.pop("sealed"), validate=True)
        return Bundle(Opening.model_validate(fields), sealed)
    except (ValueError, LookupError, TypeError, AttributeError) as wrong:
        raise BadParams(
            "this is no file of exported keys", hint="it is what devopsclaw keys export FILE wrote"
        ) from wrong


def public_of(pem: str) -> str:
    """The public half, hex, of an Ed25519 private key in PEM. Raises BadParams."""
    try:
        private = serialization.load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as broken:
        raise BadParams("a key in it cannot be read", hint="take another copy of the file") from broken
    if not isinstance(private, Ed25519PrivateKey):
        raise BadParams("a key in it is of another kind", hint="take another copy of the file")
    return private.public_key().public_bytes_raw().hex()


def _key(passphrase: str, opening: Opening) -> bytes:
    kdf = Scrypt(salt=bytes.fromhex(opening.salt), length=32, n=opening.cost, r=8, p=1)
    return kdf.derive(passphrase.encode())
