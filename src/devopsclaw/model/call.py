"""Who asks for what: actor, consent and call. Values only; rights are judged in core/rbac."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4


@dataclass(frozen=True, slots=True)
class Actor:
    """A person or a program, always with the door it came through.

    `user` is the name shown and audited, `uid` the operating system's number (-1: none),
    `via` is `model` for a model's call in that person's name.
    """

    user: str
    door: str
    uid: int = -1
    via: str = ""
    demo: bool = False


@dataclass(frozen=True, slots=True)
class Consent:
    """A person's yes to exactly one plan, given at the face that asked.

    `phrase` is what was typed: `yes` for high risk, `ENV:COUNT` for critical. An empty `digest`
    is a yes given beforehand on the command line (`--yes`, `--confirm`).
    """

    phrase: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class Call:
    """One request at the gate. `id` names it in events, audit and journals."""

    operation: str
    params: Any
    actor: Actor
    parent: str = ""
    consent: Consent | None = None
    dry_run: bool = False
    waits: bool = False
    """Whether it waits for somebody's yes where one is needed."""
    id: str = field(default_factory=lambda: uuid4().hex)
