"""A row of PRESENCE at the border: a relay cannot make up names or keys."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from devopsclaw.fleet.presence import Presence
from devopsclaw.wire.uid import uid_of

KEY = bytes(range(32))
ROW: dict[str, Any] = {
    "uid": uid_of(KEY),
    "name": "web1",
    "public_key": KEY.hex(),
    "address": "10.0.1.1",
    "connected": True,
    "last_seen": 1_800_000_000.0,
    "epoch": 3,
    "version": "0.1.0",
    "facts": {"os": "linux"},
    "alarm": "",
}


def test_a_row_is_read_and_fields_of_a_newer_relay_are_let_pass() -> None:
    row = Presence.model_validate({**ROW, "mood": "fine"})

    assert (row.uid, row.name, row.epoch, row.facts) == (uid_of(KEY), "web1", 3, {"os": "linux"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"uid": "n_" + "a" * 26},
        {"public_key": "00" * 32},
        {"public_key": "xyz"},
        {"name": "all"},
        {"name": "web 1"},
        {"name": ""},
        {"last_seen": -1},
        {"epoch": -1},
        {"connected": "perhaps"},
        {"facts": ["linux"]},
    ],
)
def test_a_row_that_cannot_be_true_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Presence.model_validate({**ROW, **wrong})
