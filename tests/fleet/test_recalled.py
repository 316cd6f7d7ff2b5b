"""Which old report a node may be told to delete: one that was taken, or one of what never ran."""

from __future__ import annotations

import pytest

from devopsclaw.fleet.recalled import is_taken
from devopsclaw.model.headers import Report
from devopsclaw.model.state import State

RAN = Report(status=State.OK, exit_code=0, stdout_length=3, gaps=(("stdout", 1, 2),), signature="aa")


def test_a_report_that_is_on_record_is_taken_whoever_signed_it_when() -> None:
    stored = RAN.model_copy(update={"signature": "bb"}).as_fields()

    assert is_taken(RAN, [{"status": "ok", "report": stored}])


@pytest.mark.parametrize(
    "ended",
    [
        {"status": "denied", "reason": "somebody said so"},
        {"status": "ok", "report": Report(status=State.OK, exit_code=0).as_fields()},
    ],
)
def test_a_report_that_is_not_on_record_is_not_taken(ended: dict[str, object]) -> None:
    assert not is_taken(RAN, [ended])


@pytest.mark.parametrize("status", [State.CANCELLED, State.DENIED, State.EXPIRED])
def test_nothing_is_lost_with_what_never_ran(status: State) -> None:
    never = Report.model_validate({"status": status})

    assert is_taken(never, [{"status": "unknown"}])
