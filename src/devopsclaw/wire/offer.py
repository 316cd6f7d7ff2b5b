"""The body of an OFFER: the envelope of the whole execution, this node's work, and the path between them.

    u16 length of the envelope | u32 sides | u8 steps | envelope | path | work

Numbers are big-endian; the work is what is left. Envelope and work are the very bytes that were signed.
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass

from devopsclaw.wire.envelope import BadEnvelope, Envelope, Work, verify_envelope
from devopsclaw.wire.frames import MAX_BODY
from devopsclaw.wire.merkle import HASH_BYTES, BadPath, Path, leaf_of, root_of

PREFIX = struct.Struct(">HIB")


class NotForNode(BadEnvelope):
    """The envelope is signed, but not for this node, or not over this work."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """An offer's parts as they travel; nothing of it is believed yet."""

    envelope: bytes
    path: Path
    work: bytes

    def pack(self) -> bytes:
        """The body of the frame. Raises BadEnvelope where it is larger than a body may be."""
        prefix = PREFIX.pack(len(self.envelope), self.path.sides, self.path.steps)
        body = prefix + self.envelope + self.path.hashes + self.work
        if len(body) > MAX_BODY:
            raise BadEnvelope(f"the offer has {len(body)} bytes, at most {MAX_BODY} are allowed")
        return body

    @classmethod
    def unpack(cls, body: bytes) -> Sealed:
        """The parts. Raises BadEnvelope for a body that is too large or cut short."""
        if not PREFIX.size <= len(body) <= MAX_BODY:
            raise BadEnvelope(f"an offer of {len(body)} bytes; at most {MAX_BODY} are allowed")
        length, sides, steps = PREFIX.unpack_from(body)
        path = PREFIX.size + length
        work = path + steps * HASH_BYTES
        if work > len(body):
            raise BadEnvelope("the offer is cut short")
        return cls(body[PREFIX.size : path], Path(sides, body[path:work]), body[work:])


def seal_of(body: bytes, signature: str) -> str:
    """SHA-256, hex, of an offer as it came: by this a node names one that it could not verify."""
    return hashlib.sha256(body + signature.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Offer:
    """What a node is to run, by whose word. `digest`: SHA-256 of the work, hex; same id and same digest is
    the same command, under whichever envelope it comes.
    """

    envelope: Envelope
    work: Work
    digest: str


def open_offer(public_key: str, uid: str, sealed: Sealed, signature: str) -> Offer:
    """The offer, once it is known to be signed by this key (hex) for this node.

    Raises BadSignature, NotForNode, or BadEnvelope where signed bytes are wrong or name another issuer.
    """
    envelope = verify_envelope(public_key, sealed.envelope, signature)
    digest = hashlib.sha256(sealed.work)
    try:
        root = root_of(leaf_of(uid, digest.digest()), sealed.path)
    except BadPath as wrong:
        raise BadEnvelope(str(wrong)) from None
    if root.hex() != envelope.root:
        raise NotForNode("it is not signed for this node, or not with this work")
    return Offer(envelope, Work.parse(sealed.work), digest.hexdigest())
