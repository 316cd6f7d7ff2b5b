"""The line to a core's socket."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.door_keeper import Conversation, resident, scripted

from devopsclaw.cli import line as module
from devopsclaw.cli.line import Line, NoCore
from devopsclaw.cli.signals import Signals, Told
from devopsclaw.core.paths import Home
from devopsclaw.model.door import LINE_LIMIT, PROTOCOL
from devopsclaw.model.errors import BadParams, Busy, Denied, Misused


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path).make()


@pytest.fixture
def signals() -> Iterator[Signals]:
    with Signals() as given:
        yield given


def test_a_question_is_answered_by_the_core_that_runs(home: Home, signals: Signals) -> None:
    with resident(home, signals):
        line = Line.connect(home, "1.0", signals)
        number = line.ask({"run": {"name": "status.show", "params": {}}})

        answer = next(line.answers())
        line.close()

    assert answer == {"id": number, "result": answer["result"], "text": "line: all is well", "exit": 0}


def test_without_a_core_it_is_said(home: Home, signals: Signals) -> None:
    with pytest.raises(NoCore, match="no core runs on"):
        Line.connect(home, "1.0", signals)


def test_a_socket_that_a_killed_core_left_is_no_core(home: Home, signals: Signals) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(home.socket))

    with pytest.raises(NoCore):
        Line.connect(home, "1.0", signals)


def test_a_socket_one_may_not_open_is_somebody_else_s_home(
    home: Home, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Closed(socket.socket):
        def connect(self, address: object) -> None:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(socket, "socket", Closed)

    with pytest.raises(Denied, match="is not yours") as raised:
        Line.connect(home, "1.0", signals)

    assert "core.socket_group" in raised.value.hint


def test_a_core_that_sends_one_away_says_why(home: Home, signals: Signals) -> None:
    def refuse(client: Conversation) -> None:
        client.hear()
        client.say({"refused": {"code": "denied", "message": "not you", "hint": "ask"}})

    with scripted(home, refuse), pytest.raises(Denied, match="not you"):
        Line.connect(home, "1.0", signals)


@pytest.mark.parametrize(
    ("protocol", "old"), [(PROTOCOL - 1, "the core in process 4711"), (PROTOCOL + 1, "your devopsclaw 1.0")]
)
def test_a_core_of_another_protocol_is_named_where_it_is_the_older(
    home: Home, signals: Signals, protocol: int, old: str
) -> None:
    with scripted(home, lambda client: client.welcome(protocol=protocol)):
        with pytest.raises(Misused) as raised:
            Line.connect(home, "1.0", signals)

    assert raised.value.hint.startswith(f"restart {old}")


def test_a_core_that_hangs_up_is_none(home: Home, signals: Signals) -> None:
    with scripted(home, lambda client: None), pytest.raises(NoCore, match="the core has ended"):
        Line.connect(home, "1.0", signals)


def test_a_core_that_says_nothing_is_not_waited_for(
    home: Home, signals: Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "GREETING", 0.05)
    with socket.socket(socket.AF_UNIX) as hung:
        hung.bind(str(home.socket))
        hung.listen()

        with pytest.raises(Busy, match="does not answer") as raised:
            Line.connect(home, "1.0", signals)

    assert raised.value.exit_code == 1


def test_a_core_that_ends_in_mid_answer_is_gone(home: Home, signals: Signals) -> None:
    def half(client: Conversation) -> None:
        client.welcome()
        client.asked()
        client.connection.sendall(b'{"id": 1, "result"')

    with scripted(home, half):
        line = Line.connect(home, "1.0", signals)
        line.ask({"run": {"name": "status.show"}})

        with pytest.raises(NoCore):
            next(line.answers())
        line.close()


def test_messages_come_one_by_one_however_they_are_cut(home: Home, signals: Signals) -> None:
    def dribble(client: Conversation) -> None:
        client.welcome()
        for byte in '{"text": "zażółć"}\n{"n": 2}\n{"n": 3}'.encode():
            client.connection.sendall(bytes([byte]))
        client.connection.sendall(b'\n{"big": "' + b"x" * 3_000_000 + b'"}\n')

    with scripted(home, dribble):
        line = Line.connect(home, "1.0", signals)
        answers = line.answers()
        said = [next(answers) for _ in range(4)]
        line.close()

    assert said[:3] == [{"text": "zażółć"}, {"n": 2}, {"n": 3}]
    assert len(said[3]["big"]) == 3_000_000


def test_a_signal_ends_the_waiting_for_an_answer(home: Home, signals: Signals) -> None:
    def wait(client: Conversation) -> None:
        client.welcome()
        client.hear()

    with scripted(home, wait):
        line = Line.connect(home, "1.0", signals)
        threading.Timer(0.01, os.kill, (os.getpid(), signal.SIGINT)).start()

        with pytest.raises(Told):
            next(line.answers())
        line.close()


def test_more_than_a_request_may_hold_is_not_sent(home: Home, signals: Signals) -> None:
    with resident(home, signals):
        line = Line.connect(home, "1.0", signals)
        with pytest.raises(BadParams, match="more than 1024 KiB"):
            line.ask({"run": {"name": "fleet.exec", "params": {"command": "x" * LINE_LIMIT}}})
        line.ask({"run": {"name": "status.show", "params": {}}})

        assert next(line.answers())["exit"] == 0
        line.close()
