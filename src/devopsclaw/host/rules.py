"""Loads the data files that `reads` and `destroyers` go by. They ship with the package."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"


@cache
def load(name: str) -> dict[str, Any]:
    """A data file, read once."""
    import yaml  # most commands judge no command line, and it takes 8 ms to load

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    rules: dict[str, Any] = yaml.load((DATA / name).read_text(encoding="utf-8"), loader)
    return rules
