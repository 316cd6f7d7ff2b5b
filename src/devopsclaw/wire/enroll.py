"""How two sides prove who they are: the five messages of a handshake, their transcript and the proofs.

Client                              Relay
HELLO {role, key, nonce, auth}   →
                                 ←  CHALLENGE {relay key, nonce, proof, signature}      relay proves first
PROOF {proof, signature}         →
                                 ←  WELCOME {epoch, uid, root, …}  or  REFUSED {code, message, hint}

A proof is an HMAC with the shared secret (fleet token, claim code, or what is derived from a join token), so
the secret never travels. Both
proofs and both signatures cover the transcript, which holds the key of the TLS certificate as each side saw
it: with somebody in between, the two sides see two keys, and nothing fits. Not the order of steps: session.

A secret that a person could guess can be guessed by whoever asks the relay for its proof and tries words at
home; that is why short tokens are warned of and claim codes are random.
"""

from __future__ import annotations

import hashlib
import hmac
from enum import StrEnum
from typing import Annotated, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from pydantic import ConfigDict, Field, ValidationError

from devopsclaw.model.value import Value
from devopsclaw.wire.frames import BadFrame, Frame, FrameType
from devopsclaw.wire.table import Role

PROTOCOLS = (1,)
"""Versions of the protocol spoken here, oldest first; two minors once there are two."""
NONCE_BYTES = 32
SHORT_TOKEN = 20
"""Design §8: a token under 20 characters is taken with a warning."""
RELAY_DOMAIN, CLIENT_DOMAIN = b"devopsclaw-relay-1", b"devopsclaw-client-1"

Key = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Nonce = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Mac = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]
Signature = Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]
Word = Annotated[str, Field(pattern=r"^[ -~]{0,64}$")]
NAME_PATTERN = r"^[A-Za-z0-9]([A-Za-z0-9._-]{0,62}[A-Za-z0-9])?$"
"""A node's name: as a host name, so that it needs no quoting in a target, a shell or a URL."""


class Auth(StrEnum):
    """What the client can prove beside its own key."""

    TOKEN = "token"
    CLAIM = "claim"
    JOIN = "join"
    """A strong join token, named by `Hello.join`."""
    KEY = "key"


class Message(Value):
    """One message of the handshake. Unknown fields are left out, so that a newer minor may add some."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    @classmethod
    def read(cls, frame: Frame) -> Self:
        """The message in this frame's header. Raises BadFrame naming the wrong fields."""
        try:
            return cls.model_validate(frame.header)
        except ValidationError as wrong:
            fields = sorted({str(error["loc"][0]) for error in wrong.errors() if error["loc"]})
            raise BadFrame(f"{frame.type.name} is not valid: {', '.join(fields)}") from None

    def frame(self, frame_type: FrameType) -> Frame:
        """This message as a frame of the given type."""
        return Frame(frame_type, self.model_dump(mode="json"))


class Hello(Message):
    """The client's first word."""

    role: Role
    versions: Annotated[list[int], Field(min_length=1, max_length=8)]
    name: Annotated[str, Field(pattern=NAME_PATTERN)]
    public_key: Key
    nonce: Nonce
    auth: Auth
    version: Word = ""
    join: Annotated[str, Field(pattern=r"^([0-9a-f]{16})?$")] = ""
    """The id of the join token that is to be proven."""


class Challenge(Message):
    """The relay's answer; `proof` is empty where it knows no such secret."""

    version: int
    relay_key: Key
    nonce: Nonce
    proof: Mac
    signature: Signature


class Proof(Message):
    """The client's answer; `proof` is empty where it has no secret."""

    proof: Mac
    signature: Signature


class Welcome(Message):
    """The session is open. `root` is the claiming controller's key, empty while the relay is unclaimed.

    A controller is also told by what nodes know the relay: its own key, and its certificate's (`spki`, empty
    without TLS). Both stand in the transcript that was just proven.
    """

    epoch: Annotated[int, Field(ge=1)]
    uid: str
    server_time: float
    ping: Annotated[float, Field(gt=0, le=300)] = 15.0
    root: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    labels: dict[str, str] = {}
    claimed: bool = False
    relay_key: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""
    spki: Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")] = ""


class Refusal(Message):
    """Why the session was not opened: a code for programs, a message and what to do for people."""

    code: Annotated[str, Field(pattern=r"^[a-z_]{1,32}$")]
    message: str
    hint: str = ""


class Side(StrEnum):
    """Who proves; each side has its own prefix, so a proof cannot be sent back as an answer."""

    RELAY = "relay"
    CLIENT = "client"


def transcript(hello: Hello, version: int, relay_nonce: str, relay_key: str, spki: bytes) -> bytes:
    """SHA-256 over all that was said so far, and over the TLS certificate's key as this side saw it.

    `spki` is the SHA-256 of the certificate's SubjectPublicKeyInfo, empty on a plain connection. Each
    field is preceded by its length, so no two conversations share a transcript.
    """
    versions = ",".join(str(each) for each in hello.versions)
    said = (hello.role, versions, hello.name, hello.public_key, hello.nonce, hello.auth, hello.version)
    joining = (hello.join,) if hello.auth is Auth.JOIN else ()
    answered = (*joining, str(version), relay_nonce, relay_key)
    hashed = hashlib.sha256()
    for part in (*(text.encode() for text in (*said, *answered)), spki):
        hashed.update(len(part).to_bytes(4, "big") + part)
    return hashed.digest()


def prove(side: Side, secret: str, spoken: bytes) -> str:
    """This side's HMAC-SHA256 over the transcript, hex; empty without a secret."""
    if not secret:
        return ""
    return hmac.new(secret.encode(), _domain(side) + spoken, hashlib.sha256).hexdigest()


def is_proven(side: Side, secret: str, spoken: bytes, proof: str) -> bool:
    """Whether the other side knows the same secret; never true without one."""
    return bool(secret) and hmac.compare_digest(prove(side, secret, spoken), proof)


def sign(side: Side, key: Ed25519PrivateKey, spoken: bytes) -> str:
    """This side's Ed25519 signature over the transcript, hex."""
    return key.sign(_domain(side) + spoken).hex()


def is_signed(side: Side, public_key: str, spoken: bytes, signature: str) -> bool:
    """Whether the owner of this key (hex) signed this transcript."""
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key))
        key.verify(bytes.fromhex(signature), _domain(side) + spoken)
    except (InvalidSignature, ValueError):
        return False
    return True


def _domain(side: Side) -> bytes:
    return RELAY_DOMAIN if side is Side.RELAY else CLIENT_DOMAIN
