"""Who is sent a command, as the registry stands at that moment."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.fleet.dispatch_place import Place, key_of, open_place

from devopsclaw.fleet.membership import Registration
from devopsclaw.fleet.presence import Presence
from devopsclaw.fleet.recipients import Recipients
from devopsclaw.fleet.signing import Order, command_id
from devopsclaw.model.errors import NotFound
from devopsclaw.model.risk import Effect
from devopsclaw.model.state import State
from devopsclaw.wire.offer import Sealed, open_offer
from devopsclaw.wire.uid import uid_of

CALL = "c" * 32


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_place(tmp_path) as opened:
        yield opened


@pytest.fixture
def recipients(place: Place) -> Recipients:
    return place.conductor.recipients


async def test_a_part_has_the_nodes_key_and_a_derived_command(place: Place, recipients: Recipients) -> None:
    web = await place.joined("web")
    await place.nodes.register(Registration("new"))

    parts = recipients.parts(CALL, ["web", "new"])

    assert [(part.node, part.uid) for part in parts] == [("web", web.uid), ("new", "")]
    assert [part.command for part in parts] == [command_id(CALL, web.uid), command_id(CALL, "new")]
    assert recipients.parts(CALL, ["web", "new"]) == parts


async def test_a_node_that_does_not_exist_is_an_error(recipients: Recipients) -> None:
    with pytest.raises(NotFound):
        recipients.parts(CALL, ["nowhere"])


async def test_a_node_that_is_there_is_sent_its_command(place: Place, recipients: Recipients) -> None:
    await place.joined("web")

    assert recipients.refusal(recipients.parts(CALL, ["web"])[0]) is None


async def test_a_drained_node_is_skipped(place: Place, recipients: Recipients) -> None:
    await place.joined("web")
    (part,) = recipients.parts(CALL, ["web"])
    await place.nodes.drain("web")

    assert recipients.refusal(part) == (
        State.SKIPPED,
        "web is drained: devopsclaw node undrain web",
    )


async def test_a_node_that_is_gone_is_skipped(place: Place, recipients: Recipients) -> None:
    await place.joined("web")
    (part,) = recipients.parts(CALL, ["web"])
    await place.nodes.remove("web")

    assert recipients.refusal(part) == (State.SKIPPED, "web was removed before its turn came")


async def test_another_key_under_the_same_name_gets_nothing(place: Place, recipients: Recipients) -> None:
    await place.joined("web")
    (part,) = recipients.parts(CALL, ["web"])
    await place.nodes.remove("web")
    other = key_of("somebody else").public
    row = Presence(uid=uid_of(other), name="web", public_key=other.hex(), connected=True, last_seen=1.0)
    await place.nodes.saw([row])

    assert recipients.refusal(part) == (
        State.SKIPPED,
        "web has another key than when the run was planned",
    )


async def test_a_node_that_never_joined_is_unreachable_with_the_way_to_join(
    place: Place, recipients: Recipients
) -> None:
    await place.nodes.register(Registration("web"))
    (part,) = recipients.parts(CALL, ["web"])

    state, reason = recipients.refusal(part) or ("", "")
    assert state is State.UNREACHABLE
    assert reason.endswith("devopsclaw agent-daemon --relay ADDRESS --node-id web")


async def test_what_is_sent_is_signed_for_this_node_alone(place: Place, recipients: Recipients) -> None:
    web = await place.joined("web")
    (part,) = recipients.parts(CALL, ["web"])
    order = Order("X-1", CALL, "uptime", Effect.READ, 10.0, 2.0, 1000)

    command = recipients.batch(order, [part]).command(part, 1000.0)

    sealed = Sealed.unpack(command.body)
    offer = open_offer(key_of("controller").public_hex, web.uid, sealed, command.signature)
    assert (command.id, command.node, offer.work.command) == (part.command, web.uid, part.command)
