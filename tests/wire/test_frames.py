"""Frames: every frame comes back as it was, and no bytes make the reader fail but with BadFrame."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from devopsclaw.wire import frames
from devopsclaw.wire.frames import BadFrame, Frame, FrameType, decode, encode

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
scalars = st.none() | st.booleans() | st.integers(-(2**63) + 1, 2**63 - 1) | text
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    scalars | numbers, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4)
)
some_frames = st.builds(
    Frame,
    type=st.sampled_from(FrameType),
    header=st.dictionaries(text, values, max_size=6),
    body=st.binary(max_size=300),
    flags=st.integers(0, 0xFFFF),
)


def raw(header: bytes, body: bytes = b"", *, number: int = 10, version: int = 1) -> bytes:
    """A frame by hand."""
    return frames.PREFIX.pack(version, number, 0, len(header)) + header + body


def nested(depth: int) -> Any:
    """A header with this many objects inside each other."""
    return {"in": nested(depth - 1)} if depth > 1 else {}


@given(some_frames)
@settings(deadline=None, max_examples=150)
def test_a_frame_comes_back_as_it_was(frame: Frame) -> None:
    try:
        data = encode(frame)
    except BadFrame as wrong:
        assert "deeper" in str(wrong)
        return

    assert decode(data) == frame


@given(st.binary(max_size=200))
@example(b"")
@example(raw(b"[" * 20_000))
@example(raw(b'{"a":' * 5_000 + b"1" + b"}" * 5_000))
@example(raw(b'{"a":' + b"9" * 5_000 + b"}"))
@example(raw(b'{"a":"\xff"}'))
@settings(deadline=None, max_examples=300)
def test_random_bytes_are_a_frame_or_a_bad_frame(data: bytes) -> None:
    with contextlib.suppress(BadFrame):
        assert isinstance(decode(data), Frame)


@given(st.builds(Frame, st.sampled_from(FrameType), st.dictionaries(text, scalars), st.binary()), st.data())
@settings(deadline=None, max_examples=150)
def test_a_damaged_frame_is_a_frame_or_a_bad_frame(frame: Frame, data: st.DataObject) -> None:
    whole = bytearray(encode(frame))
    place = data.draw(st.integers(0, len(whole) - 1))
    whole[place] ^= data.draw(st.integers(1, 255))

    with contextlib.suppress(BadFrame):
        assert isinstance(decode(bytes(whole)), Frame)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"\x01\x0a\x00", "shorter"),
        (raw(b"{}", version=2), "version 2"),
        (raw(b"{}", number=99), "type 99"),
        (raw(b"{}")[:-1], "cut short"),
        (raw(b"[]"), "not an object"),
        (raw(b"{"), "not JSON"),
        (raw(b'{"a":1,"a":2}'), "twice"),
        (raw(b'{"in":{"a":1,"a":2}}'), "twice"),
        (raw(b'{"a":NaN}'), "NaN"),
        (raw(b'{"a":1e999}'), "too large"),
        (raw(b'{"a":9223372036854775808}'), "too large"),
        (raw(rb'{"a":"\ud800"}'), "not JSON"),
        (raw(b'{"a":"' + b"x" * frames.MAX_HEADER + b'"}'), "header has"),
        (raw(b"{}", bytes(frames.MAX_BODY + 1)), "body has"),
        (raw(json.dumps(nested(frames.MAX_DEPTH + 1)).encode()), "deeper"),
    ],
)
def test_bytes_outside_the_limits_are_refused_with_the_reason(data: bytes, why: str) -> None:
    with pytest.raises(BadFrame, match=why):
        decode(data)


def test_the_largest_frame_that_is_allowed_passes_both_ways() -> None:
    header = {"a": "x" * (frames.MAX_HEADER - len('{"a":""}'))}
    frame = Frame(FrameType.OUTPUT, header, bytes(frames.MAX_BODY))

    data = encode(frame)

    assert len(data) == frames.MAX_FRAME
    assert decode(data) == frame


def test_the_deepest_header_that_is_allowed_passes() -> None:
    frame = Frame(FrameType.FACTS, nested(frames.MAX_DEPTH))

    assert decode(encode(frame)) == frame


@pytest.mark.parametrize(
    "frame",
    [
        Frame(FrameType.PING, {"at": float("nan")}),
        Frame(FrameType.PING, {"at": b"bytes"}),
        Frame(FrameType.PING, {"at": "\ud800"}),
        Frame(FrameType.PING, {"at": "x" * frames.MAX_HEADER}),
        Frame(FrameType.PING, {}, bytes(frames.MAX_BODY + 1)),
        Frame(FrameType.PING, {}, b"", 0x10000),
        Frame(FrameType.PING, nested(frames.MAX_DEPTH + 1)),
    ],
)
def test_a_frame_that_nobody_could_read_is_not_written(frame: Frame) -> None:
    with pytest.raises(BadFrame):
        encode(frame)


def test_the_bytes_of_a_frame_are_those_of_the_protocol() -> None:
    data = encode(Frame(FrameType.OUTPUT, {"offset": 7, "node": "n_a"}, b"hi"))

    assert data == b'\x01\x18\x00\x00\x00\x00\x00\x19{"offset":7,"node":"n_a"}hi'
