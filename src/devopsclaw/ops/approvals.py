"""Requests for a person's yes: which there are, and answering them. No model can."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from devopsclaw.core.approvals import Approvals
from devopsclaw.core.clock import stamp
from devopsclaw.core.context import Ctx
from devopsclaw.core.operation import Params, Result, argument, operation, option
from devopsclaw.core.rbac import Role, Roles
from devopsclaw.core.registry import Registry
from devopsclaw.model.approval import Approval, Standing
from devopsclaw.model.nodeset import fold
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect
from devopsclaw.model.text import one_line
from devopsclaw.model.value import Value


class ApprovalItem(Value):
    """One request of a list."""

    id: str = Field(description="Its id, as A-17.")
    status: str = Field(description="waiting, allowed, used, denied, expired or void.")
    risk: str = Field(description="high or critical.")
    user: str = Field(description="Who asked.")
    operation: str = Field(description="What is asked for, noun.verb.")
    run: str = Field(description="What each node would run.")
    nodes: str = Field(description="On which nodes, folded.")
    asked_at: str = Field(description="When, RFC 3339.")
    expires_at: str = Field(description="When it counts as denied, RFC 3339.")
    digest: str = Field(description="What a yes is bound to.")
    answered_by: str = Field(description="Who answered; empty while it waits.")


class ApprovalList(Result):
    """Requests, newest first."""

    schema_name = "devopsclaw.approvals/1"
    columns = (
        ("ID", "id"),
        ("STATUS", "status"),
        ("RISK", "risk"),
        ("USER", "user"),
        ("EXPIRES", "expires_at"),
        ("NODES", "nodes"),
        ("RUNS", "run"),
        ("BY", "answered_by"),
    )

    items: list[ApprovalItem] = Field(description="The requests.")


class ShownApproval(Result):
    """One request, whole."""

    schema_name = "devopsclaw.approval/1"

    request: Approval = Field(description="The request.")
    digest: str = Field(description="What a yes is bound to.")

    def text(self) -> str:
        """In the order in which it is to be read (what, where, how risky, who, undo, until when)."""
        asked, plan = self.request, self.request.plan
        rows = [
            ("asks for", f"{plan.operation} ({plan.effect})"),
            ("runs", plan.run),
            ("nodes", f"{len(plan.nodes)}: {', '.join(plan.nodes)}" if plan.nodes else plan.target),
            ("changed", changes(asked)),
            ("risk", asked.risk + (f", in {', '.join(plan.environments)}" if plan.environments else "")),
            *(("", step) for step in plan.steps),
            ("asked by", f"{asked.user} at the {asked.door}" + (f" via {asked.via}" if asked.via else "")),
            ("reason", plan.reason),
            ("undo", plan.undo),
            ("expires", stamp(asked.expires_at)),
            ("status", _status(asked)),
            ("digest", self.digest[:12]),
        ]
        return "\n".join(f"{name:<10}{one_line(value)}" for name, value in rows if value)


class Answered(Result):
    """What became of a request."""

    schema_name = "devopsclaw.answer/1"

    id: str = Field(description="Its id.")
    status: str = Field(description="allowed or denied.")
    operation: str = Field(description="What it was asked for.")

    def text(self) -> str:
        """In words."""
        return f"{self.id} is {self.status}: {self.operation}"


class Wanted(Params):
    """Which requests."""

    status: Literal["waiting", "all"] = option("Those that wait, or all.", "waiting")


class OneRequest(Params):
    """A request."""

    id: str = argument("Its id, as A-17.")


class Allowing(Params):
    """Yes to what was read."""

    id: str = argument("Its id, as A-17.")
    digest: str = option("Digest that `approvals show` prints: a yes is a yes to that and nothing else.")
    phrase: str = option("For critical risk: ENV:COUNT, as prod:43.", "")


class Denying(Params):
    """No, and why."""

    id: str = argument("Its id, as A-17.")
    digest: str = option("Digest that `approvals show` prints; without one the request as it is.", "")
    reason: str = option("Why; whoever asked is told.", "")


def changes(asked: Approval) -> str:
    """What is other than in the plan that was allowed before; empty where there was none."""
    if asked.before is None:
        return ""
    new, old = set(asked.plan.nodes), set(asked.before.nodes)
    parts = [f"+{name}" for name in sorted(new - old)] + [f"-{name}" for name in sorted(old - new)]
    fields = ("run", "effect", "steps", "environments", "target", "undo")
    parts += [name for name in fields if getattr(asked.plan, name) != getattr(asked.before, name)]
    return f"since it was allowed: {' '.join(parts)}"


def _status(asked: Approval) -> str:
    by = f" by {asked.answered_by}" if asked.answered_by else ""
    return f"{asked.status}{by}{': ' + asked.reason if asked.reason else ''}"


@operation("approvals.list", Effect.READ, role=Role.VIEWER)
async def list_approvals(ctx: Ctx, params: Wanted) -> ApprovalList:
    """List the requests for somebody's yes, newest first.

    devopsclaw approvals list
    """
    standings = (Standing.WAITING,) if params.status == "waiting" else ()
    return ApprovalList(items=[_item(each) for each in await ctx.get(Approvals).recent(*standings)])


@operation("approvals.show", Effect.READ, role=Role.VIEWER)
async def show_approval(ctx: Ctx, params: OneRequest) -> ShownApproval:
    """Show a request: all that a yes would allow.

    devopsclaw approvals show A-17
    """
    asked = await ctx.get(Approvals).find(params.id)
    return ShownApproval(request=asked, digest=asked.digest)


async def plan_answer(ctx: Ctx, params: Allowing | Denying) -> Plan:
    """What is answered. Raises Denied where the answerer could not do it either."""
    asked = await ctx.get(Approvals).find(params.id)
    word = "allow" if isinstance(params, Allowing) else "deny"
    if isinstance(params, Allowing):
        needed = ctx.get(Registry).find(asked.plan.operation).role
        ctx.get(Roles).require(ctx.call.actor, needed, f"allowing {asked.plan.operation}")
    return Plan(
        operation=f"approvals.{word}",
        effect=Effect.WRITE,
        target=asked.id,
        run=f"{word} {asked.plan.operation} for {asked.user}: {asked.plan.run or asked.plan.target}",
        reason=params.reason if isinstance(params, Denying) else "",
    )


@operation("approvals.allow", Effect.WRITE, role=Role.OPERATOR, plan=plan_answer, for_model=False)
async def allow(ctx: Ctx, params: Allowing) -> Answered:
    """Say yes to a request: to exactly what its digest names, once.

    devopsclaw approvals allow A-17 --digest 3f9a81c2
    devopsclaw approvals allow A-18 --digest 77b0de41 --phrase prod:43
    """
    answer = await ctx.get(Approvals).allow(params.id, params.digest, params.phrase, ctx.call.actor)
    return Answered(id=answer.id, status=answer.status, operation=answer.plan.operation)


@operation("approvals.deny", Effect.WRITE, role=Role.OPERATOR, plan=plan_answer, for_model=False)
async def deny(ctx: Ctx, params: Denying) -> Answered:
    """Say no to a request.

    devopsclaw approvals deny A-17 --reason "not during the sale"
    """
    approvals = ctx.get(Approvals)
    digest = params.digest or (await approvals.find(params.id)).digest
    answer = await approvals.deny(params.id, digest, params.reason, ctx.call.actor)
    return Answered(id=answer.id, status=answer.status, operation=answer.plan.operation)


def _item(asked: Approval) -> ApprovalItem:
    return ApprovalItem(
        id=asked.id,
        status=asked.status.value,
        risk=asked.risk,
        user=asked.user,
        operation=asked.plan.operation,
        run=asked.plan.run,
        nodes=fold(asked.plan.nodes),
        asked_at=stamp(asked.asked_at),
        expires_at=stamp(asked.expires_at),
        digest=asked.digest,
        answered_by=asked.answered_by,
    )
