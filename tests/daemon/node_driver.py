"""Drives a node machine by hand: signed offers, a link, and the effects as they come."""

from __future__ import annotations

from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from devopsclaw.daemon.admission import Admission, Permit, permit_all
from devopsclaw.daemon.effects import Effect, Outcome, Record, Row, Send
from devopsclaw.daemon.machine import NodeMachine
from devopsclaw.daemon.trust import Pinned
from devopsclaw.model.moment import Moment
from devopsclaw.model.risk import Effect as Risk
from devopsclaw.wire.envelope import (
    Cancel,
    CommandParams,
    Envelope,
    Work,
    digest,
    sign_cancel,
    sign_envelope,
)
from devopsclaw.wire.frames import Frame, FrameType
from devopsclaw.wire.merkle import Tree, leaf_of
from devopsclaw.wire.offer import Offer, Sealed

NODE = "n_web1"
CONTROLLER = Ed25519PrivateKey.from_private_bytes(b"c" * 32)
ISSUER = CONTROLLER.public_key().public_bytes_raw().hex()
TRUST = Pinned(ISSUER)
IN_WORK = frozenset({"line", "timeout", "grace", "output_cap"})
NOW = Moment(1_000_000.0, 500.0)
FIRST, SECOND = "1" * 32, "2" * 32

Kind = TypeVar("Kind")


def at(seconds: float) -> Moment:
    """So many seconds after NOW, on both clocks."""
    return Moment(NOW.wall + seconds, NOW.steady + seconds)


def envelope(root: str, **changes: Any) -> Envelope:
    """An envelope over this root that is right in every field that is not changed."""
    fields: dict[str, Any] = {
        "execution": "X-1",
        "root": root,
        "effect": Risk.READ,
        "user": "ada",
        "via": "cli",
        "not_before": NOW.wall,
        "not_after": NOW.wall + 60,
        "issuer": ISSUER,
        "call": "call",
    }
    return Envelope(**{**fields, **changes})


def work(command: str = FIRST, line: str = "uptime", **changes: Any) -> Work:
    """What a node is to run."""
    params = {"command": line, "timeout": 10.0, "grace": 2.0, "output_cap": 1_000_000, **changes}
    return Work(command=command, params=CommandParams.model_validate(params), salt="5a" * 16)


def offered(command: str = FIRST, *, node: str = NODE, **changes: Any) -> tuple[Offer, Sealed]:
    """An offer that is right in every field that is not changed, as it is read and as it travels."""
    in_work = {name: changes.pop(name) for name in list(changes) if name in IN_WORK}
    mine = work(command, **in_work)
    raw = mine.canonical()
    tree = Tree([leaf_of("n_other", b"o" * 32), leaf_of(node, bytes.fromhex(digest(raw)))])
    signed = envelope(tree.root.hex(), **changes)
    return Offer(signed, mine, digest(raw)), Sealed(signed.canonical(), tree.path(1), raw)


def offer(command: str = FIRST, **changes: Any) -> Frame:
    """An OFFER of that, signed."""
    _, sealed = offered(command, **changes)
    header = {"node": NODE, "command": command, "signature": sign_envelope(CONTROLLER, sealed.envelope)}
    return Frame(FrameType.OFFER, header, sealed.pack())


def cancel(command: str = FIRST, grace: float = 3.0, node: str = NODE) -> Frame:
    """A CANCEL, signed."""
    body = Cancel(command=command, node=node, grace=grace, issuer=ISSUER).canonical()
    header = {"node": NODE, "command": command, "grace": grace, "signature": sign_cancel(CONTROLLER, body)}
    return Frame(FrameType.CANCEL, header, body)


def reconcile(*positions: tuple[str, int, int], serial: int = 7) -> Frame:
    """A RECONCILE about these commands: id, stdout, stderr."""
    commands = [{"command": name, "stdout": out, "stderr": err} for name, out, err in positions]
    return Frame(FrameType.RECONCILE, {"node": NODE, "serial": serial, "commands": commands})


def word(frame_type: FrameType, command: str = FIRST, **fields: Any) -> Frame:
    """Any other frame about a command."""
    return Frame(frame_type, {"node": NODE, "command": command, **fields})


def admission(incarnation: float = 0.0, permit: Permit = permit_all) -> Admission:
    """Ours: it obeys CONTROLLER."""
    return Admission(NODE, incarnation, TRUST.offer, TRUST.cancel, permit)


def machine(
    rows: list[Row] | None = None,
    *,
    epoch: int = 1,
    incarnation: float = 0.0,
    permit: Permit = permit_all,
) -> NodeMachine:
    """A machine with an open session, unless `epoch` is 0."""
    made = NodeMachine(admission(incarnation, permit), "boot-1")
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
