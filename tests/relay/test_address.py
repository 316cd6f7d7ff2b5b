"""Addresses as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.model.errors import BadParams
from devopsclaw.relay.address import endpoint, is_loopback, listen_address


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("ws://relay.example:9443", "wss://relay.example:9443/"),
        ("wss://relay.example:9443/", "wss://relay.example:9443/"),
        ("relay.example", "wss://relay.example:9443/"),
        ("10.0.0.1:80", "wss://10.0.0.1:80/"),
        (" relay.example:1 ", "wss://relay.example:1/"),
        ("ws://[::1]:9443", "wss://[::1]:9443/"),
    ],
)
def test_every_way_to_write_an_address_means_tls(text: str, url: str) -> None:
    assert endpoint(text).url == url


def test_only_insecure_makes_ws_plain_and_wss_stays_tls() -> None:
    assert endpoint("ws://host:1", insecure=True).url == "ws://host:1/"
    assert endpoint("host:1", insecure=True).url == "ws://host:1/"
    assert endpoint("wss://host:1", insecure=True).url == "wss://host:1/"


@pytest.mark.parametrize(
    "text",
    ["", "http://host", "ws://", "host:port", "host:99999", "ws://host/path", "ws://me@host", "ws://h?x=1"],
)
def test_what_is_no_address_says_how_to_write_one(text: str) -> None:
    with pytest.raises(BadParams, match="no address of a relay") as bad:
        endpoint(text)

    assert "9443" in bad.value.hint


@given(st.text(max_size=30))
@settings(deadline=None, max_examples=200)
def test_any_text_is_an_address_or_a_bad_parameter(text: str) -> None:
    for read in (endpoint, listen_address):
        try:
            read(text)
        except BadParams:
            continue


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (":9443", ("", 9443)),
        ("127.0.0.1:0", ("127.0.0.1", 0)),
        ("[::1]:9443", ("::1", 9443)),
        ("0.0.0.0", ("0.0.0.0", 9443)),
    ],
)
def test_an_address_to_listen_on(text: str, found: tuple[str, int]) -> None:
    assert listen_address(text) == found


@pytest.mark.parametrize("text", ["", " ", ":port", ":70000", "host:1/x", "me@host:1"])
def test_what_is_no_address_to_listen_on(text: str) -> None:
    with pytest.raises(BadParams, match="no address to listen on"):
        listen_address(text)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("", False),
        ("localhost", False),
    ],
)
def test_loopback_is_told_by_the_address_alone(address: str, expected: bool) -> None:
    assert is_loopback(address) is expected
