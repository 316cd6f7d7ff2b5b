"""An offer of one node's work: believed whole, exactly as it was signed, by exactly the node it is for."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from devopsclaw.model.risk import Effect
from devopsclaw.wire.envelope import (
    BadEnvelope,
    BadSignature,
    CommandParams,
    Envelope,
    Work,
    digest,
    sign_envelope,
)
from devopsclaw.wire.frames import MAX_BODY
from devopsclaw.wire.merkle import Path, Tree, leaf_of
from devopsclaw.wire.offer import NotForNode, Sealed, open_offer, seal_of

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw().hex()
NODES = [f"n_{number}" for number in range(7)]


def work(uid: str, command: str = "uptime") -> Work:
    """What this node is to run."""
    params = CommandParams(command=command, timeout=30, grace=10, output_cap=1000)
    return Work(command=digest(uid.encode())[:32], params=params, salt="5a" * 16)


def execution(command: str = "uptime") -> tuple[list[Sealed], str]:
    """An offer for each node, and the one signature over all."""
    works = [work(uid, command).canonical() for uid in NODES]
    tree = Tree([leaf_of(uid, bytes.fromhex(digest(raw))) for uid, raw in zip(NODES, works, strict=True)])
    envelope = Envelope(
        execution="X-31",
        root=tree.root.hex(),
        effect=Effect.READ,
        not_before=1_800_000_000,
        not_after=1_800_000_600,
        issuer=PUBLIC,
        call="c1",
    ).canonical()
    offers = [Sealed(envelope, tree.path(index), raw) for index, raw in enumerate(works)]
    return offers, sign_envelope(KEY, envelope)


OFFERS, SIGNATURE = execution()


@pytest.mark.parametrize("index", range(len(NODES)))
def test_each_node_reads_its_own_part(index: int) -> None:
    sealed = Sealed.unpack(OFFERS[index].pack())

    offer = open_offer(PUBLIC, NODES[index], sealed, SIGNATURE)

    assert sealed == OFFERS[index]
    assert offer.work == work(NODES[index])
    assert offer.digest == digest(OFFERS[index].work)


@pytest.mark.parametrize("index", range(1, len(NODES)))
def test_no_node_takes_the_part_of_another(index: int) -> None:
    with pytest.raises(NotForNode):
        open_offer(PUBLIC, NODES[0], OFFERS[index], SIGNATURE)
    with pytest.raises(NotForNode):
        open_offer(
            PUBLIC, NODES[0], Sealed(OFFERS[0].envelope, OFFERS[index].path, OFFERS[0].work), SIGNATURE
        )


@given(st.data())
@settings(deadline=None, max_examples=300)
def test_no_changed_byte_passes(data: st.DataObject) -> None:
    body = bytearray(OFFERS[3].pack())
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))

    with pytest.raises(BadEnvelope):
        open_offer(PUBLIC, NODES[3], Sealed.unpack(bytes(body)), SIGNATURE)


@given(st.binary(max_size=200), st.integers(0, 800))
@settings(deadline=None, max_examples=100)
def test_bytes_that_are_added_cut_or_made_up_do_not_pass(more: bytes, kept: int) -> None:
    body = OFFERS[3].pack()

    for wrong in (more, body[: min(kept, len(body) - 1)], body + more + b"x"):
        with pytest.raises(BadEnvelope):
            open_offer(PUBLIC, NODES[3], Sealed.unpack(wrong), SIGNATURE)


def test_work_under_the_root_of_another_execution_is_refused() -> None:
    others, signature = execution("reboot")
    mixed = Sealed(others[0].envelope, others[0].path, OFFERS[0].work)

    with pytest.raises(NotForNode):
        open_offer(PUBLIC, NODES[0], mixed, signature)
    with pytest.raises(BadSignature):
        open_offer(PUBLIC, NODES[0], mixed, SIGNATURE)


def test_what_is_too_large_is_neither_packed_nor_read() -> None:
    with pytest.raises(BadEnvelope, match="at most"):
        Sealed(b"e" * 100, Path(0, b""), b"w" * MAX_BODY).pack()
    with pytest.raises(BadEnvelope, match="at most"):
        Sealed.unpack(bytes(MAX_BODY + 1))


def test_a_seal_is_of_exactly_these_bytes() -> None:
    body = OFFERS[0].pack()

    assert seal_of(body, SIGNATURE) == seal_of(body, SIGNATURE)
    assert len({seal_of(body, SIGNATURE), seal_of(body + b"x", SIGNATURE), seal_of(body, "00")}) == 3
