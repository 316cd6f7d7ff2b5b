"""The harness is trusted only because it finds these: machines with one planted bug each."""

from __future__ import annotations

import pytest
from tests.simulation.scenario import Plant, run_seed
from tests.simulation.world import Violation

from devopsclaw.daemon.admission import Admission
from devopsclaw.daemon.command import Command, Settled
from devopsclaw.daemon.effects import Effect as NodeEffect
from devopsclaw.daemon.effects import Rejected
from devopsclaw.daemon.effects import Send as NodeSend
from devopsclaw.daemon.ledger import Ledger
from devopsclaw.daemon.machine import NodeMachine
from devopsclaw.daemon.trust import Pinned
from devopsclaw.fleet.delivery import Delivery
from devopsclaw.fleet.effects import Command as FleetCommand
from devopsclaw.fleet.effects import Effect, Moved, Send
from devopsclaw.fleet.session import NodeSession
from devopsclaw.fleet.stream import Kept
from devopsclaw.model.moment import Moment
from devopsclaw.model.state import State
from devopsclaw.wire.envelope import BadEnvelope, Envelope, Work, digest, verify_envelope
from devopsclaw.wire.frames import Frame
from devopsclaw.wire.merkle import leaf_of, root_of
from devopsclaw.wire.offer import Offer, Sealed

NORMAL_SEEDS = 500
"""A bug must be found within the seeds that every run has."""


class AcceptsBeforeSync(NodeMachine):
    """Answers before the journal is durable."""

    def on_frame(self, frame: Frame, now: Moment) -> list[NodeEffect]:
        effects = super().on_frame(frame, now)
        return sorted(effects, key=lambda effect: not isinstance(effect, NodeSend))


class AcknowledgesBeforeSync(Delivery):
    """Lets the node delete before result and output are durable."""

    def on_frame(self, frame: Frame, now: Moment) -> list[Effect]:
        effects = super().on_frame(frame, now)
        return sorted(effects, key=lambda effect: not isinstance(effect, Send))


class ForgetfulLedger(Ledger):
    """Has never seen any id."""

    def known(self, command_id: str) -> Command | Settled | None:
        return None


class NeverSeenBefore(NodeMachine):
    """Takes every offer for a new one."""

    def __init__(self, admission: Admission, boot: str) -> None:
        super().__init__(admission, boot)
        self._ledger = ForgetfulLedger()


class RetriesUnknown(Delivery):
    """Sends again what nobody knows the end of."""

    def on_tick(self, now: Moment) -> list[Effect]:
        effects = super().on_tick(now)
        lost = [each.command for each in effects if isinstance(each, Moved) and each.state is State.UNKNOWN]
        entries = [entry for entry in map(self._book.find, lost) if entry is not None]
        return effects + [self._orders.offer(entry.command) for entry in entries]


def takes_every_epoch(self: NodeSession, epoch: int, seq: int) -> bool:
    """No fence."""
    self.seq = seq
    return True


CHECKED_TAKE = Kept.take


def takes_any_offset(self: Kept, offset: int, data: bytes) -> bytes:
    """Appends whatever comes."""
    return CHECKED_TAKE(self, self.offset, data)


class BelievesAnySignature(Pinned):
    """Reads what is offered to it, whoever signed it."""

    def offer(self, uid: str, sealed: Sealed, signature: str) -> Offer:
        offer = unchecked(sealed)
        if root_of(leaf_of(uid, bytes.fromhex(offer.digest)), sealed.path).hex() != offer.envelope.root:
            raise Rejected("wrong_node", "it is not for this node")
        return offer


class BelievesAnyLeaf(Pinned):
    """Checks the signature, and runs whatever comes with it."""

    def offer(self, uid: str, sealed: Sealed, signature: str) -> Offer:
        offer = unchecked(sealed)
        try:
            verify_envelope(self.root, sealed.envelope, signature)
        except BadEnvelope as wrong:
            raise Rejected("bad_signature", str(wrong)) from wrong
        return offer


def unchecked(sealed: Sealed) -> Offer:
    """What the bytes say."""
    try:
        sealed.path.check()
        return Offer(Envelope.parse(sealed.envelope), Work.parse(sealed.work), digest(sealed.work))
    except ValueError as wrong:
        raise Rejected("bad_envelope", str(wrong)) from wrong


def found_by(plant: Plant) -> str:
    """The story of the first seed that finds the bug; empty where none does."""
    for seed in range(NORMAL_SEEDS):
        try:
            run_seed(seed, plant)
        except Violation as violation:
            return str(violation)
    return ""


def test_an_accept_before_the_journal_is_durable_is_found() -> None:
    assert "VIOLATION of I3" in found_by(Plant(node=AcceptsBeforeSync))


def test_an_acknowledgement_before_the_result_is_durable_is_found() -> None:
    assert "VIOLATION of I4" in found_by(Plant(delivery=AcknowledgesBeforeSync))


def test_a_node_that_does_not_recognise_a_repeated_offer_is_found() -> None:
    assert "VIOLATION of I1" in found_by(Plant(node=NeverSeenBefore))


def test_a_retry_of_the_unknown_is_found() -> None:
    assert "VIOLATION of I6" in found_by(Plant(delivery=RetriesUnknown))


def test_a_missing_epoch_fence_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NodeSession, "takes", takes_every_epoch)

    assert "VIOLATION of I13" in found_by(Plant())


def test_offsets_that_are_not_checked_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Kept, "take", takes_any_offset)

    assert "VIOLATION" in found_by(Plant())


def test_a_signature_that_is_not_checked_is_found() -> None:
    assert "VIOLATION of I2" in found_by(Plant(trust=BelievesAnySignature))


def test_a_leaf_that_is_not_checked_is_found() -> None:
    assert "VIOLATION of I2" in found_by(Plant(trust=BelievesAnyLeaf))


def test_a_window_that_is_ignored_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Admission, "_check_window", lambda self, not_before, not_after, wall: None)

    assert "VIOLATION of I9" in found_by(Plant())


def test_a_controller_that_believes_what_no_node_signed_is_found() -> None:
    assert "VIOLATION of I15" in found_by(Plant(is_credulous=True))


def test_a_refusal_that_is_believed_whatever_it_refuses_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(FleetCommand, "is_named", lambda self, offer: True)

    assert "VIOLATION of truth" in found_by(Plant())


def test_a_failing_seed_tells_its_story() -> None:
    story = found_by(Plant(node=NeverSeenBefore))

    assert story.startswith("seed ")
    assert "OFFER" in story
    assert "starts again" in story.splitlines()[-1]
