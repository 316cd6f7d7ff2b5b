"""What a relay prints to paste: it works as it stands, on another machine, and never shows the token."""

from __future__ import annotations

import shlex
import socket
from pathlib import Path

import pytest

from devopsclaw.assembly.introduction import introduction
from devopsclaw.assembly.token import Token
from devopsclaw.relay.server import RunningRelay

TOKEN = "a-fleet-token-of-good-length"
HOST = socket.gethostname()


def running(address: str = ":9443", claim_code: str = "", warnings: tuple[str, ...] = ()) -> RunningRelay:
    """A relay that listens."""
    return RunningRelay(address, 9443, "wss://127.0.0.1:9443", "ab", claim_code, warnings)


def said(relay: RunningRelay, token: Token, *, insecure: bool = False) -> list[str]:
    """The lines it says."""
    return introduction(relay, token, insecure=insecure)


def to_paste(lines: list[str]) -> list[str]:
    """The command lines among them."""
    return [line.strip() for line in lines if line.startswith("  ")]


def test_a_token_from_a_file_is_named_by_the_whole_path_of_the_file() -> None:
    lines = said(running(), Token(TOKEN, Path("/etc/devopsclaw/the token")))

    (line,) = to_paste(lines)
    assert shlex.split(line) == [
        *("devopsclaw", "agent-daemon", "--relay", f"wss://{HOST}:9443"),
        *("--token-file", "/etc/devopsclaw/the token"),
    ]
    assert "on each server, with a copy of the token file at the same place:" in lines


def test_a_token_from_elsewhere_is_asked_for_in_the_environment_and_not_shown() -> None:
    lines = said(running(claim_code="code"), Token(TOKEN))

    assert to_paste(lines) == [
        f"devopsclaw agent-daemon --relay wss://{HOST}:9443",
        f"devopsclaw relay connect wss://{HOST}:9443 --claim code",
    ]
    assert "on each server, with the fleet token in DEVOPSCLAW_NODE_TOKEN:" in lines
    assert TOKEN not in "\n".join(lines)


def test_without_a_token_there_is_no_line_for_servers_but_how_to_make_one() -> None:
    lines = said(running(claim_code="code"), Token())

    assert not any("agent-daemon" in line for line in lines)
    assert to_paste(lines)[0] == "(umask 077; head -c 24 /dev/urandom | base64 >~/fleet-token)"
    assert "then start this relay again with: --token-file ~/fleet-token" in lines
    assert to_paste(lines)[1].startswith("devopsclaw relay connect")


def test_a_relay_that_was_claimed_before_has_no_line_for_the_desk() -> None:
    assert not any("relay connect" in line or "desk" in line for line in said(running(), Token(TOKEN)))


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (":9443", f"wss://{HOST}:9443"),
        ("0.0.0.0:9443", f"wss://{HOST}:9443"),
        ("[::]:9443", f"wss://{HOST}:9443"),
        ("10.0.0.1:9443", "wss://10.0.0.1:9443"),
        ("[fe80::1]:9443", "'wss://[fe80::1]:9443'"),
        ("relay.example.com:9443", "wss://relay.example.com:9443"),
    ],
)
def test_the_address_is_one_that_another_machine_can_dial(address: str, url: str) -> None:
    lines = said(running(address), Token(TOKEN))

    assert to_paste(lines) == [f"devopsclaw agent-daemon --relay {url}"]
    assert any("write one that does" in line for line in lines) == (HOST in url)


def test_a_relay_without_tls_is_dialled_without_tls() -> None:
    lines = said(running("10.0.0.1:9443", "code"), Token(TOKEN), insecure=True)

    assert to_paste(lines) == [
        "devopsclaw agent-daemon --relay ws://10.0.0.1:9443 --insecure",
        "devopsclaw config set relay.insecure true && "
        "devopsclaw relay connect ws://10.0.0.1:9443 --claim code",
    ]


def test_warnings_come_first() -> None:
    lines = said(running(warnings=("no fleet token",)), Token())

    assert lines[0] == "warning: no fleet token"
    assert lines[1] == "relay: listening on :9443, port 9443"
