"""The tree tells nothing of the machine it was written on."""

from __future__ import annotations

import re
import subprocess

import pytest
from tests.architecture.source_tree import ROOT

TEXT_LIMIT = 2_000_000
"""Bytes; larger files are data of tests."""


def files() -> list[str]:
    """Every file that is, or would be, under version control."""
    words = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return sorted(name for name in set(done.stdout.splitlines()) if (ROOT / name).is_file())


def found(pattern: str) -> list[str]:
    """`file: line` of every match."""
    compiled = re.compile(pattern)
    hits = []
    for name in files():
        path = ROOT / name
        if path.stat().st_size < TEXT_LIMIT:
            text = path.read_text(encoding="utf-8", errors="replace")
            hits += [f"{name}: {line.strip()[:80]}" for line in text.splitlines() if compiled.search(line)]
    return hits


def test_no_file_names_the_place_of_this_checkout() -> None:
    assert found(rf"(?<![\w.]){re.escape(str(ROOT))}(?=[/\s\"'`]|$)") == []


def test_no_file_names_a_neighbour_of_this_checkout() -> None:
    shared = {"/", "/tmp", "/root", "/home", "/var/tmp", "/opt", "/srv", "/usr/src"}
    if str(ROOT.parent) in shared or ROOT.parent.parent.name == "home":
        return

    assert found(rf"(?<![\w.]){re.escape(str(ROOT.parent))}/") == []


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_holds_versions_and_hashes_and_no_address(name: str) -> None:
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()

    assert [line for line in lines if "://" in line or "index" in line.split("==")[0]] == []
    assert all(
        "==" in line or line.strip().startswith(("--hash=sha256:", "#")) for line in lines if line.strip()
    )


def test_no_work_is_left_for_later() -> None:
    words = "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X"))

    assert found(rf"\b({words})\b") == []


def test_nothing_in_the_product_is_only_promised() -> None:
    promised = [line for line in found("raise NotImplemented" + "Error") if line.startswith("src/")]

    assert promised == []
