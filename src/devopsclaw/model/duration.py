"""Lengths of time as people write them: 10s, 5m, 2h, 1d, or a bare number of seconds."""

from __future__ import annotations

import re

from devopsclaw.model.errors import BadParams

UNITS = {"": 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
WRITTEN = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d|)", re.ASCII)
LONGEST = 86400.0 * 365


def seconds(text: str, what: str) -> float:
    """The length in seconds. Raises BadParams, which names `what` it was for."""
    match = WRITTEN.fullmatch(text.strip())
    length = float(match[1]) * UNITS[match[2]] if match else -1.0
    if not 0 <= length <= LONGEST:
        raise BadParams(f"{what} {text!r} is no length of time", hint="write it as 10s, 5m or 2h")
    return length
