"""Listing, showing and answering requests for a yes, at a real core's door."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from devopsclaw import boot
from devopsclaw.boot import Core
from devopsclaw.core.door import LocalDoor, os_user
from devopsclaw.core.paths import Home
from devopsclaw.model.call import Consent
from devopsclaw.model.errors import Denied, Misused, NotFound
from devopsclaw.model.events import ApprovalAsked
from devopsclaw.model.interest import Interest
from devopsclaw.ops.approvals import changes

MARIA = 4711
GRANT = {"id": "maria", "role": "operator"}


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Core]:
    async with boot.open(Home(tmp_path / "home"), face="console", environment={}) as opened:
        yield opened


async def asked(door: LocalDoor) -> tuple[asyncio.Future[Any], Any]:
    """A grant that waits for a yes, and its request."""
    with door.events(Interest.of(ApprovalAsked)) as events:
        running = asyncio.ensure_future(door.run("access.grant", GRANT, waits=True))
        async with asyncio.timeout(20):
            event = await events.next()
    return running, event.request


async def test_a_request_is_listed_while_it_waits_and_with_all_afterwards(core: Core) -> None:
    running, request = await asked(core.door)

    (item,) = (await core.door.run("approvals.list", {})).items
    assert (item.id, item.status, item.user, item.operation) == ("A-1", "waiting", os_user(), "access.grant")
    assert item.digest == request.digest

    await core.door.run("approvals.allow", {"id": "A-1", "digest": item.digest[:12]})
    assert (await running).role == "operator"
    assert (await core.door.run("approvals.list", {})).items == []
    (item,) = (await core.door.run("approvals.list", {"status": "all"})).items
    assert (item.status, item.answered_by) == ("used", os_user())


async def test_what_is_shown_is_read_from_top_to_bottom(core: Core) -> None:
    running, request = await asked(core.door)

    shown = (await core.door.run("approvals.show", {"id": "A-1"})).text().splitlines()
    running.cancel()

    assert [line.split()[0] for line in shown] == [
        "asks",
        "runs",
        "nodes",
        "risk",
        "asked",
        "undo",
        "expires",
        "status",
        "digest",
    ]
    assert shown[-1].endswith(request.digest[:12])


async def test_a_no_is_told_with_its_reason_to_who_asked(core: Core) -> None:
    running, _ = await asked(core.door)

    answered = await core.door.run("approvals.deny", {"id": "A-1", "reason": "not tonight"})

    assert answered.text() == "A-1 is denied: access.grant"
    with pytest.raises(Denied, match=f"A-1 was denied by {os_user()}: not tonight"):
        await running
    assert (await core.door.run("access.list", {})).items[1:] == []


async def test_nobody_allows_what_they_could_not_do_themselves(
    core: Core, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, names = os_user(), {MARIA: "olga"}
    monkeypatch.setattr("devopsclaw.core.door.user_of", lambda uid: names.get(uid, owner))
    await core.door.run("access.grant", {"id": "olga", "role": "operator"}, consent=Consent("yes"))
    hers = LocalDoor(core._gate, "console", uid=MARIA)
    running, request = await asked(core.door)

    with pytest.raises(Denied, match=r"olga is operator; allowing access\.grant needs admin"):
        await hers.run("approvals.allow", {"id": "A-1", "digest": request.digest})
    await hers.run("approvals.deny", {"id": "A-1"})

    with pytest.raises(Denied):
        await running


async def test_a_viewer_answers_nothing(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, names = os_user(), {MARIA: "vic"}
    monkeypatch.setattr("devopsclaw.core.door.user_of", lambda uid: names.get(uid, owner))
    await core.door.run("access.grant", {"id": "vic", "role": "viewer"}, consent=Consent("yes"))
    his = LocalDoor(core._gate, "console", uid=MARIA)
    running, request = await asked(core.door)

    assert (await his.run("approvals.list", {})).items[0].id == "A-1"
    for name in ("approvals.allow", "approvals.deny"):
        with pytest.raises(Denied, match="vic is viewer"):
            await his.run(name, {"id": "A-1", "digest": request.digest})
    running.cancel()


async def test_answers_are_entries_of_their_own_and_the_trail_is_a_chain(core: Core) -> None:
    running, request = await asked(core.door)
    await core.door.run("approvals.allow", {"id": "A-1", "digest": request.digest})
    await running

    entries = (await core.door.run("audit.list", {})).items[::-1]

    assert [entry.action for entry in entries if entry.phase != "outcome"] == [
        "approvals.ask",
        "approvals.allow",
        "access.grant",
    ]
    assert [entry.target for entry in entries[:2]] == ["A-1", "A-1"]
    assert entries[-1].action == "access.grant" and entries[-1].status == "ok"
    granted = next(entry for entry in entries if entry.action == "access.grant")
    assert granted.detail["approval"] == f"A-1 allowed by {os_user()}"


async def test_what_is_over_or_was_never_asked_cannot_be_answered(core: Core) -> None:
    with pytest.raises(NotFound, match="there is no approval A-7"):
        await core.door.run("approvals.allow", {"id": "A-7", "digest": "0" * 12})
    running, request = await asked(core.door)
    await core.door.run("approvals.deny", {"id": "A-1"})

    with pytest.raises(Misused, match=f"A-1 is denied by {os_user()} already"):
        await core.door.run("approvals.allow", {"id": "A-1", "digest": request.digest})
    with pytest.raises(Denied):
        await running


async def test_the_difference_names_nodes_and_fields(core: Core) -> None:
    running, request = await asked(core.door)
    running.cancel()
    before = request.plan.model_copy(update={"nodes": ("web-1", "web-2"), "run": "true"})
    after = request.plan.model_copy(update={"nodes": ("web-2", "web-3"), "run": "false"})

    changed = request.model_copy(update={"plan": after, "before": before})

    assert changes(request) == ""
    assert changes(changed) == "since it was allowed: +web-3 -web-1 run"
