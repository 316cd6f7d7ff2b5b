"""The relay, as the engineer's side sees it: which one it is, and taking command of it."""

from __future__ import annotations

from pydantic import Field

from devopsclaw.core import config_edit
from devopsclaw.core.config import Loaded
from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import Params, Result, argument, operation, option
from devopsclaw.core.rbac import Role
from devopsclaw.model.plan import Plan
from devopsclaw.model.ports import Claims
from devopsclaw.model.risk import Effect

SETTING = "relay.url"


class Connect(Params):
    """A relay, and what proves that it is meant."""

    url: str = argument("Address of the relay, as wss://relay.example.com:9443.")
    claim: str = option("The one-time code that `relay start` printed.", "", metavar="CODE")


class Connected(Result):
    """A relay that answered, and from now on is this home's."""

    schema_name = "devopsclaw.relay/1"

    url: str = Field(description="Its address.")
    key: str = Field(description="Its public key, hex, pinned.")
    nodes: int = Field(description="How many nodes it knows.")

    def text(self) -> str:
        """What to do next."""
        count = f"{self.nodes} node{'' if self.nodes == 1 else 's'}"
        return f"connected to {self.url}, which knows {count}\nnext: devopsclaw node list"


async def plan_connect(ctx: Ctx, params: Connect) -> Plan:
    """What is written where."""
    edit = config_edit.prepare(ctx.get(Loaded).home, SETTING, params.url)
    steps = (f"set {SETTING} in {ctx.get(Loaded).home.config}",)
    claim = ("claim it for this home's controller key",) if params.claim else ()
    return Plan(
        operation="relay.connect",
        effect=Effect.WRITE,
        target=str(edit.value),
        steps=claim + steps,
        trust=bool(params.claim),
    )


@operation("relay.connect", Effect.WRITE, role=Role.ADMIN, plan=plan_connect, for_model=False)
async def connect(ctx: Ctx, params: Connect) -> Connected:
    """Make a relay this home's own; with the claim code, take command of it.

    The address is written into the configuration once the relay has answered.

    devopsclaw relay connect wss://relay.example.com:9443 --claim CODE
    """
    home = ctx.get(Loaded).home
    answer = await ctx.get(Claims).dial(params.url, params.claim)
    config_edit.write(home, config_edit.prepare(home, SETTING, params.url))
    return Connected(url=params.url, key=answer.key, nodes=answer.nodes)
