"""What controller and relay say to each other about who may join: the headers of frames 43 to 48.

Not the token itself (wire/jointoken): a relay is told what it needs to check a proof, and nothing more.
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from devopsclaw.model.headers import WallTime
from devopsclaw.model.value import Value

TokenId = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
NamePattern = Annotated[str, Field(pattern=r"^[A-Za-z0-9._*?-]{1,64}$")]
"""A node's name, in which `*` stands for anything and `?` for one character."""

LONGEST_TTL = 30 * 86_400.0
"""Seconds a join token may be good for: a month is a fleet token's business."""
MOST_USES = 1000
MOST_TOKENS = 100
"""Join tokens that a relay remembers at a time, so that all of them fit one header."""
ALARMS_AT_A_TIME = 20

AlarmKind = Literal[
    "token_spent",
    "token_expired",
    "token_revoked",
    "token_name",
    "name_taken",
    "duplicate_key",
    "other_root",
]
_TEXTS: dict[AlarmKind, str] = {
    "token_spent": "join token {token}, which is used up, was tried by {name} from {address}",
    "token_expired": "join token {token}, which has expired, was tried by {name} from {address}",
    "token_revoked": "join token {token}, which was revoked, was tried by {name} from {address}",
    "token_name": "join token {token} was tried from {address} for the name {name}, which it is not for",
    "name_taken": "another key asked for the name {name}, from {address}",
    "duplicate_key": "two machines used the key of {name} at once, one from {address}: both are shut out",
    "other_root": "{name} at {address} obeys another controller and takes nothing from this one",
}


def is_named(pattern: str, name: str) -> bool:
    """Whether the name fits the pattern."""
    return fnmatchcase(name, pattern)


def is_exact(pattern: str) -> bool:
    """Whether the pattern is one name and no more."""
    return re.search(r"[*?]", pattern) is None


class _Header(Value):
    """Unknown fields are let pass, so that a newer peer may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class MintHeader(_Header):
    """MINT: a new token. Its life counts from when the relay hears of it, so no two clocks have to agree."""

    id: TokenId
    verifier: Hex32
    pattern: NamePattern
    uses: Annotated[int, Field(ge=1, le=MOST_USES, strict=True)]
    ttl: Annotated[float, Field(gt=0, le=LONGEST_TTL, allow_inf_nan=False)]


class RevokeHeader(_Header):
    """REVOKE: it is good for nothing from now on."""

    id: TokenId


class ReleaseHeader(_Header):
    """RELEASE: this node's key may have a session again."""

    uid: Annotated[str, Field(max_length=64)]


class TokenRow(_Header):
    """How a token stands at the relay. `expires_in` is in seconds, negative for one that has expired."""

    id: TokenId
    uses_left: Annotated[int, Field(ge=0, le=MOST_USES)]
    expires_in: Annotated[float, Field(allow_inf_nan=False)]
    revoked: bool = False


class TokensHeader(_Header):
    """TOKENS: all that the relay knows."""

    tokens: Annotated[list[TokenRow], Field(max_length=MOST_TOKENS)]


class Alarm(_Header):
    """Somebody tried what nobody should. `id` grows; the relay tells it until the controller has it."""

    id: Annotated[int, Field(ge=1)]
    kind: AlarmKind
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,64}$")] = ""
    address: Annotated[str, Field(pattern=r"^[ -~]{0,64}$")] = ""
    token: Annotated[str, Field(pattern=r"^([0-9a-f]{16})?$")] = ""
    at: WallTime

    @property
    def text(self) -> str:
        """In words."""
        address = self.address or "an unknown address"
        return _TEXTS[self.kind].format(name=self.name, address=address, token=self.token)


class AlarmsHeader(_Header):
    """ALARMS: those that no controller has acknowledged yet, the oldest first."""

    alarms: Annotated[list[Alarm], Field(max_length=ALARMS_AT_A_TIME)]


class AlarmsSeenHeader(_Header):
    """ALARMS_SEEN: the controller has all up to this one in its audit log."""

    upto: Annotated[int, Field(ge=1, strict=True)]
