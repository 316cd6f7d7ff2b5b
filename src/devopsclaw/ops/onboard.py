"""The first start of a home: its files, each named, and what to do next."""

from __future__ import annotations

from pydantic import Field

from devopsclaw.core.config import Loaded
from devopsclaw.core.context import Ctx
from devopsclaw.core.onboarding import Piece, make, survey
from devopsclaw.core.operation import NoParams, Result, operation
from devopsclaw.core.private_file import shown
from devopsclaw.core.rbac import Role
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.model.value import Value

NEXT_STEPS = (
    "devopsclaw run uptime            run your first command, on this machine",
    "devopsclaw                       open the console",
    "devopsclaw config example        see every setting",
    "devopsclaw relay start           let servers join",
)


class PieceOfHome(Value):
    """One file or folder."""

    path: str = Field(description="Where it is.")
    action: str = Field(description="created, or kept as it was.")


class Onboarded(Result):
    """What a home now has."""

    schema_name = "devopsclaw.onboard/1"

    items: list[PieceOfHome] = Field(description="The files and folders, in the order they were made.")
    next_steps: list[str] = Field(description="Commands to go on with, and what they do.")

    def text(self) -> str:
        """One line each, then the next steps."""
        lines = [f"{each.action:<8} {each.path}" for each in self.items]
        return "\n".join([*lines, "", "Next:", *(f"  {step}" for step in self.next_steps)])


async def _plan_onboard(ctx: Ctx, params: NoParams) -> Plan:
    """Names each file; a home that has everything needs no change at all."""
    missing = [piece for piece in _survey(ctx) if not piece.is_there]
    return Plan(
        operation="home.onboard",
        effect=Effect.WRITE if missing else Effect.READ,
        target=shown(ctx.get(Loaded).home.root),
        steps=tuple(f"create {shown(piece.path)}" for piece in missing) or ("everything is there",),
        undo="remove the files it created" if missing else "none",
    )


@operation("home.onboard", Effect.WRITE, role=Role.ADMIN, plan=_plan_onboard)
async def onboard(ctx: Ctx, params: NoParams) -> Onboarded:
    """Write a starter configuration and the agent's workspace; what exists is kept.

    devopsclaw onboard
    """
    pieces = _survey(ctx)
    make(ctx.get(Loaded).home, pieces)
    items = [
        PieceOfHome(path=shown(piece.path), action="kept" if piece.is_there else "created")
        for piece in pieces
    ]
    return Onboarded(items=items, next_steps=list(NEXT_STEPS))


def _survey(ctx: Ctx) -> tuple[Piece, ...]:
    loaded = ctx.get(Loaded)
    return survey(loaded.home, loaded.workspace)
