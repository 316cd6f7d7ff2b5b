"""Drives a node machine by hand: signed offers, a link, and the effects as they come."""

from __future__ import annotations

import hashlib
from typing import Any, TypeVar

from devopsclaw.daemon.admission import Admission
from devopsclaw.daemon.effects import Effect, Outcome, Record, Rejected, Row, Send
from devopsclaw.daemon.machine import NodeMachine
from devopsclaw.model.moment import Moment
from devopsclaw.model.risk import Effect as Risk
from devopsclaw.wire.envelope import Cancel, CommandParams, Envelope
from devopsclaw.wire.frames import Frame, FrameType

NODE = "n_web1"
ISSUER = "ab" * 32
NOW = Moment(1_000_000.0, 500.0)
FIRST, SECOND = "1" * 32, "2" * 32

Kind = TypeVar("Kind")


def at(seconds: float) -> Moment:
    """So many seconds after NOW, on both clocks."""
    return Moment(NOW.wall + seconds, NOW.steady + seconds)


def sign(body: bytes) -> str:
    """Stands for the controller's signature."""
    return hashlib.sha256(body).hexdigest()


def check_envelope(body: bytes, signature: str, wall: float) -> Envelope:
    """The envelope, if it is signed."""
    if sign(body) != signature:
        raise Rejected("bad_signature", "not signed by the controller")
    return Envelope.parse(body)


def check_cancel(body: bytes, signature: str, wall: float) -> Cancel:
    """The cancel, if it is signed."""
    if sign(body) != signature:
        raise Rejected("bad_signature", "not signed by the controller")
    return Cancel.parse(body)


def envelope(command: str = FIRST, **changes: Any) -> Envelope:
    """An envelope that is right in every field that is not changed."""
    params = {"command": "uptime", "timeout": 10.0, "grace": 2.0, "output_cap": 1_000_000}
    fields: dict[str, Any] = {
        "command": command,
        "execution": "X-1",
        "node": NODE,
        "effect": Risk.READ,
        "not_before": NOW.wall,
        "not_after": NOW.wall + 60,
        "issuer": ISSUER,
        "call": "call",
    }
    params |= {name: changes.pop(name) for name in list(changes) if name in params}
    return Envelope(params=CommandParams.model_validate(params), **{**fields, **changes})


def offer(command: str = FIRST, **changes: Any) -> Frame:
    """An OFFER of that envelope."""
    body = envelope(command, **changes).canonical()
    header = {"node": NODE, "command": command, "signature": sign(body)}
    return Frame(FrameType.OFFER, header, body)


def cancel(command: str = FIRST, grace: float = 3.0, node: str = NODE) -> Frame:
    """A CANCEL, signed."""
    body = Cancel(command=command, node=node, grace=grace, issuer=ISSUER).canonical()
    header = {"node": NODE, "command": command, "grace": grace, "signature": sign(body)}
    return Frame(FrameType.CANCEL, header, body)


def reconcile(*positions: tuple[str, int, int], serial: int = 7) -> Frame:
    """A RECONCILE about these commands: id, stdout, stderr."""
    commands = [{"command": name, "stdout": out, "stderr": err} for name, out, err in positions]
    return Frame(FrameType.RECONCILE, {"node": NODE, "serial": serial, "commands": commands})


def word(frame_type: FrameType, command: str = FIRST, **fields: Any) -> Frame:
    """Any other frame about a command."""
    return Frame(frame_type, {"node": NODE, "command": command, **fields})


def machine(rows: list[Row] | None = None, *, epoch: int = 1, incarnation: float = 0.0) -> NodeMachine:
    """A machine with an open session, unless `epoch` is 0."""
    made = NodeMachine(Admission(NODE, incarnation, check_envelope, check_cancel), "boot-1")
    made.restore(rows or [], NOW)
    if epoch:
        made.on_link(epoch, NOW)
    return made


def running(**changes: Any) -> NodeMachine:
    """A machine on which the first command runs."""
    made = machine()
    made.on_frame(offer(**changes), NOW)
    made.on_started(FIRST, 42, 1.5, NOW)
    return made


def finished(**changes: Any) -> NodeMachine:
    """A machine on which the first command has ended well, without output."""
    made = running(**changes)
    made.on_finished(FIRST, Outcome(exit_code=0), at(1))
    return made


def sent(effects: list[Effect]) -> list[Frame]:
    """The frames among the effects."""
    return [effect.frame for effect in effects if isinstance(effect, Send)]


def types(effects: list[Effect]) -> list[str]:
    """What is done, in order: the frame's type for a Send, the state for a Record, else the effect's name."""
    return [_name(effect) for effect in effects]


def _name(effect: Effect) -> str:
    if isinstance(effect, Send):
        return effect.frame.type.name
    return f"record {effect.state}" if isinstance(effect, Record) else type(effect).__name__.lower()


def rows_of(effects: list[Effect]) -> list[Row]:
    """The journal after these effects."""
    found: dict[str, Row] = {}
    for effect in effects:
        if isinstance(effect, Record):
            fields = found[effect.command].fields if effect.command in found else {}
            found[effect.command] = Row(effect.command, effect.state, {**fields, **effect.fields})
    return list(found.values())
