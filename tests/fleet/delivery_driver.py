"""Drives a delivery by hand: commands, presence, and a node whose frames are numbered."""

from __future__ import annotations

import hashlib
from itertools import count
from typing import Any

from devopsclaw.fleet.delivery import Delivery
from devopsclaw.fleet.effects import Command, Effect, Ended, Keep, Moved, Record, Send
from devopsclaw.model.moment import Moment
from devopsclaw.wire.frames import Frame, FrameType

NODE = "n_web1"
NOW = Moment(1_000_000.0, 500.0)
FIRST, SECOND = "1" * 32, "2" * 32
DIGEST = "d1" * 32


def at(seconds: float) -> Moment:
    """So many seconds after NOW, on both clocks."""
    return Moment(NOW.wall + seconds, NOW.steady + seconds)


def command(identifier: str = FIRST, **changes: Any) -> Command:
    """A command that may start within a minute and run for ten seconds."""
    fields: dict[str, Any] = {
        "id": identifier,
        "node": NODE,
        "body": b"{}",
        "signature": "00",
        "digest": DIGEST,
        "not_before": NOW.wall,
        "not_after": NOW.wall + 60,
        "grace": 2.0,
        "timeout": 10.0,
    }
    return Command(**{**fields, **changes})


def sign_cancel(cancelled: Command) -> tuple[bytes, str]:
    """Stands for a signed cancel."""
    return b"cancel", "11"


class Speaker:
    """A node's side of one session, as frames."""

    def __init__(self, epoch: int = 1, node: str = NODE) -> None:
        self.epoch = epoch
        self._node = node
        self._numbers = count(1)

    def say(self, frame_type: FrameType, body: bytes = b"", **fields: Any) -> Frame:
        """The next frame."""
        header = {"node": self._node, "epoch": self.epoch, "seq": next(self._numbers), **fields}
        return Frame(frame_type, header, body)

    def accept(self, identifier: str = FIRST) -> Frame:
        """ACCEPT."""
        return self.say(FrameType.ACCEPT, command=identifier)

    def reject(self, code: str, identifier: str = FIRST, offer: str = DIGEST, at: float = 0.0) -> Frame:
        """REJECT, of the work that was offered unless told otherwise."""
        message = f"because of {code}"
        return self.say(FrameType.REJECT, command=identifier, code=code, message=message, offer=offer, at=at)

    def output(self, offset: int, data: bytes, stream: str = "stdout", identifier: str = FIRST) -> Frame:
        """OUTPUT."""
        return self.say(FrameType.OUTPUT, data, command=identifier, stream=stream, offset=offset)

    def gap(self, start: int, end: int, stream: str = "stdout") -> Frame:
        """GAP."""
        return self.say(FrameType.GAP, command=FIRST, stream=stream, start=start, end=end)

    def done(self, stdout: bytes = b"", identifier: str = FIRST, **fields: Any) -> Frame:
        """DONE, of a command that printed this and returned 0 unless told otherwise."""
        report = {
            "status": "ok",
            "exit_code": 0,
            "stdout_length": len(stdout),
            "stdout_sha256": hashlib.sha256(stdout).hexdigest(),
        }
        return self.say(FrameType.DONE, command=identifier, **{**report, **fields})

    def standing(self, asked: Frame, state: str, identifier: str = FIRST, incarnation: float = 0.0) -> Frame:
        """STANDING, in answer to this RECONCILE."""
        commands = [{"command": identifier, "state": state}]
        return self.say(
            FrameType.STANDING, serial=asked.header["serial"], incarnation=incarnation, commands=commands
        )


def connected(epoch: int = 1) -> Delivery:
    """A delivery whose node is there and has answered."""
    delivery = Delivery(sign_cancel)
    asked = reconcile_in(delivery.on_presence(NODE, True, epoch, NOW))
    answer = {"node": NODE, "epoch": epoch, "seq": 0, "serial": asked.header["serial"]}
    delivery.on_frame(Frame(FrameType.STANDING, {**answer, "incarnation": 0.0, "commands": []}), NOW)
    return delivery


def sent(**changes: Any) -> Delivery:
    """A delivery that has sent the first command."""
    delivery = connected()
    delivery.offer(command(**changes), NOW)
    return delivery


def running(speaker: Speaker, **changes: Any) -> Delivery:
    """A delivery whose first command was accepted."""
    delivery = sent(**changes)
    delivery.on_frame(speaker.accept(), NOW)
    return delivery


def frames(effects: list[Effect]) -> list[Frame]:
    """The frames among the effects."""
    return [effect.frame for effect in effects if isinstance(effect, Send)]


def reconcile_in(effects: list[Effect]) -> Frame:
    """The RECONCILE among the effects."""
    return next(frame for frame in frames(effects) if frame.type is FrameType.RECONCILE)


def story(effects: list[Effect]) -> list[str]:
    """What is done, in order, in words."""
    return [_word(effect) for effect in effects]


def _word(effect: Effect) -> str:
    match effect:
        case Send(frame):
            return frame.type.name
        case Record(_, kind):
            return f"record {kind}"
        case Moved(_, state) | Ended(_, state):
            return f"{type(effect).__name__.lower()} {state}"
        case Keep(_, stream, offset, data):
            return f"keep {stream} {offset} {data.decode()}"
        case _:
            return type(effect).__name__.lower()
