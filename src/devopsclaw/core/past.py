"""Moments in the past, as people give them: `24h`, `7d`, or RFC 3339. Not how long something may take."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from devopsclaw.model.errors import BadParams

_AGE = re.compile(r"(\d{1,9})([smhdw])", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def past(text: str, now: float) -> float:
    """The moment in seconds since 1970; an age counts back from `now`. A time without a zone is UTC.

    Raises BadParams.
    """
    found = _AGE.fullmatch(text.strip())
    if found:
        return max(0.0, now - int(found[1]) * _SECONDS[found[2]])
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as wrong:
        raise BadParams(
            f"{text!r} is no time", hint="as 24h, 90m, 7d, 2026-11-22 or 2026-11-22T09:30:00Z"
        ) from wrong
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
