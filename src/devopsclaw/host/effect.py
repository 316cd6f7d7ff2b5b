"""What a command line does to the world: reads, writes or destroys. Pure; never a reason to run it.

Until a parser of shell text judges it: only what is listed as a read is one, whatever is not
understood writes, and in doubt the higher effect holds.
"""

from __future__ import annotations

from dataclasses import dataclass

from devopsclaw.host.destroyers import destroyer_in, refusal_of
from devopsclaw.host.reads import is_read
from devopsclaw.model.risk import Effect


@dataclass(frozen=True, slots=True)
class Judgement:
    """The effect, and why, in words for the plan."""

    effect: Effect
    why: str


def judge(command: str) -> Judgement:
    """The effect of this command line under `/bin/sh -c`."""
    if is_read(command):
        return Judgement(Effect.READ, "only looks")
    if destroyer := destroyer_in(command):
        return Judgement(Effect.DESTRUCTIVE, f"{destroyer} destroys or stops something")
    return Judgement(Effect.WRITE, "is not known to only look")


def effect_of(command: str) -> Effect:
    """The effect alone."""
    return judge(command).effect


def refused(command: str) -> str:
    """Why nobody may run this, whoever asks; empty where somebody may.

    Only what destroys a root file system or a whole block device (design §9).
    """
    return "" if is_read(command) else refusal_of(command)
