"""The shared kinds of values: what they take and what they say when they refuse."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from devopsclaw.core.config_values import Identities, ListenAddress, RelayUrl


@pytest.mark.parametrize(
    "text", [":9443", ":0", "127.0.0.1:80", "relay.example:65535", "[::1]:9443", "[::]:1"]
)
def test_an_address_to_listen_on_is_host_and_port(text: str) -> None:
    assert TypeAdapter(ListenAddress).validate_python(text) == text


@pytest.mark.parametrize(
    "text", ["", "9443", "host", ":", ":65536", "::1:9443", "ws://h:1", "a b:1", ":-1", ":٣"]
)
def test_other_addresses_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="HOST:PORT"):
        TypeAdapter(ListenAddress).validate_python(text)


@pytest.mark.parametrize("text", ["", "ws://h:9443", "wss://h", "wss://[::1]:9443/path"])
def test_a_relay_is_a_websocket_address_or_nothing(text: str) -> None:
    assert TypeAdapter(RelayUrl).validate_python(text) == text


@pytest.mark.parametrize("text", ["h:9443", "https://h", "ws://", "ws:///x", "wss://h /x"])
def test_other_relays_are_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="ws://HOST"):
        TypeAdapter(RelayUrl).validate_python(text)


def test_people_may_be_numbers_and_become_text() -> None:
    assert TypeAdapter(Identities).validate_python((12345, "anna")) == ("12345", "anna")


def test_a_truth_value_is_nobody() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Identities).validate_python((True,))
