"""Frames: what one binary WebSocket message holds, as bytes and as a value. Not who may send which.

    u8 version | u8 type | u16 flags | u32 length of the header | header (JSON object) | body (bytes)

Numbers are big-endian. Every size is bounded, because the other side may be anybody.
"""

from __future__ import annotations

import json
import math
import struct
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, NoReturn

FRAME_VERSION = 1
PREFIX = struct.Struct(">BBHI")
MAX_HEADER = 32 * 1024
MAX_BODY = 64 * 1024
MAX_FRAME = PREFIX.size + MAX_HEADER + MAX_BODY
MAX_DEPTH = 16
"""Objects and lists inside each other in a header."""
MAX_INTEGER = 2**63 - 1
"""What SQLite holds; larger numbers in a header are refused."""


class BadFrame(ValueError):
    """These bytes are no frame, or this frame cannot be written; the message never quotes them."""


class FrameType(IntEnum):
    """Design §8. Tens group them: enrolment, link, commands, the relay's own business, terminals."""

    HELLO = 1
    CHALLENGE = 2
    PROOF = 3
    WELCOME = 4
    REFUSED = 5
    PING = 10
    PONG = 11
    DRAIN = 12
    GOODBYE = 13
    OFFER = 20
    ACCEPT = 21
    REJECT = 22
    STARTED = 23
    OUTPUT = 24
    GAP = 25
    DONE = 26
    DONE_ACK = 27
    CREDIT = 28
    CANCEL = 29
    RECONCILE = 30
    STANDING = 31
    PRESENCE = 40
    FACTS = 41
    FORGET = 42
    MINT = 43
    REVOKE = 44
    TOKENS = 45
    ALARMS = 46
    ALARMS_SEEN = 47
    RELEASE = 48
    PTY_OPEN = 50
    PTY_DATA = 51
    PTY_CLOSE = 52
    STDIN_DATA = 55


@dataclass(frozen=True, slots=True)
class Frame:
    """One message. `header` holds JSON values only; `flags` has no meaning yet and is carried as it is."""

    type: FrameType
    header: dict[str, Any] = field(default_factory=dict)
    body: bytes = b""
    flags: int = 0


def encode(frame: Frame) -> bytes:
    """The bytes of a frame. Raises BadFrame where a limit is broken or the header is not JSON."""
    try:
        header = _dump(frame.header)
        _check_depth(frame.header, header)
    except BadFrame:
        raise
    except (TypeError, ValueError, RecursionError) as wrong:
        raise BadFrame("the header cannot be written as JSON") from wrong
    _check_sizes(len(header), len(frame.body))
    if not 0 <= frame.flags <= 0xFFFF:
        raise BadFrame("the flags do not fit in 16 bits")
    return PREFIX.pack(FRAME_VERSION, frame.type, frame.flags, len(header)) + header + frame.body


def decode(data: bytes) -> Frame:
    """The frame in these bytes. Raises BadFrame, and nothing else, whatever the bytes are."""
    if len(data) < PREFIX.size:
        raise BadFrame("shorter than a frame's first eight bytes")
    version, number, flags, header_length = PREFIX.unpack_from(data)
    if version != FRAME_VERSION:
        raise BadFrame(f"frame version {version} is not spoken here")
    start = PREFIX.size + header_length
    if start > len(data):
        raise BadFrame("the header is cut short")
    _check_sizes(header_length, len(data) - start)
    return Frame(_type_of(number), _parse(data[PREFIX.size : start]), data[start:], flags)


def _type_of(number: int) -> FrameType:
    try:
        return FrameType(number)
    except ValueError:
        raise BadFrame(f"frame type {number} is not known here") from None


def _check_sizes(header: int, body: int) -> None:
    if header > MAX_HEADER:
        raise BadFrame(f"the header has {header} bytes, at most {MAX_HEADER} are allowed")
    if body > MAX_BODY:
        raise BadFrame(f"the body has {body} bytes, at most {MAX_BODY} are allowed")


def _dump(header: dict[str, Any]) -> bytes:
    return _ENCODER.encode(header).encode()


def _parse(raw: bytes) -> dict[str, Any]:
    try:
        header = _DECODER.decode(raw.decode())
        if b"\\u" in raw:
            _dump(header)  # half a surrogate pair parses, but no database or terminal takes it
    except BadFrame:
        raise
    except (ValueError, RecursionError) as wrong:
        raise BadFrame("the header is not JSON") from wrong
    if not isinstance(header, dict):
        raise BadFrame("the header is not an object")
    _check_depth(header, raw)
    return header


def _check_depth(header: dict[str, Any], raw: bytes) -> None:
    # Nearly every header has fewer brackets than the limit, so nearly none has to be walked.
    if raw.count(b"{") + raw.count(b"[") > MAX_DEPTH:
        _walk(header, MAX_DEPTH)


def _walk(value: Any, left: int) -> None:
    if isinstance(value, dict | list | tuple):
        if left == 0:
            raise BadFrame(f"the header is nested deeper than {MAX_DEPTH}")
        for inner in value.values() if isinstance(value, dict) else value:
            _walk(inner, left - 1)


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadFrame("a name stands twice in one object of the header")
    return found


def _bounded_integer(digits: str) -> int:
    number = int(digits)
    if abs(number) > MAX_INTEGER:
        raise BadFrame("a number in the header is too large")
    return number


def _finite_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise BadFrame("a number in the header is too large")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise BadFrame("NaN and Infinity are not JSON")


_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)
_DECODER = json.JSONDecoder(
    object_pairs_hook=_without_duplicates,
    parse_int=_bounded_integer,
    parse_float=_finite_float,
    parse_constant=_refuse_constant,
)
