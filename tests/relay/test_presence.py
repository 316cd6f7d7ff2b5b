"""PRESENCE in frames: all rows, in as few frames as hold them."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.relay.identities import Node
from devopsclaw.relay.presence import frames_of
from devopsclaw.relay.switchboard import MAX_FACTS
from devopsclaw.wire.frames import FrameType, decode, encode


def row(number: int, weight: int = 300) -> dict[str, Any]:
    """A node's row with facts of about this size."""
    node = Node(f"n_{number:026}", f"web-{number}", f"{number:064x}", "10.0.0.1", 1.0)
    node.facts = {"text": "é" * (weight // 2)}
    return node.row()


@given(st.lists(st.integers(0, MAX_FACTS), max_size=40), st.booleans())
@settings(deadline=None, max_examples=50)
def test_every_row_arrives_once_in_frames_that_fit(weights: list[int], full: bool) -> None:
    rows = [row(number, weight) for number, weight in enumerate(weights)]

    frames = [decode(encode(frame)) for frame in frames_of(rows, full=full)]

    assert [each for frame in frames for each in frame.header["nodes"]] == rows
    assert {frame.type for frame in frames} == {FrameType.PRESENCE}


def test_only_the_first_frame_starts_a_list_and_only_the_last_ends_it() -> None:
    frames = list(frames_of([row(number) for number in range(200)], full=True))

    assert len(frames) > 2
    assert [frame.header["full"] for frame in frames] == [True] + [False] * (len(frames) - 1)
    assert [frame.header["more"] for frame in frames] == [True] * (len(frames) - 1) + [False]


def test_no_nodes_are_one_empty_list() -> None:
    (frame,) = frames_of([], full=True)

    assert frame.header == {"full": True, "nodes": [], "more": False}


def test_a_quarantine_is_shown_before_any_other_alarm() -> None:
    node = Node("n_a", "web-1", "aa" * 32, "", 0.0, quarantine="shut out", alarm="somebody asked")

    assert node.row()["alarm"] == "shut out"
