"""One root over what many nodes are to run, and the short path that proves one node's part of it.

    leaf   SHA-256(0 ‖ uid of the node ‖ SHA-256 of what it is to run)
    inner  SHA-256(1 ‖ left ‖ right)

The first byte keeps a leaf from passing for an inner hash. Where a level has an odd number of hashes the
last one is moved up as it is; doubling it would give two lists of leaves one root. Source: RFC 6962 §2.1.
Not here: who signs the root.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

LEAF, INNER = b"\x00", b"\x01"
HASH_BYTES = 32
MAX_STEPS = 24
"""Steps of a path at most: enough for sixteen million nodes."""


class BadPath(ValueError):
    """No path that this tree makes."""


@dataclass(frozen=True, slots=True)
class Path:
    """From a leaf up: the hashes beside it, 32 bytes each. A bit of `sides`, the lowest first, says that
    the hash of that step stands on the left.
    """

    sides: int
    hashes: bytes

    @property
    def steps(self) -> int:
        """How many hashes it has."""
        return len(self.hashes) // HASH_BYTES

    def check(self) -> None:
        """Raises BadPath for half a hash, too many of them, or a side without a step."""
        if len(self.hashes) % HASH_BYTES or self.steps > MAX_STEPS or self.sides >> self.steps:
            raise BadPath("the path is not one of at most 24 whole steps, each with its side")


class Tree:
    """All levels over these leaves, in their order. Raises ValueError without any."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        if not leaves:
            raise ValueError("a tree needs a leaf")
        self._levels = [list(leaves)]
        while len(self._levels[-1]) > 1:
            self._levels.append(_above(self._levels[-1]))

    @property
    def root(self) -> bytes:
        """The one hash at the top."""
        return self._levels[-1][0]

    def path(self, index: int) -> Path:
        """The path of the leaf at this place, counted from 0."""
        sides = 0
        hashes: list[bytes] = []
        for level in self._levels[:-1]:
            beside = index ^ 1
            if beside < len(level):
                sides |= (index & 1) << len(hashes)
                hashes.append(level[beside])
            index >>= 1
        return Path(sides, b"".join(hashes))


def leaf_of(uid: str, digest: bytes) -> bytes:
    """The leaf of a node, from the 32-byte digest of what it is to run."""
    return hashlib.sha256(LEAF + uid.encode() + digest).digest()


def root_of(leaf: bytes, path: Path) -> bytes:
    """The root to which the path leads from this leaf. Raises BadPath."""
    path.check()
    found = leaf
    for step in range(path.steps):
        beside = path.hashes[step * HASH_BYTES : (step + 1) * HASH_BYTES]
        found = _inner(beside, found) if path.sides >> step & 1 else _inner(found, beside)
    return found


def _above(level: list[bytes]) -> list[bytes]:
    pairs = [_inner(left, right) for left, right in zip(level[::2], level[1::2], strict=False)]
    return pairs + level[len(pairs) * 2 :]


def _inner(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(INNER + left + right).digest()
