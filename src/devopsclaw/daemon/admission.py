"""Which signed bytes this node acts on: ours, in time, of this journal, not seen before.

Whether the signature is right is a question to the callables it is given; what follows is not here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from devopsclaw.daemon.effects import Rejected
from devopsclaw.model.headers import SignedHeader
from devopsclaw.model.moment import Moment
from devopsclaw.wire.envelope import BadEnvelope, Cancel
from devopsclaw.wire.offer import Offer, Sealed

CheckOffer = Callable[[str, Sealed, str], Offer]
"""Our uid, the offer as it came, signature (hex): the offer, or Rejected."""
CheckCancel = Callable[[bytes, str], Cancel]
"""Body, signature (hex): the cancel, or Rejected."""
Permit = Callable[[Offer], None]
"""Raises Rejected for what this node's owner does not want, whoever signed it."""

MAX_SKEW = 300.0
"""Seconds this node's clock may be off from the controller's. Source: security.md §2.12."""
MAX_WINDOW = 24 * 3600.0
"""Seconds between `not_before` and `not_after`, at most. Source: security.md §2.5."""
KEPT_AFTER = 24 * 3600.0
"""Seconds an id is remembered after it can no longer be offered. Source: security.md §2.5."""


class Known(Protocol):
    """What is remembered of an id; an empty digest marks a tombstone."""

    @property
    def digest(self) -> str:
        """SHA-256, hex, of the work it was accepted with."""
        ...


def permit_all(offer: Offer) -> None:
    """The permit of a node whose owner forbids nothing."""


class Admission:
    """`incarnation`: wall time at which this journal began; what was issued before may have run already."""

    def __init__(
        self,
        uid: str,
        incarnation: float,
        check: CheckOffer,
        check_cancel: CheckCancel,
        permit: Permit = permit_all,
    ) -> None:
        self.uid = uid
        self.incarnation = incarnation
        self._check = check
        self._check_cancel = check_cancel
        self._permit = permit

    def offer(self, header: SignedHeader, body: bytes) -> Offer:
        """What is offered, signed and for us. Raises Rejected."""
        try:
            sealed = Sealed.unpack(body)
        except BadEnvelope as wrong:
            raise Rejected("bad_envelope", str(wrong)) from wrong
        offer = self._check(self.uid, sealed, header.signature)
        self._check_command(header, offer.work.command)
        return offer

    def cancel(self, header: SignedHeader, body: bytes) -> Cancel:
        """The cancel, signed and for us. Raises Rejected."""
        cancel = self._check_cancel(body, header.signature)
        if cancel.node != self.uid:
            raise Rejected("wrong_node", "it is signed for another node")
        self._check_command(header, cancel.command)
        return cancel

    def is_repeated(self, known: Known | None, digest: str) -> bool:
        """Whether this very offer was answered before. Raises Rejected where another one used up its id."""
        if known is None:
            return False
        if known.digest not in ("", digest):
            raise Rejected("id_conflict", "another command was accepted under this id")
        return True

    def check_new(self, offer: Offer, now: Moment) -> None:
        """Whether a command never seen before may start now. Raises Rejected; its id is not used up."""
        self._check_window(offer.envelope.not_before, offer.envelope.not_after, now.wall)
        self._permit(offer)

    def tombstone_until(self, now: Moment) -> float:
        """Wall time after which no offer of an id cancelled now can be in time any more, and a day."""
        return now.wall + MAX_SKEW + MAX_WINDOW + KEPT_AFTER

    def _check_window(self, not_before: float, not_after: float, wall: float) -> None:
        if not_before < self.incarnation:
            raise Rejected("incarnation", "it was issued before this node's journal began")
        if wall > not_after:
            raise Rejected("expired", f"it had to start {wall - not_after:.0f} s ago by this node's clock")
        if not_before - wall > MAX_SKEW:
            raise Rejected("clock_skew", behind(not_before - wall))
        if not_after - not_before > MAX_WINDOW:
            raise Rejected("window", "its time window is longer than a day")

    def _check_command(self, header: SignedHeader, command: str) -> None:
        if command != header.command:
            raise Rejected("bad_envelope", "the signed id is not the one in the header")


def behind(seconds: float) -> str:
    """A clock that is wrong, in words that say what to do."""
    return f"this node's clock is {seconds / 60:.0f} minutes off, behind the controller's: set it, as by NTP"
