"""Who has which role, and what that allows."""

from __future__ import annotations

import pwd
from typing import Literal

from pydantic import Field

from devopsclaw.core.clock import stamp
from devopsclaw.core.context import Ctx
from devopsclaw.core.door import user_of
from devopsclaw.core.grants import Grant, Grants
from devopsclaw.core.operation import NoParams, Params, Result, argument, operation
from devopsclaw.core.rbac import Role, Roles
from devopsclaw.core.registry import Registry
from devopsclaw.model.call import Actor
from devopsclaw.model.errors import BadParams, Denied
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.model.value import Value

NAME_LIMIT = 128


class GrantItem(Value):
    """One person and their role."""

    id: str = Field(description="Name of the OS user, or platform:id of a chat user.")
    role: str = Field(description="admin, operator or viewer.")
    granted_by: str = Field(description="Who gave it; empty for the owner of the home.")
    granted_at: str = Field(description="When, RFC 3339; empty for the owner.")


class GrantList(Result):
    """Everybody who is known here."""

    schema_name = "devopsclaw.access/1"
    columns = (("ID", "id"), ("ROLE", "role"), ("BY", "granted_by"), ("SINCE", "granted_at"))

    items: list[GrantItem] = Field(description="The owner first, then by name.")
    enforced: bool = Field(description="Whether roles are checked: rbac.enabled.")


class Granted(Result):
    """A grant as it is now."""

    schema_name = "devopsclaw.grant/1"

    id: str = Field(description="Whose role it is.")
    role: str = Field(description="The role; empty where it was taken away.")
    before: str = Field(description="The role before; empty where there was none.")

    def text(self) -> str:
        """In words."""
        if not self.role:
            return f"{self.id} has no role any more (was {self.before})"
        return f"{self.id} is {self.role}" + (f" (was {self.before})" if self.before else "")


class Verdict(Result):
    """Whether somebody may, and why."""

    schema_name = "devopsclaw.verdict/1"

    id: str = Field(description="Who.")
    operation: str = Field(description="What.")
    allowed: bool = Field(
        description="Whether the role suffices. What a plan needs beside is asked when it is made."
    )
    reason: str = Field(description="Why, or why not.")

    def text(self) -> str:
        """In words."""
        return f"{'yes' if self.allowed else 'no'}: {self.reason}"

    @property
    def exit(self) -> int:
        """3 where it would be denied."""
        return 0 if self.allowed else Denied.exit_code


class Giving(Params):
    """Who gets which role."""

    id: str = argument("Name of the OS user, or platform:id of a chat user, as telegram:123456.")
    role: Literal["admin", "operator", "viewer"] = argument("The role.")


class OnePerson(Params):
    """Somebody."""

    id: str = argument("Name of the OS user, or platform:id of a chat user.")


class Question(Params):
    """Who, and what."""

    id: str = argument("Name of the OS user, or platform:id of a chat user.")
    operation: str = argument("Name of the operation, as fleet.exec.")


@operation("access.list", Effect.READ, role=Role.VIEWER)
async def list_access(ctx: Ctx, params: NoParams) -> GrantList:
    """List who has which role.

    devopsclaw access list
    """
    roles = ctx.get(Roles)
    owner = GrantItem(id=user_of(roles.owner_uid), role=Role.ADMIN.word, granted_by="", granted_at="")
    return GrantList(
        items=[owner, *map(_item, ctx.get(Grants).all())],
        enforced=roles.is_enabled,
    )


async def plan_grant(ctx: Ctx, params: Giving) -> Plan:
    """Whose role changes, and from what."""
    _check(ctx, params.id)
    before = ctx.get(Grants).roles.get(params.id)
    was = f", who is {before.word} now," if before else ""
    return Plan(
        operation="access.grant",
        effect=Effect.WRITE,
        target=params.id,
        run=f"give {params.id}{was} the role {params.role}",
        undo=f"devopsclaw access grant {params.id} {before.word}"
        if before
        else f"devopsclaw access revoke {params.id}",
        trust=True,
    )


@operation("access.grant", Effect.WRITE, role=Role.ADMIN, plan=plan_grant, for_model=False)
async def grant(ctx: Ctx, params: Giving) -> Granted:
    """Give somebody a role, in place of the one before.

    devopsclaw access grant maria operator
    """
    grants = ctx.get(Grants)
    before = grants.roles.get(params.id)
    given = await grants.give(params.id, Role[params.role.upper()], ctx.call.actor.user)
    return Granted(id=given.who, role=given.role.word, before=before.word if before else "")


async def plan_revoke(ctx: Ctx, params: OnePerson) -> Plan:
    """Whose role goes."""
    before = ctx.get(Grants).find(params.id)
    return Plan(
        operation="access.revoke",
        effect=Effect.WRITE,
        target=params.id,
        run=f"take the role {before.role.word} from {params.id}",
        undo=f"devopsclaw access grant {params.id} {before.role.word}",
        trust=True,
    )


@operation("access.revoke", Effect.WRITE, role=Role.ADMIN, plan=plan_revoke, for_model=False)
async def revoke(ctx: Ctx, params: OnePerson) -> Granted:
    """Take somebody's role away: from now on they may do nothing here.

    devopsclaw access revoke maria
    """
    before = await ctx.get(Grants).take(params.id)
    return Granted(id=params.id, role="", before=before.role.word)


@operation("access.can", Effect.READ, role=Role.VIEWER)
async def can(ctx: Ctx, params: Question) -> Verdict:
    """Say whether somebody's role allows an operation, and why; exits 3 where it does not.

    devopsclaw access can maria fleet.exec
    """
    needed = ctx.get(Registry).find(params.operation)
    actor = Actor(params.id, "cli", _uid(params.id))
    try:
        reason, is_allowed = ctx.get(Roles).verdict(actor, needed.role, needed.name), True
    except Denied as denied:
        reason, is_allowed = denied.message, False
    return Verdict(id=params.id, operation=needed.name, allowed=is_allowed, reason=reason)


def _item(grant: Grant) -> GrantItem:
    return GrantItem(id=grant.who, role=grant.role.word, granted_by=grant.by, granted_at=stamp(grant.at))


def _uid(name: str) -> int:
    """The uid of this user; -1 for whom this machine does not know."""
    try:
        return pwd.getpwnam(name).pw_uid
    except KeyError:
        return -1


def _check(ctx: Ctx, name: str) -> None:
    """Raises BadParams for a name that nobody can have, and for the owner, whose role is not given."""
    if not name.strip() or len(name) > NAME_LIMIT or not name.isprintable() or " " in name:
        raise BadParams(f"{name!r} is nobody's name", hint="the name of an OS user, or platform:id")
    if _uid(name) == ctx.get(Roles).owner_uid:
        raise BadParams(f"{name} owns this home and is admin, whatever is granted")
