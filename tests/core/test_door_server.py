"""The socket of a core: whose it is, who is let in, and that nothing of an earlier core is in the way."""

from __future__ import annotations

import asyncio
import grp
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.core.door_place import Place, eventually, open_gate, open_place

from devopsclaw.core import door_server
from devopsclaw.core.door import os_user
from devopsclaw.core.door_socket import attached
from devopsclaw.core.gate import Gate
from devopsclaw.core.paths import SOCKET_NAME_LIMIT, Home
from devopsclaw.model import door as numbers
from devopsclaw.model.errors import (
    BadConfig,
    BadParams,
    Busy,
    CoreEnded,
    Damaged,
    Denied,
    Misused,
    Unreachable,
)

STRANGER = os.getuid() + 4711
OWN_GROUP = grp.getgrgid(os.getgid()).gr_name


@pytest.fixture
def gate() -> Gate:
    return open_gate()


@pytest.fixture
async def place(gate: Gate, tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path, gate) as opened:
        yield opened


def mode(path: Path) -> int:
    """Its permissions."""
    return path.stat().st_mode & 0o777


async def test_the_socket_is_its_owner_s_alone_and_goes_with_its_core(gate: Gate, tmp_path: Path) -> None:
    async with open_place(tmp_path, gate) as place:
        assert place.home.socket.is_socket()
        assert (mode(place.home.socket), mode(place.home.run), mode(place.home.root)) == (0o600, 0o700, 0o700)

    assert not place.home.socket.exists()


@pytest.mark.parametrize("left", ["a socket", "a file", "a link"])
async def test_what_an_earlier_core_left_is_replaced(gate: Gate, tmp_path: Path, left: str) -> None:
    home = Home(tmp_path / "home").make()
    match left:
        case "a socket":
            with socket.socket(socket.AF_UNIX) as killed:
                killed.bind(str(home.socket))
        case "a file":
            home.socket.write_text("x")
        case _:
            home.socket.symlink_to(tmp_path / "elsewhere")

    async with open_place(tmp_path, gate) as place, place.attach() as door:
        assert (await door.run("door.ask", {})).user == os_user()
    assert not (tmp_path / "elsewhere").exists()


async def test_a_home_at_the_end_of_a_long_path_is_listened_on(gate: Gate, tmp_path: Path) -> None:
    far = tmp_path / ("x" * SOCKET_NAME_LIMIT)
    far.mkdir()

    async with open_place(far, gate) as place, place.attach() as door:
        assert (await door.run("door.ask", {})).user == os_user()
    assert not place.home.socket.exists()


async def test_a_folder_that_takes_no_socket_is_said(gate: Gate, tmp_path: Path) -> None:
    home = Home(tmp_path / "home").make()
    home.socket.mkdir()

    with pytest.raises(Damaged, match=r"core\.sock cannot be made"):
        async with open_place(tmp_path, gate):
            pass


async def test_another_user_is_sent_away_and_told_why(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door_server, "uid_of", lambda peer: STRANGER)

    with pytest.raises(Denied, match=f"belongs to {os_user()}, and uid-{STRANGER} is not let in") as raised:
        async with place.attach():
            pass

    assert "core.socket_group" in raised.value.hint


async def test_another_user_of_a_team_s_home_is_let_in_as_who_it_is(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.listener.group = OWN_GROUP
    monkeypatch.setattr(door_server, "uid_of", lambda peer: STRANGER)

    async with place.attach() as door:
        answer = await door.run("door.ask", {})

    assert (answer.uid, answer.user) == (STRANGER, f"uid-{STRANGER}")


async def test_a_team_s_socket_is_reached_through_its_folders_and_nothing_else_is(
    gate: Gate, tmp_path: Path
) -> None:
    async with open_place(tmp_path, gate, group=OWN_GROUP) as place:
        home = place.home
        assert (mode(home.root), mode(home.run), mode(home.socket)) == (0o710, 0o710, 0o660)
        assert {each.stat().st_gid for each in (home.root, home.run, home.socket)} == {os.getgid()}
        others = [each for each in home.root.iterdir() if each != home.run]
        assert others and {mode(each) for each in others} == {0o700}


async def test_a_group_that_does_not_exist_is_said(gate: Gate, tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"core\.socket_group: there is no group 'no-such-team'"):
        async with open_place(tmp_path, gate, group="no-such-team"):
            pass


async def test_a_group_one_is_not_in_is_said(
    gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: Path, uid: int, gid: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "chown", forbidden)

    with pytest.raises(BadConfig, match=f"{os_user()} is not in the group {OWN_GROUP}") as raised:
        async with open_place(tmp_path, gate, group=OWN_GROUP):
            pass

    assert raised.value.hint.startswith(f"usermod -aG {OWN_GROUP} {os_user()}")


async def test_it_is_known_whether_somebody_is_there(place: Place) -> None:
    assert place.listener.alone.is_set()
    one, other = await place.call(), await place.call()
    assert not place.listener.alone.is_set()

    await one.leave()
    await eventually(lambda: len(place.listener.sessions) == 1, "one left")
    assert not place.listener.alone.is_set()
    await other.leave()

    await eventually(lambda: place.listener.alone.is_set(), "the other left")


async def test_where_no_core_runs_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match="no core runs on"):
        async with attached(Home(tmp_path), "console", "1.0", lambda name, body: None):
            pass


async def test_a_socket_one_may_not_open_is_somebody_else_s_home(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def forbidden(name: str, limit: int) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(asyncio, "open_unix_connection", forbidden)

    with pytest.raises(Denied, match="is not yours"):
        async with attached(Home(tmp_path), "console", "1.0", lambda name, body: None):
            pass


async def test_a_core_that_says_nothing_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devopsclaw.core.door_socket.GREETING", 0.05)
    home = Home(tmp_path).make()
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(home.socket))
        hung.listen()

        with pytest.raises(Busy, match="does not answer"):
            async with attached(home, "console", "1.0", lambda name, body: None):
                pass


async def test_a_core_that_hangs_up_at_once_has_just_ended(tmp_path: Path) -> None:
    home = Home(tmp_path).make()

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_unix_server(hang_up, str(home.socket)):
        with pytest.raises(Unreachable, match="the core ended just now"):
            async with attached(home, "console", "1.0", lambda name, body: None):
                pass


async def test_a_new_client_at_an_old_core_is_told_to_start_it_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devopsclaw.core.door_session.PROTOCOL", 0)
    monkeypatch.setattr("devopsclaw.core.door_session.check_protocol", lambda *given: None)

    with pytest.raises(
        Misused, match=r"^the core in process \d+ \(gateway, 1\.0\) is older than your"
    ) as old:
        async with place.attach():
            pass

    assert old.value.hint.startswith("restart the core in process")


async def test_what_is_asked_of_a_core_that_ends_is_told_so(gate: Gate, tmp_path: Path) -> None:
    async with open_place(tmp_path, gate) as place:
        core = place
        with gate.bus.subscribe() as events:
            async with core.attach() as door:
                waiting = asyncio.ensure_future(door.run("door.wait", {}))
                await events.next()
                for session in tuple(core.listener.sessions):
                    session._writer.transport.abort()

                with pytest.raises(CoreEnded, match="has ended"):
                    await waiting
                assert door.lost.is_set()
                with pytest.raises(CoreEnded):
                    await door.run("door.ask", {})
                with door.events():
                    door.cancel("c1")


async def test_more_than_a_request_may_hold_is_never_sent(place: Place) -> None:
    async with place.attach() as door:
        with pytest.raises(BadParams, match="more than 1024 KiB"):
            await door.run("door.say", {"text": "x" * numbers.LINE_LIMIT})

        assert (await door.run("door.ask", {})).user == os_user()


async def test_a_core_that_ends_answers_what_was_asked_and_lets_in_nobody(gate: Gate, tmp_path: Path) -> None:
    async with open_place(tmp_path, gate) as place, place.attach() as door:
        asked = asyncio.ensure_future(door.run("door.say", {"text": "x", "times": 1000}))
        await eventually(lambda: place.listener.calls or asked.done(), "it runs")

        await place.listener.finish(30.0)

        assert (await asked).said == "x" * 1000
        with pytest.raises(Unreachable):
            async with place.attach():
                pass


async def test_what_takes_long_is_not_waited_for(gate: Gate, tmp_path: Path) -> None:
    async with open_place(tmp_path, gate) as place:
        client = await place.call()
        client.ask("door.wait")
        await eventually(lambda: place.listener.calls, "it runs")

        await place.listener.finish(0.01)

        assert place.listener.calls


async def test_who_is_there_when_a_core_ends_is_hung_up_on(gate: Gate, tmp_path: Path) -> None:
    async with open_place(tmp_path, gate) as place:
        client = await place.call(b"")
        await eventually(lambda: place.listener.sessions, "it is let in")

    await client.hung_up()
