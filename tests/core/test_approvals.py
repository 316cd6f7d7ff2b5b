"""A yes is asked for, answered once by who may, used once, and binds exactly what was read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.core.guarded_house import LIFETIME, MARIA, MODEL, OLGA, House, open_house

from devopsclaw.core.approvals import Approvals
from devopsclaw.core.context import Ctx
from devopsclaw.model.approval import Approval, Standing
from devopsclaw.model.call import Actor, Call, Consent
from devopsclaw.model.errors import ApprovalNeeded, ClawError, Damaged, Denied, Misused, NotFound
from devopsclaw.model.events import ApprovalAsked, ApprovalClosed
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect

PLAN = Plan(
    operation="thing.change",
    effect=Effect.DESTRUCTIVE,
    nodes=("web-1", "web-2"),
    environments=("prod",),
    run="rm -rf /srv/old",
)
CALL = Call("thing.change", None, MARIA)
HIGH: dict[str, Any] = {"effect": "destructive"}
CRITICAL: dict[str, Any] = {"effect": "destructive", "env": "prod"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with open_house(tmp_path) as opened:
        yield opened


@pytest.fixture
async def strict(tmp_path: Path) -> AsyncIterator[House]:
    """A home in which what is destructive in prod needs a second person."""
    async with open_house(tmp_path, two_person=("critical",)) as opened:
        yield opened


async def asked(house: House, call: Call = CALL, phrase: str = "", *, other: bool = False) -> Approval:
    """A request that waits."""
    return await house.approvals.ask(call, PLAN, "high", phrase, needs_other=other)


async def next_request(house: House) -> Approval:
    """The request that is asked next."""
    async with asyncio.timeout(10):
        while True:
            event = await house.events.next()
            if isinstance(event, ApprovalAsked):
                return event.request


async def while_it_waits(house: House, answering: Any, **what: Any) -> Any:
    """Run a change that waits for a yes, and do `answering(request)` meanwhile."""
    running = asyncio.ensure_future(house.run("thing.change", waits=True, **what))
    try:
        await answering(await next_request(house))
        async with asyncio.timeout(10):
            return await running
    finally:
        running.cancel()


def allowing(house: House, actor: Actor = OLGA) -> Any:
    async def allow(request: Approval) -> None:
        await house.approvals.allow(request.id, request.digest, request.phrase, actor)

    return allow


# One request


async def test_a_request_is_told_to_everybody_and_stands_in_the_audit_log(house: House) -> None:
    request = await asked(house)

    assert request.id == "A-1" and request.status is Standing.WAITING
    assert await house.approvals.recent(Standing.WAITING) == [request]
    (event,) = house.events.drain()
    assert event == ApprovalAsked(CALL.id, "A-1", request)
    (entry,) = await house.entries()
    assert (entry.action, entry.target, entry.status, entry.call) == (
        "approvals.ask",
        "A-1",
        "waiting",
        CALL.id,
    )
    assert entry.detail["bound"] == request.digest


async def test_an_answer_ends_the_waiting_and_closes_it_everywhere(house: House) -> None:
    request = await asked(house)
    waiting = asyncio.ensure_future(house.approvals.answer_of(request))
    await asyncio.sleep(0)

    await house.approvals.allow("A-1", request.digest[:10], "", OLGA)

    answer = await waiting
    assert (answer.status, answer.answered_by, answer.leave) == (
        Standing.ALLOWED,
        "olga",
        "A-1 allowed by olga",
    )
    assert isinstance(house.events.drain()[-1], ApprovalClosed)


async def test_of_two_answers_at_once_one_holds_and_the_other_is_told(house: House) -> None:
    request = await asked(house)
    answers: list[Awaitable[Approval]] = [
        house.approvals.allow("A-1", request.digest, "", OLGA),
        house.approvals.deny("A-1", request.digest, "no", MARIA),
    ]

    ended = await asyncio.gather(*answers, return_exceptions=True)

    refused = [each for each in ended if isinstance(each, Misused)]
    held = [each for each in ended if isinstance(each, Approval)]
    assert len(refused) == len(held) == 1
    assert f"is {held[0].status} by {held[0].answered_by} already" in refused[0].message
    assert (await house.approvals.find("A-1")).status is held[0].status


async def test_sixteen_uses_of_one_yes_are_one_use(house: House) -> None:
    request = await asked(house)
    await house.approvals.allow("A-1", request.digest, "", OLGA)

    ended = await asyncio.gather(*(house.approvals.use("A-1") for _ in range(16)), return_exceptions=True)

    assert sum(each is None for each in ended) == 1
    assert sum(isinstance(each, Misused) for each in ended) == 15


@pytest.mark.parametrize("digest", ["", "0", "00000000", "f" * 64])
async def test_an_answer_to_something_else_answers_nothing(house: House, digest: str) -> None:
    await asked(house)

    with pytest.raises(Misused, match="is not what A-1 asks for"):
        await house.approvals.allow("A-1", digest, "", OLGA)
    with pytest.raises(Misused, match="is not what A-1 asks for"):
        await house.approvals.deny("A-1", digest, "", OLGA)

    assert (await house.approvals.find("A-1")).status is Standing.WAITING


async def test_the_shortest_digest_that_answers_has_eight_characters(house: House) -> None:
    request = await asked(house)

    with pytest.raises(Misused):
        await house.approvals.allow("A-1", request.digest[:7], "", OLGA)
    assert (await house.approvals.allow("A-1", request.digest[:8], "", OLGA)).status is Standing.ALLOWED


async def test_no_model_answers(house: House) -> None:
    request = await asked(house)

    for answering in (house.approvals.allow, house.approvals.deny):
        with pytest.raises(Denied, match="only a person answers"):
            await answering("A-1", request.digest, "", MODEL)
    assert (await house.approvals.find("A-1")).status is Standing.WAITING


async def test_critical_risk_is_allowed_by_its_phrase_alone(house: House) -> None:
    request = await asked(house, phrase="prod:2")

    for typed in ("", "yes", "prod:3", "PROD:2"):
        with pytest.raises(Misused, match="type prod:2 to allow it"):
            await house.approvals.allow("A-1", request.digest, typed, OLGA)
    assert (await house.approvals.allow("A-1", request.digest, "prod:2", OLGA)).status is Standing.ALLOWED


async def test_who_asked_is_never_the_second_person(house: House) -> None:
    request = await asked(house, other=True)

    for hers in (MARIA, replace(MARIA, door="console"), replace(MARIA, door="chat")):
        with pytest.raises(Denied, match="needs somebody else's yes"):
            await house.approvals.allow("A-1", request.digest, "", hers)
    assert (await house.approvals.allow("A-1", request.digest, "", OLGA)).answered_by == "olga"


async def test_who_asked_may_deny_what_needs_a_second_person(house: House) -> None:
    request = await asked(house, other=True)

    assert (await house.approvals.deny("A-1", request.digest, "no more", MARIA)).status is Standing.DENIED


async def test_nobody_allows_what_has_expired(house: House) -> None:
    request = await asked(house)
    house.clock.advance(LIFETIME)

    with pytest.raises(Misused, match="A-1 is expired already"):
        await house.approvals.allow("A-1", request.digest, "", OLGA)
    assert (await house.entries())[-1].status == "expired"


async def test_waiting_ends_when_the_request_expires(house: House) -> None:
    request = await asked(house)
    house.clock.advance(LIFETIME)

    answer = await house.approvals.answer_of(request)

    assert (answer.status, answer.reason) == (Standing.EXPIRED, "nobody answered in time")


async def test_who_leaves_takes_the_request_along(house: House) -> None:
    request = await asked(house)
    waiting = asyncio.ensure_future(house.approvals.answer_of(request))
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.wait([waiting])

    with pytest.raises(Misused, match="A-1 is void already: whoever asked has left"):
        await house.approvals.allow("A-1", request.digest, "", OLGA)


async def test_the_next_core_closes_what_the_last_one_left(house: House) -> None:
    waiting = await asked(house)
    allowed = await asked(house)
    await house.approvals.allow("A-2", allowed.digest, "", OLGA)

    later = await Approvals.open(house.database, house.log, house.gate.bus, house.clock, LIFETIME)

    assert [each.status for each in await later.recent()] == [Standing.VOID, Standing.VOID]
    with pytest.raises(Misused, match="the core that asked has ended"):
        await later.allow("A-1", waiting.digest, "", OLGA)
    with pytest.raises(Misused):
        await later.use("A-2")
    assert [entry.action for entry in await house.entries()][-2:] == ["approvals.close", "approvals.close"]


@pytest.mark.parametrize("name", ["A-9", "17", "A-", "", "A-1; DROP TABLE approvals"])
async def test_an_unknown_request_is_an_error_with_the_way_on(house: House, name: str) -> None:
    with pytest.raises(NotFound, match="there is no approval"):
        await house.approvals.find(name)


@given(
    st.sampled_from(["user", "uid", "door", "via", "expires_at", "plan", "id"]),
    st.integers(min_value=1, max_value=10**6),
)
def test_whatever_is_other_has_another_digest(changed: str, by: int) -> None:
    request = Approval(
        id="A-1",
        status=Standing.WAITING,
        plan=PLAN,
        risk="high",
        phrase="",
        call="c",
        user="maria",
        uid=1000,
        door="cli",
        needs_other=False,
        asked_at=0.0,
        expires_at=600.0,
    )
    other: dict[str, Any] = {
        "user": f"maria{by}",
        "uid": 1000 + by,
        "door": f"cli{by}",
        "via": f"model{by}",
        "expires_at": 600.0 + by,
        "plan": PLAN.model_copy(update={"nodes": (*PLAN.nodes, f"web-{by + 2}")}),
        "id": f"A-{by + 1}",
    }

    assert request.model_copy(update={changed: other[changed]}).digest != request.digest
    assert request.model_copy(update={"status": Standing.ALLOWED}).digest == request.digest


# Through the gate


async def test_a_change_that_waits_runs_once_it_is_allowed_and_its_entries_name_the_yes(house: House) -> None:
    await while_it_waits(house, allowing(house), **HIGH)

    chain = [(entry.action, entry.phase, entry.status) for entry in await house.entries()]
    assert chain == [
        ("approvals.ask", "single", "waiting"),
        ("thing.change", "intent", "planned"),
        ("thing.change", "outcome", "ok"),
    ]
    assert (await house.entries())[1].detail["approval"] == "A-1 allowed by olga"
    assert (await house.approvals.find("A-1")).status is Standing.USED


async def test_a_change_that_is_denied_does_not_run_and_says_who_and_why(house: House) -> None:
    async def deny(request: Approval) -> None:
        await house.approvals.deny(request.id, request.digest, "not tonight", OLGA)

    with pytest.raises(Denied, match="A-1 was denied by olga: not tonight"):
        await while_it_waits(house, deny, **HIGH)

    assert house.world.ran == []
    assert (await house.entries())[-1].phase == "denied"


async def test_who_does_not_wait_is_told_what_is_needed(house: House) -> None:
    with pytest.raises(ApprovalNeeded, match="needs a person's yes"):
        await house.run("thing.change", **HIGH)

    assert await house.approvals.recent() == []


async def test_who_brings_the_yes_along_asks_nobody(house: House) -> None:
    await house.run("thing.change", consent=Consent("prod:2"), waits=True, **CRITICAL)

    assert await house.approvals.recent() == []


async def test_a_second_person_is_asked_for_though_the_asker_said_yes(strict: House) -> None:
    with pytest.raises(ApprovalNeeded, match="it needs somebody else's yes") as refused:
        await strict.run("thing.change", consent=Consent("prod:2"), **CRITICAL)
    assert refused.value.phrase == "somebody else" and "--wait-approval" in refused.value.hint

    await while_it_waits(strict, allowing(strict), consent=Consent("prod:2"), **CRITICAL)
    assert len(strict.world.ran) == 1


async def test_a_plan_that_changed_since_the_yes_is_asked_for_again_with_the_difference(house: House) -> None:
    wider = ("web-1", "web-2", "web-3")

    async def allow_then_widen(request: Approval) -> None:
        house.world.nodes = wider
        await allowing(house)(request)
        second = await next_request(house)
        assert second.before is not None and second.plan.nodes == wider
        assert second.before.nodes == ("web-1", "web-2")
        assert (await house.approvals.find(request.id)).status is Standing.VOID
        await allowing(house)(second)

    await while_it_waits(house, allow_then_widen, **HIGH)

    assert (await house.entries())[-1].node_names == "web-[1-3]"
    assert (await house.approvals.find("A-2")).status is Standing.USED


async def test_a_yes_that_cannot_be_put_on_record_allows_nothing(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(draft: object) -> None:
        raise Damaged("the disk is full")

    monkeypatch.setattr(house.log, "append", full)
    with pytest.raises(Damaged):
        await house.run("thing.change", waits=True, **HIGH)
    assert house.world.ran == []


# What a yes to a call covers below it


async def child(
    house: House, parent: dict[str, Any], below: dict[str, Any], name: str = "thing.change"
) -> None:
    """Run a change that was allowed, which runs another change inside it."""
    depth = 0

    async def inside(ctx: Ctx) -> None:
        nonlocal depth
        depth += 1
        if depth == 1:
            await ctx.run(name, below)

    house.world.work = inside
    await house.run("thing.change", consent=Consent("prod:2"), **parent)


async def test_a_yes_covers_the_children_of_its_call_on_its_nodes(house: House) -> None:
    await child(house, CRITICAL, {**CRITICAL, "nodes": ("web-1",)})

    approvals = [entry.detail.get("approval") for entry in await house.entries() if entry.phase == "intent"]
    assert approvals == ["prod:2 by maria", "covered: prod:2 by maria"]


async def test_a_yes_never_covers_another_node_or_a_stronger_effect(house: House) -> None:
    with pytest.raises(ApprovalNeeded):
        await child(house, CRITICAL, {**CRITICAL, "nodes": ("web-1", "db-1")})
    house.world.work = None
    many = tuple(f"web-{number}" for number in range(1, 5))
    with pytest.raises(ApprovalNeeded):
        await child_of_write(house, many)


async def child_of_write(house: House, many: tuple[str, ...]) -> None:
    depth = 0

    async def inside(ctx: Ctx) -> None:
        nonlocal depth
        depth += 1
        if depth == 1:
            await ctx.run("thing.change", {"nodes": many, "env": "prod", "effect": "destructive"})

    house.world.work = inside
    await house.run("thing.change", consent=Consent("yes"), nodes=many, env="prod", effect="write")


async def test_a_yes_covers_nothing_once_its_call_has_ended(house: House) -> None:
    held: list[Ctx] = []

    async def keep(ctx: Ctx) -> None:
        held.append(ctx)

    house.world.work = keep
    await house.run("thing.change", consent=Consent("prod:2"), **CRITICAL)

    with pytest.raises(ApprovalNeeded):
        await held[0].run("thing.change", CRITICAL)


# Any order of doings


ACTS = st.lists(
    st.sampled_from(["allow", "deny", "use", "void", "expire", "restart", "wrong", "model", "asker"]),
    max_size=12,
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ACTS)
def test_whatever_happens_in_whatever_order_a_yes_is_used_at_most_once(
    tmp_path_factory: Any, acts: list[str]
) -> None:
    asyncio.run(lived(tmp_path_factory.mktemp("house"), acts))


async def lived(folder: Path, acts: list[str]) -> None:
    """Do it all; a use is only ever after an allow by somebody else, before the end, once."""
    async with open_house(folder) as house:
        request = await asked(house, other=True)
        approvals, allowed, uses = house.approvals, False, 0
        for act in acts:
            before = (await approvals.find("A-1")).status
            try:
                if act == "allow":
                    await approvals.allow("A-1", request.digest, "", OLGA)
                    assert before is Standing.WAITING
                    allowed = True
                elif act == "deny":
                    await approvals.deny("A-1", request.digest, "", OLGA)
                    assert before is Standing.WAITING
                elif act == "use":
                    await approvals.use("A-1")
                    assert allowed and before is Standing.ALLOWED
                    uses += 1
                elif act == "void":
                    await approvals.void("A-1", "changed")
                elif act == "expire":
                    house.clock.advance(LIFETIME)
                elif act == "restart":
                    approvals = await Approvals.open(
                        house.database, house.log, house.gate.bus, house.clock, 1.0
                    )
                elif act == "wrong":
                    await approvals.allow("A-1", "0" * 64, "", OLGA)
                elif act == "model":
                    await approvals.allow("A-1", request.digest, "", MODEL)
                else:
                    await approvals.allow("A-1", request.digest, "", MARIA)
            except ClawError:
                continue
            assert act not in ("wrong", "model", "asker")
        assert uses <= 1
