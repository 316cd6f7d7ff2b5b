"""The frames a node says, numbered within the session. Not what to say, nor when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from devopsclaw.daemon.effects import Rejected, Send
from devopsclaw.model.headers import Report, Standing
from devopsclaw.wire.frames import Frame, FrameType


class Voice:
    """`epoch` is the open session's; 0 while there is none, and then nothing may be said."""

    def __init__(self, uid: str, incarnation: float) -> None:
        self._uid = uid
        self._incarnation = incarnation
        self._seq = 0
        self.epoch = 0

    def open(self, epoch: int) -> None:
        """A session with this epoch is open; numbers start again."""
        self.epoch = epoch
        self._seq = 0

    def close(self) -> None:
        """The session is over."""
        self.epoch = 0

    def accept(self, command: str) -> Send:
        """The command is journalled and will be started."""
        return self._say(FrameType.ACCEPT, {"command": command})

    def reject(self, command: str, refusal: Rejected, offer: str, at: float) -> Send:
        """The offer is refused; it starts nothing. `offer` says which one, by the digest of its work, or by
        its seal where it is not known to be the controller's; `at` is wall time: a wrong clock shows in it.
        """
        fields = {"command": command, "code": refusal.code, "message": refusal.message, "offer": offer}
        return self._say(FrameType.REJECT, {**fields, "at": at, "incarnation": self._incarnation})

    def started(self, command: str, pid: int, at: float) -> Send:
        """Its shell runs; `at` is wall time."""
        return self._say(FrameType.STARTED, {"command": command, "pid": pid, "at": at})

    def output(self, command: str, stream: str, offset: int, data: bytes) -> Send:
        """At most 64 KiB of one stream."""
        return self._say(FrameType.OUTPUT, {"command": command, "stream": stream, "offset": offset}, data)

    def gap(self, command: str, stream: str, start: int, end: int) -> Send:
        """These bytes were not kept."""
        return self._say(FrameType.GAP, {"command": command, "stream": stream, "start": start, "end": end})

    def done(self, command: str, report: Report) -> Send:
        """It ended, and the end is journalled."""
        fields = {"command": command, "incarnation": self._incarnation, **report.as_fields()}
        return self._say(FrameType.DONE, fields)

    def standing(self, serial: int, commands: Sequence[tuple[str, Standing]]) -> Send:
        """The answer to a RECONCILE."""
        entries = [{"command": command, "state": state.value} for command, state in commands]
        fields = {"serial": serial, "incarnation": self._incarnation, "commands": entries}
        return self._say(FrameType.STANDING, fields)

    def _say(self, frame_type: FrameType, fields: dict[str, Any], body: bytes = b"") -> Send:
        self._seq += 1
        header = {"node": self._uid, "epoch": self.epoch, "seq": self._seq, **fields}
        return Send(Frame(frame_type, header, body))
