"""What the controller signs: an execution, once for all of its nodes, and the cancel of one command.

The relay carries these bytes and cannot make them. A signature covers the very bytes that travel, after
a prefix that says what they are, so that one kind never passes for another. How a node's work hangs on
the envelope's root: wire/offer. Not who is trusted.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from typing import Annotated, Any, Literal, Self, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ConfigDict, Field, ValidationError

from devopsclaw.model.risk import Effect
from devopsclaw.model.value import Value
from devopsclaw.wire.frames import MAX_BODY

ENVELOPE_DOMAIN = b"devopsclaw-envelope-1\0"
CANCEL_DOMAIN = b"devopsclaw-cancel-1\0"
NAME_LENGTH = 64
"""Characters of a user's name in an envelope; the controller cuts a longer one."""

_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)

CommandId = Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
PublicKeyHex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
HashHex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class BadEnvelope(ValueError):
    """Signed bytes that are too long, not canonical, or not of their schema."""


class BadSignature(BadEnvelope):
    """The signature was not made by this key over these bytes."""


class Signed(Value):
    """A value with exactly one form in bytes: JSON with sorted keys, no spaces, UTF-8."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def canonical(self) -> bytes:
        """The bytes that are signed and sent."""
        return canonical(self.model_dump(mode="json"))

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """The value of verified bytes. Raises BadEnvelope; the message never quotes them.

        Only the canonical form is taken: two readers can then never see two meanings.
        """
        if len(raw) > MAX_BODY:
            raise BadEnvelope(f"{len(raw)} signed bytes, at most {MAX_BODY} are allowed")
        try:
            value = cls.model_validate_json(raw)
            canonical = value.canonical()
        except ValidationError as wrong:
            fields = ", ".join(sorted({str(error["loc"][0]) for error in wrong.errors() if error["loc"]}))
            raise BadEnvelope(f"the signed value is not valid: {fields or 'not JSON'}") from None
        if canonical != raw:
            raise BadEnvelope("the signed bytes are not in canonical form")
        return value


class CommandParams(Value):
    """What `host.exec` is to run, and its limits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: str = Field(min_length=1, description="The shell command line.")
    timeout: Seconds | None = Field(default=None, description="Seconds it may run; none: no limit.")
    grace: Seconds = Field(description="Seconds between TERM and KILL.")
    output_cap: int = Field(ge=0, description="Bytes kept of each stream.")


class Work(Signed):
    """What one node is to run, a leaf of the execution. Made again from a run's record, it is the same."""

    v: Literal[1] = 1
    command: CommandId = Field(description="The command's id, derived; the key of at-most-once.")
    operation: Literal["host.exec"] = "host.exec"
    params: CommandParams
    salt: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] = Field(
        description="Known to nobody before it is offered: from other nodes' work this one cannot be made."
    )


class Envelope(Signed):
    """One execution for all of its nodes, as the controller signs it."""

    v: Literal[1] = 1
    execution: str = Field(max_length=64, description="The job, as X-31.")
    root: HashHex = Field(description="Of the tree over what each node is to run; see wire/merkle.")
    effect: Effect = Field(description="The effect that was approved.")
    user: str = Field(default="", max_length=NAME_LENGTH, description="Who asked for it.")
    via: str = Field(default="", max_length=64, description="Through which door; `model` for a model.")
    not_before: Seconds = Field(description="Wall time before which it must not start.")
    not_after: Seconds = Field(description="Wall time after which it must not start.")
    issuer: PublicKeyHex = Field(description="The controller's public key.")
    call: str = Field(max_length=64, description="The id of the call that asked for it.")
    approval: str = Field(default="", max_length=64, description="The id of the approval, if one was needed.")


class Cancel(Signed):
    """A controller's word to stop one command. It may be repeated; a command never starts after it."""

    v: Literal[1] = 1
    command: CommandId = Field(description="The command to stop.")
    node: str = Field(max_length=64, description="The uid of the node it was sent to.")
    grace: Seconds = Field(description="Seconds between TERM and KILL.")
    issuer: PublicKeyHex = Field(description="The controller's public key.")


SignedByController = TypeVar("SignedByController", Envelope, Cancel)


def digest(raw: bytes) -> str:
    """SHA-256, hex."""
    return hashlib.sha256(raw).hexdigest()


def sign_envelope(key: Ed25519PrivateKey, raw: bytes) -> str:
    """The controller's signature over an envelope's bytes, hex."""
    return key.sign(ENVELOPE_DOMAIN + raw).hex()


def verify_envelope(public_key: str, raw: bytes, signature: str) -> Envelope:
    """The envelope, once its bytes are known to be signed by this key (hex).

    Raises BadSignature, or BadEnvelope where the signed bytes are wrong or name another issuer.
    """
    verify(public_key, ENVELOPE_DOMAIN + raw, signature)
    return _issued_by(public_key, Envelope.parse(raw))


def sign_cancel(key: Ed25519PrivateKey, raw: bytes) -> str:
    """The controller's signature over a cancel's bytes, hex."""
    return key.sign(CANCEL_DOMAIN + raw).hex()


def verify_cancel(public_key: str, raw: bytes, signature: str) -> Cancel:
    """The cancel, once its bytes are known to be signed by this key (hex). Raises as `verify_envelope`."""
    verify(public_key, CANCEL_DOMAIN + raw, signature)
    return _issued_by(public_key, Cancel.parse(raw))


def canonical(value: Any) -> bytes:
    """The one form of a JSON value in bytes. Raises BadEnvelope for what is none."""
    try:
        return _ENCODER.encode(value).encode()
    except (TypeError, ValueError) as wrong:
        raise BadEnvelope("the value has no canonical form: it is not JSON in UTF-8") from wrong


def verify(public_key: str, message: bytes, signature: str) -> None:
    """Raises BadSignature unless this key (hex) signed these bytes, prefix and all."""
    try:
        _public_key(public_key).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError) as wrong:
        raise BadSignature("the signature was not made by the expected key over these bytes") from wrong


def _issued_by(public_key: str, value: SignedByController) -> SignedByController:
    if value.issuer != public_key:
        raise BadEnvelope("the signed value names another issuer than the key that signed it")
    return value


@lru_cache(maxsize=8192)
def _public_key(public_hex: str) -> Ed25519PublicKey:
    """The key itself; a controller checks the same nodes' words again and again. Raises ValueError."""
    return Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_hex))
