"""Numbers and words that both sides of a core's socket share. Standard library only: a command that finds a
running core loads nothing more.
"""

from __future__ import annotations

from typing import Any

from devopsclaw.model.errors import Busy, Misused

PROTOCOL = 1
"""Grows when an older side would misunderstand."""

LINE_LIMIT = 1024 * 1024
"""Bytes of a request; a command line has at most 16 KiB."""

ANSWER_LIMIT = 512 * 1024 * 1024
"""Bytes of an answer: 10,000 nodes with 16 KiB of output each, three times over."""

GREETING = 10.0
"""Seconds in which a core that listens has to say welcome, however busy the machine is."""

FACES = frozenset({"cli", "console"})
"""What a client may say that it is; it only names where a call came from."""


def hello(face: str, version: str) -> dict[str, Any]:
    """What a client says first."""
    return {"hello": {"protocol": PROTOCOL, "version": version, "face": face}}


def check_protocol(theirs: Any, who: str, me: str) -> None:
    """Raises Misused, naming the side to start again, where the other side speaks another protocol.

    `who` is the other side, `me` this one, each with its version: the older of two has to be restarted.
    """
    if theirs == PROTOCOL:
        return
    is_older = isinstance(theirs, int) and theirs < PROTOCOL
    old, new = (who, me) if is_older else (me, who)
    raise Misused(f"{old} is older than {new}, and they do not understand each other", hint=f"restart {old}")


def silent() -> Busy:
    """The error where a core lets a client in and says nothing within `GREETING`."""
    return Busy("the core of this home does not answer", hint="run/core.lock in it names its process")
