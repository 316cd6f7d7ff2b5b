"""How a controller of the same home finds its relay."""

from __future__ import annotations

from pathlib import Path

import pytest

from devopsclaw.core.paths import Home
from devopsclaw.model.errors import Damaged
from devopsclaw.relay.announcement import (
    Announcement,
    announce,
    announcement_path,
    read_announcement,
    withdraw,
)

FOUND = Announcement(url="wss://127.0.0.1:9443", claim="the-code", key="aa" * 32)


def test_what_is_announced_is_read_back_until_it_is_withdrawn(tmp_path: Path) -> None:
    home = Home(tmp_path).make()
    announce(home, FOUND)
    before = read_announcement(home)

    withdraw(home)
    withdraw(home)

    assert before == FOUND
    assert read_announcement(home) is None


def test_the_claim_code_is_not_in_its_repr() -> None:
    assert "the-code" not in repr(FOUND)


@pytest.mark.parametrize("text", ["", "{}", '{"url": 7}'])
def test_a_file_that_says_nothing_is_as_none(tmp_path: Path, text: str) -> None:
    home = Home(tmp_path).make()
    announcement_path(home).write_text(text)

    assert read_announcement(home) is None


def test_a_folder_that_is_missing_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Damaged, match=r"relay\.json"):
        announce(Home(tmp_path / "nowhere"), FOUND)
