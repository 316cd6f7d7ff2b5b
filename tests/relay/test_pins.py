"""Pinned relay keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from devopsclaw.model.errors import Damaged
from devopsclaw.relay.pins import Pins

KEY, OTHER = "aa" * 32, "bb" * 32


def test_a_pin_is_kept_per_address_in_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "run" / "pins.json"
    pins = Pins(path)
    pins.put("one:9443", KEY)
    pins.put("two:9443", OTHER)

    assert Pins(path).get("one:9443") == KEY
    assert Pins(path).get("two:9443") == OTHER
    assert path.stat().st_mode & 0o777 == 0o600


def test_without_a_file_nothing_is_pinned(tmp_path: Path) -> None:
    assert Pins(tmp_path / "pins.json").get("one:9443") == ""


@pytest.mark.parametrize("text", ["", "{", '{"one:9443": 7}', '{"one:9443": "short"}', "[]"])
def test_a_file_that_cannot_be_read_is_no_reason_to_trust_anybody(tmp_path: Path, text: str) -> None:
    (tmp_path / "pins.json").write_text(text)

    with pytest.raises(Damaged, match=r"pins\.json"):
        Pins(tmp_path / "pins.json").get("one:9443")


def test_a_folder_that_cannot_be_made_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(Damaged, match=r"file/pins\.json"):
        Pins(tmp_path / "file" / "pins.json").put("one:9443", KEY)
