"""Tokens, accepting, releasing and saving keys, at a core with a real relay and real daemons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.assembly.small_town import Town, small_town

from devopsclaw.core.door import LocalDoor
from devopsclaw.model.call import Consent
from devopsclaw.model.errors import ApprovalNeeded, BadParams, Denied, NotFound, Unreachable
from devopsclaw.model.plan import Plan
from devopsclaw.wire.jointoken import JoinToken, hash_of

YES = Consent("yes")


async def create(door: LocalDoor, **params: Any) -> Any:
    """A new token."""
    return await door.run("node.token.create", params, consent=YES)


async def test_a_token_names_relay_and_root_and_is_listed_without_its_secret(tmp_path: Path) -> None:
    async with small_town(tmp_path, "web-1") as town, town.core() as door:
        made = await create(door, name="db-*", uses=2, tags=("env=prod",))
        listed = await door.run("node.token.list", {})
        audit = await door.run("audit.list", {"action": "node.token.create"})
        root = town.nodes["web-1"].obeys

    token = JoinToken.parse(made.token)
    assert made.text() == made.token
    assert town.relay.running and token.relay_key == town.relay.running.public_key
    assert token.root_hash == hash_of(root)
    assert (made.uses, made.labels, made.name) == (2, {"env": "prod"}, "db-*")
    (item,) = listed.items
    assert (item.id, item.state, item.left) == (token.id, "good", "2/2")
    secret = made.token.rsplit(".", 1)[1]
    assert secret not in json.dumps([listed.as_json(), audit.as_json()]) + repr(made)


async def test_trust_is_never_changed_without_a_person_s_yes(tmp_path: Path) -> None:
    async with small_town(tmp_path, "web-1") as town, town.core() as door:
        for name, params in (("node.token.create", {}), ("keys.export", {"file": "-"})):
            with pytest.raises(ApprovalNeeded) as needed:
                await door.run(name, params)
            assert needed.value.risk == "high"
        plan = await door.run("node.token.create", {"tags": ["env=prod"]}, dry_run=True)

    assert isinstance(plan, Plan)
    assert plan.environments == ("prod",) and "within 15m" in plan.steps[0]


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"ttl": "soon"}, "no length of time"),
        ({"ttl": "0s"}, "not between 1s and 30d"),
        ({"ttl": "31d"}, "not between 1s and 30d"),
        ({"uses": 0}, "not between 1 and"),
        ({"uses": 1001}, "not between 1 and"),
        ({"name": "web[1]"}, "no pattern for names"),
        ({"name": ""}, "no pattern for names"),
        ({"tags": ["env"]}, "is no label"),
    ],
)
async def test_a_token_that_cannot_be_meant_is_not_made(
    params: dict[str, Any], words: str, tmp_path: Path
) -> None:
    async with Town(tmp_path).core() as door:
        with pytest.raises(BadParams, match=words):
            await create(door, **params)


async def test_without_a_relay_there_is_nothing_to_join(tmp_path: Path) -> None:
    async with Town(tmp_path).core() as door:
        with pytest.raises(Unreachable, match="no connection to a relay"):
            await create(door)
        assert (await door.run("node.token.list", {})).items == []
        with pytest.raises(NotFound):
            await door.run("node.token.revoke", {"id": "4f1c"}, consent=YES)


async def test_a_node_that_does_not_wait_is_neither_accepted_nor_released(tmp_path: Path) -> None:
    async with small_town(tmp_path, "web-1") as town, town.core() as door:
        await town.all_online(door, "web-1")
        with pytest.raises(BadParams, match="does not wait"):
            await door.run("node.accept", {"name": "web-1"}, consent=YES)
        with pytest.raises(BadParams, match="is not quarantined"):
            await door.run("node.release", {"name": "web-1"}, consent=YES)


async def test_keys_are_printed_sealed_and_the_core_notes_that_they_were_saved(tmp_path: Path) -> None:
    town = Town(tmp_path)
    async with town.core() as door:
        params = {"file": "-", "passphrase": "correct horse battery"}
        saved = await door.run("keys.export", params, consent=YES)
        audit = await door.run("audit.list", {"action": "keys.export"})

    marker = json.loads((town.home.keys / "exported.json").read_text())
    assert json.loads(saved.text())["public_key"] == marker["fingerprint"]
    assert "correct horse" not in json.dumps(audit.as_json())


async def test_keys_need_a_passphrase_and_a_file_that_is_one(tmp_path: Path) -> None:
    town = Town(tmp_path)
    other = tmp_path / "other"
    other.write_text("{}")
    async with town.core() as door:
        with pytest.raises(BadParams, match="at least 12 characters"):
            await door.run("keys.export", {"file": str(tmp_path / "new")}, consent=YES)
        with pytest.raises(BadParams, match="exists"):
            await door.run("keys.export", {"file": str(other)}, consent=YES)
        with pytest.raises(BadParams, match="no file of exported keys"):
            await door.run("keys.import", {"file": str(other)}, consent=YES)
        with pytest.raises(BadParams, match="cannot be read"):
            await door.run("keys.import", {"file": str(tmp_path / "none")}, consent=YES)

    assert not (town.home.keys / "exported.json").exists()


async def test_a_key_that_is_in_use_is_not_replaced_unasked(tmp_path: Path) -> None:
    file, words = tmp_path / "saved", "correct horse battery"
    async with Town(tmp_path / "one").core() as door:
        await door.run("keys.export", {"file": str(file), "passphrase": words}, consent=YES)
    async with small_town(tmp_path / "two", "web-1") as town, town.core() as door:
        with pytest.raises(Denied, match="its key is in use"):
            await door.run("keys.import", {"file": str(file), "passphrase": words}, consent=YES)
        assert not list(town.home.keys.glob("*replaced*"))
