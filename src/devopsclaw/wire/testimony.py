"""What a node puts its name to: that a command ended, that it was refused, or where it stands.

A relay carries these words and could make them up, so a controller believes only what the node's own key
signed. Bound in the signature are the kind of word, the node, its journal's incarnation and all that is
said; not the session's numbers, which change when the same word is sent again. Not what the words mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from devopsclaw.wire.envelope import BadSignature, canonical, verify
from devopsclaw.wire.frames import Frame, FrameType

DOMAINS: Mapping[FrameType, bytes] = {
    FrameType.DONE: b"devopsclaw-done-1\0",
    FrameType.REJECT: b"devopsclaw-reject-1\0",
    FrameType.STANDING: b"devopsclaw-standing-1\0",
}
UNSIGNED = frozenset({"epoch", "seq", "signature"})
"""Fields that change when a word is said again, and the signature itself."""


def attest(key: Ed25519PrivateKey, frame: Frame) -> Frame:
    """The frame with the node's signature, where it is one that needs one."""
    if not needs_signature(frame):
        return frame
    signature = key.sign(_signed_bytes(frame)).hex()
    return replace(frame, header={**frame.header, "signature": signature})


def check_testimony(public_key: str, frame: Frame) -> None:
    """Raises BadSignature unless the node's key (hex) signed this word, or it needs no signature."""
    if not needs_signature(frame):
        return
    signature = frame.header.get("signature", "")
    if not isinstance(signature, str):
        raise BadSignature("the word of the node carries no signature")
    verify(public_key, _signed_bytes(frame), signature)


def needs_signature(frame: Frame) -> bool:
    """Whether it claims what must not be made up. A STANDING about nothing claims nothing."""
    if frame.type is FrameType.STANDING and frame.header.get("commands") == []:
        return False
    return frame.type in DOMAINS


def _signed_bytes(frame: Frame) -> bytes:
    said: dict[str, Any] = {name: value for name, value in frame.header.items() if name not in UNSIGNED}
    return DOMAINS[frame.type] + canonical(said)
