"""One client at a core's socket: what it may say, and that nothing it says or does harms the core."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.core.door_place import SECRET, Place, eventually, moved, open_gate, open_place
from tests.core.guarded_house import MARIA, House

from devopsclaw.core import door_server, door_session
from devopsclaw.core.context import Ctx
from devopsclaw.core.door import os_user
from devopsclaw.core.gate import Gate
from devopsclaw.model.door import LINE_LIMIT, PROTOCOL, hello


@pytest.fixture
def gate() -> Gate:
    return open_gate()


@pytest.fixture
async def place(gate: Gate, tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path, gate) as opened:
        yield opened
        assert await lives(opened)


async def lives(place: Place) -> bool:
    """Whether the core still answers a new client, and listens to nothing for those who left."""
    client = await place.call()
    return "result" in await client.run("door.ask")


async def test_a_client_is_welcomed_with_who_it_is_at(place: Place) -> None:
    client = await place.call()

    assert client.welcome == {
        "protocol": PROTOCOL,
        "version": "1.0",
        "face": "gateway",
        "pid": os.getpid(),
        "demo": False,
        "user": os_user(),
    }


async def test_a_client_never_says_who_it_is(place: Place) -> None:
    mine = hello("cli", "1.0")
    mine["hello"] |= {"user": "root", "uid": 0, "actor": {"user": "root"}}
    client = await place.call(json.dumps(mine).encode() + b"\n")
    await client.hear()

    answer = await client.run("door.ask")

    assert (answer["result"]["user"], answer["result"]["uid"]) == (os_user(), os.getuid())


@pytest.mark.parametrize(
    ("face", "door"), [("cli", "cli"), ("console", "console"), ("model", "cli"), (7, "cli")]
)
async def test_a_client_only_names_its_face_and_only_a_known_one(place: Place, face: Any, door: str) -> None:
    client = await place.call(json.dumps(hello(face, "1.0")).encode() + b"\n")
    await client.hear()

    assert (await client.run("door.ask"))["result"]["door"] == door


@pytest.mark.parametrize("said", [b'{"id": 1}\n', b'{"hello": 1}\n', b'{"run": {"name": "door.ask"}}\n'])
async def test_who_does_not_say_hello_first_is_sent_away(place: Place, said: bytes) -> None:
    refused = await (await place.call(said)).refused()

    assert (refused["code"], refused["message"]) == ("usage", "a client has to say hello first")


async def test_who_says_nothing_is_hung_up_on(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_session, "PATIENCE", 0.01)

    await (await place.call(b"")).hung_up()


async def test_who_leaves_again_is_forgotten(place: Place) -> None:
    await (await place.call(b"")).leave()
    await (await place.call(b'{"hello": ')).leave()
    await (await place.call()).leave()

    await eventually(lambda: place.listener.alone.is_set(), "nobody is there")


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n",
        b"\xff\x00\xfe\n",
        b"[" * 100_000 + b"\n",
        b'"\\ud800"\n',
        b'{"id": [1], "listen": {}}\n',
        b'{"id": {}, "run": {"name": "door.ask", "params": {}}}\n',
        b'{"id": 1, "listen": {"kinds": 7}}\n',
        b'{"id": 1, "listen": null}\n',
        b'{"id": 1, "run": null}\n',
        b'{"id": 1, "run": []}\n',
        b'{"cancel": 7}\n',
        b'{"fly": true, "\\ud800": 1}\n',
        b"{}\n",
        b"x" * (LINE_LIMIT + 1) + b"\n",
    ],
    ids=lambda garbage: repr(garbage[:24]),
)
@pytest.mark.parametrize("is_greeted", [True, False])
async def test_garbage_is_refused_and_the_core_lives_on(
    place: Place, garbage: bytes, is_greeted: bool
) -> None:
    client = await place.call(None if is_greeted else b"")
    client.writer.write(garbage)

    assert (await client.refused())["code"] == "usage"


async def test_a_line_that_is_too_long_is_said_so(place: Place) -> None:
    client = await place.call()
    client.writer.write(b"x" * (LINE_LIMIT + 1))

    assert (await client.refused())["message"] == "a line at the door is too long"


async def test_half_a_character_in_a_greeting_is_answered_as_it_came(place: Place) -> None:
    client = await place.call(b'{"hello": {"protocol": 99, "version": "\\ud800", "face": "cli"}}\n')

    assert "\ud800" in (await client.refused())["message"]


@pytest.mark.parametrize(
    "asked",
    [
        {"name": "door.ask"},
        {"name": "door.ask", "params": []},
        {"name": 7, "params": {}},
        {"name": "door.ask", "params": {}, "consent": "yes"},
        {},
    ],
)
async def test_a_wrong_request_is_an_error_of_its_own_and_the_client_stays(
    place: Place, asked: dict[str, Any]
) -> None:
    client = await place.call()
    client.say({"id": 5, "run": asked})

    answer = await client.hear()

    assert answer["id"] == 5 and answer["error"]["code"] in ("usage", "not_found", "bad_params")
    assert "result" in await client.run("door.ask")


async def test_half_a_character_comes_back_as_it_came(place: Place) -> None:
    client = await place.call()

    assert (await client.run("door.say", text="\ud800"))["result"]["said"] == "\ud800"


async def test_more_calls_than_one_client_may_have_are_refused(place: Place) -> None:
    client = await place.call()
    for number in range(door_session.MOST_CALLS):
        client.ask("door.wait", number, f"c{number}")
    await eventually(lambda: len(place.listener.calls) == door_session.MOST_CALLS, "all calls run")

    client.ask("door.ask", 99)

    assert "64 calls at a time" in (await client.refused())["message"]


async def test_calls_that_ended_leave_room_for_others(place: Place) -> None:
    client = await place.call()

    for number in range(2 * door_session.MOST_CALLS):
        assert "result" in await client.run("door.ask", number)


async def test_more_interests_than_one_client_may_have_are_refused(place: Place) -> None:
    client = await place.call()
    for number in range(door_session.MOST_CALLS + 1):
        client.say({"id": number, "listen": {}})

    assert "64 interests at a time" in (await client.refused())["message"]


async def test_an_interest_asked_for_twice_is_told_once(place: Place, gate: Gate) -> None:
    client = await place.call()
    client.say({"id": 1, "listen": {"kinds": ["NodeMoved"]}})
    client.say({"id": 1, "listen": {"kinds": ["Warned"], "calls": []}})
    await client.run("door.ask", 2)

    gate.bus.publish(moved("c", "first"))
    client.say({"id": 1, "listen": {"kinds": ["NodeMoved"]}})
    await client.run("door.ask", 3, call="c3")

    assert len(gate.bus._subscriptions) == 1


async def test_who_leaves_is_told_of_nothing_any_more(place: Place, gate: Gate) -> None:
    client = await place.call()
    client.say({"id": 1, "listen": {}})
    await client.run("door.ask", 2)

    await client.leave()

    await eventually(lambda: not gate.bus._subscriptions, "nobody listens")


@pytest.mark.parametrize("theirs", [PROTOCOL - 1, PROTOCOL + 1, None, "1"])
async def test_another_protocol_is_told_which_side_to_start_again(place: Place, theirs: Any) -> None:
    mine = hello("console", "0.9")
    mine["hello"]["protocol"] = theirs
    client = await place.call(json.dumps(mine).encode() + b"\n")

    refused = await client.refused()

    core, console = f"the core in process {os.getpid()} (gateway, 1.0)", "your devopsclaw 0.9 (console)"
    old, new = (console, core) if theirs == PROTOCOL - 1 else (core, console)
    assert refused["message"].startswith(f"{old} is older than {new}")
    assert refused["hint"] == f"restart {old}"


async def test_a_defect_is_answered_logged_and_survived(
    place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    client = await place.call()

    with caplog.at_level(logging.ERROR):
        answer = await client.run("door.break")

    assert answer["error"] == {
        "code": "defect",
        "message": f"this should not have happened: ZeroDivisionError: {SECRET}",
        "hint": f"read {place.home.log}/core.jsonl",
    }
    (record,) = caplog.records
    assert record.exc_info and "door.break should not have failed" in record.getMessage()
    assert "result" in await client.run("door.ask")


async def test_a_call_goes_on_when_its_client_vanishes_and_its_outcome_is_audited(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_server, "uid_of", lambda peer: MARIA.uid)
    started, may_end = asyncio.Event(), asyncio.Event()

    async def work(ctx: Ctx) -> None:
        started.set()
        await may_end.wait()

    house.world.work = work
    async with open_place(tmp_path, house.gate) as place:
        place.listener.group = "ops"  # she is not who runs the tests
        client = await place.call()
        client.ask("thing.touch")
        await started.wait()

        await vanish(client.writer)
        await eventually(lambda: place.listener.alone.is_set(), "it is gone")
        may_end.set()
        await eventually(lambda: not place.listener.calls, "the call ends")

        intent, outcome = await house.entries()
    assert (intent.action, outcome.action) == ("thing.touch", "thing.touch")
    assert outcome.status == "unknown", "the operation's own verdict, as it ended"


async def vanish(writer: asyncio.StreamWriter) -> None:
    """End as a killed process does."""
    writer.transport.abort()
    await asyncio.sleep(0)


async def test_a_client_that_does_not_listen_holds_up_nobody_else(place: Place) -> None:
    slow = socket.socket(socket.AF_UNIX)
    with slow:
        slow.connect(str(place.home.socket))
        slow.sendall(json.dumps(hello("cli", "1.0")).encode() + b"\n")
        asked = {"name": "door.say", "params": {"text": "x", "times": 4_000_000}}
        slow.sendall(b"".join(json.dumps({"id": n, "run": asked}).encode() + b"\n" for n in range(3)))
        await eventually(lambda: place.listener.calls, "it asks")

        assert await lives(place)

    await eventually(lambda: not place.listener.calls, "its calls end")


async def test_a_cancelled_call_says_so_and_only_its_own_client_cancels_it(place: Place) -> None:
    one, other = await place.call(), await place.call()
    one.ask("door.wait", 1, "c1")
    await eventually(lambda: place.listener.calls, "it waits")

    other.say({"cancel": "c1"})
    assert "result" in await other.run("door.ask")
    assert len(place.listener.calls) == 1
    one.say({"cancel": "c1"})

    assert await one.hear() == {"id": 1, "cancelled": True}
