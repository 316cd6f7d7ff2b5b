"""Saved keys: they come back whole with the passphrase, and not at all without it or altered."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from devopsclaw.core import key_bundle
from devopsclaw.core.key_bundle import Bundle, Contents, parse, public_of, seal
from devopsclaw.core.keys import Keys
from devopsclaw.model.errors import BadParams, Denied

WORDS = "correct horse battery"
CHEAP = 2**14


@pytest.fixture
def contents(tmp_path: Path) -> Contents:
    """A home's keys."""
    Keys(tmp_path).load_or_create("controller")
    pem = (tmp_path / "controller.pem").read_text()
    return Contents(controller=pem, relays={"relay:9443": "aa" * 32}, relay_url="wss://relay:9443")


@pytest.fixture
def bundle(contents: Contents) -> Bundle:
    """The same, sealed."""
    return seal(contents, WORDS, "2026-11-22T09:30:00Z", CHEAP)


def test_what_was_sealed_comes_back_with_the_passphrase(contents: Contents, bundle: Bundle) -> None:
    again = parse(bundle.text)

    assert again.open(WORDS) == contents
    assert again.opening.public_key == public_of(contents.controller)


def test_another_passphrase_opens_nothing(bundle: Bundle) -> None:
    with pytest.raises(Denied, match="the passphrase does not open this file"):
        bundle.open(WORDS + "x")


def test_nothing_secret_stands_in_the_file(contents: Contents, bundle: Bundle) -> None:
    inside = contents.controller.splitlines()[1]

    assert inside not in bundle.text
    assert inside.encode() not in base64.b64decode(json.loads(bundle.text)["sealed"])
    assert inside not in repr(contents) + repr(bundle)


@pytest.mark.parametrize("change", [{"time": "yesterday"}, {"public_key": "bb" * 32}, {"cost": 2**15}])
def test_what_stands_open_cannot_be_altered(bundle: Bundle, change: dict[str, object]) -> None:
    altered = parse(json.dumps({**json.loads(bundle.text), **change}))

    with pytest.raises(Denied, match="or the file was altered"):
        altered.open(WORDS)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{}",
        "[]",
        "null",
        '{"sealed": 1}',
        "-----BEGIN PRIVATE KEY-----",
        '{"format": "devopsclaw.keys/1"}',
    ],
)
def test_another_file_is_no_bundle(text: str) -> None:
    with pytest.raises(BadParams, match="no file of exported keys"):
        parse(text)


def test_a_file_cannot_ask_for_all_the_memory(bundle: Bundle) -> None:
    with pytest.raises(BadParams):
        parse(json.dumps({**json.loads(bundle.text), "cost": 2**30}))


def test_a_short_passphrase_seals_nothing(contents: Contents) -> None:
    with pytest.raises(BadParams, match="at least 12 characters"):
        seal(contents, "secret", "", CHEAP)


def test_a_guess_costs_what_it_should() -> None:
    assert key_bundle.COST >= 2**17
