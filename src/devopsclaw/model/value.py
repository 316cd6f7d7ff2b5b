"""The base of every pydantic model here: checked when a value is made, its checker built when first used."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Value(BaseModel):
    """Building a checker takes half a millisecond, and a command that runs uses few of the hundred there are.

    What a subclass sets in `model_config` is added to this.
    """

    model_config = ConfigDict(defer_build=True)
