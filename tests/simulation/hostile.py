"""A relay that somebody has taken over: it lies, with all that passed through it and a key of its own.

It alters, replays, reorders, invents and withholds frames both ways, speaks as if it were the controller or
a node, shows another controller's key, and lies about who is there. Once the world is calm it is honest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.simulation.keys import CONTROLLER, MALLORY
from tests.simulation.network import Weather
from tests.simulation.relay import Presence, SimRelay, Welcome
from tests.simulation.world import World

from devopsclaw.fleet.signing import Order, Signer
from devopsclaw.model.headers import FARTHEST
from devopsclaw.model.risk import Effect
from devopsclaw.wire.envelope import Cancel, digest, sign_cancel
from devopsclaw.wire.frames import BadFrame, Frame, FrameType, decode, encode
from devopsclaw.wire.offer import Sealed
from devopsclaw.wire.testimony import attest

BOUNDARIES = (0, 1, FARTHEST - 1, FARTHEST, FARTHEST + 1, 2**63 - 1, -1)
NUMBERS = frozenset({"offset", "start", "end", "stdout", "stderr", "stdout_length", "stderr_length", "seq"})
WORDS = ("ok", "failed", "cancelled", "unseen", "forgotten", "running", "expired", "policy", "")
REMEMBERED = 200
"""Frames of each way that it keeps to use again."""

Trick = Callable[[Frame], list[Frame]]


class HostileRelay(SimRelay):
    """`malice` is the chance of a trick with each frame; most frames pass, or there would be nothing to lie
    about.
    """

    def __init__(self, world: World, weather: Weather, malice: float) -> None:
        super().__init__(world, weather)
        self._malice = malice
        self._up: list[Frame] = []
        self._down: list[Frame] = []
        self._tricks_up: list[Trick] = [
            self._withhold,
            self._alter,
            self._flip,
            self._replay_up,
            self._reorder_up,
            self._invent_end,
            self._invent_standing,
            self._invent_numbers,
            self._take_signature,
            self._speak_out_of_turn,
        ]
        self._tricks_down: list[Trick] = [
            self._withhold,
            self._alter,
            self._flip,
            self._replay_down,
            self._reorder_down,
            self._misdirect,
            self._mix_offers,
            self._command_itself,
            self._cancel_itself,
            self._acknowledge_itself,
            self._ask_itself,
            self._speak_out_of_turn,
        ]

    # What it does with what passes

    def _carry_up(self, data: bytes) -> None:
        frame = decode(data)
        self._remember(self._up, frame)
        for each in self._spoiled(frame, self._tricks_up):
            super()._carry_up(_encoded(each, data))
        if self.world.chance(self._malice / 4):
            self._lie_about_presence(frame.header["node"])

    def _carry_down(self, data: bytes) -> None:
        frame = decode(data)
        self._remember(self._down, frame)
        for each in self._spoiled(frame, self._tricks_down):
            super()._carry_down(_encoded(each, data))

    def _welcome(self, epoch: int) -> Welcome:
        if self.world.chance(self._malice):
            self.world.tell("relay: LIES: shows a root of its own")
            return Welcome(epoch, MALLORY.public_hex)
        return super()._welcome(epoch)

    def _lie_about_presence(self, uid: str) -> None:
        epoch = self.epoch_of(uid) + self.world.random.choice([-1, 0, 0, 0, 1])
        self.world.tell("relay: LIES about the presence of {}", uid[:6])
        self._tell(Presence(uid, self.world.random.random() < 0.5, max(epoch, 1)))

    def _spoiled(self, frame: Frame, tricks: list[Trick]) -> list[Frame]:
        if not self.world.chance(self._malice):
            return [frame]
        trick = self.world.random.choice(tricks)
        self.world.tell("relay: LIES: {} with {}", trick.__name__, frame.type.name)
        return trick(frame)

    def _remember(self, frames: list[Frame], frame: Frame) -> None:
        frames.append(frame)
        del frames[:-REMEMBERED]

    # Both ways

    def _withhold(self, frame: Frame) -> list[Frame]:
        return []

    def _alter(self, frame: Frame) -> list[Frame]:
        """One field says something else."""
        name = self.world.random.choice(sorted(frame.header))
        return [replace(frame, header={**frame.header, name: self._other(name, frame.header[name])})]

    def _other(self, name: str, value: Any) -> Any:
        random = self.world.random
        if isinstance(value, list):
            return [self._other(name, each) for each in value]
        if isinstance(value, dict):
            return {key: self._other(key, inner) for key, inner in value.items()}
        if name in NUMBERS:
            return random.choice(BOUNDARIES)
        if isinstance(value, str):
            known = [frame.header.get(name) for frame in self._up + self._down]
            return random.choice([*WORDS, *(word for word in known if isinstance(word, str))])
        return random.choice([0, 1, value, -1, True])

    def _flip(self, frame: Frame) -> list[Frame]:
        """One bit of the body; the true frame may follow."""
        body = bytearray(frame.body or b"x")
        body[self.world.random.randrange(len(body))] ^= 1 << self.world.random.randrange(8)
        return [replace(frame, body=bytes(body)), *self.world.random.choice([[], [frame]])]

    def _speak_out_of_turn(self, frame: Frame) -> list[Frame]:
        """A frame of a type that this reader does not take, or takes from others only."""
        return [frame, replace(frame, type=self.world.random.choice(list(FrameType)))]

    # To the controller, in the name of nodes

    def _fresh(self, frame: Frame, like: Frame, ahead: int = 1) -> Frame:
        """As if it came next in the session of `like`."""
        seq = like.header["seq"] + ahead
        return replace(frame, header={**frame.header, "epoch": like.header["epoch"], "seq": seq})

    def _replay_up(self, frame: Frame) -> list[Frame]:
        return [frame, self._fresh(self.world.random.choice(self._up), frame)]

    def _reorder_up(self, frame: Frame) -> list[Frame]:
        self.world.later(self.world.between(0.0, 30.0), super()._carry_up, encode(frame))
        return []

    def _invent_end(self, frame: Frame) -> list[Frame]:
        """An end or a refusal of something that this node was offered, signed by nobody or by itself."""
        command = self._some_command(frame)
        said: dict[str, Any] = {"node": frame.header["node"], "command": command, "incarnation": 0.0}
        done = Frame(FrameType.DONE, {**said, "status": "ok", "exit_code": 0})
        refused = {"code": "policy", "message": "no", "offer": self._digest_of(command), "at": self.world.now}
        invented = self.world.random.choice([done, Frame(FrameType.REJECT, {**said, **refused})])
        return [frame, self._fresh(self._signed_or_not(invented), frame)]

    def _invent_standing(self, frame: Frame) -> list[Frame]:
        """An answer to the last question, whatever it was."""
        asked = [each for each in self._down if each.type is FrameType.RECONCILE]
        word = self.world.random.choice(["unseen", "forgotten", "running", "finished"])
        standing = {
            "node": frame.header["node"],
            "serial": asked[-1].header["serial"] if asked else 0,
            "incarnation": self.world.random.choice([0.0, self.world.now]),
            "commands": [{"command": self._some_command(frame), "state": word}],
        }
        return [self._fresh(self._signed_or_not(Frame(FrameType.STANDING, standing)), frame), frame]

    def _invent_numbers(self, frame: Frame) -> list[Frame]:
        """Output and gaps at the edges of what numbers can say."""
        random = self.world.random
        said = {
            "node": frame.header["node"],
            "command": self._some_command(frame),
            "stream": random.choice(["stdout", "stderr"]),
        }
        start, end = random.choice(BOUNDARIES), random.choice(BOUNDARIES)
        gap = Frame(FrameType.GAP, {**said, "start": start, "end": end})
        output = Frame(FrameType.OUTPUT, {**said, "offset": start}, b"\x1b]52;c;bHM=\x07")
        return [frame, self._fresh(random.choice([gap, output]), frame)]

    def _take_signature(self, frame: Frame) -> list[Frame]:
        """The frame with the signature of another."""
        signed = [each.header["signature"] for each in self._up if each.header.get("signature")]
        if not signed:
            return [frame]
        return [replace(frame, header={**frame.header, "signature": self.world.random.choice(signed)})]

    def _signed_or_not(self, frame: Frame) -> Frame:
        return attest(MALLORY.private, frame) if self.world.random.random() < 0.5 else frame

    def _some_command(self, frame: Frame) -> str:
        """One that was offered, most often to this node."""
        offers = [each for each in self._down if each.type is FrameType.OFFER]
        own = [each for each in offers if each.header["node"] == frame.header["node"]]
        chosen = self.world.random.choice(own or offers or [frame])
        return str(chosen.header.get("command", "0" * 32))

    def _digest_of(self, command: str) -> str:
        for each in self._down:
            if each.type is FrameType.OFFER and each.header["command"] == command:
                return digest(Sealed.unpack(each.body).work)
        return ""

    # To nodes, in the name of the controller

    def _replay_down(self, frame: Frame) -> list[Frame]:
        return [frame, self.world.random.choice(self._down)]

    def _reorder_down(self, frame: Frame) -> list[Frame]:
        self.world.later(self.world.between(0.0, 30.0), super()._carry_down, encode(frame))
        return []

    def _misdirect(self, frame: Frame) -> list[Frame]:
        """To another node as well."""
        other = self.world.random.choice(sorted(self._epochs))
        return [frame, replace(frame, header={**frame.header, "node": other})]

    def _mix_offers(self, frame: Frame) -> list[Frame]:
        """Envelope, path and work of different offers, put together."""
        offers = [each for each in self._down if each.type is FrameType.OFFER]
        if not offers:
            return [frame]
        one, two, three = (self.world.random.choice(offers) for _ in range(3))
        parts = [Sealed.unpack(each.body) for each in (one, two, three)]
        mixed = Sealed(parts[0].envelope, parts[1].path, parts[2].work)
        header = {**three.header, "signature": one.header["signature"]}
        return [frame, Frame(FrameType.OFFER, header, mixed.pack())]

    def _command_itself(self, frame: Frame) -> list[Frame]:
        """An order of its own, under its own key, or under a signature of the controller's."""
        node = frame.header["node"]
        order = Order("X-9", "f" * 32, "rm -rf /", Effect.READ, 60.0, 1.0, 1000)
        command = Signer(MALLORY).command(order, node, self.world.now)
        signatures = [each.header["signature"] for each in self._down if each.type is FrameType.OFFER]
        signature = self.world.random.choice([command.signature, *signatures])
        header = {"node": node, "command": command.id, "signature": signature}
        return [frame, Frame(FrameType.OFFER, header, command.body)]

    def _cancel_itself(self, frame: Frame) -> list[Frame]:
        """A cancel in the controller's name, under its own key."""
        node, command = frame.header["node"], self._some_command(frame)
        body = Cancel(command=command, node=node, grace=0.0, issuer=CONTROLLER.public_hex).canonical()
        header = {"node": node, "command": command, "signature": sign_cancel(MALLORY.private, body)}
        return [frame, Frame(FrameType.CANCEL, header, body)]

    def _acknowledge_itself(self, frame: Frame) -> list[Frame]:
        header = {"node": frame.header["node"], "command": self._some_command(frame)}
        return [frame, Frame(FrameType.DONE_ACK, header)]

    def _ask_itself(self, frame: Frame) -> list[Frame]:
        """A question of its own, or credit without end."""
        command = self._some_command(frame)
        stdout, stderr = (self.world.random.choice(BOUNDARIES) for _ in range(2))
        position = {"command": command, "stdout": stdout, "stderr": stderr}
        asked = {"node": frame.header["node"], "serial": 1, "commands": [position]}
        credit = Frame(FrameType.CREDIT, {"node": frame.header["node"], **position})
        return [frame, self.world.random.choice([Frame(FrameType.RECONCILE, asked), credit])]


def _encoded(frame: Frame, instead: bytes) -> bytes:
    """The bytes of the frame; of the one it was made from where no bytes say this."""
    try:
        return encode(frame)
    except BadFrame:
        return instead
