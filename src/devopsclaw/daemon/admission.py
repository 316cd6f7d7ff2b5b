"""Which signed bytes this node acts on: ours, in time, of this journal, not seen before.

Whether the signature is right is a question to the callables it is given; what follows is not here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from devopsclaw.daemon.effects import Rejected
from devopsclaw.model.headers import SignedHeader
from devopsclaw.model.moment import Moment
from devopsclaw.wire.envelope import Cancel, Envelope

CheckEnvelope = Callable[[bytes, str, float], Envelope]
"""Body, signature (hex), wall time: the envelope, or Rejected."""
CheckCancel = Callable[[bytes, str, float], Cancel]

MAX_SKEW = 300.0
"""Seconds the controller's clock may be ahead of ours. Source: security.md §2.12."""
MAX_WINDOW = 24 * 3600.0
"""Seconds between `not_before` and `not_after`, at most. Source: security.md §2.5."""
KEPT_AFTER = 24 * 3600.0
"""Seconds an id is remembered after it can no longer be offered. Source: security.md §2.5."""


class Known(Protocol):
    """What is remembered of an id; an empty digest marks a tombstone."""

    @property
    def digest(self) -> str:
        """SHA-256, hex, of the envelope it was accepted with."""
        ...


class Admission:
    """`incarnation`: wall time at which this journal began; what was issued before may have run already."""

    def __init__(self, uid: str, incarnation: float, check: CheckEnvelope, check_cancel: CheckCancel) -> None:
        self.uid = uid
        self.incarnation = incarnation
        self._check = check
        self._check_cancel = check_cancel

    def envelope(self, header: SignedHeader, body: bytes, now: Moment) -> Envelope:
        """The envelope of an offer, signed and for us. Raises Rejected."""
        envelope = self._check(body, header.signature, now.wall)
        self._check_address(header, envelope.command, envelope.node)
        return envelope

    def cancel(self, header: SignedHeader, body: bytes, now: Moment) -> Cancel:
        """The cancel, signed and for us. Raises Rejected."""
        cancel = self._check_cancel(body, header.signature, now.wall)
        self._check_address(header, cancel.command, cancel.node)
        return cancel

    def is_repeated(self, known: Known | None, digest: str) -> bool:
        """Whether this very offer was answered before. Raises Rejected where another one used up its id."""
        if known is None:
            return False
        if known.digest not in ("", digest):
            raise Rejected("id_conflict", "another command was accepted under this id")
        return True

    def check_new(self, envelope: Envelope, now: Moment) -> None:
        """Whether a command never seen before may start now. Raises Rejected; its id is not used up."""
        if envelope.not_before < self.incarnation:
            raise Rejected("incarnation", "it was issued before this node's journal began")
        if now.wall > envelope.not_after:
            raise Rejected("expired", f"it had to start {now.wall - envelope.not_after:.0f} s ago")
        if envelope.not_before - now.wall > MAX_SKEW:
            raise Rejected("clock_skew", f"it starts {envelope.not_before - now.wall:.0f} s from now")
        if envelope.not_after - envelope.not_before > MAX_WINDOW:
            raise Rejected("window", "its time window is longer than a day")

    def tombstone_until(self, now: Moment) -> float:
        """Wall time after which no offer of an id cancelled now can be in time any more, and a day."""
        return now.wall + MAX_SKEW + MAX_WINDOW + KEPT_AFTER

    def _check_address(self, header: SignedHeader, command: str, node: str) -> None:
        if node != self.uid:
            raise Rejected("wrong_node", "it is signed for another node")
        if command != header.command:
            raise Rejected("bad_envelope", "the signed id is not the one in the header")
