"""The commands of one run, signed together: one signature, until it is too old for those still waiting.

Whoever was handed out is left out of the next signature: what was offered once can be offered again only in
the window it was signed for, whatever a relay keeps of it. Not when a node's turn comes (fleet/schedule).
"""

from __future__ import annotations

from collections.abc import Iterable

from devopsclaw.core.runs import RunNode
from devopsclaw.fleet.effects import Command
from devopsclaw.fleet.signing import OFFER_WINDOW, Order, Signer

RENEWED_AFTER = OFFER_WINDOW / 2
"""Seconds after which a signature is too old: half of its window is left for the way."""


class Batch:
    """`parts` are those of the run that may get a command; each gets at most one."""

    def __init__(self, signer: Signer, order: Order, parts: Iterable[RunNode]) -> None:
        self._signer = signer
        self._order = order
        self._waiting = dict.fromkeys(part.uid for part in parts)
        self._signed: dict[str, Command] = {}
        self._signed_at = 0.0

    def command(self, part: RunNode, now: float) -> Command:
        """What this node is sent; `now` is wall time. Asked for once for each part."""
        if not self._signed or not 0 <= now - self._signed_at <= RENEWED_AFTER:
            self._signed = self._signer.commands(self._order, list(self._waiting), now)
            self._signed_at = now
        del self._waiting[part.uid]
        return self._signed.pop(part.uid)
