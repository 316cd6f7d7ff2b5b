"""Who may do what: three roles, and the people who have them. Not the risk of a plan."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from devopsclaw.model.call import Actor
from devopsclaw.model.errors import Denied


class Role(IntEnum):
    """Each role may do what the one before may, and more."""

    VIEWER = 1
    OPERATOR = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        """The word shown to people."""
        return self.name.lower()


@dataclass(frozen=True, slots=True)
class Roles:
    """Who has which role. The OS user who owns the home is admin; everyone else has what was given.

    Without `is_enabled` roles are not asked for: whoever has one may do all. Who has none stays out.
    """

    owner_uid: int = field(default_factory=os.getuid)
    given: Mapping[str, Role] = field(default_factory=dict)
    is_enabled: bool = True

    def role_of(self, actor: Actor) -> Role | None:
        """The actor's role; None for a stranger."""
        return Role.ADMIN if actor.uid == self.owner_uid else self.given.get(actor.user)

    def require(self, actor: Actor, needed: Role, operation: str) -> None:
        """Raises Denied unless the actor's role reaches the one needed."""
        role = self.role_of(actor)
        if role is None:
            raise Denied(
                f"{actor.user} is not known here, so {operation} did not run",
                hint=f"its owner can give you a role: devopsclaw access grant {actor.user} viewer",
            )
        if role < needed and self.is_enabled:
            raise Denied(
                f"{actor.user} is {role.word}; {operation} needs {needed.word}, so it did not run",
                hint=f"ask an {needed.word} to run it, or to give you the role",
            )

    def verdict(self, actor: Actor, needed: Role, operation: str) -> str:
        """Why the actor may use an operation that needs this role. Raises Denied, saying why not."""
        self.require(actor, needed, operation)
        if actor.uid == self.owner_uid:
            return f"{actor.user} owns this home, and so is admin"
        role = self.given[actor.user]
        if role < needed:
            return f"{actor.user} is {role.word}, and roles are not checked here: rbac.enabled is false"
        return f"{actor.user} is {role.word}; {operation} needs {needed.word}"
