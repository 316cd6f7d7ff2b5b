"""The two sides of the handshake as machines: frames in, frames and a verdict out. No I/O, no clock.

Randomness comes in as an argument. Who may join, and under which name, is the relay's business; here is
only decided whether each side is who it says it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from devopsclaw.wire.enroll import (
    PROTOCOLS,
    Auth,
    Challenge,
    Hello,
    Proof,
    Refusal,
    Side,
    Welcome,
    is_proven,
    is_signed,
    prove,
    sign,
    transcript,
)
from devopsclaw.wire.frames import BadFrame, Frame, FrameType
from devopsclaw.wire.jointoken import JoinToken
from devopsclaw.wire.table import Role, Seat, Stage, is_allowed, seat_of
from devopsclaw.wire.uid import uid_of

UNPROVEN = "the relay could not prove it knows the {secret}: wrong {secret}, or somebody is in between"


@dataclass(frozen=True, slots=True)
class Welcomed:
    """The client's good end: the session is open, and `relay_key` (hex) has proven itself."""

    welcome: Welcome
    relay_key: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The bad end, for both sides. `by_peer`: the other side said so, its words are not ours; `is_proven`:
    and it is the relay that was meant, not somebody in between.
    """

    refusal: Refusal
    by_peer: bool = False
    is_proven: bool = False


@dataclass(frozen=True, slots=True)
class Proved:
    """The relay's good end: the client owns its key. `knows_secret`: and what `hello.auth` names."""

    hello: Hello
    knows_secret: bool


@dataclass(frozen=True, slots=True)
class Step:
    """What to send now, and the verdict once there is one."""

    frames: tuple[Frame, ...] = ()
    verdict: Welcomed | Refused | Proved | None = None


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client brings. `pin` is the relay's key (hex) from an earlier session, or empty.

    `trusts_first` takes the relay's word for its key where there is neither pin nor secret: only right
    where nobody can be in between, which is loopback.
    """

    role: Role
    name: str
    key: Ed25519PrivateKey = field(repr=False)
    secret: str = field(default="", repr=False)
    auth: Auth = Auth.KEY
    pin: str = ""
    trusts_first: bool = False
    version: str = ""
    join: JoinToken | None = field(default=None, repr=False)
    """Only a controller under which it was made is taken for the root."""

    @property
    def public_key(self) -> str:
        """The client's own public key, hex."""
        return self.key.public_key().public_bytes_raw().hex()


@dataclass(frozen=True, slots=True)
class Secrets:
    """What a relay's visitors may prove to know; empty: nobody can."""

    token: str = field(default="", repr=False)
    claim: str = field(default="", repr=False)
    verifier: Callable[[str], str] = field(default=lambda token: "", repr=False)
    """Of the join token with this id; empty where there is none."""

    def of(self, hello: Hello) -> str:
        """The secret that this visitor's proof is made with."""
        match hello.auth:
            case Auth.TOKEN:
                return self.token
            case Auth.CLAIM:
                return self.claim
            case Auth.JOIN:
                return self.verifier(hello.join)
        return ""


class ClientSession:
    """The client's side. `spki` as for `transcript`; `nonce` is 32 fresh random bytes."""

    def __init__(self, credentials: Credentials, spki: bytes, nonce: bytes) -> None:
        self.stage = Stage.GREETING
        self._credentials = credentials
        self._spki = spki
        self._relay_key = ""
        self._hello = Hello(
            role=credentials.role,
            versions=list(PROTOCOLS),
            name=credentials.name,
            public_key=credentials.public_key,
            nonce=nonce.hex(),
            auth=credentials.auth,
            version=credentials.version,
            join=credentials.join.id if credentials.auth is Auth.JOIN and credentials.join else "",
        )

    def open(self) -> Frame:
        """The first frame to send."""
        return self._hello.frame(FrameType.HELLO)

    def receive(self, frame: Frame) -> Step:
        """Take the relay's next frame. Raises BadFrame where it is out of place or malformed."""
        _check(seat_of(self._credentials.role), self.stage, frame)
        if frame.type is FrameType.REFUSED:
            return self._end(
                Refused(Refusal.read(frame), by_peer=True, is_proven=self.stage is Stage.PROVING)
            )
        if frame.type is FrameType.CHALLENGE:
            return self._answer(Challenge.read(frame))
        return self._enter(Welcome.read(frame))

    def _answer(self, challenge: Challenge) -> Step:
        if challenge.version not in PROTOCOLS:
            return self._end(_refusal("version", "the relay answered in a version that was not offered"))
        spoken = transcript(self._hello, challenge.version, challenge.nonce, challenge.relay_key, self._spki)
        doubt = self._doubt(challenge, spoken)
        if doubt is not None:
            return self._end(doubt)
        mine = self._credentials
        self._relay_key = challenge.relay_key
        self.stage = Stage.PROVING
        proof = Proof(
            proof=prove(Side.CLIENT, mine.secret, spoken), signature=sign(Side.CLIENT, mine.key, spoken)
        )
        return Step((proof.frame(FrameType.PROOF),))

    def _doubt(self, challenge: Challenge, spoken: bytes) -> Refused | None:
        """Why this relay is not to be trusted; only after None may the client prove anything."""
        mine = self._credentials
        if mine.pin and challenge.relay_key != mine.pin:
            return _refusal(
                "relay_changed",
                "the relay shows another key than the one it had before: it was set up anew, "
                "or somebody is in between",
            )
        if not is_signed(Side.RELAY, challenge.relay_key, spoken, challenge.signature):
            return _refusal("relay_unproven", "the relay could not prove its key: somebody is in between")
        if mine.pin or is_proven(Side.RELAY, mine.secret, spoken, challenge.proof):
            return None
        if mine.secret:
            word = "claim code" if mine.auth is Auth.CLAIM else "token"
            return _refusal("relay_unproven", UNPROVEN.format(secret=word))
        if mine.trusts_first:
            return None
        return _refusal(
            "relay_unknown", "this relay was never seen here, and there is no token to check it by"
        )

    def _enter(self, welcome: Welcome) -> Step:
        if welcome.uid != uid_of(bytes.fromhex(self._hello.public_key)):
            raise BadFrame("WELCOME names another uid than that of this client's key")
        join = self._credentials.join
        if join is not None and not join.is_root(welcome.root):
            return self._end(_refusal("other_root", "the relay belongs to another controller than the token"))
        self.stage = Stage.OPEN
        return Step(verdict=Welcomed(welcome, self._relay_key))

    def _end(self, verdict: Refused) -> Step:
        self.stage = Stage.CLOSED
        return Step(verdict=verdict)


class RelaySession:
    """The relay's side of one visitor, until it is known who that is; then `welcome` or `refuse`."""

    def __init__(self, key: Ed25519PrivateKey, secrets: Secrets, spki: bytes, nonce: bytes) -> None:
        self.stage = Stage.GREETING
        self._key = key
        self._public_key = key.public_key().public_bytes_raw().hex()
        self._secrets = secrets
        self._spki = spki
        self._nonce = nonce.hex()
        self._hello: Hello | None = None
        self._spoken = b""

    def receive(self, frame: Frame) -> Step:
        """Take the visitor's next frame. Raises BadFrame where it is out of place or malformed."""
        _check(Seat.RELAY_TO_STRANGER, self.stage, frame)
        if self._hello is None:
            return self._challenge(Hello.read(frame))
        return self._judge(self._hello, Proof.read(frame))

    def welcome(self, welcome: Welcome) -> Frame:
        """Open the session, after `Proved`."""
        self.stage = Stage.OPEN
        return welcome.frame(FrameType.WELCOME)

    def refuse(self, refusal: Refusal) -> Frame:
        """End it."""
        self.stage = Stage.CLOSED
        return refusal.frame(FrameType.REFUSED)

    def _challenge(self, hello: Hello) -> Step:
        common = set(hello.versions) & set(PROTOCOLS)
        if not common:
            here, there = (", ".join(map(str, each)) for each in (PROTOCOLS, hello.versions))
            return self._refuse(
                "version",
                f"this relay speaks protocol {here}, the visitor speaks {there}",
                "bring both to the same release of devopsclaw",
            )
        version = max(common)
        self._hello = hello
        self._spoken = transcript(hello, version, self._nonce, self._public_key, self._spki)
        self.stage = Stage.PROVING
        challenge = Challenge(
            version=version,
            relay_key=self._public_key,
            nonce=self._nonce,
            proof=prove(Side.RELAY, self._secrets.of(hello), self._spoken),
            signature=sign(Side.RELAY, self._key, self._spoken),
        )
        return Step((challenge.frame(FrameType.CHALLENGE),))

    def _judge(self, hello: Hello, proof: Proof) -> Step:
        if not is_signed(Side.CLIENT, hello.public_key, self._spoken, proof.signature):
            return self._refuse(
                "bad_proof",
                "the visitor could not prove that it owns its key, or somebody is in between",
                "check that the address leads straight to the relay",
            )
        known = is_proven(Side.CLIENT, self._secrets.of(hello), self._spoken, proof.proof)
        return Step(verdict=Proved(hello, known))

    def _refuse(self, code: str, message: str, hint: str) -> Step:
        refused = _refusal(code, message, hint)
        return Step((self.refuse(refused.refusal),), refused)


def _refusal(code: str, message: str, hint: str = "") -> Refused:
    return Refused(Refusal(code=code, message=message, hint=hint))


def _check(seat: Seat, stage: Stage, frame: Frame) -> None:
    if not is_allowed(seat, stage, frame.type):
        raise BadFrame(f"{frame.type.name} is not let in at the stage of {stage}")
