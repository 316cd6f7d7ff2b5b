"""Numbers with their nouns, and ages, as people read them. Pure."""

from __future__ import annotations


def many(count: int, noun: str) -> str:
    """`1 node`, `2 nodes`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def age(seconds: float) -> str:
    """A rounded age, coarse on purpose: each change of it is bytes on the wire."""
    whole = max(int(seconds), 0)
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole >= length:
            return f"{whole // length}{unit}"
    return f"{whole // 10 * 10}s" if whole >= 10 else f"{whole}s"
