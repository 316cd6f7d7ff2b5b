"""Whose commands this node runs: the one controller key it was shown first. Not how keys are proven.

A node that was never shown one is unclaimed: it reports, and runs nothing (design §8).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from devopsclaw.core.durable import sync_folder
from devopsclaw.core.private_file import write_private
from devopsclaw.daemon.admission import MAX_SKEW
from devopsclaw.daemon.effects import Rejected
from devopsclaw.model.errors import Damaged
from devopsclaw.wire.envelope import (
    BadEnvelope,
    BadSignature,
    Cancel,
    verify_cancel,
)
from devopsclaw.wire.offer import NotForNode, Offer, Sealed, open_offer

Value = TypeVar("Value", Offer, Cancel)


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

    def forget(self) -> str:
        """Obey nobody from now on; whom it obeyed (hex). Raises Damaged."""
        try:
            self._path.unlink(missing_ok=True)
            sync_folder(self._path.parent)
        except OSError as failed:
            raise Damaged(
                f"{self._path} cannot be removed: {failed.strerror}", hint="check the owner of that folder"
            ) from failed
        before, self.root = self.root, ""
        return before

    def obeys_since(self, now: float) -> float:
        """Where the journal begins anew at `now`: wall time before which commands may have run already.

        Who never obeyed anybody has run nothing. Else the controller's clock may be ahead of this one.
        """
        return now + MAX_SKEW if self.root else 0.0

    def offer(self, uid: str, sealed: Sealed, signature: str) -> Offer:
        """The offer, signed by the root for the node of this uid. Raises Rejected."""
        return self._signed(lambda: open_offer(self.root, uid, sealed, signature))

    def cancel(self, body: bytes, signature: str) -> Cancel:
        """The cancel, signed by the root. Raises Rejected."""
        return self._signed(lambda: verify_cancel(self.root, body, signature))

    def _signed(self, verify: Callable[[], Value]) -> Value:
        if not self.root:
            raise Rejected("unclaimed", "no controller has claimed this node's relay yet")
        try:
            return verify()
        except BadSignature:
            raise Rejected("bad_signature", "it was not signed by this node's controller") from None
        except NotForNode as other:
            raise Rejected("wrong_node", str(other)) from None
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
