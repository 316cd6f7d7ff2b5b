"""The roles without a screen."""

from __future__ import annotations

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
