"""Making a relay this home's own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.assembly.small_town import Relay, Town, small_town

from devopsclaw.core.paths import Home
from devopsclaw.model.call import Consent
from devopsclaw.model.errors import BadConfig, BadParams, Denied, Unreachable


@pytest.fixture
async def relay(tmp_path: Path) -> AsyncIterator[Relay]:
    """A relay of somebody else's home."""
    relay = Relay(Home(tmp_path / "vps").make())
    await relay.start()
    yield relay
    await relay.kill()


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    """A home with nothing in it."""
    async with small_town(tmp_path) as opened:
        yield opened


def claim(relay: Relay) -> str:
    """The code that the relay printed."""
    assert relay.running is not None
    return relay.running.claim_code


async def test_a_claimed_relay_is_this_homes_own_from_now_on(relay: Relay, town: Town) -> None:
    async with town.core() as door:
        connected = await door.run(
            "relay.connect", {"url": relay.url, "claim": claim(relay)}, consent=Consent("yes")
        )
    async with town.core() as door:
        status = await door.run("fleet.status", {})

    assert (connected.url, connected.nodes) == (relay.url, 0)
    assert relay.running is not None and connected.key == relay.running.public_key
    assert json.loads(town.home.config.read_text()) == {"relay": {"url": relay.url}}
    assert (status.relay, status.connection, status.nodes) == (relay.url, "connected", 0)
    assert "next: devopsclaw node list" in connected.text()


async def test_the_plan_says_what_is_written_and_whether_it_is_claimed(relay: Relay, town: Town) -> None:
    async with town.core() as door:
        claiming = await door.run("relay.connect", {"url": relay.url, "claim": "abc"}, dry_run=True)
        joining = await door.run("relay.connect", {"url": relay.url}, dry_run=True)

    writing = f"set relay.url in {town.home.config}"
    assert claiming.steps == ("claim it for this home's controller key", writing)
    assert (joining.steps, joining.effect) == ((writing,), "write")
    assert "abc" not in claiming.model_dump_json()
    assert not town.home.config.exists()


async def test_a_wrong_code_claims_nothing_and_changes_nothing(relay: Relay, town: Town) -> None:
    async with town.core() as door:
        with pytest.raises(Denied):
            await door.run(
                "relay.connect",
                {"url": relay.url, "claim": "wrong" + claim(relay)[5:]},
                consent=Consent("yes"),
            )

    assert not town.home.config.exists()


async def test_a_relay_that_another_claimed_is_not_taken(relay: Relay, town: Town, tmp_path: Path) -> None:
    async with town.core() as door:
        await door.run("relay.connect", {"url": relay.url, "claim": claim(relay)}, consent=Consent("yes"))

    other = Town(tmp_path / "other")
    async with other.core() as door:
        with pytest.raises(Denied):
            await door.run("relay.connect", {"url": relay.url}, consent=Consent("yes"))

    assert not other.home.config.exists()


async def test_a_relay_that_is_not_there_changes_nothing(relay: Relay, town: Town) -> None:
    await relay.kill()
    async with town.core() as door:
        with pytest.raises(Unreachable) as refused:
            await door.run("relay.connect", {"url": relay.url}, consent=Consent("yes"))

    assert refused.value.hint
    assert not town.home.config.exists()


@pytest.mark.parametrize("url", ["", "relay.example.com", "http://relay:9443", "wss://"])
async def test_an_address_that_cannot_work_is_an_error(url: str, town: Town) -> None:
    async with town.core() as door:
        with pytest.raises((BadParams, BadConfig)) as refused:
            await door.run("relay.connect", {"url": url}, consent=Consent("yes"))

    assert refused.value.exit_code == 2
    assert not town.home.config.exists()


async def test_a_claim_is_a_matter_of_trust_and_a_mere_address_is_not(tmp_path: Path) -> None:
    async with small_town(tmp_path) as town, town.core() as door:
        claim = {"url": "wss://127.0.0.1:9", "claim": "code"}
        claiming = await door.run("relay.connect", claim, dry_run=True)
        connecting = await door.run("relay.connect", {"url": "wss://127.0.0.1:9"}, dry_run=True)

    assert (claiming.risk, claiming.phrase) == ("high", "yes")
    assert (connecting.risk, connecting.phrase) == ("low", "")
