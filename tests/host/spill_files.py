"""Spill files in tests: made, taken up by a next life, spoilt, and looked at after they were emptied."""

from __future__ import annotations

import hashlib
from pathlib import Path

from devopsclaw.host.process import Streams
from devopsclaw.host.spill import Spill
from devopsclaw.model.process import OUTPUT_CAP, Gap


def opened(folder: Path, cap: int = OUTPUT_CAP) -> tuple[Spill, Streams]:
    """A spill with its files just made, and what the shim gets of them."""
    spill = Spill(folder, "c", cap)
    return spill, spill.create()


def again(folder: Path, cap: int = OUTPUT_CAP) -> Spill:
    """The spill as the next life takes it up."""
    spill = Spill(folder, "c", cap)
    spill.resume()
    return spill


def spoil(path: Path) -> None:
    """Make it what no user can open, root neither."""
    path.unlink()
    path.symlink_to(path.name)


def block(path: Path) -> None:
    """Make it what nobody can delete as a file."""
    path.unlink()
    path.mkdir()


def assert_is_behind_a_loss_of(lost: int, spill: Spill) -> None:
    """What stdout keeps is `kept`, in front of it a gap of so many bytes; stderr lost nothing."""
    assert spill.length("stdout") == lost + 4
    assert spill.gaps("stdout") == ([Gap("stdout", 0, lost)] if lost else [])
    assert (spill.read("stdout", 0, lost), spill.read("stdout", lost, 9)) == (b"", b"kept")
    assert spill.digest("stdout") == hashlib.sha256(b"kept").hexdigest()
    assert (spill.lost("stdout"), spill.lost("stderr"), spill.gaps("stderr")) == (lost, 0, [])
