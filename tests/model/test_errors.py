"""Errors over a socket: what was said comes back as it was, of its own class."""

from __future__ import annotations

import json

import pytest

from devopsclaw.model import errors
from devopsclaw.model.errors import (
    ApprovalNeeded,
    BadTarget,
    Busy,
    ClawError,
    CoreEnded,
    Unreachable,
    from_wire,
)

KINDS = [
    each
    for each in vars(errors).values()
    if isinstance(each, type) and issubclass(each, ClawError) and each is not ApprovalNeeded
]


def sent(error: ClawError) -> ClawError:
    """The error as the other side has it."""
    return from_wire(json.loads(json.dumps(error.as_wire())))


@pytest.mark.parametrize("kind", KINDS)
def test_each_error_comes_back_with_all_it_says(kind: type[ClawError]) -> None:
    error = sent(kind("what happened", hint="what to do", identifier="E-7"))

    assert error.as_json() == kind("what happened", hint="what to do", identifier="E-7").as_json()
    assert error.exit_code == kind.exit_code
    assert type(error).code == kind.code


def test_classes_of_one_code_come_back_as_the_widest() -> None:
    by_code: dict[str, type[ClawError]] = {}
    for kind in KINDS:
        by_code.setdefault(kind.code, kind)

    assert {code: type(sent(kind("x"))) for code, kind in by_code.items()} == by_code
    assert type(sent(CoreEnded("x"))) is Unreachable


def test_what_needs_a_yes_comes_back_with_what_has_to_be_confirmed() -> None:
    needed = ApprovalNeeded(
        "needs a yes", hint="--confirm", risk="critical", digest="d" * 64, phrase="prod:43"
    )

    error = sent(needed)

    assert isinstance(error, ApprovalNeeded)
    assert vars(error) == vars(needed)


def test_an_error_of_a_newer_version_is_still_one_with_its_words() -> None:
    error = from_wire({"code": "too_hot", "message": "it burns", "hint": "water"})

    assert type(error) is ClawError
    assert (error.message, error.hint, error.exit_code) == ("it burns", "water", 1)


def test_an_error_that_says_nothing_is_still_one() -> None:
    assert type(from_wire({})) is ClawError


def test_subclasses_are_told_apart() -> None:
    assert type(sent(BadTarget("x"))) is BadTarget
    assert type(sent(Busy("x"))) is Busy
