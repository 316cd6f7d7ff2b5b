"""Which signed bytes a node acts on, check by check, and what each refusal says."""

from __future__ import annotations

from typing import Any

import pytest
from tests.daemon.node_driver import (
    FIRST,
    NODE,
    NOW,
    SECOND,
    admission,
    at,
    cancel,
    machine,
    offer,
    offered,
    sent,
    types,
)

from devopsclaw.daemon.admission import MAX_SKEW, MAX_WINDOW
from devopsclaw.daemon.command import Settled
from devopsclaw.daemon.effects import Rejected
from devopsclaw.model.headers import SignedHeader
from devopsclaw.model.moment import Moment
from devopsclaw.wire.frames import Frame
from devopsclaw.wire.offer import Offer, seal_of


def refusal(changes: dict[str, Any], now: Moment = NOW, incarnation: float = 0.0) -> str:
    """The code with which an offer with these changes is refused as new."""
    with pytest.raises(Rejected) as refused:
        admission(incarnation).check_new(offered(**changes)[0], now)
    return refused.value.code


def refused_offer(frame: Frame, **header: str) -> Rejected:
    """How an offer is refused that is not believed."""
    read = SignedHeader.model_validate({**frame.header, **header})
    with pytest.raises(Rejected) as refused:
        admission().offer(read, frame.body)
    return refused.value


def test_a_right_offer_is_let_in() -> None:
    frame = offer()

    taken = admission().offer(SignedHeader.model_validate(frame.header), frame.body)

    admission().check_new(taken, NOW)
    assert taken == offered()[0]


def test_an_offer_that_is_not_signed_for_us_is_refused() -> None:
    assert refused_offer(offer(), signature="00").code == "bad_signature"
    assert refused_offer(offer(), command=SECOND).code == "bad_envelope"
    assert refused_offer(offer(node="n_another")).code == "wrong_node"
    assert refused_offer(offer(issuer="00" * 32)).code == "bad_envelope"
    assert refused_offer(Frame(offer().type, offer().header, b"")).code == "bad_envelope"


def test_the_signature_is_looked_at_before_anything_it_covers() -> None:
    frame = offer(node="n_another", not_before=0.0, not_after=1.0)

    assert refused_offer(frame, signature="00").code == "bad_signature"
    assert refused_offer(frame).code == "wrong_node"


def test_a_cancel_for_another_node_is_refused() -> None:
    frame = cancel(node="n_other")

    with pytest.raises(Rejected) as refused:
        admission().cancel(SignedHeader.model_validate(frame.header), frame.body)

    assert refused.value.code == "wrong_node"


def test_a_command_starts_only_in_its_time() -> None:
    admission().check_new(offered()[0], at(60))

    assert refusal({}, at(60.1)) == "expired"
    assert refusal({"not_before": NOW.wall + MAX_SKEW + 1, "not_after": NOW.wall + 600}) == "clock_skew"
    assert refusal({"not_after": NOW.wall + MAX_WINDOW + 1}) == "window"


def test_the_controllers_clock_may_be_a_little_ahead() -> None:
    ahead = offered(not_before=NOW.wall + MAX_SKEW - 1, not_after=NOW.wall + 600)[0]

    admission().check_new(ahead, NOW)


def test_a_clock_that_is_behind_is_named_with_its_minutes() -> None:
    with pytest.raises(Rejected) as refused:
        admission().check_new(offered(not_before=NOW.wall + 720, not_after=NOW.wall + 1320)[0], NOW)

    assert refused.value.message.startswith("this node's clock is 12 minutes off, behind")


def test_what_was_issued_before_the_journal_began_may_have_run_and_is_refused() -> None:
    assert refusal({}, incarnation=NOW.wall + 0.1) == "incarnation"
    admission(NOW.wall).check_new(offered()[0], NOW)


def test_an_id_is_new_repeated_or_in_conflict() -> None:
    assert not admission().is_repeated(None, "aa")
    assert admission().is_repeated(Settled("aa", 0.0), "aa")
    assert admission().is_repeated(Settled("", 0.0), "aa")
    with pytest.raises(Rejected, match="another command"):
        admission().is_repeated(Settled("bb", 0.0), "aa")


def test_a_tombstone_outlives_every_offer_of_its_id() -> None:
    latest = NOW.wall + MAX_SKEW + MAX_WINDOW

    assert admission().tombstone_until(NOW) > latest


# At the machine


def test_the_same_work_under_a_new_signature_is_the_same_command() -> None:
    node = machine()
    node.on_frame(offer(), NOW)

    again = node.on_frame(offer(not_before=NOW.wall + 50, not_after=NOW.wall + 650), at(50))

    assert types(again) == ["ACCEPT"]


def test_what_is_known_is_answered_from_the_record_however_late() -> None:
    node = machine()
    node.on_frame(offer(), NOW)

    assert types(node.on_frame(offer(), at(3600))) == ["ACCEPT"]


def test_a_refusal_uses_up_no_id() -> None:
    node = machine()

    assert types(node.on_frame(offer(not_before=0.0, not_after=1.0), NOW)) == ["REJECT"]
    assert "ACCEPT" in types(node.on_frame(offer(), NOW))


def test_the_owner_is_asked_last_and_only_about_what_is_new() -> None:
    asked: list[str] = []

    def forbid(wanted: Offer) -> None:
        asked.append(wanted.work.command)
        raise Rejected("policy", "not here")

    refusing = machine(permit=forbid)
    (frame,) = sent(refusing.on_frame(offer(), NOW))
    refusing.on_frame(offer(not_before=0.0, not_after=1.0), NOW)

    assert (frame.header["code"], frame.header["message"]) == ("policy", "not here")
    assert asked == [FIRST]


def test_a_refusal_names_the_work_it_refuses_once_that_is_known_to_be_the_controllers() -> None:
    late = offer(not_before=0.0, not_after=1.0)
    (frame,) = sent(machine().on_frame(late, NOW))

    assert frame.header["offer"] == offered(not_before=0.0, not_after=1.0)[0].digest
    assert frame.header["at"] == NOW.wall


def test_a_refusal_of_what_anybody_may_have_sent_names_just_those_bytes() -> None:
    frame = offer()
    forged = Frame(frame.type, {**frame.header, "signature": "00"}, frame.body)
    (said,) = sent(machine().on_frame(forged, NOW))

    assert said.header["code"] == "bad_signature"
    assert said.header["offer"] == seal_of(frame.body, "00") != offered()[0].digest


def test_the_node_of_the_driver_is_a_node_among_others() -> None:
    assert offered()[1].path.steps == 1 and NODE != "n_other"
