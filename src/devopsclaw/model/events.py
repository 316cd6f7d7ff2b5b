"""What happens, as values in the past tense. Each carries the id of its call; none carries an order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import ConfigDict

from devopsclaw.model.approval import Approval
from devopsclaw.model.plan import Plan
from devopsclaw.model.state import State

BASE64 = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
"""How raw bytes stand in JSON."""


@dataclass(frozen=True, slots=True)
class CallStarted:
    """The gate let a call through. `entry` is its audit entry (empty for counted reads)."""

    call: str
    operation: str
    user: str
    plan: Plan
    entry: str = ""


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A call ended with this verdict: ok, failed, denied, cancelled or the result's own word."""

    call: str
    operation: str
    verdict: str
    error: str = ""


@dataclass(frozen=True, slots=True)
class RunPlanned:
    """An execution was recorded, before anything was sent. `run` is its id, as `X-31`."""

    call: str
    run: str
    command: str
    nodes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NodeMoved:
    """A node's part of a run came into another state."""

    call: str
    run: str
    node: str
    state: State
    exit_code: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class NodePrinted:
    """A node's command printed; `offset` counts bytes in the stream. Raw bytes, not yet safe to show."""

    call: str
    run: str
    node: str
    stream: str
    offset: int
    data: bytes

    __pydantic_config__ = BASE64


@dataclass(frozen=True, slots=True)
class RunEnded:
    """Every node of the run is in a final state."""

    call: str
    run: str
    exit_code: int
    counts: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class NodeSeen:
    """A node's presence changed: `link` is the word of `model.state.Link`."""

    node: str
    link: str
    at: float
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RelayMoved:
    """The connection to the relay changed: `connected`, `connecting`, `lost`, `none`; `why` for people."""

    status: str
    url: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something a person should read, that is nobody's result: a banner."""

    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class ApprovalAsked:
    """Somebody's yes is needed; `call` waits for it."""

    call: str
    approval: str
    request: Approval


@dataclass(frozen=True, slots=True)
class ApprovalClosed:
    """A request was answered, has expired or became void; everywhere at once it is no question any more."""

    call: str
    approval: str
    request: Approval
