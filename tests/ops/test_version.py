"""Which devopsclaw this is."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from devopsclaw import _build
from devopsclaw.core.gate import Gate
from devopsclaw.model.call import Actor
from devopsclaw.model.errors import Denied
from devopsclaw.ops.version import Version, baked, show


async def test_the_version_is_what_the_build_baked_in(make_gate: Callable[..., Gate], viewer: Actor) -> None:
    result: Version = await make_gate([show]).run("version.show", {}, viewer)

    assert result.as_json() == {
        "schema": "devopsclaw.version/1",
        "version": _build.VERSION,
        "commit": _build.COMMIT,
        "built": _build.BUILT,
    }
    assert result.text() == f"devopsclaw {_build.VERSION} ({_build.COMMIT}, built {_build.BUILT})"


def test_what_was_never_built_is_unknown() -> None:
    assert baked("devopsclaw._never_built").text() == "devopsclaw unknown (unknown, built unknown)"


async def test_a_stranger_is_not_even_told_the_version(
    make_gate: Callable[..., Gate], stranger: Actor
) -> None:
    with pytest.raises(Denied):
        await make_gate([show]).run("version.show", {}, stranger)
