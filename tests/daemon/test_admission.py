"""Which signed bytes a node acts on."""

from __future__ import annotations

from typing import Any

import pytest
from tests.daemon.node_driver import (
    NODE,
    NOW,
    SECOND,
    at,
    cancel,
    check_cancel,
    check_envelope,
    envelope,
    offer,
)

from devopsclaw.daemon.admission import MAX_SKEW, MAX_WINDOW, Admission
from devopsclaw.daemon.command import Settled
from devopsclaw.daemon.effects import Rejected
from devopsclaw.model.headers import SignedHeader
from devopsclaw.model.moment import Moment


def admission(incarnation: float = 0.0) -> Admission:
    """Ours."""
    return Admission(NODE, incarnation, check_envelope, check_cancel)


def refusal(changes: dict[str, Any], now: Moment = NOW, incarnation: float = 0.0) -> str:
    """The code with which an envelope with these changes is refused as new."""
    with pytest.raises(Rejected) as refused:
        admission(incarnation).check_new(envelope(**changes), now)
    return refused.value.code


def test_a_right_envelope_is_let_in() -> None:
    frame = offer()

    taken = admission().envelope(SignedHeader.model_validate(frame.header), frame.body, NOW)

    admission().check_new(taken, NOW)
    assert taken == envelope()


@pytest.mark.parametrize(
    ("header", "body", "code"),
    [
        ({"signature": "00"}, offer().body, "bad_signature"),
        ({"command": SECOND}, offer().body, "bad_envelope"),
        (offer(node="n_other").header, offer(node="n_other").body, "wrong_node"),
    ],
)
def test_an_offer_that_is_not_signed_for_us_is_refused(
    header: dict[str, str], body: bytes, code: str
) -> None:
    read = SignedHeader.model_validate({**offer().header, **header})

    with pytest.raises(Rejected) as refused:
        admission().envelope(read, body, NOW)

    assert refused.value.code == code
    assert refused.value.message


def test_a_cancel_for_another_node_is_refused() -> None:
    frame = cancel(node="n_other")

    with pytest.raises(Rejected) as refused:
        admission().cancel(SignedHeader.model_validate(frame.header), frame.body, NOW)

    assert refused.value.code == "wrong_node"


def test_a_command_starts_only_in_its_time() -> None:
    admission().check_new(envelope(), at(60))

    assert refusal({}, at(60.1)) == "expired"
    assert refusal({"not_before": NOW.wall + MAX_SKEW + 1, "not_after": NOW.wall + 600}) == "clock_skew"
    assert refusal({"not_after": NOW.wall + MAX_WINDOW + 1}) == "window"


def test_the_controllers_clock_may_be_a_little_ahead() -> None:
    admission().check_new(envelope(not_before=NOW.wall + MAX_SKEW - 1, not_after=NOW.wall + 600), NOW)


def test_what_was_issued_before_the_journal_began_may_have_run_and_is_refused() -> None:
    assert refusal({}, incarnation=NOW.wall + 0.1) == "incarnation"
    admission(NOW.wall).check_new(envelope(), NOW)


def test_an_id_is_new_repeated_or_in_conflict() -> None:
    assert not admission().is_repeated(None, "aa")
    assert admission().is_repeated(Settled("aa", 0.0), "aa")
    assert admission().is_repeated(Settled("", 0.0), "aa")
    with pytest.raises(Rejected, match="another command"):
        admission().is_repeated(Settled("bb", 0.0), "aa")


def test_a_tombstone_outlives_every_offer_of_its_id() -> None:
    latest = NOW.wall + MAX_SKEW + MAX_WINDOW

    assert admission().tombstone_until(NOW) > latest
