"""What a home says of itself without a core: each finding with what to type."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from devopsclaw.core.config import load
from devopsclaw.core.keys import Keys
from devopsclaw.core.paths import Home
from devopsclaw.host import checks

GIB = 1024**3


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home as it is made, with the key that commands a fleet."""
    home = Home(tmp_path / "home").make()
    Keys(home.keys).load_or_create(checks.CONTROLLER)
    return home


def test_a_configuration_that_the_next_start_refuses_is_a_problem(home: Home) -> None:
    home.config.write_text('{\n"rela": 1}')

    (found,) = checks.config(home, {})

    assert found.status == "problem" and "config.json:2" in found.text and found.fix


def test_a_safety_switch_that_is_off_is_a_warning(home: Home) -> None:
    (found,) = checks.config(home, {"DEVOPSCLAW_RELAY_INSECURE": "true"})

    assert (found.status, found.fix) == ("warning", "unset DEVOPSCLAW_RELAY_INSECURE to be safe again")


def test_a_configuration_that_is_not_there_is_well(home: Home) -> None:
    (found,) = checks.config(home, {})

    assert found.status == "ok" and "defaults hold" in found.text


def test_a_key_that_others_can_read_is_a_problem_and_the_rest_a_warning(home: Home) -> None:
    (home.keys / "controller.pem").chmod(0o644)
    home.run.chmod(0o755)

    found = list(checks.permissions(load(home, {})))

    assert [(each.status, each.fix.split()[1]) for each in found] == [("problem", "600"), ("warning", "700")]


def test_keys_that_were_never_saved_are_a_warning_once_a_fleet_obeys_them(home: Home) -> None:
    assert checks.keys_saved(home, has_relay=False).status == "ok"

    found = checks.keys_saved(home, has_relay=True)

    assert found.status == "warning" and "never" in found.text and "keys export" in found.fix


@pytest.mark.parametrize(
    ("marker", "status", "said"),
    [
        ("OWN", "ok", "at 2026-01-02T03:04:05Z"),
        ("0" * 64, "warning", "another key was"),
        ("", "warning", "another key was"),
        (None, "warning", "cannot be read"),
    ],
)
def test_the_saved_keys_have_to_be_these(home: Home, marker: str | None, status: str, said: str) -> None:
    own = Keys(home.keys).load_or_create(checks.CONTROLLER).public_hex
    fields = {"time": "2026-01-02T03:04:05Z", "fingerprint": own if marker == "OWN" else marker}
    text = json.dumps(fields) if marker is not None else "{"
    (home.keys / checks.EXPORTED).write_text(text)

    found = checks.keys_saved(home, has_relay=True)

    assert found.status == status and said in found.text


@pytest.mark.parametrize(
    ("free", "status"), [(50 * GIB, "ok"), (5 * GIB, "warning"), (GIB, "problem"), (GIB // 4, "problem")]
)
def test_a_disk_that_gets_full_is_told_in_time(
    home: Home, monkeypatch: pytest.MonkeyPatch, free: int, status: str
) -> None:
    usage = SimpleNamespace(total=100 * GIB, free=free)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)

    found, _ = checks.disk(home)

    assert found.status == status and bool(found.fix) == (status != "ok")


def test_what_takes_the_room_is_named(home: Home) -> None:
    (home.output / "deep").mkdir()
    (home.output / "deep" / "file").write_bytes(b"x" * 12_345)

    _, sizes = checks.disk(home)

    assert "output 12 KB" in sizes.text or "output 16 KB" in sizes.text


def test_a_machine_without_bubblewrap_is_warned(tmp_path: Path) -> None:
    assert checks.sandbox(str(tmp_path)).fix == "sudo apt-get install bubblewrap"

    (tmp_path / "bwrap").touch(0o755)

    assert checks.sandbox(str(tmp_path)).status == "ok"
