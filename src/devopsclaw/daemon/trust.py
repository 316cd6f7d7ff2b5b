"""Whose commands this node runs: the one controller key it was shown first. Not how keys are proven.

A node that was never shown one is unclaimed: it reports, and runs nothing (design §8).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from devopsclaw.core.private_file import write_private
from devopsclaw.daemon.admission import MAX_SKEW
from devopsclaw.daemon.effects import Rejected
from devopsclaw.model.errors import Damaged
from devopsclaw.wire.envelope import (
    BadEnvelope,
    BadSignature,
    Cancel,
    Envelope,
    verify_cancel,
    verify_envelope,
)

Value = TypeVar("Value")


class Trust:
    """The pinned root, a public key in hex; empty while unclaimed. Kept in one file, 0600."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.root = _read(path)

    def show(self, root: str) -> bool:
        """The relay shows a root: the first is pinned. Whether it is the pinned one. Raises Damaged."""
        if root and not self.root:
            try:
                write_private(self._path, json.dumps({"root": root}) + "\n")
            except OSError as failed:
                raise Damaged(
                    f"{self._path} cannot be written: {failed.strerror}",
                    hint="check the space, owner and mode of that folder",
                ) from failed
            self.root = root
        return not root or root == self.root

    def obeys_since(self, now: float) -> float:
        """Where the journal begins anew at `now`: wall time before which commands may have run already.

        Who never obeyed anybody has run nothing. Else the controller's clock may be ahead of this one.
        """
        return now + MAX_SKEW if self.root else 0.0

    def envelope(self, body: bytes, signature: str, wall: float) -> Envelope:
        """The envelope, signed by the root. Raises Rejected."""
        return self._signed(verify_envelope, body, signature)

    def cancel(self, body: bytes, signature: str, wall: float) -> Cancel:
        """The cancel, signed by the root. Raises Rejected."""
        return self._signed(verify_cancel, body, signature)

    def _signed(self, verify: Callable[[str, bytes, str], Value], body: bytes, signature: str) -> Value:
        if not self.root:
            raise Rejected("unclaimed", "no controller has claimed this node's relay yet")
        try:
            return verify(self.root, body, signature)
        except BadSignature:
            raise Rejected("bad_signature", "it was not signed by this node's controller") from None
        except BadEnvelope as wrong:
            raise Rejected("bad_envelope", str(wrong)) from wrong


class Pinned(Trust):
    """Trust in a key that is known without being shown: the core's own, for its own node."""

    def __init__(self, root: str) -> None:
        self.root = root

    def obeys_since(self, now: float) -> float:
        """See `Trust.obeys_since`; controller and node read one clock here."""
        return now


def _read(path: Path) -> str:
    try:
        root = json.loads(path.read_bytes())["root"]
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise Damaged(
            f"{path} cannot be read, so this node does not know whose commands to run",
            hint="restore it from a backup; removing it makes the node trust the next controller it is shown",
        ) from broken
    return str(root)
