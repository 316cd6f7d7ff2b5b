"""What holds for every door, in process and over a socket: it sets the actor itself, hands on run, events
and cancel, and gives back what the gate gives.
"""

from __future__ import annotations

import asyncio
import os
import pwd
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.core.door_place import (
    PATIENCE,
    SECRET,
    Answer,
    Place,
    Text,
    failure,
    kinds,
    moved,
    open_gate,
    open_place,
)

from devopsclaw.core.bus import MAX_PENDING, Gap
from devopsclaw.core.door import Door, LocalDoor, os_user
from devopsclaw.core.gate import Gate
from devopsclaw.model.call import Actor, Consent
from devopsclaw.model.errors import ApprovalNeeded, BadParams, ClawError, Defect, NotFound
from devopsclaw.model.events import NodeMoved, NodeSeen, Warned
from devopsclaw.model.interest import Interest
from devopsclaw.model.plan import Plan
from devopsclaw.model.risk import Effect


@pytest.fixture
def gate() -> Gate:
    return open_gate()


@pytest.fixture
async def place(gate: Gate, tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path, gate) as opened:
        yield opened


@pytest.fixture(params=["in process", "over a socket"])
async def door(request: pytest.FixtureRequest, gate: Gate, tmp_path: Path) -> AsyncIterator[Door]:
    if request.param == "in process":
        yield LocalDoor(gate, "console")
        return
    async with open_place(tmp_path, gate) as place, place.attach() as attached:
        yield attached


async def heard_of(door: Door, interest: Interest, gate: Gate, *events: Any, last: Any) -> list[Any]:
    """What a listener with this interest is told, up to `last`."""
    told: list[Any] = []
    with door.events(interest) as listener:
        await door.run("door.ask", {})  # so that it is known to be listening
        listener.drain()
        for event in (*events, last):
            gate.bus.publish(event)
        async with asyncio.timeout(PATIENCE):
            async for batch in listener.batches(0.0):
                told += batch
                if last in batch:
                    break
    return told


async def test_who_stands_at_the_door_is_who_the_kernel_says(door: Door) -> None:
    answer = await door.run("door.ask", {})

    assert isinstance(answer, Answer)
    assert (answer.user, answer.uid, answer.door) == (os_user(), os.getuid(), "console")
    assert not answer.demo


async def test_a_yes_is_handed_on_with_the_plan_it_is_bound_to(door: Door) -> None:
    answer = await door.run("door.ask", {}, consent=Consent("prod:43", "d" * 64))

    assert (answer.phrase, answer.digest) == ("prod:43", "d" * 64)


async def test_a_dry_run_gives_the_plan(door: Door) -> None:
    assert await door.run("door.ask", {}, dry_run=True) == Plan(operation="door.ask", effect=Effect.READ)


async def test_a_result_of_five_megabytes_comes_whole(door: Door) -> None:
    answer = await door.run("door.say", {"text": "lines\n", "times": 5 * 1024 * 1024 // 6})

    assert isinstance(answer, Text)
    assert len(answer.said) > 5_000_000 and answer.said.endswith("lines\n")


async def test_text_in_any_script_comes_as_it_was(door: Door) -> None:
    text = "zażółć 雪 \N{NO-BREAK SPACE}\u2028\x85\x00\x1b[31m"

    assert (await door.run("door.say", {"text": text})).said == text


@pytest.mark.parametrize("kind", sorted(kinds()))
async def test_an_error_comes_as_itself(door: Door, kind: str) -> None:
    meant = failure(kind)

    with pytest.raises(ClawError) as raised:
        await door.run("door.fail", {"kind": kind})

    error = raised.value
    assert type(error) is type(meant) or type(error).code == type(meant).code
    assert (error.message, error.hint, error.identifier) == (meant.message, meant.hint, meant.identifier)
    assert (error.code, error.exit_code) == (meant.code, meant.exit_code)
    if isinstance(meant, ApprovalNeeded):
        assert isinstance(error, ApprovalNeeded)
        assert (error.risk, error.digest, error.phrase) == ("critical", "d" * 64, "prod:43")


async def test_what_the_gate_refuses_is_refused_at_the_door(door: Door) -> None:
    with pytest.raises(BadParams, match="kind"):
        await door.run("door.fail", {"kin": "x"})
    with pytest.raises(NotFound, match=r"door\.aks"):
        await door.run("door.aks", {})


async def test_events_of_a_call_can_be_listened_to_before_it_starts(door: Door) -> None:
    with door.events(Interest(calls=frozenset({"c1"}))) as listener:
        await door.run("door.ask", {}, call_id="c2")
        await door.run("door.ask", {}, call_id="c1")

        assert listener.drain() == [moved("c1", "asked")]


async def test_what_happened_before_an_answer_is_told_before_it(door: Door) -> None:
    with door.events(Interest.of(NodeMoved)) as listener:
        for number in range(5):
            await door.run("door.ask", {}, call_id=f"c{number}")

            assert listener.drain() == [moved(f"c{number}", "asked")]


async def test_events_of_a_kind_or_a_run_can_be_listened_to(door: Door, gate: Gate) -> None:
    other, mine = moved("c9", run="X-9"), moved("c9", run="X-31")
    last = Warned("no call, so everybody's")

    told = await heard_of(
        door,
        Interest(frozenset({"NodeMoved", "Warned"}), runs=frozenset({"X-31"})),
        gate,
        other,
        mine,
        last=last,
    )

    assert told == [mine, last]


async def test_what_stays_true_is_told_to_who_comes_later(door: Door, gate: Gate) -> None:
    gate.bus.post(Warned("the audit trail was changed"))

    with door.events(Interest.of(Warned)) as listener:
        await door.run("door.ask", {})

        assert listener.drain() == [Warned("the audit trail was changed")]


async def test_who_has_enough_hears_no_more(door: Door, gate: Gate) -> None:
    with door.events() as listener:
        pass
    gate.bus.publish(Warned("too late"))

    await door.run("door.ask", {})

    assert listener.drain() == []


async def test_a_slow_listener_is_told_how_much_it_missed(door: Door, gate: Gate) -> None:
    events = [NodeSeen(f"n{number}", "online", 0.0) for number in range(MAX_PENDING + 4)]

    told = await heard_of(door, Interest.of(NodeSeen), gate, *events, last=NodeSeen("last", "online", 0.0))

    gaps = [each for each in told if isinstance(each, Gap)]
    assert sum(gap.dropped for gap in gaps) == 5
    assert len(told) - len(gaps) == MAX_PENDING


async def test_a_call_is_cancelled_by_its_id_and_others_go_on(door: Door) -> None:
    with door.events(Interest.of(NodeMoved)) as listener:
        async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
            one = group.create_task(door.run("door.wait", {}, call_id="c1"))
            other = group.create_task(door.run("door.wait", {}, call_id="c2"))
            await listener.next()
            await listener.next()

            door.cancel("c1")
            await asyncio.wait([one])
            assert one.cancelled()
            assert not other.done()
            door.cancel("c2")

        assert other.cancelled()


async def test_who_stops_waiting_stops_the_call(door: Door, gate: Gate) -> None:
    local = gate.bus.subscribe()
    with local as events:
        task = asyncio.ensure_future(door.run("door.wait", {}, call_id="c1"))
        async with asyncio.timeout(PATIENCE):
            await events.next()
        task.cancel()
        await asyncio.wait([task])

        assert task.cancelled()
    assert (await door.run("door.ask", {})).user == os_user()


async def test_cancelling_what_does_not_run_changes_nothing(door: Door) -> None:
    await door.run("door.ask", {}, call_id="c1")

    door.cancel("c1")
    door.cancel("c9")
    door.cancel("")

    assert (await door.run("door.ask", {}, call_id="c1")).user == os_user()


async def test_many_calls_at_once_get_each_its_own_answer(door: Door) -> None:
    texts = [str(number) * 1000 for number in range(50)]

    answers = await asyncio.gather(*(door.run("door.say", {"text": text}) for text in texts))

    assert [answer.said for answer in answers] == texts


async def test_a_defect_over_a_socket_names_the_log_and_nothing_else_breaks(place: Place) -> None:
    async with place.attach() as door:
        with pytest.raises(Defect, match=f"ZeroDivisionError: {SECRET}") as raised:
            await door.run("door.break", {})

        assert raised.value.hint == f"read {place.home.log}/core.jsonl"
        assert (await door.run("door.ask", {})).user == os_user()


def test_who_opens_a_door_may_know_better_who_stands_there(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    assert LocalDoor(gate, "cli", demo=True).actor == Actor(os_user(), "cli", os.getuid(), demo=True)
    monkeypatch.setattr(pwd, "getpwuid", nobody)

    assert LocalDoor(gate, "cli", uid=4711).actor == Actor("uid-4711", "cli", 4711)
    assert os_user() == f"uid-{os.getuid()}"
