"""What the relay tells of a node, checked at the border: it is a mailman and may be taken over."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from devopsclaw.fleet.labels import valid_name
from devopsclaw.model.errors import BadParams
from devopsclaw.model.headers import WallTime
from devopsclaw.model.value import Value
from devopsclaw.wire.uid import uid_of


def _name(text: str) -> str:
    try:
        return valid_name(text)
    except BadParams as wrong:
        raise ValueError(wrong.message) from wrong


class Presence(Value):
    """One row of a PRESENCE frame. Fields of a newer relay are let pass."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    uid: str = Field(description="Name of the node's key.")
    name: Annotated[str, AfterValidator(_name)] = Field(description="Name that is bound to the key.")
    public_key: str = Field(description="The node's Ed25519 public key, hex.", pattern=r"^[0-9a-f]{64}$")
    address: str = Field(default="", description="Peer address as the relay sees it.", max_length=255)
    connected: bool = Field(description="Whether it has a session at the relay.")
    last_seen: WallTime = Field(description="When it was heard last, wall time by the relay's clock.")
    epoch: int = Field(default=0, description="Epoch of its session.", ge=0)
    version: str = Field(default="", description="Its devopsclaw.", max_length=64)
    facts: dict[str, Any] = Field(default={}, description="What it says of itself.")
    alarm: str = Field(default="", description="What is wrong with its identity; empty for nothing.")
    quarantined: bool = Field(default=False, description="Whether the relay lets its key in no more.")
    claimed: bool = Field(default=True, description="Whether its session was shown the controller's key.")
    token: str = Field(
        default="", description="Id of the join token it came with.", pattern=r"^([0-9a-f]{16})?$"
    )

    @model_validator(mode="after")
    def _key_is_its_own(self) -> Self:
        if uid_of(bytes.fromhex(self.public_key)) != self.uid:
            raise ValueError("the uid is not that of the public key")
        return self
