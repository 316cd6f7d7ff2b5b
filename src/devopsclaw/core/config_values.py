"""The kinds of values that settings share. Not the settings."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from devopsclaw.model.value import Value

LISTEN = re.compile(r"(?:[^\s:/]*|\[[0-9A-Fa-f:.]+\]):(?P<port>[0-9]{1,5})")
RELAY_URL = re.compile(r"wss?://[^\s/]+(?:/\S*)?")

HIGHEST_PORT = 65_535


class Section(Value):
    """A JSON object of the configuration; unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def _listen_address(text: str) -> str:
    match = LISTEN.fullmatch(text)
    if not match or int(match["port"]) > HIGHEST_PORT:
        raise ValueError("has to be HOST:PORT or :PORT, as :9443")
    return text


def _relay_url(text: str) -> str:
    if text and not RELAY_URL.fullmatch(text):
        raise ValueError("has to look like ws://HOST:9443 or wss://HOST:9443")
    return text


def _identity(value: Any) -> Any:
    """Chat platforms number their users, so people write numbers; `true` is one for Python only."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


ListenAddress = Annotated[str, AfterValidator(_listen_address)]
"""`HOST:PORT`; an empty host is every interface, port 0 a free one."""

RelayUrl = Annotated[str, AfterValidator(_relay_url)]
"""A WebSocket address, or empty."""

Identities = tuple[Annotated[str, BeforeValidator(_identity)], ...]
"""Names or numbers of people on a chat platform, as text."""

Port = Annotated[int, Field(ge=0, le=HIGHEST_PORT)]
Seconds = Annotated[float, Field(ge=0)]
