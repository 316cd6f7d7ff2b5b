"""One line of a checkup: what was looked at, how it is, and what to type where it is not well."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from devopsclaw.model.value import Value

Status = Literal["ok", "warning", "problem"]


class Checked(Value):
    """What one check found."""

    check: str = Field(description="What was looked at, as relay tls.")
    status: Status = Field(description="ok, warning or problem.")
    text: str = Field(description="What was found.")
    fix: str = Field(default="", description="What to type; empty where there is nothing to do.")


def well(check: str, text: str) -> Checked:
    """Nothing to do."""
    return Checked(check=check, status="ok", text=text)


def warned(check: str, text: str, fix: str) -> Checked:
    """It works, and should be better."""
    return Checked(check=check, status="warning", text=text, fix=fix)


def wrong(check: str, text: str, fix: str) -> Checked:
    """It does not work, or is not safe."""
    return Checked(check=check, status="problem", text=text, fix=fix)
