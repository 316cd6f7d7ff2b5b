"""Strong join tokens: make, list, revoke. What one holds is wire/jointoken, who keeps it fleet/tokens."""

from __future__ import annotations

import re
import secrets

from pydantic import Field

from devopsclaw.core.clock import stamp
from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import NoParams, Params, Result, argument, operation, option
from devopsclaw.core.rbac import Role
from devopsclaw.fleet.fleet import Fleet
from devopsclaw.fleet.labels import valid_labels
from devopsclaw.fleet.node_item import pairs
from devopsclaw.fleet.relay_desk import RelayDesk
from devopsclaw.fleet.tokens import Issued
from devopsclaw.model.duration import seconds
from devopsclaw.model.errors import BadParams
from devopsclaw.model.joining import LONGEST_TTL, MOST_USES
from devopsclaw.model.plan import Plan
from devopsclaw.model.ports import Reach
from devopsclaw.model.risk import Effect
from devopsclaw.model.value import Value
from devopsclaw.wire.jointoken import ID_BYTES

PATTERN = re.compile(r"[A-Za-z0-9._*?-]{1,64}")


class TokenItem(Value):
    """One token, without what is secret of it."""

    id: str = Field(description="Its id: audit and alarms name it by this.")
    name: str = Field(description="The names it is for; * stands for anything.")
    labels: dict[str, str] = Field(description="Labels of the nodes that come with it.")
    uses: int = Field(description="For how many nodes it was made.")
    uses_left: int = Field(description="For how many more it is good, as the relay last said.")
    left: str = Field(description="The same as people read it, as 1/1.")
    expires_at: str = Field(description="When it stops being good, RFC 3339.")
    created_by: str = Field(description="Who made it.")
    state: str = Field(description="good, spent, expired or revoked.")


class TokenList(Result):
    """Join tokens, the newest first."""

    schema_name = "devopsclaw.join-tokens/1"
    columns = (
        ("TOKEN", "id"),
        ("FOR", "name"),
        ("LEFT", "left"),
        ("EXPIRES", "expires_at"),
        ("LABELS", "labels"),
        ("BY", "created_by"),
        ("STATE", "state"),
    )

    items: list[TokenItem] = Field(description="The tokens.")


class MadeToken(TokenItem, Result):
    """A new token. This is the only place where it is ever whole."""

    schema_name = "devopsclaw.join-token/1"

    token: str = Field(description="The token itself.", repr=False)
    hint: str = Field(description="What to do with it.")

    def text(self) -> str:
        """The token alone, so that it can go into a file."""
        return self.token


class RevokedToken(TokenItem, Result):
    """A token that is good for nothing any more."""

    schema_name = "devopsclaw.join-token-revoked/1"

    def text(self) -> str:
        """In words."""
        return f"join token {self.id} is revoked; nodes that came with it stay"


class NewToken(Params):
    """For whom a token is good, and how long."""

    ttl: str = option("How long it is good, by the relay's clock.", "15m")
    uses: int = option("For how many nodes.", 1)
    name: str = option("Names it is for, as 'prod-web-*'; * stands for anything, ? for one character.", "*")
    tags: tuple[str, ...] = option("Labels for nodes that come with it, as env=prod,role=web.", ())

    def checked(self) -> tuple[float, dict[str, str]]:
        """Seconds and labels; raises BadParams."""
        length = seconds(self.ttl, "--ttl")
        if not 1 <= length <= LONGEST_TTL:
            raise BadParams(
                f"--ttl {self.ttl} is not between 1s and 30d", hint="15m is enough to start a daemon"
            )
        if not 1 <= self.uses <= MOST_USES:
            raise BadParams(f"--uses {self.uses} is not between 1 and {MOST_USES}")
        if not PATTERN.fullmatch(self.name):
            raise BadParams(
                f"{self.name!r} is no pattern for names",
                hint="letters, digits, . _ - and * or ?, as 'prod-web-*'",
            )
        return length, valid_labels(self.tags)


class OneToken(Params):
    """A token."""

    id: str = argument("Its id, or the beginning of it.")


async def plan_create(ctx: Ctx, params: NewToken) -> Plan:
    """For whom, how often, until when."""
    _, labels = params.checked()
    whom = "one node" if params.uses == 1 else f"{params.uses} nodes"
    steps = (
        f"let {whom} join as {params.name}, within {params.ttl}",
        f"labels {pairs(labels)}" if labels else "",
    )
    return Plan(
        operation="node.token.create",
        effect=Effect.WRITE,
        target=params.name,
        environments=(labels["env"],) if "env" in labels else (),
        steps=tuple(step for step in steps if step),
        undo="devopsclaw node token revoke ID",
        trust=True,
    )


@operation("node.token.create", Effect.WRITE, role=Role.ADMIN, plan=plan_create, for_model=False)
async def create_token(ctx: Ctx, params: NewToken) -> MadeToken:
    """Make a join token for new nodes, and print it once.

    It names the relay and this controller, so a node that comes with it believes nobody else, and its labels
    are set from the start.

    devopsclaw node token create --ttl 15m --uses 1 --name 'prod-web-*' --tags env=prod,role=web
    """
    await ctx.get(Reach).ready()
    length, labels = params.checked()
    now = ctx.clock.wall()
    issued = Issued(
        id=secrets.token_hex(ID_BYTES),
        pattern=params.name,
        labels=labels,
        uses=params.uses,
        uses_left=params.uses,
        created_at=now,
        expires_at=now + length,
        created_by=ctx.call.actor.user,
    )
    token = await ctx.get(RelayDesk).mint(issued, length)
    url = ctx.get(Fleet).relay.url or "wss://RELAY:9443"
    hint = (
        f"on the new server, with the token in FILE: devopsclaw agent-daemon --relay {url} --token-file FILE"
    )
    return MadeToken(**_fields(issued, now), token=token.text, hint=hint)


@operation("node.token.list", Effect.READ, role=Role.OPERATOR)
async def list_tokens(ctx: Ctx, params: NoParams) -> TokenList:
    """List the join tokens, the newest first; never what is secret of them.

    devopsclaw node token list
    """
    await ctx.get(Reach).ready()
    now = ctx.clock.wall()
    return TokenList(items=[TokenItem(**_fields(each, now)) for each in ctx.get(RelayDesk).tokens.all()])


async def plan_revoke(ctx: Ctx, params: OneToken) -> Plan:
    """Which token."""
    issued = ctx.get(RelayDesk).tokens.find(params.id)
    steps = (f"let nobody join with it any more; it was for {issued.pattern}",)
    return Plan(operation="node.token.revoke", effect=Effect.WRITE, target=issued.id, steps=steps, trust=True)


@operation("node.token.revoke", Effect.WRITE, role=Role.ADMIN, plan=plan_revoke, for_model=False)
async def revoke_token(ctx: Ctx, params: OneToken) -> RevokedToken:
    """Revoke a join token: nobody joins with it any more. Nodes that came with it stay.

    devopsclaw node token revoke 4f1c
    """
    await ctx.get(Reach).ready()
    revoked = await ctx.get(RelayDesk).revoke(params.id)
    return RevokedToken(**_fields(revoked, ctx.clock.wall()))


def _fields(issued: Issued, now: float) -> dict[str, object]:
    """What is shown of a token, at this wall time."""
    return {
        "id": issued.id,
        "name": issued.pattern,
        "labels": dict(sorted(issued.labels.items())),
        "uses": issued.uses,
        "uses_left": issued.uses_left,
        "left": f"{issued.uses_left}/{issued.uses}",
        "expires_at": stamp(issued.expires_at),
        "created_by": issued.created_by,
        "state": issued.state(now),
    }
