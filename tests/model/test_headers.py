"""Headers are read once, at the border."""

from __future__ import annotations

import hashlib

import pytest
from pydantic import BaseModel, ValidationError

from devopsclaw.model.headers import (
    EMPTY_SHA256,
    CreditHeader,
    DoneHeader,
    GapHeader,
    OutputHeader,
    ReconcileHeader,
    Report,
    StandingHeader,
)
from devopsclaw.model.state import State

ABOUT = {"node": "n_a", "epoch": 1, "seq": 1, "command": "1" * 32}


def test_the_empty_digest_is_that_of_nothing() -> None:
    assert hashlib.sha256(b"").hexdigest() == EMPTY_SHA256


@pytest.mark.parametrize(
    ("model", "fields"),
    [
        (OutputHeader, {**ABOUT, "stream": "stdout", "offset": -1}),
        (OutputHeader, {**ABOUT, "stream": "stdin", "offset": 0}),
        (OutputHeader, {**ABOUT, "stream": "stdout", "offset": "0"}),
        (OutputHeader, {**ABOUT, "command": "../../etc", "stream": "stdout", "offset": 0}),
        (CreditHeader, {"node": "n_a", "command": "1" * 32, "stdout": 1.5, "stderr": 0}),
        (ReconcileHeader, {"node": "n_a", "serial": 1, "commands": [{"command": "1" * 32}]}),
        (StandingHeader, {**ABOUT, "serial": 1, "incarnation": 0, "commands": [{"state": "running"}]}),
        (DoneHeader, {**ABOUT, "status": "running"}),
        (DoneHeader, {**ABOUT, "status": "ok", "gaps": [["stdout", 1]]}),
    ],
)
def test_a_header_of_the_wrong_shape_is_refused(model: type[BaseModel], fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        model.model_validate(fields)


def test_a_newer_peer_may_say_more() -> None:
    assert (
        OutputHeader.model_validate({**ABOUT, "stream": "stdout", "offset": 0, "colour": "red"}).offset == 0
    )


def test_a_report_goes_through_a_header_and_back() -> None:
    report = Report(status=State.FAILED, exit_code=3, gaps=(("stdout", 4, 9),), left=("7 sleep",))

    read = DoneHeader.model_validate({**ABOUT, **report.as_fields()})

    assert read.report() == report
    assert "signature" not in report.as_fields()


def test_the_signature_stays_with_the_report() -> None:
    signed = DoneHeader.model_validate({**ABOUT, "status": "ok", "signature": "ab"}).report()

    assert signed.as_fields()["signature"] == "ab"


@pytest.mark.parametrize("offset", [2**53 + 1, 2**63 - 1, -1])
def test_an_offset_that_no_disk_has_is_no_header(offset: int) -> None:
    fields = {"node": "n", "epoch": 1, "seq": 1, "command": "0" * 32, "stream": "stdout"}

    with pytest.raises(ValueError, match="offset"):
        OutputHeader.model_validate({**fields, "offset": offset})
    with pytest.raises(ValueError, match="end"):
        GapHeader.model_validate({**fields, "start": 0, "end": offset})


@pytest.mark.parametrize("moment", [1e300, 1e12, -1.0, float("nan"), float("inf")])
def test_a_start_that_no_calendar_shows_is_no_report(moment: float) -> None:
    with pytest.raises(ValueError, match="started_at"):
        Report.model_validate({"status": "ok", "started_at": moment})
