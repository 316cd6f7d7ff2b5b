"""How a controller finds its relay, and dials it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.assembly.small_town import Relay, small_town

from devopsclaw.assembly.relay_client import dial_once, find_relay
from devopsclaw.core.clock import SystemClock
from devopsclaw.core.config import Loaded, load
from devopsclaw.core.keys import Keys, SigningKey
from devopsclaw.core.paths import Home
from devopsclaw.model.errors import BadConfig, BadParams, Denied, Unreachable
from devopsclaw.relay.announcement import Announcement, announce


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").make()


@pytest.fixture
def key(home: Home) -> SigningKey:
    return Keys(home.keys).load_or_create("controller")


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    """A relay of another home."""
    relay = Relay(Home(tmp_path / "vps").make())
    await relay.start()
    yield relay
    await relay.kill()


def settings(home: Home, **relay: Any) -> Loaded:
    """The home's configuration."""
    home.config.write_text(json.dumps({"relay": relay}))
    return load(home, {})


BESIDE = Announcement(url="wss://127.0.0.1:4000", claim="code", key="ab" * 32)


def test_without_an_address_there_is_none(home: Home, key: SigningKey) -> None:
    assert find_relay(settings(home), key, SystemClock()) is None


def test_one_that_runs_from_the_same_home_is_known_by_its_key_and_claimed(
    home: Home, key: SigningKey
) -> None:
    announce(home, BESIDE)

    dialer = find_relay(settings(home), key, SystemClock())

    assert dialer is not None
    assert (dialer.url, dialer.claim, dialer.relay_key) == ("wss://127.0.0.1:4000", "code", "ab" * 32)


def test_the_configured_one_goes_before_the_one_beside(home: Home, key: SigningKey) -> None:
    announce(home, BESIDE)

    dialer = find_relay(settings(home, url="wss://relay:9443"), key, SystemClock())

    assert dialer is not None
    assert (dialer.url, dialer.claim, dialer.relay_key) == ("wss://relay:9443", "", "")


def test_the_configured_one_that_runs_here_is_claimed_too(home: Home, key: SigningKey) -> None:
    announce(home, BESIDE)

    dialer = find_relay(settings(home, url=BESIDE.url), key, SystemClock())

    assert dialer is not None and (dialer.claim, dialer.relay_key) == ("code", "ab" * 32)


def test_a_named_one_goes_before_all(home: Home, key: SigningKey) -> None:
    announce(home, BESIDE)

    dialer = find_relay(
        settings(home, url="wss://relay:9443"), key, SystemClock(), url="wss://other:1", claim="word"
    )

    assert dialer is not None and (dialer.url, dialer.claim) == ("wss://other:1", "word")


def test_the_token_comes_from_the_settings_and_is_not_shown(home: Home, key: SigningKey) -> None:
    dialer = find_relay(settings(home, url="wss://relay:9443", auth_token="hunter2"), key, SystemClock())

    assert dialer is not None and dialer.token == "hunter2"
    assert "hunter2" not in repr(dialer)


def test_a_token_file_that_cannot_be_read_is_an_error(home: Home, key: SigningKey) -> None:
    with pytest.raises(BadConfig, match="cannot be read"):
        find_relay(settings(home, url="wss://relay:9443", token_file="/nowhere/t"), key, SystemClock())


async def test_dialling_once_tells_who_it_is_and_how_many_it_knows(
    home: Home, key: SigningKey, relay: Relay
) -> None:
    assert relay.running is not None

    answer = await dial_once(settings(home), key, SystemClock(), relay.url, relay.running.claim_code)
    again = await dial_once(settings(home), key, SystemClock(), relay.url, "")

    assert (answer.key, answer.nodes) == (relay.running.public_key, 0)
    assert again == answer


async def test_nodes_that_joined_are_counted(tmp_path: Path) -> None:
    async with small_town(tmp_path, "web-1", "web-2") as town:
        key = Keys(town.home.keys).load_or_create("controller")

        answer = await dial_once(load(town.home, {}), key, SystemClock(), town.relay.url, "")

    assert answer.nodes == 2


async def test_dialling_somebody_elses_relay_is_denied(home: Home, key: SigningKey, relay: Relay) -> None:
    first = Keys(home.keys).load_or_create("somebody-else")
    await dial_once(settings(home), first, SystemClock(), relay.url, "")

    with pytest.raises(Denied):
        await dial_once(settings(home), key, SystemClock(), relay.url, "")


async def test_dialling_nobody_is_told(home: Home, key: SigningKey, relay: Relay) -> None:
    await relay.kill()

    with pytest.raises(Unreachable):
        await dial_once(settings(home), key, SystemClock(), relay.url, "")
    with pytest.raises(BadParams, match="no relay was named"):
        await dial_once(settings(home), key, SystemClock(), "", "")
