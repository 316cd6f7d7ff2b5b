"""The roles without a screen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from devopsclaw import headless
from devopsclaw.core.paths import Home
from devopsclaw.model.errors import Busy


def test_a_role_gets_the_home_and_the_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEVOPSCLAW_HOME", str(tmp_path))
    served: list[tuple[Path, dict[str, str]]] = []

    async def role(home: Home, *, flags: dict[str, str]) -> None:
        served.append((home.root, flags))

    assert headless.serve(role, {"relay.listen_addr": ":0"}) == 0
    assert served == [(tmp_path, {"relay.listen_addr": ":0"})]


def test_an_error_of_a_role_is_left_to_the_command_line() -> None:
    async def role(home: Home, *, flags: dict[str, str]) -> None:
        raise Busy("port 9443 is in use")

    with pytest.raises(Busy, match="9443"):
        headless.serve(role, {})


def gateway(home: Path) -> subprocess.Popen[str]:
    """A resident core of this home, once it said that it is there, or why not."""
    words = [sys.executable, "-m", "devopsclaw", "--headless", "gateway"]
    environment = {**os.environ, "DEVOPSCLAW_HOME": str(home)}
    return subprocess.Popen(words, env=environment, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_resident_core_serves_until_it_is_told_to_end(tmp_path: Path, number: signal.Signals) -> None:
    with gateway(tmp_path) as process:
        assert process.stderr is not None
        assert process.stderr.readline().startswith(f"core: open on {tmp_path}; ")
        assert (tmp_path / "run" / "core.sock").is_socket()

        process.send_signal(number)
        rest = process.stderr.read()

    assert (process.returncode, rest) == (0, "core: ends; what runs on nodes goes on\n")
    assert not (tmp_path / "run" / "core.sock").exists()


def test_a_second_resident_core_names_the_first(tmp_path: Path) -> None:
    with gateway(tmp_path) as first:
        assert first.stderr is not None
        first.stderr.readline()
        with gateway(tmp_path) as second:
            assert second.stderr is not None
            said = second.stderr.read()
        first.terminate()

    assert second.returncode == 1
    assert f"process {first.pid} (gateway)" in said
